#!/usr/bin/env bash
# The host's side of the proof that files cross the share. A failure prints `share: found X`: the check
# `share` adds the rest (components/readiness/shareProof.io.ts).
#   share-nonce.sh put DIR NONCE        writes DIR/.mirlab-NONCE
#   share-nonce.sh answered DIR NONCE   fails unless the guest has written DIR/.mirlab-NONCE.answer
#   share-nonce.sh unchanged DIR NONCE  fails if the guest has written it
#   share-nonce.sh remove DIR NONCE     removes both files
set -euo pipefail

readonly ME=share
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

readonly ANSWERED=' answered'

(($# == 3)) || die "found $# arguments; need VERB DIR NONCE"
verb=$1 dir=$2 nonce=$3
[[ $nonce =~ ^[0-9a-f]{64}$ ]] || die "found a malformed nonce; need 64 hex digits"
ours=$dir/.mirlab-$nonce
case $verb in
  put)
    as_able test -d "$dir" || die "found no folder $dir on the host: create it, or drop guests[].share.path"
    # noclobber (set -C) refuses a link or file that somebody put there.
    # shellcheck disable=SC2016 # the inner shell expands them
    as_able bash -c 'set -C && umask 022 && printf "%s" "$2" >"$1"' put "$ours" "$nonce"
    ;;
  answered)
    # The guest controls this file: accept only a regular file, and read no more than the answer's length.
    # Who has joined the group in this run cannot pass the folder yet.
    as_able test -f "$ours.answer" -a ! -L "$ours.answer" || die "found no answer of the guest in $dir"
    if has_rights || [[ -r $ours.answer ]]; then
      [[ $(as_able head -c 128 "$ours.answer") == "$nonce$ANSWERED" ]] || die "found a wrong answer of the guest in $dir"
    else
      # Of a file of QEMU's user, a member of the group sees the size.
      [[ $(stat -c %s -- "$ours.answer") == "$((${#nonce} + ${#ANSWERED}))" ]] || die "found an answer of another size in $dir"
    fi
    ;;
  unchanged)
    ! as_able test -e "$ours.answer" || die "found a file that the guest wrote in $dir"
    ;;
  remove) as_able rm -f "$ours" "$ours.answer" ;;
  *) die "found verb '$verb'; need put, answered, unchanged or remove" ;;
esac
