#!/usr/bin/env bash
# The guest's side of the proof that a share is shared.  Runs in the guest, as root.
#   share-nonce.sh check MOUNT NONCE rw|ro   reads the host's nonce; answers it, or proves it cannot
set -euo pipefail

die() {
  printf '%s\n' "share: $*" >&2
  exit 1
}

(($# == 4)) || die "found $# arguments, required check MOUNT NONCE rw|ro"
mount=$2 nonce=$3 mode=$4
[[ $nonce =~ ^[0-9a-f]{64}$ ]] || die "found a malformed nonce, required 64 hex digits"
type=$(findmnt --noheadings --output FSTYPE --mountpoint "$mount" || true)
[[ $type == 9p ]] || die "found '${type:-nothing}' mounted on $mount, required 9p"
found=$(head -c 128 "$mount/.mirlab-$nonce" 2>&1 || true)
[[ $found == "$nonce" ]] || die "found '${found:0:80}' through $mount, required the host's nonce"
answer=$mount/.mirlab-$nonce.answer
if [[ $mode == ro ]]; then
  if touch "$answer" 2>/dev/null; then die "found $mount writable, required a read-only share"; fi
else
  printf '%s answered' "$nonce" | tee "$answer" >/dev/null || die "found $mount not writable, required a read-write share"
fi
