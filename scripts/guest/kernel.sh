#!/usr/bin/env bash
# A kernel beside the distribution's: installed, booted once, then kept or taken back. In the guest,
# as root. Each verb can be repeated, and leaves the guest with a kernel that is known to boot.
#   kernel.sh install suite SUITE PACKAGE IDENTITY   from a suite of the guest's own mirror
#   kernel.sh install deb SHA256 IDENTITY            a package file from standard input
#   kernel.sh install built IDENTITY                 what build.sh has made here
#       Prints the release. IDENTITY is kept beside it: whose it is, and what it was asked as.
#   kernel.sh record                    what the guest's own kernel was configured as, and its loaded modules:
#                                       once, so that what is made from it stays the same
#   kernel.sh basis                     prints that
#   kernel.sh trial RELEASE SYMBOL...   the next boot alone starts it, and a panic ends that boot;
#                                       refused without these symbols (y or m) in its configuration
#   kernel.sh keep RELEASE              every boot starts it; of ours, the newest two stay
#   kernel.sh back RELEASE              takes it away, if it is ours
#   kernel.sh restore                   takes all of ours away, and what the boot loader knew of them
#   kernel.sh reboot
#   kernel.sh progress                  the last line of the log of whichever verb is under way
set -euo pipefail

readonly ME=kernel
readonly MARKS=/var/lib/mirlab/kernels
# Take it away, and the next build from the running kernel records anew.
readonly BASIS=/var/lib/mirlab/kernel-basis
readonly LOG=/var/log/mirlab-kernel.log
readonly LOCK=/run/lock/mirlab-kernel
readonly PIN=/etc/default/grub.d/zz-mirlab-kernel.cfg
readonly MENU=/etc/grub.d/42_mirlab
readonly TRIAL=/boot/grub/mirlab-trial.cfg
readonly CONFIG=/boot/grub/grub.cfg
# Of ours that stay: the one that runs, and the one before it.
readonly KEPT=2
readonly RELEASE='^[0-9]+\.[0-9]+[A-Za-z0-9.+~_-]{0,80}$'

# shellcheck source=apt.sh
declare -F use_suite >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

# --- the boot loader ---

# The entry of a release as GRUB names it, or nothing.
entry_of() {
  awk -v want="gnulinux-$1-advanced-" '
    function id(line) { sub(/.*menuentry_id_option /, "", line); sub(/[^'\''"]*['\''"]/, "", line); sub(/['\''"].*/, "", line); return line }
    $1 == "submenu" { menu = id($0) ">" }
    $1 == "menuentry" && index(id($0), want) == 1 { print menu id($0); exit }
  ' "$CONFIG"
}

# As long as this file stands, the saved entry alone is started, whatever is installed.
pin() {
  local entry
  [[ ! -s $PIN || ! -x $MENU || -z $(entry_of "$(uname -r)") ]] || return 0
  command -v update-grub >/dev/null || die "found no update-grub, required GRUB 2 as the guest's boot loader"
  mkdir -p "${PIN%/*}"
  put 0755 "$MENU" <<'FILE'
#!/bin/sh
# Written by mirlab: the entry of a kernel that is tried.
cat <<'CONFIG'
if [ -f ${config_directory}/mirlab-trial.cfg ]; then
  source ${config_directory}/mirlab-trial.cfg
elif [ -z "${config_directory}" -a -f $prefix/mirlab-trial.cfg ]; then
  source $prefix/mirlab-trial.cfg
fi
CONFIG
FILE
  # The saved entry before the file that makes it count.
  logged update-grub
  entry=$(entry_of "$(uname -r)")
  [[ -n $entry ]] || die "found no entry of $(uname -r) in $CONFIG, required one to fall back to; see 'update-grub' in the guest"
  logged grub-set-default "$entry"
  printf '# Written by mirlab.\nGRUB_DEFAULT=saved\n' | put 0644 "$PIN"
  logged update-grub
}

# --- packages ---

# A release that the lab asked for, and that was not there before.
is_ours() { [[ -s $MARKS/$1 && $(<"$MARKS/$1") != "- "* ]]; }

mark() { # mark RELEASE PACKAGE IDENTITY
  local package=$2
  # What its owner installed is not ours to take away, now or later.
  [[ ! -e /boot/vmlinuz-$1 || -e $MARKS/$1 ]] || package=-
  [[ ! -s $MARKS/$1 ]] || is_ours "$1" || package=-
  printf '%s %s\n' "$package" "$3" | put 0644 "$MARKS/$1"
}

is_whole() { # is_whole PACKAGE RELEASE
  # shellcheck disable=SC2016 # dpkg-query's own field
  [[ -s /boot/vmlinuz-$2 && $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) == 'ii '* ]]
}

install_suite() { # install_suite SUITE PACKAGE IDENTITY
  local suite=$1 package=$2 identity=$3 real release size
  get update
  use_suite "$suite"
  ((${#sources[@]} == 0)) || get update
  real=$(apt-cache "${sources[@]}" show --no-all-versions "$package/$suite" 2>/dev/null |
    sed -n 's/^Depends: .*\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -n 1) || true
  [[ -n $real ]] || real=$package
  release=${real#linux-image-}
  [[ $release =~ $RELEASE ]] ||
    die "found no kernel in package $package of $suite, required one: 'apt-cache search linux-image' in the guest lists them"
  if ! is_whole "$real" "$release"; then
    size=$(apt-cache "${sources[@]}" show --no-all-versions "$real" 2>/dev/null | sed -n 's/^Installed-Size: //p' | head -n 1) || true
    [[ -n $size ]] || die "found no package $real in $suite, required one; let the guest reach its mirror (its sources: /etc/apt)"
    need_mib $((size * 5 / 4096 + SPARE_MIB)) /
    mark "$release" "$real" "$identity"
    get install -t "$suite" "$real"
    apt-get clean
  fi
  mark "$release" "$real" "$identity"
  printf '%s\n' "$release"
}

install_deb() { # install_deb SHA256 IDENTITY
  local sum=$1 identity=$2 file=$MARKS/.package.deb package release size
  take_deb "$sum" "$file"
  package=$(dpkg-deb -f "$file" Package)
  size=$(dpkg-deb -f "$file" Installed-Size)
  [[ $package =~ ^linux-image-[a-z0-9.+-]+$ ]] || die "found package '$package', required linux-image-..."
  release=$(dpkg-deb --fsys-tarfile "$file" | tar -t | sed -n 's|^\(\./\)\?boot/vmlinuz-||p')
  [[ $release =~ $RELEASE ]] || die "found '${release//$'\n'/ }' as kernel in $package, required one file /boot/vmlinuz-RELEASE"
  [[ ! -e /boot/vmlinuz-$release ]] || is_ours "$release" ||
    die "found kernel $release installed by the guest's owner, required a release of its own in $package"
  # Its file would go with the kernel that the guest falls back to.
  [[ $release != "$(uname -r)" ]] ||
    die "found kernel $release running already, required another release in $package: build it with another LOCALVERSION"
  # The run that was waited for has done it.
  if [[ ! -s $MARKS/$release || $(<"$MARKS/$release") != "$package $identity" ]] || ! is_whole "$package" "$release"; then
    need_mib $((${size:-0} / 1024 + SPARE_MIB)) /
    mark "$release" "$package" "$identity"
    get install --reinstall --allow-downgrades "$file"
  fi
  rm -f "$file"
  # A package without Debian's hooks tells nobody.
  [[ -n $(entry_of "$release") ]] || logged update-grub
  printf '%s\n' "$release"
}

install_built() { # install_built IDENTITY
  local file sum
  file=$(finished_build kernel "$1")
  sum=$(sha256sum "$file" | cut -d' ' -f1)
  install_deb "$sum" "$1" <"$file"
}

install_kernel() {
  mkdir -p "$MARKS"
  # While it runs: a later build may be made from it.
  is_ours "$(uname -r)" || [[ ! -s /boot/config-$(uname -r) ]] || record
  # A run before this one may have been cut off.
  logged dpkg --configure -a
  pin
  case "$1 $#" in
    "suite 4") install_suite "${@:2}" ;;
    "deb 3") install_deb "${@:2}" ;;
    "built 2") install_built "$2" ;;
    *) die "found 'install $*', required suite, deb or built and its words" ;;
  esac
}

# --- what a kernel is made from ---

record() {
  local release
  [[ ! -s $BASIS ]] || return 0
  release=$(uname -r)
  ! is_ours "$release" ||
    die "found $release running, which the lab has installed, required the guest's own kernel to build from what runs; take kernel.build out of the configuration for one 'up', or set its base to tiny"
  [[ -s /boot/config-$release ]] || die "found no /boot/config-$release, required the configuration of the kernel that runs; use base tiny or defconfig"
  mkdir -p "${BASIS%/*}"
  {
    grep -E '^(CONFIG_|# CONFIG_)' "/boot/config-$release"
    cut -d' ' -f1 /proc/modules | LC_ALL=C sort | sed 's/^/# module /'
  } | put 0644 "$BASIS"
}

# --- one boot ---

trial() {
  local release=$1 entry symbol missing=()
  shift
  pin
  entry=$(entry_of "$release")
  [[ -n $entry ]] || die "found no entry of $release in $CONFIG, required one; see 'update-grub' in the guest"
  for symbol in "$@"; do
    [[ ! -s /boot/config-$release ]] || grep -qE "^CONFIG_$symbol=[ym]$" "/boot/config-$release" || missing+=("CONFIG_$symbol")
  done
  ((${#missing[@]} == 0)) ||
    die "found kernel $release without ${missing[*]}, required for this guest; use a kernel that has them (on Debian none of the -cloud ones)"
  # Its own entry: the same but for the last two words.
  awk -v want="'${entry##*>}'" '
    $1 == "menuentry" && index($0, want) { on = 1; print "menuentry \"mirlab: on trial\" --id mirlab-trial {"; next }
    on && $1 == "linux" { print $0 " mirlab.trial panic=10"; next }
    on { print }
    on && $1 == "}" { exit }
  ' "$CONFIG" | put 0644 "$TRIAL"
  grep -q 'mirlab.trial' "$TRIAL" || die "found no kernel line in the entry of $release in $CONFIG, required one"
  logged grub-reboot mirlab-trial
  sync
}

no_trial() {
  rm -f "$TRIAL"
  logged grub-editenv - unset next_entry
}

purge() { # purge RELEASE: of ours alone
  local package
  [[ -s $MARKS/$1 ]] || return 0
  read -r package _ <"$MARKS/$1"
  if [[ $package == - ]]; then
    rm -f "$MARKS/$1"
    return
  fi
  [[ $1 != "$(uname -r)" ]] || die "found kernel $1 running, required another one before it is taken away"
  [[ $package =~ ^linux-image-[a-z0-9.+-]+$ ]] || die "found '$package' in $MARKS/$1, required a package"
  logged dpkg --configure -a
  get purge "$package"
  rm -f "$MARKS/$1"
}

keep() {
  local entry release ours
  entry=$(entry_of "$1")
  [[ -n $entry ]] || die "found no entry of $1 in $CONFIG, required one; see 'update-grub' in the guest"
  logged grub-set-default "$entry"
  no_trial
  mapfile -t ours < <(cd "$MARKS" && for release in [0-9]*; do [[ $release == "$1" ]] || printf '%s\n' "$release"; done | sort -rV)
  for release in "${ours[@]:KEPT-1}"; do
    [[ ! -e $MARKS/$release ]] || purge "$release"
  done
}

back() {
  no_trial
  purge "$1"
}

restore() {
  local path
  no_trial
  for path in "$MARKS"/[0-9]*; do
    [[ ! -e $path ]] || purge "${path##*/}"
  done
  rm -f "$PIN" "$MENU"
  logged update-grub
  logged grub-editenv - unset saved_entry
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
    "install "[2-4]) install_kernel "$@" ;;
    "record 0") record ;;
    "basis 0") cat "$BASIS" ;;
    "trial "[1-9]*) trial "$@" ;;
    "keep 1") keep "$@" ;;
    "back 1") back "$@" ;;
    "restore 0") restore ;;
    "reboot 0") systemctl reboot ;;
    *) die "found '$verb' with $# words, required a verb of this script and its words" ;;
  esac
}

main "$@"
