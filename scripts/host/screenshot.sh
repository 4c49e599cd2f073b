#!/usr/bin/env bash
# Writes a picture of a domain's screen to standard output (PNG or PPM, as QEMU answers).
# QEMU with qxl returns the previous frame: the first picture is dropped.
#   screenshot.sh DOMAIN [SCREEN]     SCREEN counts the card's outputs, from 0
set -euo pipefail

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
for _ in first second; do
  virsh --quiet --connect "${MIRLAB_LIBVIRT:-qemu:///system}" screenshot --domain "$1" ${2:+--screen "$2"} --file "$temp/screen" >/dev/null
  sleep 0.3
done
cat "$temp/screen"
