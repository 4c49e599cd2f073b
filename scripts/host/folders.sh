#!/usr/bin/env bash
# The lab's folders on the host.
#   folders.sh make DATA STACK              DATA/STACK with its mark and its pool, log and share folders
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

# The mark of a lab: the pool and its volumes have no metadata of their own in libvirt 9.0.
readonly MARK=.mirlab-stack

# Refuses a folder that is not this stack's. One that holds nothing but a lab's own folders was made
# by a version without marks, or by a run that was cut off.
claim() { # claim FOLDER STACK
  local owner other
  if as_root test -e "$1/$MARK"; then
    owner=$(as_root head -c 64 -- "$1/$MARK" | head -n 1)
    [[ $owner == "$2" ]] ||
      die "found $1 marked as of stack '$owner', required a folder of stack '$2'; choose another stack name or host.dataDir"
    return
  fi
  if as_root test -e "$1"; then
    other=$(as_root find "$1" -mindepth 1 -maxdepth 1 ! -name pool ! -name log ! -name shares ! -name "$MARK.new" -printf '%f\n' -quit)
    [[ -z $other ]] ||
      die "found $1 with $other in it and no mark of a lab, required an empty folder or one of stack '$2'; choose another stack name or host.dataDir, or give it to this lab: echo $2 | sudo tee $1/$MARK"
  fi
}

make() {
  claim "$1/$2" "$2"
  # Every component can be passed, none can be listed by others: pools hold seeds.
  # Whose the folder above is, is not the lab's to say.
  as_root install -d -m 0755 "$1"
  as_root install -d -o root -g root -m 0711 "$1/$2" "$1/$2/pool" "$1/$2/log" "$1/$2/shares"
  printf '%s\n' "$2" | as_root tee "$1/$2/$MARK.new" >/dev/null
  as_root chmod 0644 "$1/$2/$MARK.new"
  as_root mv -f -- "$1/$2/$MARK.new" "$1/$2/$MARK"
}

remove() {
  [[ ! -f $1/$2/$MARK ]] || claim "$1/$2" "$2"
  as_root find "$1/$2/log" -maxdepth 1 -type f -name '*.serial.log*' -delete 2>/dev/null || true
  local folder
  for folder in "$1/$2/pool" "$1/$2/log" "$1/$2/shares" "$1/$2" "$1"; do
    [[ -d $folder ]] || continue
    # The mark goes last: what is kept stays marked.
    [[ $folder != "$1/$2" || $(as_root ls -A -- "$folder") != "$MARK" ]] || as_root rm -f -- "$folder/$MARK"
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
