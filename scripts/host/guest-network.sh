#!/usr/bin/env bash
# Prints why a guest that is up may not be reached: on the first line the addresses that its agent names, on each
# further line one of its network cards that is in no bridge, as CARD BRIDGE.
#   guest-network.sh DOMAIN
set -euo pipefail

virsh() { command virsh --quiet --connect "${MIRLAB_LIBVIRT:-qemu:///system}" "$@"; }

# Without those of the loopback device, and without link-local ones.
addresses() {
  virsh domifaddr "$1" --source agent 2>/dev/null |
    awk '$1 != "-" { card = $1 } card != "lo" && $NF ~ /\// && $NF !~ /^fe80:/ { sub("/.*", "", $NF); print $NF }' | paste -sd ' '
}

# libvirt puts a card of a network into the network's bridge; other programs of the host may take it out.
loose_cards() {
  local card type source bridge
  while read -r card type source _; do
    [[ $type == network && -e /sys/class/net/$card && ! -e /sys/class/net/$card/master ]] || continue
    bridge=$(virsh net-info "$source" 2>/dev/null | sed -n 's/^Bridge: *//p')
    printf '%s %s\n' "$card" "$bridge"
  done < <(virsh domiflist "$1" 2>/dev/null)
}

printf '%s\n' "$(addresses "$1" || true)"
loose_cards "$1"
