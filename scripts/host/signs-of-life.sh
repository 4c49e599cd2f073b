#!/usr/bin/env bash
# Prints signs of life of a guest that does not answer: the count of its disk reads, the size of its
# serial log in bytes, 1 if its agent answers, else 0, the seconds that its CPUs have run, the addresses that its
# agent names, with commas, or `-`, and its network cards that are in no bridge, as CARD:BRIDGE, or `-`; then the
# log's last lines.
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

# Not of the loopback device, and none that a link gives itself.
addresses() {
  virsh domifaddr "$domain" --source agent 2>/dev/null |
    awk '$1 != "-" { card = $1 } card != "lo" && $NF ~ /\// && $NF !~ /^fe80:/ { sub("/.*", "", $NF); print $NF }' | paste -sd ,
}

# A card of a libvirt network is in the network's bridge until somebody takes it out.
loose_cards() {
  local card type source bridge
  while read -r card type source _; do
    [[ $type == network && ! -e /sys/class/net/$card/master && -e /sys/class/net/$card ]] || continue
    bridge=$(virsh net-info "$source" 2>/dev/null | sed -n 's/^Bridge: *//p')
    printf '%s:%s\n' "$card" "$bridge"
  done < <(virsh domiflist "$domain" 2>/dev/null) | paste -sd ,
}

domain=$1
log=${2-}
stats=$(virsh domstats --block --cpu-total "$domain")
reads=$(awk -F= '/\.rd\.reqs=/ { sum += $2 } END { print sum + 0 }' <<<"$stats")
# Nanoseconds.
ran=$(awk -F= '/cpu\.time=/ { sum += $2 } END { printf "%d\n", sum / 1000000000 }' <<<"$stats")
agent=0 has='' loose=''
if agent_answers; then
  agent=1
  has=$(addresses)
  loose=$(loose_cards)
fi
rest="$agent $ran ${has:--} ${loose:--}"
if [[ -z $log ]]; then
  printf '%s 0 %s\n' "$reads" "$rest"
else
  printf '%s %s %s\n' "$reads" "$(as_reader stat -c %s -- "$log" 2>/dev/null || printf 0)" "$rest"
  as_reader tail -n "$LINES_SHOWN" -- "$log" 2>/dev/null || true
fi
