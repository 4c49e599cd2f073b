#!/usr/bin/env bash
# Prints the last lines of what the Mir session, its client, and Lomiri's shell have logged in this
# boot, times in UTC. Runs in the guest, as root.
#   session-log.sh LINES
set -euo pipefail

# Matches and not --unit: Lomiri's shell is a unit of another user's manager. UNIT is what systemd
# itself says of a unit.
matches=(_SYSTEMD_USER_UNIT=lomiri.service)
for unit in mir-session.service mir-session-client.service; do
  matches+=(+ "_SYSTEMD_UNIT=$unit" + _PID=1 "UNIT=$unit")
done
exec journalctl --no-pager --boot --utc --output=short-iso --lines="$1" "${matches[@]}"
