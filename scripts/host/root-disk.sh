#!/usr/bin/env bash
# Prints the root disk that a guest of the lab has on this host, for a run whose state does not know it: the name of
# its volume, and the image it stands on as `qemu-img info` has it, in JSON. Nothing where its disk is no volume of
# the lab's pool: the domain's contract then says what it is.
#   root-disk.sh DOMAIN POOL GUEST   POOL: the pool's folder
set -euo pipefail

readonly ME=root-disk
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

domain=${1:?domain} pool=${2:?pool} guest=${3:?guest}
file=$(virsh --quiet --connect qemu:///system domblklist --inactive --details --domain "$domain" |
  sed -nE 's/^ *file +disk +vda +(.*)$/\1/p')
[[ ${file%/*} == "$pool" && ${file##*/} == "$guest"-vm-*.qcow2 ]] || exit 0
as_root test -f "$file" -a ! -L "$file" || exit 0
as_root qemu-img info --force-share --output=json -- "$file"
