#!/usr/bin/env bash
# Everything that libvirt knows of a domain, by one virsh. Reads only.
#   domain-observe.sh DOMAIN MARK     DOMAIN: name or UUID; MARK: a word that no definition holds
# Each answer follows `MARK:NAME:`. A domain that is not there has empty answers but for `list`.
# virsh's own failure (no libvirt, no right) is this script's.
set -euo pipefail
export LC_ALL=C.UTF-8

[[ $# == 2 && $1 =~ ^[A-Za-z0-9][A-Za-z0-9._+-]*$ && $2 =~ ^[a-z0-9]{16,64}$ ]] || {
  printf 'domain-observe: found arguments "%s", required DOMAIN and MARK\n' "$*" >&2
  exit 1
}
virsh() { command virsh --quiet --connect qemu:///system "$@"; }

domain=$1 mark=$2
# Separately, so that what follows may fail only for a domain that has just gone.
printf '%s:list:' "$mark"
virsh list --all --uuid --name
commands="echo $mark:version:; version --daemon"
for part in "state:domstate --reason" "info:dominfo" "persistent:dumpxml --inactive --security-info" \
  "live:dumpxml --security-info" "snapshots:snapshot-list --name"; do
  commands+="; echo $mark:${part%%:*}:; ${part#*:} --domain $domain"
done
virsh "$commands" 2>/dev/null || true
