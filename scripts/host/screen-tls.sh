#!/usr/bin/env bash
# Writes, digests or removes the TLS certificate of a guest's screen in the folder that QEMU reads.
#   screen-tls.sh make FOLDER      standard input: CA, certificate and key (PEM), each ended by a NUL
#   screen-tls.sh digest FOLDER    prints one SHA-256 of the three files and their owners, `absent`, or `unread`
#                                  to a user without root's rights
#   screen-tls.sh remove FOLDER
set -euo pipefail

readonly ME=screen-tls
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# QEMU reads the key by this group: no user besides QEMU's is in it.
readonly QEMU_GROUP=libvirt-qemu
# QEMU fixes these names.
readonly FILES=(ca-cert.pem server-cert.pem server-key.pem)

make() {
  local folder=$1 work name
  getent group "$QEMU_GROUP" >/dev/null || die "found no group $QEMU_GROUP; need the group of QEMU; fix: install package libvirt-daemon-system"
  umask 077
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # expands now
  trap "rm -rf -- '$work'" EXIT
  for name in "${FILES[@]}"; do
    IFS= read -r -d '' text || die "found no $name on standard input; need three documents, each ended by a NUL"
    printf '%s' "$text" >"$work/$name"
  done
  new_folders 0755 "${folder%/*}"
  [[ ! -L $folder ]] || as_root rm -f -- "$folder"
  as_root install -d -o root -g "$QEMU_GROUP" -m 0750 "$folder"
  for name in "${FILES[@]}"; do
    as_root rm -f -- "$folder/$name.partial"
    as_root install -o root -g "$QEMU_GROUP" -m 0640 -- "$work/$name" "$folder/$name.partial"
    as_root mv -fT -- "$folder/$name.partial" "$folder/$name"
  done
  digest "$folder"
}

digest() {
  local folder=$1 sum
  if [[ -d $folder && ! -L $folder ]] && ! has_rights; then
    printf 'unread\n'
  elif as_able test -f "$folder/${FILES[0]}" -a -f "$folder/${FILES[1]}" -a -f "$folder/${FILES[2]}" -a ! -L "$folder"; then
    sum=$({
      as_root stat -c '%a %U %G' -- "$folder" "${FILES[@]/#/$folder/}"
      as_root cat -- "${FILES[@]/#/$folder/}"
    } | sha256sum)
    printf '%s\n' "${sum%% *}"
  else
    printf 'absent\n'
  fi
}

remove() {
  local name
  for name in "${FILES[@]}"; do as_root rm -f -- "$1/$name" "$1/$name.partial"; done
  [[ ! -d $1 ]] || as_root rmdir --ignore-fail-on-non-empty -- "$1"
}

[[ $# == 2 && $1 =~ ^(make|digest|remove)$ && $2 =~ ^/[A-Za-z0-9/._-]+/mirlab-[A-Za-z0-9._-]+$ ]] ||
  die "found arguments '$*'; need make|digest|remove and the path of a folder mirlab-NAME"
"$@"
