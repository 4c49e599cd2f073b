# Packages in a guest, for the scripts of this folder that install some: these set ME to their name,
# and LOG, LOCK and MARKS to files and a folder of their own in the guest. Over ssh this text comes
# before theirs (core/link.io.ts).
# shellcheck shell=bash

# Of the root file system, beside what dpkg needs: what it writes about packages.
readonly SPARE_MIB=200

say() { printf '%s\n' "${ME:?}: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# Whoever waits for the answer may be gone: then nothing is written to them.
logged() {
  "$@" >>"${LOG:?}" 2>&1 </dev/null || {
    tail -n 15 "$LOG" >&2 || true
    die "'$*' failed, see its words above; log $LOG in the guest"
  }
}

put() { # put MODE FILE: standard input becomes FILE, whole or not at all
  local temp
  temp=$(mktemp "$2.XXXXXX")
  cat >"$temp"
  chmod "$1" "$temp"
  sync "$temp"
  mv -f "$temp" "$2"
}

# The `sources` of these functions is the caller's: apt's options for a suite that the guest does
# not have, or nothing.
get() {
  DEBIAN_FRONTEND=noninteractive logged apt-get -q -y -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Options::=--force-confold --no-install-recommends "${sources[@]}" "$@"
}

need_mib() { # need_mib MIB PATH
  local free
  free=$(df --output=avail -BM "$2" | tail -n 1 | tr -dc 0-9)
  ((free >= $1)) || die "found $free MiB free in $2, required $1 MiB for the $ME; make room, or raise guests[].diskGiB"
}

# A suite that the guest does not have is told to apt for this call alone: it may not upgrade from it.
use_suite() {
  local uri release signed=/usr/share/keyrings/debian-archive-keyring.gpg have=""
  # Where Debian's keys lie elsewhere, by all that apt trusts.
  [[ -s $signed ]] || signed=""
  # shellcheck disable=SC2016 # apt's own fields
  while read -r uri release; do
    [[ $release != "$1" ]] || return 0
    [[ -n $have || $release == *-* ]] || have="deb ${signed:+[signed-by=$signed] }$uri $1 main"
  done < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages')
  [[ -n $have ]] || die "found no suite in the guest's /etc/apt, required one whose mirror may have $1 too"
  mkdir -p "${MARKS:?}/.sources"
  cp -a /etc/apt/sources.list.d/. "$MARKS/.sources/"
  printf '%s\n' "$have" >"$MARKS/.sources/mirlab.list"
  sources=(-o "Dir::Etc::SourceParts=$MARKS/.sources")
}

# Standard input becomes FILE, if it has this digest.
take_deb() { # take_deb SHA256 FILE
  need_mib $((SPARE_MIB * 2)) "${2%/*}"
  cat >"$2"
  printf '%s  %s\n' "$1" "$2" | sha256sum --quiet --check - >&2 ||
    die "found another SHA-256 than $1 in what arrived, required this one"
}

# The package that build.sh has made here, by its path.
finished_build() { # finished_build KIND IDENTITY
  local made=/var/lib/mirlab/build/$1
  [[ -s $made/done && $(<"$made/done") == "$2" && -s $made/package.deb ]] ||
    die "found no finished build $2 in $made, required it; run 'up' again"
  printf '%s\n' "$made/package.deb"
}

# One run at a time, which goes on when whoever waits for it is gone. That of a run which was cut
# off is waited for, and its end taken for done.
one_at_a_time() {
  ((EUID == 0)) || die "found user $(id -un), required root"
  trap '' HUP PIPE
  exec 9>"${LOCK:?}"
  flock -w 3600 9 || die "found $LOCK held for an hour, required free; 'fuser $LOCK' in the guest names who holds it"
  export LC_ALL=C.UTF-8
}
