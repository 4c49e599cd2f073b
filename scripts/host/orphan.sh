#!/usr/bin/env bash
# Makes way for a resource that Pulumi is about to create and does not know. A run that was killed
# between libvirt's answer and Pulumi's note leaves one; so does a lost state file.
#   orphan.sh pool NAME PATH      a pool on our folder is forgotten; what lies in it stays
#   orphan.sh network NAME STACK  a network with our mark is forgotten
#   orphan.sh plug NAME           plugs running guests into the network again, when it was made anew
# Whatever is not ours is refused. A domain is taken over instead (components/domain/contract.provider.ts).
set -euo pipefail

readonly ME=orphan
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

virsh() { command virsh --quiet --connect qemu:///system "$@"; }

orphan_pool() {
  local path
  virsh pool-info "$1" >/dev/null 2>&1 || return 0
  path=$(virsh pool-dumpxml "$1" | sed -n 's|.*<path>\(.*\)</path>.*|\1|p' | head -n 1)
  [[ $path == "$2" ]] || die "found a pool $1 on $path, required the name free or the pool on $2; choose another stack name"
  say "found pool $1 of this lab, unknown to Pulumi; defining it anew, its volumes stay"
  virsh pool-destroy "$1" 2>/dev/null || true
  virsh pool-undefine "$1"
}

orphan_network() {
  local owner none=''
  virsh net-info "$1" >/dev/null 2>&1 || return 0
  owner=$(virsh net-dumpxml --inactive "$1" | sed -n 's|.*<mirlab:stack>\(.*\)</mirlab:stack>.*|\1|p' | head -n 1)
  [[ -n $owner ]] || none="without a lab's mark"
  [[ $owner == "$2" ]] ||
    die "found a network $1 ${owner:+of stack $owner}${none}, required the name free; choose another stack name, or give the name to this lab: virsh net-destroy $1; virsh net-undefine $1"
  say "found network $1 of this lab, unknown to Pulumi; making it anew"
  virsh net-destroy "$1" 2>/dev/null || true
  virsh net-undefine "$1"
}

# A bridge that is made anew has no ports, whatever runs.
orphan_plug() {
  local bridge domain tap source
  bridge=$(virsh net-info "$1" | sed -n 's/^Bridge: *//p')
  [[ -n $bridge ]] || die "found no bridge of network $1, required one; see 'virsh net-info $1'"
  while read -r domain; do
    [[ -n $domain ]] || continue
    while read -r tap _ source _; do
      [[ $source == "$1" && $tap == vnet* ]] || continue
      as_root ip link set dev "$tap" master "$bridge"
      say "plugged $domain into $1 again"
    done < <(virsh domiflist "$domain")
  done < <(virsh list --name)
}

case "${1-} $#" in
  'pool 3' | 'network 3' | 'plug 2') "orphan_$1" "${@:2}" ;;
  *) die "found arguments '$*', required pool NAME PATH, network NAME STACK or plug NAME" ;;
esac
