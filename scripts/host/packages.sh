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

# `PACKAGE:PART`: a part that later releases keep in a package of its own, which only a recommendation names.
# Debian 13 and Ubuntu 24.04 have SPICE and QXL there.
readonly PARTS=(qemu-system-x86:qemu-system-modules-spice)

require_debian() {
  local id="" like=""
  if [[ -r /etc/os-release ]]; then
    # shellcheck source=/dev/null
    id=$(. /etc/os-release && printf '%s' "${ID-}")
    # shellcheck source=/dev/null
    like=$(. /etc/os-release && printf '%s' "${ID_LIKE-}")
  fi
  [[ " $id $like " == *" debian "* ]] && command -v apt-get >/dev/null && return
  die "found system '${id:-unknown}'; need Debian or a derivative with apt-get; fix: install the packages by hand on such a host; log: /etc/os-release"
}

check_names() {
  (($# > 0)) || die "found no package name; need at least one; fix: packages.sh missing|install|require PKG..."
  local name
  for name in "$@"; do
    [[ $name =~ ^[a-z0-9][a-z0-9+.-]+$ ]] || die "found package name '$name'; need a Debian package name (a-z 0-9 + . -); fix: correct the name"
  done
}

candidate_of() {
  local candidate
  candidate=$(apt-cache policy "$1" | sed -n 's/^  Candidate: //p')
  [[ $candidate == "(none)" ]] || printf '%s' "$candidate"
}

# The names, and the parts of them that this release's archive has.
with_parts() {
  local name part
  for name in "$@"; do
    printf '%s\n' "$name"
    for part in "${PARTS[@]}"; do
      [[ $part != "$name:"* || -z $(candidate_of "${part#*:}") ]] || printf '%s\n' "${part#*:}"
    done
  done
}

print_missing() {
  local name state names
  mapfile -t names < <(with_parts "$@")
  for name in "${names[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) || state=""
    [[ $state == installed ]] || printf '%s\n' "$name"
  done
}

without_candidate() {
  local name
  for name in "$@"; do
    [[ -n $(candidate_of "$name") ]] || printf '%s\n' "$name"
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
      die "found the package database locked by process $holder for $LOCK_SECONDS s; need it free; fix: let that run end, or end it, and run again; log: /var/log/apt/term.log"
    if ((SECONDS - start >= told)); then
      say "package database: locked by process $holder; waiting for it, $((SECONDS - start)) of $LOCK_SECONDS s"
      ((told += 30))
    fi
    sleep 1
  done
}

apt_install() { as_root env "${proxies[@]}" DEBIAN_FRONTEND=noninteractive "${APT[@]}" install --no-install-recommends --no-remove "$@" >&2; }
apt_update() { as_root env "${proxies[@]}" "${APT[@]}" update >&2; }

install_missing() {
  local missing unknown
  # A run that still goes leaves half-configured packages too, and needs no help.
  wait_for_lock
  # A dpkg killed half way makes every later apt run fail: finish its work first.
  if [[ -n $(dpkg --audit) ]]; then
    say "finishing an interrupted dpkg run"
    as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a >&2 ||
      die "found half-configured packages; need a sound dpkg state; fix: run 'dpkg --configure -a' and correct what it names; log: /var/log/dpkg.log"
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
    apt_update || die "apt-get update: found that it failed; need the archive's lists; fix: check the network and /etc/apt/sources.list; log: the lines above"
    mapfile -t unknown < <(without_candidate "${unknown[@]}")
    ((${#unknown[@]} == 0)) || die "found no candidate for ${unknown[*]}; need one in the apt sources; fix: add the distribution's main component (Ubuntu: universe too) to /etc/apt/sources.list"
    # Now the archive's parts are known.
    mapfile -t missing < <(print_missing "$@")
  fi
  # A stale list names files the mirror has dropped: refresh it once, then try again.
  apt_install "${missing[@]}" || { apt_update && apt_install "${missing[@]}"; } ||
    die "apt-get install ${missing[*]}: found that it failed; need them installed; fix: correct the cause and run again; log: /var/log/apt/term.log and the lines above"
  mapfile -t missing < <(print_missing "$@")
  ((${#missing[@]} == 0)) || die "found ${missing[*]} still missing after apt-get; need them installed; log: /var/log/apt/term.log"
}

require_installed() {
  local missing
  mapfile -t missing < <(print_missing "$@")
  ((${#missing[@]} == 0)) || die "found ${missing[*]} missing; need them installed; fix: run 'apt-get install ${missing[*]}', or set host.packages to \"install\""
}

main() {
  local verb=${1-}
  case $verb in
    missing | install | require) shift ;;
    *) die "found verb '$verb'; need missing, install or require; fix: packages.sh missing|install|require PKG..." ;;
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
