#!/usr/bin/env bash
# Prints why a guest that is up may not be reached: on the first line the addresses that its agent names, on each
# further line one of its network cards that is outside its network's bridge, as CARD BRIDGE.
#   guest-network.sh DOMAIN
set -euo pipefail

readonly ME=guest-network
# shellcheck source=lib.sh
declare -F die >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=virsh.sh
declare -F loose_cards >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/virsh.sh"

virsh() { command virsh --quiet --connect "${MIRLAB_LIBVIRT:-qemu:///system}" "$@"; }

# Without those of the loopback device, and without link-local ones.
addresses() {
  virsh domifaddr "$1" --source agent 2>/dev/null |
    awk '$1 != "-" { card = $1 } card != "lo" && $NF ~ /\// && $NF !~ /^fe80:/ { sub("/.*", "", $NF); print $NF }' | paste -sd ' '
}

printf '%s\n' "$(addresses "$1" || true)"
# libvirt puts a card of a network into the network's bridge; other programs of the host may take it out.
loose_cards "$1" | cut -d ' ' -f 1,3
