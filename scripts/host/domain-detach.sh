#!/usr/bin/env bash
# Unplugs from a running domain the device whose XML comes by standard input.
#   domain-detach.sh DOMAIN
set -euo pipefail

cat | virsh --quiet --connect qemu:///system detach-device --domain "$1" --live /dev/stdin
