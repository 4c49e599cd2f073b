#!/usr/bin/env bash
# Writes, digests or removes a guest's seed disk: cloud-init's NoCloud documents as an ISO image.
#   seed.sh make FILE [GATEWAY]   standard input: user data, NUL, meta data, NUL; prints the image's SHA-256.
#                          The host's way to its archives is added, as vendor data: GATEWAY is the host's
#                          loopback as the guest sees it (10.0.2.2, QEMU's, by default)
#   seed.sh digest FILE    prints the SHA-256 of the file, `absent`, or `unread` to a user without root's rights
#   seed.sh remove FILE
# The user data hold the guest's private host key: they come on standard input, and only files of mode
# 0600 hold them.
set -euo pipefail

readonly ME=seed
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=apt-way.sh
declare -F apt_way >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/apt-way.sh"

make() {
  local file=$1 user meta work documents
  command -v genisoimage >/dev/null || die "found no genisoimage; need it to write the image; fix: install package genisoimage"
  { IFS= read -r -d '' user && IFS= read -r -d '' meta; } ||
    die "found fewer than two documents on standard input; need user data and meta data, each ended by a NUL"
  umask 077
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # expands now
  trap "rm -rf -- '$work'" EXIT
  printf '%s' "$user" >"$work/user-data"
  printf '%s' "$meta" >"$work/meta-data"
  documents=("$work/user-data" "$work/meta-data")
  guest_way "${2-10.0.2.2}" >"$work/vendor-data"
  [[ ! -s $work/vendor-data ]] || documents+=("$work/vendor-data")
  genisoimage -quiet -output "$work/seed.iso" -volid cidata -joliet -rock "${documents[@]}" 2>/dev/null ||
    die "found that genisoimage failed; need an image; fix: make room in ${TMPDIR:-/tmp}"
  # Atomic, and never through an existing link or file.
  as_root rm -f -- "$file.partial"
  as_root install -m 0600 -- "$work/seed.iso" "$file.partial"
  as_root mv -fT -- "$file.partial" "$file"
  digest "$file"
}

digest() {
  local sum
  if as_able test -f "$1" -a ! -L "$1"; then
    if sum=$(as_able sha256sum -- "$1"); then
      printf '%s\n' "${sum%% *}"
    elif has_rights; then
      die "found that $1 cannot be read; need its digest; fix: check the disk that holds it"
    else
      printf 'unread\n'
    fi
  else
    printf 'absent\n'
  fi
}

remove() { as_root rm -f -- "$1" "$1.partial"; }

[[ ($# == 2 || ($# == 3 && $1 == make && $3 =~ ^[0-9.]+$)) && $1 =~ ^(make|digest|remove)$ && $2 == /*.iso ]] ||
  die "found arguments '$*'; need make|digest|remove and the path of an .iso file; make takes an address too"
"$@"
