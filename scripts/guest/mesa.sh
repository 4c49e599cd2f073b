#!/usr/bin/env bash
# Installs another Mesa than the distribution's, tries it with Mir, then keeps or removes it. Runs in the
# guest, as root. Each verb can be repeated; after a kill the record says what has changed.
#   mesa.sh install suite SUITE mesa IDENTITY   the installed packages of source mesa, from a suite
#                                               of the guest's own mirror
#   mesa.sh install deb SHA256 IDENTITY         a package file from standard input
#   mesa.sh install built IDENTITY              the package that build.sh has built in this guest
#       Prints Mesa's version, and records IDENTITY, the hash of its declaration.
#   mesa.sh try        runs Mir's own tests with it; the session stops meanwhile
#   mesa.sh keep
#   mesa.sh restore    installs the distribution's Mesa again
#   mesa.sh progress   prints the log's last line, whichever verb is running
set -euo pipefail

readonly ME=mesa
readonly MARKS=/var/lib/mirlab/mesa
# First line: identity, `tried` or `kept`, version. Then a line for each changed package: its name, the
# version before and the version now; `-` for not installed.
readonly RECORD=$MARKS/record
readonly DEB=$MARKS/package.deb
readonly LOG=/var/log/mirlab-mesa.log
readonly LOCK=/run/lock/mirlab-mesa
readonly SESSION=mir-session.service
# Every guest has this package; its version is Mesa's.
readonly EGL=libegl-mesa0
# Installed where the guest has no package of Mesa yet.
readonly PACKAGES=(libegl-mesa0 libgbm1 libgl1-mesa-dri)

# shellcheck source=apt.sh
declare -F use_suite >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"
# shellcheck source=mir-tests.sh
declare -F put_tests >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/mir-tests.sh"

# --- apt's plan, and the record of what it did ---

# apt-get's plan: a line `NAME OLD NEW` for each package to install, `NAME OLD -` for one to remove; OLD
# is `-` for a package that is not installed.
plan() { # plan APT-GET-WORD...
  local plan
  plan=$(apt-get -s -q --no-install-recommends --allow-downgrades --allow-change-held-packages "${sources[@]}" "$@" 2>>"$LOG") || {
    tail -n 5 "$LOG" >&2
    die "found that apt cannot do '$*', see above; need it to succeed; log: $LOG in the guest"
  }
  awk '
    $1 != "Inst" && $1 != "Remv" { next }
    { old = "-"; new = "-" }
    $3 ~ /^\[/ { old = substr($3, 2, length($3) - 2) }
    $1 == "Inst" { new = ($3 ~ /^\(/) ? $3 : $4; sub(/^\(/, "", new) }
    { print $2, old, new }
  ' <<<"$plan"
}

version_of() { # version_of PACKAGE: its installed version, or `-`
  local version
  # shellcheck disable=SC2016 # dpkg-query's own fields
  version=$(dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^installed //p') || true
  printf '%s\n' "${version:--}"
}

# Installed packages of the distribution's source package mesa.
mesa_packages() {
  # As apt names them: with the architecture, where it is a foreign one.
  # shellcheck disable=SC2016 # dpkg-query's own fields
  dpkg-query -W -f '${db:Status-Status} ${source:Package} ${Package}:${Architecture}\n' |
    sed -n "s/^installed mesa //p" | sed "s/:\(all\|$(dpkg --print-architecture)\)\$//"
}

record_word() { # record_word N: word N of the record's first line
  local words=()
  [[ ! -s $RECORD ]] || read -r -a words <"$RECORD"
  printf '%s\n' "${words[$1]-}"
}

# The record's lines, with the versions that are installed now.
recorded_now() {
  local name old _
  tail -n +2 "$RECORD" | while read -r name old _; do
    printf '%s %s %s\n' "$name" "$old" "$(version_of "$name")"
  done
}

# Writes the record; its lines come on standard input. The old versions of a record of the same IDENTITY
# stay: a run that was cut off wrote them before it changed anything.
record() { # record IDENTITY STATE VERSION
  local lines kept=""
  lines=$(cat)
  [[ $(record_word 0) != "$1" ]] || kept=$(tail -n +2 "$RECORD")
  {
    printf '%s %s %s\n' "$1" "$2" "$3"
    awk -v kept="$kept" '
      BEGIN {
        n = split(kept, rows, "\n")
        for (i = 1; i <= n; i++) { split(rows[i], w, " "); old[w[1]] = w[2]; new[w[1]] = w[3] }
      }
      NF == 3 { if (!($1 in old)) old[$1] = $2; new[$1] = $3 }
      END { for (name in old) if (name != "") print name, old[name], new[name] }
    ' <<<"$lines" | sort
  } | put 0644 "$RECORD"
}

# Installs packages, unless apt would remove others. It writes the record first: then a run that is cut
# off can be undone.
take() { # take IDENTITY VERSION APT-GET-WORD...
  local identity=$1 version=$2 changes goes kib
  shift 2
  changes=$(plan "$@")
  # Mesa's own packages may go: a newer Mesa may not need all of them.
  goes=$(awk '$3 == "-" { print $1 }' <<<"$changes" | grep -vxF -f <(mesa_packages) | paste -sd' ') || true
  [[ -z $goes ]] || die "found that apt would remove $goes; need a Mesa that leaves all other packages installed; log: 'apt-get -s $*' in the guest shows why"
  # These are download sizes; unpacked, packages are about four times as large.
  kib=$(DEBIAN_FRONTEND=noninteractive apt-get -q -y --print-uris --no-install-recommends --allow-downgrades "${sources[@]}" "$@" 2>>"$LOG" |
    awk '/^'\''/ { sum += $3 } END { print int(sum / 1024) }') || true
  need_mib $((${kib:-0} * 5 / 1024 + SPARE_MIB)) /
  record "$identity" tried "$version" <<<"$changes"
  # Half of another Mesa cannot draw.
  if ! (get "$@"); then
    undo
    forget
    die "found that the packages cannot be installed, see above, so the distribution's Mesa is installed again; need all packages of this Mesa; log: $LOG in the guest"
  fi
  apt-get clean
  record "$identity" tried "$version" < <(recorded_now)
}

# --- install ---

install_suite() { # install_suite SUITE IDENTITY
  local suite=$1 identity=$2 names version
  get update
  use_suite "$suite"
  ((${#sources[@]} == 0)) || get update
  mapfile -t names < <(mesa_packages)
  ((${#names[@]} > 0)) || names=("${PACKAGES[@]}")
  version=$(apt-cache "${sources[@]}" show --no-all-versions "$EGL/$suite" 2>>"$LOG" | sed -n 's/^Version: //p' | head -n 1) || true
  [[ -n $version ]] || die "found no package $EGL in $suite; need it to install; fix: let the guest reach its mirror (see its /etc/apt)"
  take "$identity" "$version" install --allow-downgrades -t "$suite" "${names[@]}"
  printf '%s\n' "$version"
}

install_deb() { # install_deb IDENTITY
  local identity=$1 package version
  package=$(dpkg-deb -f "$DEB" Package) || die "found a file that is no Debian package; need one"
  version=$(dpkg-deb -f "$DEB" Version)
  dpkg-deb --fsys-tarfile "$DEB" | tar -t | grep -E '/(libEGL_mesa|libgallium[^/]*|[^/]*_dri)\.so' >>"$LOG" ||
    die "package $package: found no libEGL_mesa and no driver; need a package of Mesa"
  take "$identity" "$version" install --reinstall --allow-downgrades "$DEB"
  printf '%s\n' "$version"
}

install_built() { # install_built IDENTITY
  local file sum
  file=$(finished_build mesa "$1")
  sum=$(sha256sum "$file" | cut -d' ' -f1)
  take_deb "$sum" "$DEB" <"$file"
  install_deb "$1"
}

install_mesa() {
  local identity=${*: -1} others
  mkdir -p "$MARKS"
  # An earlier run may have been cut off.
  logged dpkg --configure -a
  others=$(record_word 0)
  if [[ -n $others && $others != "$identity" ]]; then
    undo
    forget
  fi
  case "$1 $#" in
    "suite 4") install_suite "$2" "$identity" ;;
    "deb 3")
      take_deb "$2" "$DEB"
      install_deb "$identity"
      ;;
    "built 2") install_built "$identity" ;;
    *) die "found 'install $*'; need suite, deb or built with its arguments" ;;
  esac
}

# --- try and keep ---

# Succeeds if the guest has a session that starts at boot.
has_session() { systemctl --quiet is-enabled "$SESSION" 2>/dev/null; }

# Runs Mir's own tests while nothing else has the screen. facts.py reads their results.
try() {
  local getty=false
  put_test_program
  ! systemctl --quiet is-active getty@tty1.service || getty=true
  systemctl stop "$SESSION" getty@tty1.service 2>/dev/null || true
  # An earlier result does not count: it is for another Mesa.
  rm -f /var/lib/mir-session/tests/identity
  "$TESTS" run >>"$LOG" 2>&1 </dev/null || say "found that Mir's own tests failed; log: $LOG in the guest"
  if has_session; then
    start_session
  elif $getty; then
    systemctl start getty@tty1.service
  fi
}

# Does not fail where the session does not start: the caller of `try` checks that.
start_session() {
  systemctl reset-failed "$SESSION" 2>/dev/null || true
  systemctl restart "$SESSION" >>"$LOG" 2>&1 || say "found that $SESSION does not start; log: 'journalctl -u $SESSION' in the guest"
}

keep() {
  local identity version
  identity=$(record_word 0)
  version=$(record_word 2)
  [[ -n $identity ]] || die "found no $RECORD; need the record of the Mesa that was tried"
  record "$identity" kept "$version" < <(recorded_now)
}

# --- undo ---

# `NAME VERSION` lines: each package's earlier version where the guest's own suites have it, else the
# newest one of a suite that apt would install from.
own_versions() { # own_versions NAME OLD NAME OLD...
  local names=() olds=""
  while (($# > 0)); do
    names+=("$1")
    olds+="$1 $2"$'\n'
    shift 2
  done
  apt-cache policy "${names[@]}" | awk -v olds="$olds" '
    BEGIN { n = split(olds, lines, "\n"); for (i = 1; i <= n; i++) { split(lines[i], w, " "); before[w[1]] = w[2] } }
    function print_best() { if (name != "" && best != "") print name, best }
    /^[^ ].*:$/ { print_best(); name = substr($0, 1, length($0) - 1); best = ""; version = "" }
    /^( \*\*\*|    ) [^ ]+ -?[0-9]+$/ { version = $(NF - 1) }
    /^        +-?[0-9]+ / && $2 !~ /^\/var\/lib\/dpkg\// {
      if (version == before[name]) best = version
      else if (best == "" && $1 >= 500) best = version
    }
    END { print_best() }
  '
}

undo() {
  local name old _ version i goes="" others words=() changed=() sources=()
  local -A own=()
  logged dpkg --configure -a
  while read -r name old _; do
    version=$(version_of "$name")
    if [[ $old == - ]]; then
      [[ $version == - ]] || goes+=" $name"
    elif [[ $version != "$old" ]]; then
      changed+=("$name" "$old")
    fi
  done < <(tail -n +2 "$RECORD")
  if ((${#changed[@]} > 0)); then
    get update
    while read -r name version; do own[$name]=$version; done < <(own_versions "${changed[@]}")
    for ((i = 0; i < ${#changed[@]}; i += 2)); do
      name=${changed[i]}
      version=${own[$name]-}
      [[ -n $version ]] || die "found no version of $name in the guest's own suites; need ${changed[i + 1]}, the version before; fix: let the guest reach its mirror (see its /etc/apt)"
      [[ $version == "$(version_of "$name")" ]] || words+=("$name=$version")
    done
  fi
  for name in $goes; do words+=("$name-"); done
  if ((${#words[@]} > 0)); then
    # A package that came with the other Mesa stays if another one depends on it by now.
    others=$(plan install "${words[@]}" | awk -v goes="$goes " '$3 == "-" && index(goes, " " $1 " ") == 0 { print $1 }')
    if [[ -n $others ]]; then
      say "${others//$'\n'/ } depends on what came with the other Mesa:$goes stays in the guest"
      mapfile -t words < <(printf '%s\n' "${words[@]}" | grep -v -- '-$')
    fi
    ((${#words[@]} == 0)) || get install --purge --allow-downgrades --allow-change-held-packages "${words[@]}"
    apt-get clean
  fi
}

forget() { rm -rf -- "$MARKS/.sources" "$DEB" "$RECORD"; }

restore() {
  [[ -s $RECORD ]] || return 0
  undo
  ! has_session || start_session
  forget
}

main() {
  local verb=${1-} sources=()
  (($# == 0)) || shift
  if [[ $verb == progress ]]; then
    tail -n 1 "$LOG" 2>/dev/null || true
    return
  fi
  one_at_a_time
  case "$verb $#" in
    "install "[2-4]) install_mesa "$@" ;;
    "try 0") try ;;
    "keep 0") keep ;;
    "restore 0") restore ;;
    *) die "found '$verb' with $# arguments; need a verb of this script with its arguments" ;;
  esac
}

main "$@"
