#!/usr/bin/env bash
# What a lab needs to know of its host before anything is touched: one `key<TAB>value` a line.
# Reads only.
#   facts.sh DATA CACHE [share PATH | image FILE URL]...
# An image's URL is asked for one byte, unless FILE, its verified copy, is there.
set -euo pipefail
export LC_ALL=C.UTF-8

tell() { printf '%s\t%s\n' "$1" "$2"; }

# Free MiB of the file system that PATH is on, or will be on.
free_mib() {
  local path=$1
  while [[ ! -e $path ]]; do path=$(dirname -- "$path"); done
  df -Pm -- "$path" | awk 'NR == 2 { print $4 }'
}

libvirt() {
  command -v virsh >/dev/null || {
    printf 'absent\n'
    return
  }
  local error
  if error=$(timeout 20 virsh --quiet --connect qemu:///system uri 2>&1 >/dev/null); then
    printf 'ok\n'
  elif grep -qiE 'permission denied|authentication|not authorized|access denied' <<<"$error"; then
    printf 'denied\n'
  else
    printf 'down\n'
  fi
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

# yes|no|unknown: whether QEMU's user can write there; only root can ask.
share_writable() {
  if ! id libvirt-qemu >/dev/null 2>&1; then
    printf 'unknown\n'
  elif ((EUID == 0)); then
    if setpriv --reuid=libvirt-qemu --regid="$(id -g libvirt-qemu)" --init-groups test -w "$1"; then printf 'yes\n'; else printf 'no\n'; fi
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    if sudo -n -u libvirt-qemu test -w "$1"; then printf 'yes\n'; else printf 'no\n'; fi
  else
    printf 'unknown\n'
  fi
}

root_rights() {
  if ((EUID == 0)); then
    printf 'root\n'
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    printf 'sudo\n'
  else
    printf 'none\n'
  fi
}

# ok, or curl's words. $1 file, $2 URL
image_state() {
  local error
  [[ ! -f $1 ]] || {
    printf 'ok\n'
    return
  }
  command -v curl >/dev/null || {
    printf 'ok\n'
    return
  }
  if error=$(curl --fail --silent --show-error --location --proto '=https,http' --proto-redir '=https' \
    --connect-timeout 10 --max-time 30 --range 0-0 --output /dev/null -- "$2" 2>&1); then
    printf 'ok\n'
  else
    printf '%s\n' "$error" | head -n 1 | tr '\t' ' '
  fi
}

(($# >= 2)) || {
  printf 'facts: found %d arguments, required DATA CACHE [share PATH | image FILE URL]...\n' "$#" >&2
  exit 1
}
data=$1 cache=$2
shift 2
tell version 1
# shellcheck source=/dev/null
tell os "$(. /etc/os-release && printf '%s %s %s' "${ID-unknown}" "${ID_LIKE-}" "${VERSION_ID-}")"
tell arch "$(uname -m)"
tell rights "$(root_rights)"
tell user "$(id -un)"
tell memoryAvailableMiB "$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)"
tell dataFreeMiB "$(free_mib "$data")"
tell cacheFreeMiB "$(free_mib "$cache")"
state=$(libvirt)
tell libvirt "$state"
tell kvmDevice "$(if [[ -c /dev/kvm ]]; then echo yes; else echo no; fi)"
if [[ $state == ok ]]; then
  while read -r domain; do
    [[ -z $domain ]] || tell running "$domain"
  done < <(virsh --quiet --connect qemu:///system list --name)
fi
while (($# > 0)); do
  case $1 in
    share)
      kind=$(share_kind "$2")
      tell share "$2 $kind $(if [[ $kind == folder* ]]; then share_writable "$2"; else echo unknown; fi)"
      shift 2
      ;;
    image)
      tell image "$3 $(image_state "$2" "$3")"
      shift 3
      ;;
    *)
      printf 'facts: found %s, required share PATH or image FILE URL\n' "$1" >&2
      exit 1
      ;;
  esac
done
