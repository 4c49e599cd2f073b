#!/usr/bin/env bash
# Prints signs of life of a guest that does not answer: the count of its disk reads, the size of its
# serial log in bytes, 1 if its agent answers, else 0, and the seconds that its CPUs have run; then the log's last
# lines.
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
stats=$(virsh domstats --block --cpu-total "$domain")
reads=$(awk -F= '/\.rd\.reqs=/ { sum += $2 } END { print sum + 0 }' <<<"$stats")
# Nanoseconds.
ran=$(awk -F= '/cpu\.time=/ { sum += $2 } END { printf "%d\n", sum / 1000000000 }' <<<"$stats")
agent=0
! agent_answers || agent=1
if [[ -z $log ]]; then
  printf '%s 0 %s %s\n' "$reads" "$agent" "$ran"
else
  printf '%s %s %s %s\n' "$reads" "$(as_reader stat -c %s -- "$log" 2>/dev/null || printf 0)" "$agent" "$ran"
  as_reader tail -n "$LINES_SHOWN" -- "$log" 2>/dev/null || true
fi
