#!/usr/bin/env bash
# Installs a kernel beside the distribution's, boots it once, then keeps or removes it. Runs in the guest,
# as root. Each verb can be repeated, and leaves the guest with a kernel that is known to boot.
#   kernel.sh install suite SUITE PACKAGE IDENTITY   from a suite of the guest's own mirror
#   kernel.sh install deb SHA256 IDENTITY            a package file from standard input
#   kernel.sh install built IDENTITY                 the package that build.sh has built in this guest
#       Prints the release, and records IDENTITY, the hash of its declaration, for it.
#   kernel.sh record                    records configuration and loaded modules of the guest's own kernel,
#                                       once: builds from the record stay the same
#   kernel.sh basis                     prints the record
#   kernel.sh trial RELEASE SYMBOL...   only the next boot starts it, and a panic ends that boot; refuses
#                                       a kernel whose configuration lacks a SYMBOL (y or m)
#   kernel.sh keep RELEASE              every boot starts it; keeps the lab's newest two kernels
#   kernel.sh back RELEASE              removes it, if the lab has installed it
#   kernel.sh restore                   removes all kernels of the lab and its boot loader settings
#   kernel.sh reboot
#   kernel.sh progress                  prints the log's last line, whichever verb is running
set -euo pipefail

readonly ME=kernel
readonly MARKS=/var/lib/mirlab/kernels
# Remove this file to have the next build from the running kernel record it again.
readonly BASIS=/var/lib/mirlab/kernel-basis
readonly LOG=/var/log/mirlab-kernel.log
readonly LOCK=/run/lock/mirlab-kernel
readonly PIN=/etc/default/grub.d/zz-mirlab-kernel.cfg
readonly MENU=/etc/grub.d/42_mirlab
readonly TRIAL=/boot/grub/mirlab-trial.cfg
readonly CONFIG=/boot/grub/grub.cfg
# The lab's kernels that `keep` keeps: the running one and the one before it.
readonly KEPT=2
readonly RELEASE='^[0-9]+\.[0-9]+[A-Za-z0-9.+~_-]{0,80}$'

# shellcheck source=apt.sh
declare -F use_suite >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/apt.sh"

# --- the boot loader ---

# Prints the GRUB entry of a release, or nothing.
entry_of() {
  awk -v want="gnulinux-$1-advanced-" '
    function id(line) { sub(/.*menuentry_id_option /, "", line); sub(/[^'\''"]*['\''"]/, "", line); sub(/['\''"].*/, "", line); return line }
    $1 == "submenu" { menu = id($0) ">" }
    $1 == "menuentry" && index(id($0), want) == 1 { print menu id($0); exit }
  ' "$CONFIG"
}

# While $PIN exists, GRUB boots the saved entry, whatever is installed.
pin() {
  local entry
  [[ ! -s $PIN || ! -x $MENU || -z $(entry_of "$(uname -r)") ]] || return 0
  command -v update-grub >/dev/null || die "found no update-grub; need GRUB 2 as the guest's boot loader"
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
  # Set the saved entry before the file that makes GRUB use it.
  logged update-grub
  entry=$(entry_of "$(uname -r)")
  [[ -n $entry ]] || die "found no entry of $(uname -r) in $CONFIG; need one to fall back to; fix: run 'update-grub' in the guest, and read its output"
  logged grub-set-default "$entry"
  printf '# Written by mirlab.\nGRUB_DEFAULT=saved\n' | put 0644 "$PIN"
  logged update-grub
}

# --- packages ---

# Succeeds for a release that the lab has installed and the guest did not have before.
is_ours() { [[ -s $MARKS/$1 && $(<"$MARKS/$1") != "- "* ]]; }

mark() { # mark RELEASE PACKAGE IDENTITY
  local package=$2
  # A kernel that the guest's owner installed: the lab never removes it.
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
    die "found no kernel in package $package of $suite; need one; fix: choose one that 'apt-cache search linux-image' in the guest lists"
  if ! is_whole "$real" "$release"; then
    size=$(apt-cache "${sources[@]}" show --no-all-versions "$real" 2>/dev/null | sed -n 's/^Installed-Size: //p' | head -n 1) || true
    [[ -n $size ]] || die "found no package $real in $suite; need it to install; fix: let the guest reach its mirror (see its /etc/apt)"
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
  [[ $package =~ ^linux-image-[a-z0-9.+-]+$ ]] || die "found package '$package'; need linux-image-..."
  release=$(dpkg-deb --fsys-tarfile "$file" | tar -t | sed -n 's|^\(\./\)\?boot/vmlinuz-||p')
  [[ $release =~ $RELEASE ]] || die "$package: found kernel '${release//$'\n'/ }'; need one file /boot/vmlinuz-RELEASE"
  [[ ! -e /boot/vmlinuz-$release ]] || is_ours "$release" ||
    die "$package: found that the guest's owner has installed kernel $release; need another release"
  # Installing it would overwrite the kernel that the guest falls back to.
  [[ $release != "$(uname -r)" ]] ||
    die "$package: found its kernel $release running already; need another release; fix: build it with another LOCALVERSION"
  # The run that held the lock before may have installed it already.
  if [[ ! -s $MARKS/$release || $(<"$MARKS/$release") != "$package $identity" ]] || ! is_whole "$package" "$release"; then
    need_mib $((${size:-0} / 1024 + SPARE_MIB)) /
    mark "$release" "$package" "$identity"
    get install --reinstall --allow-downgrades "$file"
  fi
  rm -f "$file"
  # A package without Debian's hooks does not update GRUB.
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
  # Recorded while it runs: a later build may start from it.
  is_ours "$(uname -r)" || [[ ! -s /boot/config-$(uname -r) ]] || record
  # An earlier run may have been cut off.
  logged dpkg --configure -a
  pin
  case "$1 $#" in
    "suite 4") install_suite "${@:2}" ;;
    "deb 3") install_deb "${@:2}" ;;
    "built 2") install_built "$2" ;;
    *) die "found 'install $*'; need suite, deb or built with its arguments" ;;
  esac
}

# --- the base of a build ---

record() {
  local release
  [[ ! -s $BASIS ]] || return 0
  release=$(uname -r)
  ! is_ours "$release" ||
    die "found $release running, a kernel of the lab; need the guest's own kernel running for base running; fix: remove guests[].kernel.build for one 'up', or set its base to tiny"
  [[ -s /boot/config-$release ]] || die "found no /boot/config-$release; need the running kernel's configuration for base running; fix: set guests[].kernel.build.base to tiny or defconfig"
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
  [[ -n $entry ]] || die "found no entry of $release in $CONFIG; need one to boot it; fix: run 'update-grub' in the guest, and read its output"
  for symbol in "$@"; do
    [[ ! -s /boot/config-$release ]] || grep -qE "^CONFIG_$symbol=[ym]$" "/boot/config-$release" || missing+=("CONFIG_$symbol")
  done
  ((${#missing[@]} == 0)) ||
    die "found kernel $release without ${missing[*]}; need them for this guest; fix: use a kernel that has them (on Debian none of the -cloud ones)"
  # Copy the release's entry, with two more kernel parameters.
  awk -v want="'${entry##*>}'" '
    $1 == "menuentry" && index($0, want) { on = 1; print "menuentry \"mirlab: on trial\" --id mirlab-trial {"; next }
    on && $1 == "linux" { print $0 " mirlab.trial panic=10"; next }
    on { print }
    on && $1 == "}" { exit }
  ' "$CONFIG" | put 0644 "$TRIAL"
  grep -q 'mirlab.trial' "$TRIAL" || die "found no kernel line in the entry of $release in $CONFIG; need one to boot it"
  logged grub-reboot mirlab-trial
  sync
}

no_trial() {
  rm -f "$TRIAL"
  logged grub-editenv - unset next_entry
}

purge() { # purge RELEASE: only a kernel that the lab has installed
  local package
  [[ -s $MARKS/$1 ]] || return 0
  read -r package _ <"$MARKS/$1"
  if [[ $package == - ]]; then
    rm -f "$MARKS/$1"
    return
  fi
  [[ $1 != "$(uname -r)" ]] || die "found kernel $1 running; need another one running to remove it"
  [[ $package =~ ^linux-image-[a-z0-9.+-]+$ ]] || die "$MARKS/$1: found '$package'; need a package name"
  logged dpkg --configure -a
  get purge "$package"
  rm -f "$MARKS/$1"
}

keep() {
  local entry release ours
  entry=$(entry_of "$1")
  [[ -n $entry ]] || die "found no entry of $1 in $CONFIG; need one to boot it; fix: run 'update-grub' in the guest, and read its output"
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
    *) die "found '$verb' with $# arguments; need a verb of this script with its arguments" ;;
  esac
}

main "$@"
