#!/usr/bin/env bash
# The guest's side of the proof that files cross the share. Runs in the guest, as root. A failure prints
# `share: found X`: the check `share` adds the rest (components/readiness/shareProof.io.ts).
#   share-nonce.sh check MOUNT NONCE rw|ro   reads the host's nonce; rw: answers it, ro: fails if it could
set -euo pipefail

die() {
  printf '%s\n' "share: $*" >&2
  exit 1
}

(($# == 4)) || die "found $# arguments; need check MOUNT NONCE rw|ro"
mount=$2 nonce=$3 mode=$4
[[ $nonce =~ ^[0-9a-f]{64}$ ]] || die "found a malformed nonce; need 64 hex digits"
type=$(findmnt --noheadings --output FSTYPE --mountpoint "$mount" || true)
[[ $type == 9p ]] || die "found '${type:-nothing}' mounted on $mount instead of 9p"
found=$(head -c 128 "$mount/.mirlab-$nonce" 2>&1 || true)
[[ $found == "$nonce" ]] || die "found '${found:0:80}' through $mount instead of the host's nonce"
answer=$mount/.mirlab-$nonce.answer
if [[ $mode == ro ]]; then
  if touch "$answer" 2>/dev/null; then die "found $mount writable although the share is read-only"; fi
else
  printf '%s answered' "$nonce" | tee "$answer" >/dev/null || die "found $mount not writable although the share is read-write"
fi
