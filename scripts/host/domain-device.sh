#!/usr/bin/env bash
# Changes one device of a running domain. Its XML comes on standard input: it may hold a display's
# password.
#   domain-device.sh detach|update DOMAIN
set -euo pipefail

[[ $# == 2 && $1 =~ ^(detach|update)$ ]] || {
  printf 'domain-device: found arguments "%s"; need detach|update DOMAIN\n' "$*" >&2
  exit 1
}
cat | virsh --quiet --connect "${MIRLAB_LIBVIRT:-qemu:///system}" "$1-device" --domain "$2" --live /dev/stdin
