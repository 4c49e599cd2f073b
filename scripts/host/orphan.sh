#!/usr/bin/env bash
# Makes way for a resource that Pulumi is about to create and does not know. A run that was killed
# between libvirt's answer and Pulumi's note leaves one; so does a lost state file.
#   orphan.sh pool NAME PATH   a pool on our folder is forgotten; what lies in it stays
#   orphan.sh network NAME     a network of that name is refused
# Whatever is not ours is refused. A domain is taken over instead (io/domainContract.ts).
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
  ! virsh net-info "$1" >/dev/null 2>&1 ||
    die "found a network $1, required the name free; remove it with 'virsh net-undefine $1' if it is of an interrupted run, or choose another stack name"
}

case "${1-} $#" in
  'pool 3' | 'network 2') "orphan_$1" "${@:2}" ;;
  *) die "found arguments '$*', required pool NAME PATH or network NAME" ;;
esac
