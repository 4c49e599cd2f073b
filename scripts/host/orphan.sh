#!/usr/bin/env bash
# Removes a pool or network of this lab that Pulumi is about to create but does not know. It exists if
# a run was killed between libvirt's answer and Pulumi's write of the state, or if the state is lost.
#   orphan.sh pool NAME PATH      undefines a pool on the lab's folder; its volumes stay
#   orphan.sh network NAME STACK  undefines a network with the lab's mark
# Refuses a pool or network of somebody else. For a domain see components/domain/contract.provider.ts.
set -euo pipefail

readonly ME=orphan
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=virsh.sh
declare -F libvirt_has >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/virsh.sh"

virsh() { command virsh --quiet --connect qemu:///system "$@"; }

orphan_pool() {
  local path
  libvirt_has pool "$1" || return 0
  path=$(virsh pool-dumpxml "$1" | sed -n 's|.*<path>\(.*\)</path>.*|\1|p' | head -n 1)
  [[ $path == "$2" ]] || die "found a pool $1 on $path; need the name free or the pool on $2; fix: choose another stack name"
  say "found pool $1 of this lab, unknown to Pulumi; defining it again, its volumes stay"
  ! libvirt_runs pool "$1" || virsh pool-destroy "$1"
  virsh pool-undefine "$1"
}

orphan_network() {
  local owner none=''
  libvirt_has network "$1" || return 0
  owner=$(virsh net-dumpxml --inactive "$1" | sed -n 's|.*<mirlab:stack>\(.*\)</mirlab:stack>.*|\1|p' | head -n 1)
  [[ -n $owner ]] || none="without a lab's mark"
  [[ $owner == "$2" ]] ||
    die "found a network $1 ${owner:+of stack $owner}${none}; need the name free; fix: choose another stack name, or remove the network: virsh net-destroy $1; virsh net-undefine $1"
  say "found network $1 of this lab, unknown to Pulumi; defining it again"
  ! libvirt_runs network "$1" || virsh net-destroy "$1"
  virsh net-undefine "$1"
}

case "${1-} $#" in
  'pool 3' | 'network 3') "orphan_$1" "${@:2}" ;;
  *) die "found arguments '$*'; need pool NAME PATH or network NAME STACK" ;;
esac
