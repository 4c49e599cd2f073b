#!/usr/bin/env bash
# A build in the guest, as a unit: it goes on whoever waits for it. In the guest, as root. KIND is
# kernel or mesa. The compiler and its tools come in a file, as the source does: the guest needs no
# packages and no network, and nothing of it is changed.
#   build.sh state KIND                        prints `STATE IDENTITY STEPS SECONDS PHASE`, see below
#   build.sh begin KIND IDENTITY DISK_MIB MEMORY_MIB NAME=SHA256...
#       makes room for this build, and prints the names of the files that have to come
#   build.sh receive KIND NAME SHA256          standard input: the file
#   build.sh start KIND IDENTITY JOBS CACHE_MIB
#   build.sh log KIND | package KIND           what it said, what it made
#   build.sh clean KIND                        all goes but the log, the compiler cache and the package
#   build.sh forget KIND                       the package goes too
# STATE: none, running, done, failed, oom (it needed more memory than it may have).
set -euo pipefail

# shellcheck source=../build/confine.sh
declare -F confine >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/../build/confine.sh"
# shellcheck source=disk.sh
declare -F grow_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/disk.sh"

readonly BASE=/var/lib/mirlab/build
readonly CACHE=$BASE/ccache
readonly LOCK=/run/lock/mirlab-build

say() { printf '%s\n' "build: $*" >&2; }
die() {
  say "$*"
  exit 1
}

text() { [[ ! -s $1 ]] || head -c 200 -- "$1" | tr -d '\n'; }

# --- how far it is ---

unit_is() { systemctl show -p "$1" --value "$unit" 2>/dev/null; }

state() {
  local word=none identity steps=0 started=0
  identity=$(text "$dir/identity")
  case $(unit_is ActiveState) in
    active | activating | deactivating | reloading) word=running ;;
    *)
      if [[ -n $identity && $(text "$dir/done") == "$identity" && -s $dir/package.deb ]]; then
        word='done'
      elif [[ -n $identity && -e $dir/started && $(unit_is ActiveState) == failed ]]; then
        word=failed
        [[ $(unit_is Result) != oom-kill ]] || word=oom
      fi
      ;;
  esac
  [[ ! -e $dir/log ]] || steps=$(grep -cE '^  [A-Z]' "$dir/log") || true
  [[ ! -e $dir/started ]] || started=$(stat -c %Y "$dir/started")
  printf '%s %s %s %s %s\n' "$word" "${identity:--}" "$steps" "$((started == 0 ? 0 : $(date +%s) - started))" "$(text "$dir/phase")"
}

# --- before ---

unmount() {
  local name
  for name in input tools; do
    while mountpoint -q "$dir/$name"; do umount "$dir/$name"; done
  done
}

clean() {
  systemctl stop "$unit" 2>/dev/null || true
  systemctl reset-failed "$unit" 2>/dev/null || true
  unmount
  rm -rf --one-file-system -- "$dir/out" "$dir/input" "$dir/tools" "$dir/input.sqfs" "$dir/tools.sqfs" "$dir"/*.partial \
    "$dir/started" "$dir/phase" "$dir/run"
}

forget() {
  clean
  rm -f "$dir/identity" "$dir/done" "$dir/package.deb"
}

free_mib() { df --output=avail -BM "$dir" | tail -n 1 | tr -dc 0-9; }

begin() { # begin IDENTITY DISK_MIB MEMORY_MIB NAME=SHA256...
  local identity=$1 disk=$2 memory=$3 have pair name
  shift 3
  # One that was declared before this one.
  [[ $(text "$dir/identity") == "$identity" ]] || forget
  have=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
  ((have >= memory)) || die "found $have MiB of memory in the guest, required $memory MiB for this build; raise guests[].memoryMiB"
  mkdir -p "$dir" "$CACHE"
  # What lies there of this very build is not needed again.
  have=$(du -smx "$dir" | cut -f1)
  # The disk may have been enlarged by this very `up`.
  (($(free_mib) + have >= disk)) || grow_root
  (($(free_mib) + have >= disk)) ||
    die "found $(free_mib) MiB free in the guest's $BASE, required $disk MiB for this build; make room, or raise guests[].diskGiB: the guest's disk grows, and keeps what is on it"
  printf '%s\n' "$identity" >"$dir/identity"
  for pair in "$@"; do
    name=${pair%%=*}
    if mountpoint -q "$dir/$name"; then continue; fi
    sha256sum --quiet --check - <<<"${pair#*=}  $dir/$name.sqfs" >/dev/null 2>&1 || printf '%s\n' "$name"
  done
}

receive() { # receive NAME SHA256
  local temp=$dir/$1.partial
  [[ $1 == input || $1 == tools ]] || die "found file '$1', required input or tools"
  mkdir -p "$dir"
  cat >"$temp"
  sha256sum --quiet --check - <<<"$2  $temp" >&2 ||
    die "found another SHA-256 than $2 in what arrived, required this one; run 'up' again"
  mv -f "$temp" "$dir/$1.sqfs"
}

# --- the unit ---

# Runs as the unit's own process.
work() { # work KIND JOBS CACHE_MIB IDENTITY
  local dir=$BASE/$1 places
  places=(none "$dir/tools" "$dir/input:/build/input:ro" "$dir/out:/build/out:rw" "$CACHE:/build/ccache:rw" --)
  printf 'compile\n' >"$dir/phase"
  confine "${places[@]}" bash "/build/input/recipe/$1.sh" compile "$2" "$3"
  printf 'package\n' >"$dir/phase"
  confine "${places[@]}" bash "/build/input/recipe/$1.sh" package
  # Whatever the builder left under this name: only a file of its own is a package.
  [[ -f $dir/out/package.deb && ! -L $dir/out/package.deb ]] || exit 1
  chown root:root "$dir/out/package.deb"
  mv -fT "$dir/out/package.deb" "$dir/package.deb"
  sync "$dir/package.deb"
  printf '%s\n' "$4" >"$dir/done"
}

start() { # start IDENTITY JOBS CACHE_MIB
  local name memory
  [[ $(text "$dir/identity") == "$1" ]] || die "found build '$(text "$dir/identity")' begun, required $1"
  case $(state) in running\ * | done\ *) return ;; esac
  systemctl reset-failed "$unit" 2>/dev/null || true
  mkdir -p "$dir/out"
  chmod 0700 "$dir/out" "$CACHE"
  chown "$BUILDER:$BUILDER" "$dir/out" "$CACHE"
  for name in input tools; do
    mkdir -p "$dir/$name"
    mountpoint -q "$dir/$name" || mount -t squashfs -o ro,loop,nosuid,nodev "$dir/$name.sqfs" "$dir/$name" ||
      die "found that $dir/$name.sqfs cannot be mounted, required: the running kernel needs loop, squashfs and zstd in it"
  done
  {
    printf '%s\n' '#!/usr/bin/env bash' 'set -euo pipefail' "BUILDER=$BUILDER BASE=$BASE CACHE=$CACHE"
    declare -f inside_root confine work
    # shellcheck disable=SC2016 # for the unit's shell
    printf '%s\n' 'work "$@"'
  } >"$dir/run"
  : >"$dir/log"
  : >"$dir/started"
  # A guest whose session runs keeps a quarter of its memory, and the first turn of its CPUs.
  memory=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 3 / 4))
  systemd-run --quiet --unit="${unit%.service}" --description="mirlab: builds $kind ${1:0:8}" \
    -p MemoryMax="${memory}K" -p MemorySwapMax=0 -p TasksMax=1024 -p OOMPolicy=kill -p CPUWeight=20 \
    -p RuntimeMaxSec=86400 -p "StandardOutput=append:$dir/log" -p "StandardError=append:$dir/log" \
    /bin/bash "$dir/run" "$kind" "$2" "$3" "$1" >&2
}

main() {
  ((EUID == 0)) || die "found user $(id -un), required root"
  local verb=${1-} kind=${2-}
  [[ $kind =~ ^(kernel|mesa)$ ]] || die "found kind '$kind', required kernel or mesa"
  shift 2
  local dir=$BASE/$kind unit=mirlab-build-$kind.service
  trap '' HUP PIPE
  export LC_ALL=C.UTF-8
  case "$verb $#" in
    "state 0")
      state
      return
      ;;
    "log 0")
      tail -c 4000000 "$dir/log" 2>/dev/null || true
      return
      ;;
  esac
  exec 9>"$LOCK"
  flock -w 900 9 || die "found $LOCK held for 15 min, required free; 'fuser $LOCK' in the guest names who holds it"
  case "$verb $#" in
    "begin "[4-9]) begin "$@" ;;
    "receive 2") receive "$@" ;;
    "start 3") start "$@" 9>&- ;;
    "package 0") cat "$dir/package.deb" ;;
    "clean 0") clean ;;
    "forget 0") forget ;;
    *) die "found '$verb' with $# words, required a verb of this script and its words" ;;
  esac
}

main "$@"
