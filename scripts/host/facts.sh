#!/usr/bin/env bash
# What a lab needs to know of its host before anything is touched: one `key<TAB>value` a line.
# Reads only.
#   facts.sh quick|full DATA CACHE [share PATH | image FILE URL | port N | package NAME [CVE,...]]...
# `quick` is asked by every preview, `full` by the doctor. An image's URL is asked for one byte,
# unless FILE, its verified copy, is there. CVEs are looked for in the package's own changelog.
set -euo pipefail

readonly ME=facts
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

readonly QEMU_USER=libvirt-qemu
readonly EMULATOR=qemu-system-x86_64
# Devices of QEMU that libvirt's capabilities do not tell of.
readonly DEVICES='virtio-9p-pci|vhost-user-fs-pci'

tell() { printf '%s\t%s\n' "$1" "$2"; }

virsh_system() { timeout 60 virsh --quiet --connect qemu:///system "$@"; }

root_rights() {
  if ((EUID == 0)); then
    printf 'root\n'
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    printf 'sudo\n'
  else
    printf 'none\n'
  fi
}

# The nearest part of PATH that is there.
existing() {
  local path=$1
  while [[ ! -e $path ]]; do path=$(dirname -- "$path"); done
  printf '%s\n' "$path"
}

# Free MiB of the file system that PATH is on, or will be on.
free_mib() { df -Pm -- "$(existing "$1")" | awk 'NR == 2 { print $4 }'; }

# Whether QEMU's user can be asked: it is there, and we are root or may become it.
qemu_user_known() { [[ $rights != none ]] && id "$QEMU_USER" >/dev/null 2>&1; }

as_qemu() {
  if ((EUID == 0)); then
    setpriv --reuid="$QEMU_USER" --regid="$(id -g "$QEMU_USER")" --init-groups "$@"
  else
    sudo -n -u "$QEMU_USER" -- "$@"
  fi
}

# yes|no|unknown: whether QEMU's user can write to folder $1.
writable() {
  if ! qemu_user_known; then
    printf 'unknown\n'
  elif as_qemu test -w "$1"; then
    printf 'yes\n'
  else
    printf 'no\n'
  fi
}

# -|unknown|FOLDER: the first folder on the way to $1, itself among them, that QEMU's user cannot pass.
closed() {
  local at part
  qemu_user_known || {
    printf 'unknown\n'
    return
  }
  at=$(existing "$1")
  [[ -d $at ]] || at=$(dirname -- "$at")
  if as_qemu test -x "$at/."; then
    printf -- '-\n'
    return
  fi
  local IFS=/ way=
  for part in ${at#/}; do
    way=$way/$part
    as_qemu test -x "$way/." || break
  done
  printf '%s\n' "$way"
}

# folder|missing|other, then what the path resolves to. $1 path
share_kind() {
  if [[ -d $1 ]]; then
    printf 'folder %s\n' "$(realpath -- "$1")"
  elif [[ -e $1 || -L $1 ]]; then
    printf 'other %s\n' "$1"
  else
    printf 'missing %s\n' "$1"
  fi
}

tell_share() {
  local kind write=unknown
  kind=$(share_kind "$1")
  [[ $kind != folder* ]] || write=$(writable "$1")
  tell share "$1 $kind $write $(closed "$1")"
}

# ok, or curl's words. $1 file, $2 URL
image_state() {
  local error
  if [[ -f $1 ]] || ! command -v curl >/dev/null; then
    printf 'ok\n'
  elif error=$(curl --fail --silent --show-error --location --proto '=https,http' --proto-redir '=https' \
    --connect-timeout 10 --max-time 30 --range 0-0 --output /dev/null -- "$2" 2>&1); then
    printf 'ok\n'
  else
    printf '%s\n' "$error" | head -n 1 | tr '\t' ' '
  fi
}

# Who has loopback port $1: the guest that reserved it or -, the process that listens or -.
tell_port() {
  local owner=- holder=-
  command -v ss >/dev/null || return 0
  [[ ! -d $data/ports ]] || owner=$(cd "$data/ports" && { grep -lwF -- "$1" ./* 2>/dev/null || true; } | sed 's|^\./||' | head -n 1)
  if [[ -n $(ss -Hltn "sport = :$1") ]]; then
    # Other users' processes are named to root only.
    holder=$({ [[ $rights == none ]] && ss -Hltnp "sport = :$1"; } || as_root ss -Hltnp "sport = :$1")
    holder=$(sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (pid \2)/p' <<<"$holder" | head -n 1)
    holder=${holder:-another user}
  fi
  tell port "$1 ${owner:--} $holder"
}

# Version, source and source version of package $1; those of the CVEs $2 that its changelog names.
tell_package() {
  local status version name log found=
  # shellcheck disable=SC2016 # dpkg-query's own names
  read -r status version name < <(dpkg-query -W -f '${db:Status-Status} ${Version} ${source:Package}\n' "$1" 2>/dev/null | head -n 1) || true
  [[ ${status-} == installed ]] || {
    tell package "$1 -"
    return
  }
  tell package "$1 $version $name"
  [[ -n ${2-} ]] || return 0
  for log in "/usr/share/doc/$1/changelog.Debian.gz" "/usr/share/doc/$1/changelog.gz"; do
    [[ -f $log ]] || continue
    found=$(gzip -cd -- "$log" | grep -oF -e "${2//,/$'\n'}" | sort -u | paste -sd ,) || true
    tell changelog "$1 ${found:--}"
    return
  done
  # Small installations leave documents out: nothing was read, so nothing is known.
  tell changelog "$1 absent"
}

# ok|absent|denied|down|silent, and the daemon's version.
tell_libvirt() {
  local answer code=0
  command -v virsh >/dev/null || {
    tell libvirt absent
    return
  }
  answer=$(virsh_system version --daemon 2>&1) || code=$?
  if ((code == 0)); then
    tell libvirt ok
    tell libvirtVersion "$(sed -n 's/^Running against daemon: //p' <<<"$answer")"
    tell qemuVersion "$(sed -n 's/^Running hypervisor: QEMU //p' <<<"$answer")"
    virsh_system list --name | sed -n '/./s/^/running\t/p'
    tell_emulator qemu
  elif grep -qiE 'permission denied|authentication|not authorized|access denied' <<<"$answer"; then
    tell libvirt denied
  elif ((code == 124)); then
    # timeout's code: it may be busy, so it is not down.
    tell libvirt silent
  else
    tell libvirt down
  fi
}

# What libvirt says that the emulator can, as one line; nothing when it does not say.
tell_emulator() {
  local xml
  ! xml=$(virsh_system domcapabilities --machine q35 --virttype "$1" 2>/dev/null) ||
    tell emulator "$1 $(base64 -w 0 <<<"$xml")"
}

# What KVM's device does when it is opened: nothing of it proves that a guest runs.
kvm_device() {
  if [[ ! -c /dev/kvm ]]; then
    printf 'absent\n'
  else
    # KVM_GET_API_VERSION and KVM_CREATE_VM.
    perl -e 'open(F, "+<", "/dev/kvm") or print("denied"), exit;
      print ioctl(F, 0xAE00, 0) && ioctl(F, 0xAE01, 0) ? "makes-vm" : "opens"' 2>/dev/null || printf 'opens\n'
  fi
}

tell_full() {
  local module
  tell kvmModules "$(cd /sys/module 2>/dev/null && printf '%s ' kvm kvm_* | tr ' ' '\n' | while read -r module; do [[ ! -d $module ]] || printf '%s ' "$module"; done)"
  tell kvmDevice "$(kvm_device)"
  tell cpuFlags "$(grep -m 1 '^flags' /proc/cpuinfo | grep -owE 'vmx|svm|hypervisor' | sort -u | paste -sd ' ' || true)"
  for module in kvm_intel kvm_amd; do
    [[ ! -r /sys/module/$module/parameters/nested ]] || tell nested "$module $(cat "/sys/module/$module/parameters/nested")"
  done
  tell product "$(cat /sys/class/dmi/id/product_name 2>/dev/null || true)"
  tell udev "$(if [[ -S /run/udev/control ]]; then echo yes; else echo no; fi)"
  tell systemd "$(if [[ -d /run/systemd/system ]]; then echo yes; else echo no; fi)"
  tell apparmor "$(if [[ $(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) == Y ]]; then echo yes; else echo no; fi)"
  tell virtiofsd "$(find /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd -maxdepth 0 2>/dev/null | head -n 1)"
  if command -v "$EMULATOR" >/dev/null; then
    tell devices "$("$EMULATOR" -device help 2>/dev/null | grep -oE "\"($DEVICES)\"" | tr -d '"' | sort -u | paste -sd ' ' || true)"
  fi
  if [[ -S /run/libvirt/libvirt-sock ]]; then
    tell socket "$(stat -c '%a' /run/libvirt/libvirt-sock) $(socket_check)"
  fi
  if [[ $state == ok ]]; then
    virsh_system capabilities | sed -n '/<secmodel>/,/<\/secmodel>/s|.*<model>\(.*\)</model>.*|secmodel\t\1|p'
    tell_emulator kvm
  fi
}

# How the daemon checks who asks at its socket: none, polkit, sasl, or default.
socket_check() {
  local text
  text=$(as_root cat /etc/libvirt/libvirtd.conf 2>/dev/null) || {
    printf 'unknown\n'
    return
  }
  text=$(sed -n 's/^ *auth_unix_rw *= *"\([a-z]*\)".*/\1/p' <<<"$text" | tail -n 1)
  printf '%s\n' "${text:-default}"
}

usage() { die "found ${1:-nothing}, required quick|full DATA CACHE [share PATH | image FILE URL | port N | package NAME CVE,...]..."; }

(($# >= 3)) || usage "$# arguments"
depth=$1 data=$2 cache=$3
shift 3
[[ $depth == quick || $depth == full ]] || usage "'$depth'"
rights=$(root_rights)
tell version 2
# shellcheck source=/dev/null
tell os "$(. /etc/os-release && printf '%s %s %s' "${ID-unknown}" "${ID_LIKE-}" "${VERSION_ID-}")"
# shellcheck source=/dev/null
tell suite "$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")"
tell arch "$(uname -m)"
tell rights "$rights"
tell user "$(id -un)"
tell memoryAvailableMiB "$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)"
tell dataFreeMiB "$(free_mib "$data")"
tell cacheFreeMiB "$(free_mib "$cache")"
tell dataClosed "$(closed "$data")"
tell cacheClosed "$(closed "$cache")"
about_libvirt=$(tell_libvirt)
printf '%s\n' "$about_libvirt"
state=$(sed -n 's/^libvirt\t//p' <<<"$about_libvirt")
[[ $depth == quick ]] || tell_full
while (($# > 0)); do
  case $1 in
    share) tell_share "$2" && shift 2 ;;
    image) tell image "$3 $(image_state "$2" "$3")" && shift 3 ;;
    port) tell_port "$2" && shift 2 ;;
    package) tell_package "$2" "$3" && shift 3 ;;
    *) usage "'$1'" ;;
  esac
done
