#!/usr/bin/env bash
# Prints what disks hold, for the question before they are deleted.
#   disks.sh FILE...   a line each: path, bytes written, time of the last write (seconds since 1970), with
#                      tabs; `- -` for a file that is not there
set -euo pipefail

readonly ME=disks
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

describe() {
  local blocks changed
  if as_root test -f "$1"; then
    read -r blocks changed < <(as_root stat -c '%b %Y' -- "$1")
    printf '%s\t%s\t%s\n' "$1" "$((blocks * 512))" "$changed"
  else
    printf '%s\t-\t-\n' "$1"
  fi
}

(($# > 0)) || die "found no file; need at least one"
for file in "$@"; do
  [[ $file == /* ]] || die "found '$file'; need an absolute path"
  describe "$file"
done
