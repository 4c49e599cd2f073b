#!/usr/bin/env bash
# Puts right what of a guest is not as its lab needs it. Runs in the guest, as root. Idempotent.
#   heal.sh install PACKAGE...          those that are not installed
#   heal.sh reinstall FILE...           the packages of these files, in the version that is installed;
#                                       also where the lab took it from another suite, or from a file
#   heal.sh account USER SHELL GROUPS   login shell, exactly these groups (with commas), no password
#   heal.sh keys USER                   authorized_keys from standard input, and nothing else in it
#   heal.sh file PATH MODE              a file of root's from standard input
#   heal.sh hostname NAME | clock SECONDS | root-writable | no-getty
#   heal.sh grow-root                   the root file system takes what its disk has
#   heal.sh grub-entry ENTRY            the boot loader's saved entry; `none` forgets it
#   heal.sh session KEEP...             makes way for session.sh: what is not in KEEP goes
#   heal.sh share UNIT                  makes way for share.sh: unmounts, and forgets drop-ins
set -euo pipefail

readonly UNIT_DIR=/etc/systemd/system
# Of kernel.sh and mesa.sh.
readonly MARKS=/var/lib/mirlab

# shellcheck source=disk.sh
declare -F grow_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/disk.sh"

say() { printf '%s\n' "heal: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# Standard input becomes FILE, whole or not at all.
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
    die "found no answer of the guest's package mirror, required for 'apt-get $*'; let the guest reach it (its sources: /etc/apt), then 'up'"
  apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold \
    --no-install-recommends --allow-change-held-packages "${sources[@]}" "$@" >&2 ||
    die "'apt-get $*' failed, see its words above; log /var/log/apt/term.log"
}

install_packages() { get install "$@"; }

# Suites that only the lab's kernel or Mesa is from: told to apt for one call.
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
    [[ -n $name ]] || die "found no package of $file, required one"
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
  [[ -d $home ]] || die "found no home of $1, required $home"
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
  # Without it session.sh starts the session anew.
  rm -f /etc/mir-session/applied
}

share() {
  [[ $1 =~ ^[A-Za-z0-9._\\-]+\.mount$ ]] || die "found unit '$1', required a mount unit"
  systemctl --quiet stop "$1" ||
    die "found the share in use, required unmounted; end what uses it ('fuser -vm' names it), then 'up'"
  rm -rf -- "$UNIT_DIR/$1.d" "/run/systemd/system/$1.d" "/run/systemd/system/$1"
  [[ ! -L $UNIT_DIR/$1 ]] || rm -f -- "$UNIT_DIR/$1"
  systemctl daemon-reload
}

main() {
  ((EUID == 0)) || die "found user $(id -un), required root"
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
    *) die "found '$verb' with $# words, required a verb of this script and its words" ;;
  esac
}

main "$@"
