#!/usr/bin/env bash
# Repairs one difference that HostContract found on the host. Packages, libvirtd, folders, ports and
# images have scripts of their own.
#   heal.sh group NAME              creates a system group
#   heal.sh member USER GROUP       adds a user to a group
#   heal.sh reinstall FILE...       reinstalls the packages of the files, at their installed versions
#   heal.sh pool NAME               starts it, and sets it to autostart
#   heal.sh pool-define NAME PATH   defines and starts it, if PATH holds files and libvirt has no such pool
#   heal.sh network NAME            starts it, sets it to autostart, and puts its guests' cards into its bridge
#   heal.sh lease NETWORK MAC IP    sets the fixed address of a guest
#   heal.sh forward DOMAIN PORT     adds the loopback forward to the running guest's sshd
#   heal.sh disk-size POOL VOLUME BYTES DOMAIN    enlarges a guest's disk, running or not
#   heal.sh image-mode FILE         makes it read-only
set -euo pipefail

readonly ME=heal
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=virsh.sh
declare -F libvirt_has >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/virsh.sh"

readonly LOCK_SECONDS=300

# The group libvirt is enough for it.
virsh() { as_able env virsh --quiet --connect qemu:///system "$@"; }

heal_group() { getent group "$1" >/dev/null || as_root groupadd --system -- "$1"; }

heal_member() { as_root usermod --append --groups "$2" -- "$1"; }

heal_reinstall() {
  local file owner version packages=()
  for file; do
    owner=$(dpkg-query --search -- "$file" 2>/dev/null | sed -n 's/: .*//p' | head -n 1) || true
    [[ -n $owner ]] || die "$file: found no package that owns it; need one to reinstall; fix: remove the file by hand"
    # shellcheck disable=SC2016 # dpkg-query's own field
    version=$(dpkg-query -W -f '${Version}' -- "$owner")
    [[ " ${packages[*]-} " == *" $owner=$version "* ]] || packages+=("$owner=$version")
  done
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o "DPkg::Lock::Timeout=$LOCK_SECONDS" \
    --allow-change-held-packages install --reinstall -- "${packages[@]}" >&2 ||
    die "$*: found changed files, and apt cannot reinstall ${packages[*]}; need the packaged files; fix: apt-get update && apt-get install --reinstall ${packages[*]%%=*}; log: /var/log/apt/term.log"
}

heal_pool() {
  libvirt_runs pool "$1" || virsh pool-start "$1" >&2
  virsh pool-autostart "$1" >&2
}

# Without the pool the libvirt provider cannot read its volumes: refresh fails, so `up` fails too.
heal_pool-define() {
  [[ -n $(as_root ls -A -- "$2" 2>/dev/null) ]] || return 0
  ! libvirt_has pool "$1" || return 0
  say "found no pool $1 although $2 holds files; defining it, the files stay"
  virsh pool-define-as "$1" dir --target "$2" >&2
  heal_pool "$1"
}

heal_network() {
  local domains
  domains=$(libvirt_names domain) || exit
  libvirt_runs network "$1" || virsh net-start "$1" >&2
  virsh net-autostart "$1" >&2
  heal_cards "$1" "$domains"
}

# A new bridge has no ports, and programs of the host may take one out of it: running guests are cut off.
heal_cards() { # heal_cards NETWORK DOMAINS
  local domain card network bridge
  [[ -n $(bridge_of "$1") ]] || die "network $1: found no bridge; need one; log: virsh net-info $1"
  while read -r domain; do
    [[ -n $domain ]] || continue
    while read -r card network bridge; do
      [[ $network == "$1" ]] || continue
      as_root ip link set dev "$card" master "$bridge"
      say "connected $domain to $1 again"
    done < <(loose_cards "$domain")
  done <<<"$2"
}

heal_lease() {
  local entry="<host mac='$2' ip='$3'/>" flags=(--config) verb=add-last
  [[ $2 =~ ^([0-9a-f]{2}:){5}[0-9a-f]{2}$ && $3 =~ ^[0-9.]+$ ]] || die "found '$2 $3'; need a MAC and an IPv4 address"
  ! libvirt_runs network "$1" || flags+=(--live)
  ! virsh net-dumpxml --inactive "$1" | grep -qiF -- "mac='$2'" || verb=modify
  virsh net-update "$1" "$verb" ip-dhcp-host "$entry" "${flags[@]}" >&2
}

heal_forward() {
  local said
  [[ $2 =~ ^[0-9]+$ ]] || die "found port '$2'; need a number"
  said=$(virsh qemu-monitor-command --hmp "$1" "hostfwd_add mirlab0 tcp:127.0.0.1:$2-:22" | tr -d '\r\n')
  [[ -z $said ]] || die "$1: found that QEMU refuses to forward port $2 ($said); need this port to reach the guest; fix: end the process that listens on it, or shut the guest down and run 'up'"
}

heal_disk-size() {
  local path now
  path=$(virsh vol-path --pool "$1" "$2")
  now=$(virsh vol-dumpxml --pool "$1" "$2" | sed -n "s|.*<capacity unit='bytes'>\([0-9]*\)</capacity>.*|\1|p" | head -n 1)
  [[ $now =~ ^[0-9]+$ && $3 =~ ^[0-9]+$ ]] || die "found sizes '$now' and '$3'; need bytes"
  ((now < $3)) || die "$path: found $now bytes; need less than $3: a disk cannot shrink"
  if libvirt_runs domain "$4"; then
    virsh blockresize "$4" "$path" "${3}B" >&2
    virsh pool-refresh "$1" >&2
  else
    virsh vol-resize --pool "$1" "$2" "${3}B" >&2
  fi
  say "enlarged $path to $3 bytes; its content stays"
}

heal_image-mode() { as_root chmod 0444 -- "$1"; }

case "${1-} $#" in
  reinstall\ [2-9] | reinstall\ [1-9][0-9]*) heal_reinstall "${@:2}" ;;
  'group 2' | 'member 3' | 'pool 2' | 'pool-define 3' | 'network 2' | 'lease 4' | 'forward 3' | 'disk-size 5' | 'image-mode 2') "heal_$1" "${@:2}" ;;
  *) die "found arguments '$*'; need a verb of this script with its arguments" ;;
esac
