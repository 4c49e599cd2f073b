#!/usr/bin/env bash
# Prints the last lines of what the Mir session and its client have logged in this boot, times in
# UTC. Runs in the guest, as root.
#   session-log.sh LINES
set -euo pipefail

exec journalctl --no-pager --boot --utc --output=short-iso --lines="$1" \
  --unit=mir-session.service --unit=mir-session-client.service
