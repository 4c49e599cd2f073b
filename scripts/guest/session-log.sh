#!/usr/bin/env bash
# Prints the last log lines of the Mir session, its client and Lomiri's shell in this boot, times in UTC.
# Runs in the guest, as root.
#   session-log.sh LINES
set -euo pipefail

# Matches, not --unit: Lomiri's shell is a unit of another user's manager, and a server with a login is in a scope of
# logind's. UNIT matches systemd's own messages about a unit.
matches=(_SYSTEMD_USER_UNIT=lomiri.service + SYSLOG_IDENTIFIER=mir-session)
for unit in mir-session.service mir-session-client.service; do
  matches+=(+ "_SYSTEMD_UNIT=$unit" + _PID=1 "UNIT=$unit")
done
exec journalctl --no-pager --boot --utc --output=short-iso --lines="$1" "${matches[@]}"
