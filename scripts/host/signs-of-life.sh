#!/usr/bin/env bash
# Tells whether a guest that does not answer does anything at all: the requests with which it has
# read its disks and the bytes on its serial console; then that console's last lines.
#   signs-of-life.sh DOMAIN [LOG]
set -euo pipefail

readonly LINES_SHOWN=40

# virtlogd writes the log as root.
as_reader() {
  if [[ ! -r $log && $(id -u) -ne 0 ]]; then sudo -n "$@"; else "$@"; fi
}

domain=$1
log=${2-}
reads=$(virsh --quiet --connect qemu:///system domstats --block "$domain" |
  awk -F= '/\.rd\.reqs=/ { sum += $2 } END { print sum + 0 }')
if [[ -z $log ]]; then
  printf '%s 0\n' "$reads"
else
  printf '%s %s\n' "$reads" "$(as_reader stat -c %s -- "$log" 2>/dev/null || printf 0)"
  as_reader tail -n "$LINES_SHOWN" -- "$log" 2>/dev/null || true
fi
