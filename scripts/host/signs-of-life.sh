#!/usr/bin/env bash
# Prints signs of life of a guest that does not answer: the count of its disk reads, the size of its
# serial log in bytes, and 1 if its agent answers, else 0; then the log's last lines.
#   signs-of-life.sh DOMAIN [LOG]
set -euo pipefail

readonly LINES_SHOWN=40
readonly AGENT_SECONDS=5

# virtlogd writes the log as root.
as_reader() {
  if [[ ! -r $log && $(id -u) -ne 0 ]]; then sudo -n "$@"; else "$@"; fi
}

virsh() { command virsh --quiet --connect "${MIRLAB_LIBVIRT:-qemu:///system}" "$@"; }

agent_answers() {
  local answer
  answer=$(virsh qemu-agent-command --timeout "$AGENT_SECONDS" --domain "$domain" '{"execute":"guest-ping"}' 2>/dev/null) || return
  [[ $answer == '{"return":{}}' ]]
}

domain=$1
log=${2-}
reads=$(virsh domstats --block "$domain" |
  awk -F= '/\.rd\.reqs=/ { sum += $2 } END { print sum + 0 }')
agent=0
! agent_answers || agent=1
if [[ -z $log ]]; then
  printf '%s 0 %s\n' "$reads" "$agent"
else
  printf '%s %s %s\n' "$reads" "$(as_reader stat -c %s -- "$log" 2>/dev/null || printf 0)" "$agent"
  as_reader tail -n "$LINES_SHOWN" -- "$log" 2>/dev/null || true
fi
