#!/usr/bin/env bash
# Installs the programs and schemas that unit tests read what the project writes with.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
exec scripts/host/packages.sh install xsltproc libxml2-utils libvirt0 python3-yaml openssh-client qemu-utils genisoimage
