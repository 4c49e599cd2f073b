#!/usr/bin/env bash
# Defines a domain from the XML on standard input: it may hold a display's password, which no
# command line should show.
#   domain-define.sh [VIRSH-DEFINE-OPTION...]
set -euo pipefail

# Through a pipe: virsh opens /dev/stdin by its path, which fails when it is a socket.
cat | virsh --quiet --connect "${MIRLAB_LIBVIRT:-qemu:///system}" define "$@" /dev/stdin
