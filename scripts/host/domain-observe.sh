#!/usr/bin/env bash
# Prints the state and definitions of a domain, read by one virsh. Changes nothing.
#   domain-observe.sh DOMAIN MARK     DOMAIN: name or UUID; MARK: a word that no definition holds
# Each answer follows `MARK:NAME:`. For a domain that does not exist, all answers but `list` are empty.
# Fails where virsh cannot connect to libvirt.
set -euo pipefail
export LC_ALL=C.UTF-8 LANGUAGE=

[[ $# == 2 && $1 =~ ^[A-Za-z0-9][A-Za-z0-9._+-]*$ && $2 =~ ^[a-z0-9]{16,64}$ ]] || {
  printf 'domain-observe: found arguments "%s"; need DOMAIN MARK\n' "$*" >&2
  exit 1
}
virsh() { command virsh --quiet --connect "${MIRLAB_LIBVIRT:-qemu:///system}" "$@"; }

domain=$1 mark=$2
# Its own call: it fails where libvirt does not answer, so the next one fails only without the domain.
printf '%s:list:' "$mark"
virsh list --all --uuid --name
commands="echo $mark:version:; version --daemon"
for part in "state:domstate --reason" "info:dominfo" "persistent:dumpxml --inactive --security-info" \
  "live:dumpxml --security-info" "snapshots:snapshot-list --name"; do
  commands+="; echo $mark:${part%%:*}:; ${part#*:} --domain $domain"
done
virsh "$commands" 2>/dev/null || true
