#!/usr/bin/env bash
# The lab's folders on the host.
#   folders.sh make DATA STACK OWNER        DATA/STACK with its mark and its pool, log and share folders
#   folders.sh remove DATA STACK OWNER      removes those that are empty, and the logs
#   folders.sh make-share DATA STACK OWNER GUEST    a share that QEMU's user can write; prints its path
#   folders.sh remove-share DATA STACK OWNER GUEST  removes it if it is empty; else says what is kept
set -euo pipefail

readonly ME=folders
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# QEMU runs as this user when libvirt starts it; the group is the one that may manage labs.
readonly QEMU_USER=libvirt-qemu
readonly LAB_GROUP=libvirt

# The mark of a lab, `STACK OWNER`: the pool and its volumes have no metadata of their own in libvirt
# 9.0, and two people's stacks may have one name.
readonly MARK=.mirlab-stack

# Refuses a folder that is not this lab's. One that holds nothing but a lab's own folders was made
# by a version without marks, or by a run that was cut off; a mark without an owner is an older one.
claim() { # claim FOLDER STACK OWNER
  local found other
  if as_root test -e "$1/$MARK"; then
    found=$(as_root head -c 160 -- "$1/$MARK" | head -n 1)
    [[ $found == "$2 $3" || $found == "$2" ]] ||
      die "found $1 marked as of lab '$found'; need one of '$2 $3'; fix: choose another stack name or host.dataDir, or if that lab is yours, of a MIRLAB_HOME that is lost, give it to this one: echo '$2 $3' | sudo tee $1/$MARK"
    return
  fi
  if as_root test -e "$1"; then
    other=$(as_root find "$1" -mindepth 1 -maxdepth 1 ! -name pool ! -name log ! -name shares ! -name "$MARK.new" -printf '%f\n' -quit)
    [[ -z $other ]] ||
      die "found $1 with $other in it and no mark of a lab; need an empty folder or one of this lab; fix: choose another stack name or host.dataDir, or give it to this lab: echo '$2 $3' | sudo tee $1/$MARK"
  fi
}

# In a data folder that a lab has made: it goes with the last lab.
readonly MADE=.made-by-mirlab

make() {
  claim "$1/$2" "$2" "$3"
  if ! as_root test -e "$1"; then
    new_folders 0755 "$1"
    as_root touch "$1/$MADE"
  fi
  # Every component can be passed, none can be listed by others: pools hold seeds.
  as_root install -d -o root -g root -m 0711 "$1/$2" "$1/$2/pool" "$1/$2/log" "$1/$2/shares"
  printf '%s\n' "$2 $3" | as_root tee "$1/$2/$MARK.new" >/dev/null
  as_root chmod 0644 "$1/$2/$MARK.new"
  as_root mv -f -- "$1/$2/$MARK.new" "$1/$2/$MARK"
}

remove() {
  [[ ! -f $1/$2/$MARK ]] || claim "$1/$2" "$2" "$3"
  as_root find "$1/$2/log" -maxdepth 1 -type f -name '*.serial.log*' -delete 2>/dev/null || true
  local folder folders=("$1/$2/pool" "$1/$2/log" "$1/$2/shares" "$1/$2")
  [[ ! -f $1/$MADE ]] || folders+=("$1")
  for folder in "${folders[@]}"; do
    [[ -d $folder ]] || continue
    # The mark goes last: what is kept stays marked.
    [[ $folder != "$1/$2" || $(as_root ls -A -- "$folder") != "$MARK" ]] || as_root rm -f -- "$folder/$MARK"
    [[ $folder != "$1" || $(as_root ls -A -- "$folder") != "$MADE" ]] || as_root rm -f -- "$folder/$MADE"
    as_root rmdir --ignore-fail-on-non-empty "$folder"
    [[ ! -d $folder ]] || say "kept $folder: it is not empty"
  done
}

make-share() {
  id "$QEMU_USER" >/dev/null 2>&1 || die "found no user $QEMU_USER; need libvirt's QEMU user; fix: install libvirt-daemon-system"
  make "$1" "$2" "$3"
  # setgid: what a person puts there keeps the group through which QEMU reads it.
  as_root install -d -o "$QEMU_USER" -g "$LAB_GROUP" -m 2770 "$1/$2/shares/$4"
  printf '%s\n' "$1/$2/shares/$4"
}

remove-share() {
  local folder=$1/$2/shares/$4
  [[ -d $folder ]] || return 0
  as_root rmdir --ignore-fail-on-non-empty "$folder"
  [[ ! -d $folder ]] || say "kept $folder: it is not empty, and its files are yours"
}

case ${1-} in
  make | remove) (($# == 4)) || die "found $# arguments; need VERB DATA STACK OWNER" ;;
  make-share | remove-share) (($# == 5)) || die "found $# arguments; need VERB DATA STACK OWNER GUEST" ;;
  *) die "found verb '${1-}'; need make, remove, make-share or remove-share" ;;
esac
"$@"
