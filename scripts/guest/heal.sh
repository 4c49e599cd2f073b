#!/usr/bin/env bash
# Repairs one difference of a guest. Runs in the guest, as root. Idempotent.
#   heal.sh install PACKAGE...          installs missing packages
#   heal.sh reinstall FILE...           reinstalls the packages of these files at their installed versions,
#                                       also one that the lab took from another suite or from a file
#   heal.sh account USER SHELL GROUPS   sets login shell and groups (comma-separated), locks the password
#   heal.sh keys USER                   replaces authorized_keys by standard input
#   heal.sh file PATH MODE              replaces a file of root by standard input
#   heal.sh hostname NAME | clock SECONDS | root-writable | no-getty
#   heal.sh grow-root                   grows the root file system over the rest of its disk
#   heal.sh grub-entry ENTRY            sets the boot loader's saved entry; `none` unsets it
#   heal.sh session KEEP...             removes the session's files but KEEP, before session.sh runs
#   heal.sh share UNIT                  unmounts the share and removes its drop-ins, before share.sh runs
set -euo pipefail

readonly UNIT_DIR=/etc/systemd/system
# Folder of kernel.sh and mesa.sh.
readonly MARKS=/var/lib/mirlab

# shellcheck source=disk.sh
declare -F grow_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/disk.sh"

say() { printf '%s\n' "heal: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# Writes standard input to FILE atomically.
put() { # put MODE OWNER FILE
  local temp
  temp=$(mktemp "$3.XXXXXX")
  cat >"$temp"
  chown "$2" "$temp"
  chmod "$1" "$temp"
  mv -f "$temp" "$3"
}

get() { # get APT-GET-WORD...
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -o DPkg::Lock::Timeout=300 "${sources[@]}" update >&2 ||
    die "found no answer of the guest's package mirror; need it for 'apt-get $*'; fix: let the guest reach its mirror (see its /etc/apt), then run 'up'"
  apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold \
    --no-install-recommends --allow-change-held-packages "${sources[@]}" "$@" >&2 ||
    die "found that 'apt-get $*' failed, see above; need it to succeed; log: /var/log/apt/term.log"
}

install_packages() { get install "$@"; }

# Adds the suites of the lab's kernel and Mesa, for this call alone.
use_lab_suites() {
  local list
  for list in "$MARKS"/{kernels,mesa}/.sources/mirlab.list; do
    [[ -e $list ]] || continue
    if ((${#sources[@]} == 0)); then
      rm -rf -- "$MARKS/.sources"
      cp -a /etc/apt/sources.list.d "$MARKS/.sources"
      sources=(-o "Dir::Etc::SourceParts=$MARKS/.sources")
    fi
    cat "$list" >>"$MARKS/.sources/mirlab.list"
  done
}

reinstall() {
  local file name version deb=$MARKS/mesa/package.deb words=()
  use_lab_suites
  for file in "$@"; do
    name=$(dpkg-query -S "$file" | sed -n '1s/: .*//p')
    [[ -n $name ]] || die "$file: found no package that owns it; need one to reinstall"
    # shellcheck disable=SC2016 # dpkg-query's own field
    version=$(dpkg-query -W -f '${Version}' "$name")
    if [[ -s $deb && "$(dpkg-deb -W "$deb" 2>/dev/null)" == "$name"$'\t'"$version" ]]; then
      words+=("$deb")
    else
      words+=("$name=$version")
    fi
  done
  mapfile -t words < <(printf '%s\n' "${words[@]}" | sort -u)
  get install --reinstall --allow-downgrades "${words[@]}"
}

account() {
  usermod --shell "$2" --groups "$3" --lock -- "$1"
}

keys() {
  local home
  home=$(getent passwd "$1" | cut -d: -f6)
  [[ -d $home ]] || die "found no home of $1; need $home"
  install -d -m 0700 -o "$1" -g "$1" "$home/.ssh"
  put 0600 "$1:$1" "$home/.ssh/authorized_keys"
}

set_hostname() {
  printf '%s\n' "$1" | put 0644 root:root /etc/hostname
  hostname "$1"
}

clock() { date --set="@$1" >/dev/null; }
root_writable() { mount -o remount,rw /; }
no_getty() { systemctl --quiet disable getty@tty1.service; }

grub_entry() {
  if [[ $1 == none ]]; then grub-editenv - unset saved_entry; else grub-set-default "$1"; fi
}

kept() { # kept FILE KEEP...
  local file=$1 keep
  shift
  for keep in "$@"; do [[ $keep != "$file" ]] || return 0; done
  return 1
}

session() {
  local file base
  for base in "$UNIT_DIR" /run/systemd/system; do
    for file in "$base"/mir-session{,-client}.service{,.d/*}; do
      [[ (! -e $file && ! -L $file) || -d $file ]] || kept "$file" "$@" || rm -f -- "$file"
    done
  done
  for file in /usr/local/lib/mir-session/*; do
    [[ ! -f $file ]] || kept "$file" "$@" || rm -f -- "$file"
  done
  # Without this file session.sh restarts the session.
  rm -f /etc/mir-session/applied
}

share() {
  [[ $1 =~ ^[A-Za-z0-9._\\-]+\.mount$ ]] || die "found unit '$1'; need a mount unit"
  # A guest without the unit has nothing to stop: a new disk, or somebody removed it.
  [[ $(systemctl show --property LoadState --value "$1") == not-found ]] || systemctl --quiet stop "$1" ||
    die "found the share in use; need it unmounted; fix: end the processes that 'fuser -vm' lists in the guest, then run 'up'"
  rm -rf -- "$UNIT_DIR/$1.d" "/run/systemd/system/$1.d" "/run/systemd/system/$1"
  [[ ! -L $UNIT_DIR/$1 ]] || rm -f -- "$UNIT_DIR/$1"
  systemctl daemon-reload
}

main() {
  ((EUID == 0)) || die "found user $(id -un); need root"
  local verb=${1-} sources=()
  (($# == 0)) || shift
  case "$verb $#" in
    "install "[1-9]*) install_packages "$@" ;;
    "reinstall "[1-9]*) reinstall "$@" ;;
    "account 3") account "$@" ;;
    "keys 1") keys "$@" ;;
    "file 2") put "$2" root:root "$1" ;;
    "hostname 1") set_hostname "$@" ;;
    "clock 1") clock "$@" ;;
    "root-writable 0") root_writable ;;
    "grow-root 0") grow_root ;;
    "no-getty 0") no_getty ;;
    "grub-entry 1") grub_entry "$@" ;;
    "session "[1-9]*) session "$@" ;;
    "share 1") share "$@" ;;
    *) die "found '$verb' with $# arguments; need a verb of this script with its arguments" ;;
  esac
}

main "$@"
