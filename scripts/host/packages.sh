#!/usr/bin/env bash
# Debian packages of a lab host.
#   packages.sh missing PKG...   print the missing ones, one a line
#   packages.sh install PKG...   print the missing ones, then install only them
#   packages.sh require PKG...   fail and name the missing ones
# An installed package stays at its version, newer or held; nothing is ever removed.
set -euo pipefail

readonly ME=packages
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# How long another run of apt or dpkg is waited for.
readonly LOCK_SECONDS=${MIRLAB_LOCK_SECONDS:-300}
readonly APT=(apt-get -q -y -o "DPkg::Lock::Timeout=$LOCK_SECONDS" -o Acquire::Retries=3)
readonly DPKG_DIR=${DPKG_ADMINDIR:-/var/lib/dpkg}

require_debian() {
  local id="" like=""
  if [[ -r /etc/os-release ]]; then
    # shellcheck source=/dev/null
    id=$(. /etc/os-release && printf '%s' "${ID-}")
    # shellcheck source=/dev/null
    like=$(. /etc/os-release && printf '%s' "${ID_LIKE-}")
  fi
  [[ " $id $like " == *" debian "* ]] && command -v apt-get >/dev/null && return
  die "found system '${id:-unknown}', required Debian or a derivative with apt-get; install the packages by hand on such a host; log /etc/os-release"
}

check_names() {
  (($# > 0)) || die "found no package name, required at least one; usage: packages.sh missing|install|require PKG..."
  local name
  for name in "$@"; do
    [[ $name =~ ^[a-z0-9][a-z0-9+.-]+$ ]] || die "found package name '$name', required a Debian package name (a-z 0-9 + . -); correct the name"
  done
}

print_missing() {
  local name state
  for name in "$@"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) || state=""
    [[ $state == installed ]] || printf '%s\n' "$name"
  done
}

without_candidate() {
  local name candidate
  for name in "$@"; do
    candidate=$(LC_ALL=C apt-cache policy "$name" | sed -n 's/^  Candidate: //p')
    [[ -n $candidate && $candidate != "(none)" ]] || printf '%s\n' "$name"
  done
}

# The process that has dpkg's lock: `PID (NAME)`, or nothing. Asking for the lock would need root.
lock_holder() {
  local file inode line pid
  for file in lock-frontend lock; do
    inode=$(stat -c %i "$DPKG_DIR/$file" 2>/dev/null) || continue
    while read -r line; do
      # `1: POSIX ADVISORY WRITE PID MAJOR:MINOR:INODE START END`; a waiting one has an arrow.
      [[ $line =~ ^[0-9]+:\ +POSIX\ +ADVISORY\ +WRITE\ +([0-9]+)\ +[0-9a-f]+:[0-9a-f]+:$inode\  ]] || continue
      pid=${BASH_REMATCH[1]}
      printf '%s (%s)\n' "$pid" "$(cat "/proc/$pid/comm" 2>/dev/null || printf unknown)"
      return
    done </proc/locks
  done
}

wait_for_lock() {
  local holder start=$SECONDS told=0
  while holder=$(lock_holder) && [[ -n $holder ]]; do
    ((SECONDS - start < LOCK_SECONDS)) ||
      die "found the package database locked by process $holder for $LOCK_SECONDS s, required free; let that run end, or end it, and run again; log /var/log/apt/term.log"
    if ((SECONDS - start >= told)); then
      say "package database: locked by process $holder; waiting for it, $((SECONDS - start)) of $LOCK_SECONDS s"
      ((told += 30))
    fi
    sleep 1
  done
}

apt_install() { as_root env DEBIAN_FRONTEND=noninteractive "${APT[@]}" install --no-install-recommends --no-remove "$@" >&2; }
apt_update() { as_root "${APT[@]}" update >&2; }

install_missing() {
  local missing unknown
  # A run that still goes leaves half-configured packages too, and needs no help.
  wait_for_lock
  # A dpkg killed half way makes every later apt run fail: finish its work first.
  if [[ -n $(dpkg --audit) ]]; then
    say "finishing an interrupted dpkg run"
    as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a >&2 ||
      die "found half-configured packages, required a sound dpkg state; 'dpkg --configure -a' failed, see its words above; log /var/log/dpkg.log"
  fi
  mapfile -t missing < <(print_missing "$@")
  if ((${#missing[@]} == 0)); then
    say "nothing to install"
    return
  fi
  printf '%s\n' "${missing[@]}"
  say "installing ${#missing[@]}: ${missing[*]}"
  mapfile -t unknown < <(without_candidate "${missing[@]}")
  if ((${#unknown[@]} > 0)); then
    apt_update || die "apt-get update failed, see its words above; check the network and /etc/apt/sources.list; log /var/log/apt/term.log"
    mapfile -t unknown < <(without_candidate "${unknown[@]}")
    ((${#unknown[@]} == 0)) || die "found no candidate for ${unknown[*]}, required one in the apt sources; add the distribution's main component to /etc/apt/sources.list"
  fi
  # A stale list names files the mirror has dropped: refresh it once, then try again.
  apt_install "${missing[@]}" || { apt_update && apt_install "${missing[@]}"; } ||
    die "apt-get install ${missing[*]} failed, see its words above; correct the cause and run again; log /var/log/apt/term.log"
  mapfile -t missing < <(print_missing "$@")
  ((${#missing[@]} == 0)) || die "found ${missing[*]} still missing after apt-get, required installed; log /var/log/apt/term.log"
}

require_installed() {
  local missing
  mapfile -t missing < <(print_missing "$@")
  ((${#missing[@]} == 0)) || die "found ${missing[*]} missing, required installed; run 'apt-get install ${missing[*]}', or set host.packages to \"install\""
}

main() {
  local verb=${1-}
  case $verb in
    missing | install | require) shift ;;
    *) die "found verb '$verb', required missing, install or require; usage: packages.sh missing|install|require PKG..." ;;
  esac
  check_names "$@"
  require_debian
  case $verb in
    missing) print_missing "$@" ;;
    install) install_missing "$@" ;;
    require) require_installed "$@" ;;
  esac
}

main "$@"
