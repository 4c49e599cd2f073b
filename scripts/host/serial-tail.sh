#!/usr/bin/env bash
# Prints the last lines of a guest's serial log, which virtlogd writes as root.
#   serial-tail.sh LOG LINES
set -euo pipefail

log=$1
lines=$2

if [[ ! -r $log && $(id -u) -ne 0 ]]; then
  exec sudo -n tail -n "$lines" -- "$log"
fi
exec tail -n "$lines" -- "$log"
