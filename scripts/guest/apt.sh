# Installs packages in a guest. A library of kernel.sh and mesa.sh, which set ME to their name, LOG and
# LOCK to files and MARKS to a folder of their own in the guest. Over ssh this text comes before theirs
# (core/link.io.ts).
# shellcheck shell=bash

# Free space that dpkg's database needs besides the packages.
readonly SPARE_MIB=200

say() { printf '%s\n' "${ME:?}: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# Writes to the log alone: the ssh client may be gone, and writing to it would then fail.
logged() {
  "$@" >>"${LOG:?}" 2>&1 </dev/null || {
    tail -n 15 "$LOG" >&2 || true
    die "found that '$*' failed, see above; need it to succeed; log: $LOG in the guest"
  }
}

put() { # put MODE FILE: writes standard input to FILE atomically
  local temp
  temp=$(mktemp "$2.XXXXXX")
  cat >"$temp"
  chmod "$1" "$temp"
  sync "$temp"
  mv -f "$temp" "$2"
}

# The caller's array `sources` holds apt's options for a suite that the guest's /etc/apt lacks, or
# nothing.
get() {
  DEBIAN_FRONTEND=noninteractive logged apt-get -q -y -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Options::=--force-confold --no-install-recommends "${sources[@]}" "$@"
}

need_mib() { # need_mib MIB PATH
  local free
  free=$(df --output=avail -BM "$2" | tail -n 1 | tr -dc 0-9)
  ((free >= $1)) || die "found $free MiB free in $2; need $1 MiB for the $ME; fix: make room, or raise guests[].diskGiB"
}

# Adds a suite that the guest's /etc/apt lacks, for this call alone: the guest's own upgrades ignore it.
use_suite() {
  local uri release signed=/usr/share/keyrings/debian-archive-keyring.gpg have=""
  # Without Debian's keyring at this path apt uses every key that it trusts.
  [[ -s $signed ]] || signed=""
  # shellcheck disable=SC2016 # apt's own fields
  while read -r uri release; do
    [[ $release != "$1" ]] || return 0
    [[ -n $have || $release == *-* ]] || have="deb ${signed:+[signed-by=$signed] }$uri $1 main"
  done < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages')
  [[ -n $have ]] || die "found no suite in the guest's /etc/apt; need one whose mirror may have $1 too"
  mkdir -p "${MARKS:?}/.sources"
  cp -a /etc/apt/sources.list.d/. "$MARKS/.sources/"
  printf '%s\n' "$have" >"$MARKS/.sources/mirlab.list"
  sources=(-o "Dir::Etc::SourceParts=$MARKS/.sources")
}

# Writes standard input to FILE, and fails if the digest differs.
take_deb() { # take_deb SHA256 FILE
  need_mib $((SPARE_MIB * 2)) "${2%/*}"
  cat >"$2"
  printf '%s  %s\n' "$1" "$2" | sha256sum --quiet --check - >&2 ||
    die "package: found another SHA-256 after the transfer; need $1"
}

# Prints the path of the package that build.sh has built in this guest.
finished_build() { # finished_build KIND IDENTITY
  local built=/var/lib/mirlab/build/$1
  [[ -s $built/done && $(<"$built/done") == "$2" && -s $built/package.deb ]] ||
    die "found no finished build $2 in $built; need one to install; fix: run 'up' again"
  printf '%s\n' "$built/package.deb"
}

# Takes the lock for this run, and ignores the end of the ssh connection. The next run waits for one
# that was cut off, and then finds its work done.
one_at_a_time() {
  ((EUID == 0)) || die "found user $(id -un); need root"
  trap '' HUP PIPE
  exec 9>"${LOCK:?}"
  flock -w 3600 9 || die "found $LOCK held for an hour; need it free; fix: find the holder with 'fuser $LOCK' in the guest"
  export LC_ALL=C.UTF-8 LANGUAGE=
}
