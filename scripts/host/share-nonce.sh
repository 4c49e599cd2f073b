#!/usr/bin/env bash
# The host's side of the proof that a share is shared.
#   share-nonce.sh put DIR NONCE        writes DIR/.mirlab-NONCE
#   share-nonce.sh answered DIR NONCE   fails unless the guest has answered beside it
#   share-nonce.sh unchanged DIR NONCE  fails if it has
#   share-nonce.sh remove DIR NONCE     removes both
set -euo pipefail

readonly ME=share
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

(($# == 3)) || die "found $# arguments, required VERB DIR NONCE"
verb=$1 dir=$2 nonce=$3
[[ $nonce =~ ^[0-9a-f]{64}$ ]] || die "found a malformed nonce, required 64 hex digits"
ours=$dir/.mirlab-$nonce
case $verb in
  put)
    [[ -d $dir ]] || die "found no folder $dir on the host, required it; make it, or drop guests[].share.path"
    # noclobber refuses a link or file that somebody put in the way.
    # shellcheck disable=SC2016 # the inner shell expands them
    as_root bash -c 'set -C && umask 022 && printf "%s" "$2" >"$1"' put "$ours" "$nonce"
    ;;
  answered)
    # The guest controls what lies there: a plain file only, and no more than the answer's length.
    [[ -f $ours.answer && ! -L $ours.answer ]] || die "found no answer of the guest in $dir, required one; is the share mounted read-write?"
    [[ $(as_root head -c 128 "$ours.answer") == "$nonce answered" ]] || die "found another answer than the guest's in $dir, required the nonce"
    ;;
  unchanged)
    [[ ! -e $ours.answer ]] || die "found a file that the guest wrote in $dir, required a read-only share"
    ;;
  remove) as_root rm -f "$ours" "$ours.answer" ;;
  *) die "found verb '$verb', required put, answered, unchanged or remove" ;;
esac
