#!/usr/bin/env bash
# Makes way for a resource that Pulumi is about to create and does not know. A run that was killed
# between libvirt's answer and Pulumi's note leaves one; so does a lost state file.
#   orphan.sh domain NAME STACK GUEST   a domain with our mark is shut down and forgotten; its disks stay
#   orphan.sh seed POOL NAME            a seed image, whose name is its content, is removed
#   orphan.sh pool NAME PATH            a pool on our folder is forgotten; what lies in it stays
#   orphan.sh network NAME              a network of that name is refused
# Whatever is not ours is refused, with its owner.
set -euo pipefail

readonly ME=orphan
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

readonly SHUTDOWN_SECONDS=60

virsh() { command virsh --quiet --connect qemu:///system "$@"; }

orphan_domain() {
  local name=$1 mark owner try
  virsh dominfo "$name" >/dev/null 2>&1 || return 0
  mark=$(virsh metadata --domain "$name" --uri urn:mirlab:1 2>/dev/null | tr -d '\n' || true)
  owner=$(sed -n 's|.*<stack>\([^<]*\)</stack>.*<guest>\([^<]*\)</guest>.*|\1 \2|p' <<<"${mark//mirlab:/}")
  [[ $owner == "$2 $3" ]] ||
    die "found a domain $name of ${owner:-somebody else}, required the name free; rename it with 'virsh domrename', or choose another stack or guest name"
  say "found domain $name of this lab, unknown to Pulumi; forgetting it, its disks stay"
  if [[ $(virsh domstate "$name") != 'shut off' ]]; then
    virsh shutdown "$name" || true
    for ((try = 0; try < SHUTDOWN_SECONDS; try++)); do
      [[ $(virsh domstate "$name") != 'shut off' ]] || break
      sleep 1
    done
    [[ $(virsh domstate "$name") == 'shut off' ]] || virsh destroy "$name"
  fi
  virsh undefine --domain "$name" --managed-save
}

orphan_seed() {
  virsh vol-info --pool "$1" "$2" >/dev/null 2>&1 || return 0
  say "found seed $2, unknown to Pulumi; making it anew"
  virsh vol-delete --pool "$1" "$2"
}

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
  ! virsh net-info "$1" >/dev/null 2>&1 ||
    die "found a network $1, required the name free; remove it with 'virsh net-undefine $1' if it is of an interrupted run, or choose another stack name"
}

case "${1-} $#" in
  'domain 4' | 'seed 3' | 'pool 3' | 'network 2') "orphan_$1" "${@:2}" ;;
  *) die "found arguments '$*', required domain NAME STACK GUEST, seed POOL NAME, pool NAME PATH or network NAME" ;;
esac
