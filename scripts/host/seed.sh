#!/usr/bin/env bash
# The seed disk of a guest: cloud-init's NoCloud documents as an ISO image.
#   seed.sh make FILE      from standard input: user data, NUL, meta data, NUL; prints its SHA-256
#   seed.sh digest FILE    prints the SHA-256 of what is there, or `absent`
#   seed.sh remove FILE
# The user data hold the guest's private host key: they come by standard input and lie in files
# of mode 0600 only.
set -euo pipefail

readonly ME=seed
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

make() {
  local file=$1 user meta work
  command -v genisoimage >/dev/null || die "found no genisoimage, required it; install package genisoimage"
  { IFS= read -r -d '' user && IFS= read -r -d '' meta; } ||
    die "found no two documents on standard input, required user data and meta data, each ended by a NUL"
  umask 077
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf -- '$work'" EXIT
  printf '%s' "$user" >"$work/user-data"
  printf '%s' "$meta" >"$work/meta-data"
  genisoimage -quiet -output "$work/seed.iso" -volid cidata -joliet -rock "$work/user-data" "$work/meta-data" 2>/dev/null ||
    die "genisoimage failed, required an image; is there room in ${TMPDIR:-/tmp}?"
  # Whole or not at all, and never through a link or file that lies in the way.
  as_root rm -f -- "$file.partial"
  as_root install -m 0600 -- "$work/seed.iso" "$file.partial"
  as_root mv -fT -- "$file.partial" "$file"
  digest "$file"
}

digest() {
  local sum
  if as_root test -f "$1" -a ! -L "$1"; then
    sum=$(as_root sha256sum -- "$1")
    printf '%s\n' "${sum%% *}"
  else
    printf 'absent\n'
  fi
}

remove() { as_root rm -f -- "$1" "$1.partial"; }

[[ $# == 2 && $1 =~ ^(make|digest|remove)$ && $2 == /*.iso ]] ||
  die "found arguments '$*', required make, digest or remove, and the path of an .iso file"
"$@"
