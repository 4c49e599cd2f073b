#!/usr/bin/env bash
# Another Mesa than the distribution's: installed, tried by Mir, then kept or taken back. In the
# guest, as root. Each verb can be repeated; what a kill leaves is known by the record.
#   mesa.sh install suite SUITE mesa IDENTITY   the installed packages of source mesa, from a suite
#                                               of the guest's own mirror
#   mesa.sh install deb SHA256 IDENTITY         a package file from standard input
#   mesa.sh install built IDENTITY              what build.sh has made here
#       Prints Mesa's version. IDENTITY is kept: what it was asked as.
#   mesa.sh try        Mir's own tests draw with it; the session gives them its screen meanwhile
#   mesa.sh keep
#   mesa.sh restore    the distribution's again, whatever was tried or kept
#   mesa.sh progress   the last line of the log of whichever verb is under way
set -euo pipefail

readonly ME=mesa
readonly MARKS=/var/lib/mirlab/mesa
# First line: identity, `tried` or `kept`, version. Then a line for each package that was changed:
# its name, the version before and the version now; `-` for one that is not there.
readonly RECORD=$MARKS/record
readonly DEB=$MARKS/package.deb
readonly LOG=/var/log/mirlab-mesa.log
readonly LOCK=/run/lock/mirlab-mesa
readonly SESSION=mir-session.service
# Of every guest; its version is Mesa's.
readonly EGL=libegl-mesa0
# Where the guest has nothing of Mesa yet.
readonly PACKAGES=(libegl-mesa0 libgbm1 libgl1-mesa-dri)

# shellcheck source=apt.sh
declare -F use_suite >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"
# shellcheck source=mir-tests.sh
declare -F put_tests >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/mir-tests.sh"

# --- what apt would do, and what it did ---

# apt-get's plan for these words: a line `NAME OLD NEW` for each package that is to be installed,
# `NAME OLD -` for one that goes; `-` for a version that is not there.
plan() { # plan APT-GET-WORD...
  local told
  told=$(apt-get -s -q --no-install-recommends --allow-downgrades --allow-change-held-packages "${sources[@]}" "$@" 2>>"$LOG") || {
    tail -n 5 "$LOG" >&2
    die "found that apt cannot do '$*', see its words above; log $LOG in the guest"
  }
  awk '
    $1 != "Inst" && $1 != "Remv" { next }
    { old = "-"; new = "-" }
    $3 ~ /^\[/ { old = substr($3, 2, length($3) - 2) }
    $1 == "Inst" { new = ($3 ~ /^\(/) ? $3 : $4; sub(/^\(/, "", new) }
    { print $2, old, new }
  ' <<<"$told"
}

version_of() { # version_of PACKAGE: of the installed one, or `-`
  local told
  # shellcheck disable=SC2016 # dpkg-query's own fields
  told=$(dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | sed -n 's/^installed //p') || true
  printf '%s\n' "${told:--}"
}

# Of the distribution's Mesa, what is installed.
mesa_packages() {
  # As apt names them: another architecture's with it.
  # shellcheck disable=SC2016 # dpkg-query's own fields
  dpkg-query -W -f '${db:Status-Status} ${source:Package} ${Package}:${Architecture}\n' |
    sed -n "s/^installed mesa //p" | sed "s/:\(all\|$(dpkg --print-architecture)\)\$//"
}

record_word() { # record_word N: of the first line
  local words=()
  [[ ! -s $RECORD ]] || read -r -a words <"$RECORD"
  printf '%s\n' "${words[$1]-}"
}

# The record's lines, with the versions of now.
recorded_now() {
  local name old _
  tail -n +2 "$RECORD" | while read -r name old _; do
    printf '%s %s %s\n' "$name" "$old" "$(version_of "$name")"
  done
}

# Writes the record; its lines come on standard input. What a run of the same IDENTITY that was cut
# off has found before it stays what was before.
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

# Installs what the words name, if nothing goes by it. The record comes first: a cut-off run can be undone.
take() { # take IDENTITY VERSION APT-GET-WORD...
  local identity=$1 version=$2 changes goes kib
  shift 2
  changes=$(plan "$@")
  # Of Mesa's own packages a newer one may have no use.
  goes=$(awk '$3 == "-" { print $1 }' <<<"$changes" | grep -vxF -f <(mesa_packages) | paste -sd' ') || true
  [[ -z $goes ]] || die "found that $goes would have to go, required a Mesa beside which all that is installed can stay; 'apt-get -s $*' in the guest tells why"
  # Packed sizes; unpacked they are some four times as large.
  kib=$(DEBIAN_FRONTEND=noninteractive apt-get -q -y --print-uris --no-install-recommends --allow-downgrades "${sources[@]}" "$@" 2>>"$LOG" |
    awk '/^'\''/ { sum += $3 } END { print int(sum / 1024) }') || true
  need_mib $((${kib:-0} * 5 / 1024 + SPARE_MIB)) /
  record "$identity" tried "$version" <<<"$changes"
  # With half of another Mesa nothing draws.
  if ! (get "$@"); then
    undo
    forget
    die "found that the packages could not be installed, see the words above; the distribution's Mesa is in its place again"
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
  [[ -n $version ]] || die "found no package $EGL in $suite, required one; let the guest reach its mirror (its sources: /etc/apt)"
  take "$identity" "$version" install --allow-downgrades -t "$suite" "${names[@]}"
  printf '%s\n' "$version"
}

install_deb() { # install_deb IDENTITY
  local identity=$1 package version
  package=$(dpkg-deb -f "$DEB" Package) || die "found no Debian package in what arrived, required one"
  version=$(dpkg-deb -f "$DEB" Version)
  dpkg-deb --fsys-tarfile "$DEB" | tar -t | grep -E '/(libEGL_mesa|libgallium[^/]*|[^/]*_dri)\.so' >>"$LOG" ||
    die "found no libEGL_mesa and no driver in package $package, required Mesa"
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
  # A run before this one may have been cut off.
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
    *) die "found 'install $*', required suite, deb or built and its words" ;;
  esac
}

# --- try and keep ---

# One that is there and is to run at boot: of a guest without a session, nothing.
has_session() { systemctl --quiet is-enabled "$SESSION" 2>/dev/null; }

# Mir's own tests, with the screen to themselves. What they say is kept, and read as facts.
try() {
  local getty=false
  put_test_program
  ! systemctl --quiet is-active getty@tty1.service || getty=true
  systemctl stop "$SESSION" getty@tty1.service 2>/dev/null || true
  # A result of before the change does not count.
  rm -f /var/lib/mir-session/tests/identity
  "$TESTS" run >>"$LOG" 2>&1 </dev/null || say "found that Mir's own tests did not end well; see $LOG in the guest"
  if has_session; then
    start_session
  elif $getty; then
    systemctl start getty@tty1.service
  fi
}

# It may be one that cannot start now: whether it can is asked by whoever tries.
start_session() {
  systemctl reset-failed "$SESSION" 2>/dev/null || true
  systemctl restart "$SESSION" >>"$LOG" 2>&1 || say "found that $SESSION does not start; see 'journalctl -u $SESSION' in the guest"
}

keep() {
  local identity version
  identity=$(record_word 0)
  version=$(record_word 2)
  [[ -n $identity ]] || die "found no $RECORD, required what was tried"
  record "$identity" kept "$version" < <(recorded_now)
}

# --- the way back ---

# The version of each package in the guest's own suites: the one of before, else the newest of a
# suite that apt would take one from. `NAME VERSION` lines.
own_versions() { # own_versions NAME OLD NAME OLD...
  local names=() olds=""
  while (($# > 0)); do
    names+=("$1")
    olds+="$1 $2"$'\n'
    shift 2
  done
  apt-cache policy "${names[@]}" | awk -v olds="$olds" '
    BEGIN { n = split(olds, lines, "\n"); for (i = 1; i <= n; i++) { split(lines[i], w, " "); before[w[1]] = w[2] } }
    function told() { if (name != "" && best != "") print name, best }
    /^[^ ].*:$/ { told(); name = substr($0, 1, length($0) - 1); best = ""; version = "" }
    /^( \*\*\*|    ) [^ ]+ -?[0-9]+$/ { version = $(NF - 1) }
    /^        +-?[0-9]+ / && $2 !~ /^\/var\/lib\/dpkg\// {
      if (version == before[name]) best = version
      else if (best == "" && $1 >= 500) best = version
    }
    END { told() }
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
      [[ -n $version ]] || die "found no version of $name in the guest's own suites, required ${changed[i + 1]}, which was there before; let the guest reach its mirror (its sources: /etc/apt)"
      [[ $version == "$(version_of "$name")" ]] || words+=("$name=$version")
    done
  fi
  for name in $goes; do words+=("$name-"); done
  if ((${#words[@]} > 0)); then
    # Of what came with it, that stays on which something depends by now.
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
    *) die "found '$verb' with $# words, required a verb of this script and its words" ;;
  esac
}

main "$@"
