#!/usr/bin/env bash
# Changes a running domain by the XML of one device, which comes by standard input: it may hold a
# display's password.
#   domain-device.sh detach|update DOMAIN
set -euo pipefail

[[ $# == 2 && $1 =~ ^(detach|update)$ ]] || {
  printf 'domain-device: found arguments "%s", required detach or update, and DOMAIN\n' "$*" >&2
  exit 1
}
cat | virsh --quiet --connect qemu:///system "$1-device" --domain "$2" --live /dev/stdin
