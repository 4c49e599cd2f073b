#!/usr/bin/env bash
# Debian packages of a lab host.
#   packages.sh missing PKG...   print the missing ones, one a line
#   packages.sh install PKG...   print the missing ones, then install only them
#   packages.sh require PKG...   fail and name the missing ones
# With --qemu-from backports before the names, QEMU's packages come from the release's backports, and QEMU of the
# release counts as missing. Every other installed package stays at its version, newer or held; nothing is ever
# removed.
set -euo pipefail

readonly ME=packages
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=apt-way.sh
declare -F host_mirror >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/apt-way.sh"

# How long another run of apt or dpkg is waited for.
readonly LOCK_SECONDS=${MIRLAB_LOCK_SECONDS:-300}
readonly APT=(apt-get -q -y -o "DPkg::Lock::Timeout=$LOCK_SECONDS" -o Acquire::Retries=3)
readonly DPKG_DIR=${DPKG_ADMINDIR:-/var/lib/dpkg}

# `PACKAGE:PART`: a part that later releases keep in a package of its own, which only a recommendation names.
# Debian 13 and Ubuntu 24.04 have SPICE and QXL there.
readonly PARTS=(qemu-system-x86:qemu-system-modules-spice)

# The suite of QEMU's packages where it is not the release's own, e.g. trixie-backports; else nothing.
qemu_suite=''
# As Debian names a version that was made again for an older release.
readonly BACKPORT='*~bpo*'

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

version_of() { # the installed version, or nothing
  local state version
  read -r state version < <(dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null) || true
  [[ $state != installed ]] || printf '%s\n' "$version"
}

# Debian 12 has the part in its backports alone: there it goes with QEMU of the backports only.
part_fits() { # part_fits NAME PART
  local part
  part=$(candidate_of "$2")
  [[ -n $part ]] || return 1
  # shellcheck disable=SC2053 # a pattern
  [[ $part != $BACKPORT || -n $qemu_suite || $(version_of "$1") == $BACKPORT ]]
}

# The names, and the parts of them that this release's archive has.
with_parts() {
  local name part
  for name in "$@"; do
    printf '%s\n' "$name"
    for part in "${PARTS[@]}"; do
      [[ $part != "$name:"* ]] || ! part_fits "$name" "${part#*:}" || printf '%s\n' "${part#*:}"
    done
  done
}

of_backports() { [[ -n $qemu_suite && $1 == qemu-* ]]; }

# The version of a package in the backports, or nothing.
backported() {
  apt-cache madison "$1" | awk -F ' *[|] *' -v suite=" $qemu_suite/" 'index($3, suite) { print $2; exit }' | tr -d ' '
}

# An installed backport stays at its version; so does a version that is not older than today's backport.
fits() { # fits NAME VERSION
  local wanted
  # shellcheck disable=SC2053 # a pattern
  ! of_backports "$1" || [[ $2 == $BACKPORT ]] ||
    { wanted=$(backported "$1") && [[ -n $wanted ]] && dpkg --compare-versions "$2" ge "$wanted"; }
}

print_missing() {
  local name version names
  mapfile -t names < <(with_parts "$@")
  for name in "${names[@]}"; do
    version=$(version_of "$name")
    if [[ -z $version ]] || ! fits "$name" "$version"; then printf '%s\n' "$name"; fi
  done
}

without_candidate() {
  local name source
  for name in "$@"; do
    source=candidate_of
    ! of_backports "$name" || source=backported
    [[ -n $("$source" "$name") ]] || printf '%s\n' "$name"
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

apt_get_install() { as_root env "${proxies[@]}" DEBIAN_FRONTEND=noninteractive "${APT[@]}" install --no-install-recommends --no-remove "$@" >&2; }
# Sets the caller's `backports` and `own`: the names by whose archive has them.
split_names() {
  local name
  own=() backports=()
  for name in "$@"; do
    if of_backports "$name"; then backports+=("$name"); else own+=("$name"); fi
  done
}
apt_install() {
  local own backports
  split_names "$@"
  ((${#backports[@]} == 0)) || apt_get_install -t "$qemu_suite" "${backports[@]}" || return
  ((${#own[@]} == 0)) || apt_get_install "${own[@]}"
}
apt_update() { as_root env "${proxies[@]}" "${APT[@]}" update >&2; }

install_missing() {
  local missing unknown own backports
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
    split_names "${unknown[@]}"
    ((${#backports[@]} == 0)) ||
      die "found no ${backports[*]} of $qemu_suite; need them for host.qemu: backports; fix: echo 'deb $(host_mirror "${qemu_suite%-backports}") $qemu_suite main' | sudo tee /etc/apt/sources.list.d/$qemu_suite.list, or set host.qemu to \"release\""
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
  local missing own backports commands=()
  mapfile -t missing < <(print_missing "$@")
  ((${#missing[@]} > 0)) || return 0
  split_names "${missing[@]}"
  ((${#own[@]} == 0)) || commands+=("'apt-get install ${own[*]}'")
  ((${#backports[@]} == 0)) || commands+=("'apt-get install -t $qemu_suite ${backports[*]}'")
  die "found ${missing[*]} missing; need them installed; fix: run ${commands[*]}, or set host.packages to \"install\""
}

main() {
  local verb=${1-}
  case $verb in
    missing | install | require) shift ;;
    *) die "found verb '$verb'; need missing, install or require; fix: packages.sh missing|install|require PKG..." ;;
  esac
  require_debian
  if [[ ${1-} == --qemu-from ]]; then
    [[ ${2-} == backports ]] || die "found --qemu-from '${2-}'; need backports"
    # shellcheck source=/dev/null
    qemu_suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")-backports
    shift 2
  fi
  check_names "$@"
  case $verb in
    missing) print_missing "$@" ;;
    install) install_missing "$@" ;;
    require) require_installed "$@" ;;
  esac
}

main "$@"
