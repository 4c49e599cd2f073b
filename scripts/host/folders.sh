#!/usr/bin/env bash
# The lab's folders on the host.
#   folders.sh make DATA STACK              DATA/STACK with its pool, log and share folders
#   folders.sh remove DATA STACK            removes those that are empty, and the logs
#   folders.sh make-share DATA STACK GUEST  a share that QEMU's user can write; prints its path
#   folders.sh remove-share DATA STACK GUEST  removes it if it is empty; else says what is kept
set -euo pipefail

readonly ME=folders
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# QEMU runs as this user when libvirt starts it; the group is the one that may manage labs.
readonly QEMU_USER=libvirt-qemu
readonly LAB_GROUP=libvirt

make() {
  # Every component can be passed, none can be listed by others: pools hold seeds.
  # Whose the folder above is, is not the lab's to say.
  as_root install -d -m 0755 "$1"
  as_root install -d -o root -g root -m 0711 "$1/$2" "$1/$2/pool" "$1/$2/log" "$1/$2/shares"
}

remove() {
  as_root find "$1/$2/log" -maxdepth 1 -type f -name '*.serial.log*' -delete 2>/dev/null || true
  local folder
  for folder in "$1/$2/pool" "$1/$2/log" "$1/$2/shares" "$1/$2" "$1"; do
    [[ -d $folder ]] || continue
    as_root rmdir --ignore-fail-on-non-empty "$folder"
    [[ ! -d $folder ]] || say "kept $folder: it is not empty"
  done
}

make-share() {
  id "$QEMU_USER" >/dev/null 2>&1 || die "found no user $QEMU_USER, required libvirt's QEMU user; install libvirt-daemon-system"
  make "$1" "$2"
  # setgid: what a person puts there keeps the group through which QEMU reads it.
  as_root install -d -o "$QEMU_USER" -g "$LAB_GROUP" -m 2770 "$1/$2/shares/$3"
  printf '%s\n' "$1/$2/shares/$3"
}

remove-share() {
  local folder=$1/$2/shares/$3
  [[ -d $folder ]] || return 0
  as_root rmdir --ignore-fail-on-non-empty "$folder"
  [[ ! -d $folder ]] || say "kept $folder: it is not empty, and its files are yours"
}

case ${1-} in
  make | remove) (($# == 3)) || die "found $# arguments, required VERB DATA STACK" ;;
  make-share | remove-share) (($# == 4)) || die "found $# arguments, required VERB DATA STACK GUEST" ;;
  *) die "found verb '${1-}', required make, remove, make-share or remove-share" ;;
esac
"$@"
