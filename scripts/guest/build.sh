#!/usr/bin/env bash
# Builds in the guest, as a systemd unit: the build goes on when the connection ends. Runs in the guest,
# as root. KIND is kernel or mesa. The compiler and the source come as files: the guest needs no packages
# and no network, and its own files stay as they are.
#   build.sh state KIND                        prints `STATE IDENTITY STEPS SECONDS PHASE`, see below
#   build.sh begin KIND IDENTITY DISK_MIB MEMORY_MIB NAME=SHA256...
#       makes room for this build, and prints the names of the files to send
#   build.sh receive KIND NAME SHA256          standard input: the file
#   build.sh start KIND IDENTITY JOBS CACHE_MIB
#   build.sh log KIND | package KIND           prints the log, or the built package
#   build.sh clean KIND                        removes all but the log, the compiler cache and the package
#   build.sh forget KIND                       removes the package too
# STATE: none, running, done, failed, oom (the unit's memory limit ended it).
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

# --- progress ---

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

# --- files ---

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
  # An earlier declaration's build.
  [[ $(text "$dir/identity") == "$identity" ]] || forget
  have=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
  ((have >= memory)) || die "found $have MiB of memory in the guest; need $memory MiB for this build; fix: raise guests[].memoryMiB"
  mkdir -p "$dir" "$CACHE"
  # Files of this build that are here already need no more room.
  have=$(du -smx "$dir" | cut -f1)
  # This `up` may just have enlarged the disk.
  (($(free_mib) + have >= disk)) || grow_root
  (($(free_mib) + have >= disk)) ||
    die "found $(free_mib) MiB free in the guest's $BASE; need $disk MiB for this build; fix: make room, or raise guests[].diskGiB (the disk's content stays)"
  printf '%s\n' "$identity" >"$dir/identity"
  for pair in "$@"; do
    name=${pair%%=*}
    if mountpoint -q "$dir/$name"; then continue; fi
    sha256sum --quiet --check - <<<"${pair#*=}  $dir/$name.sqfs" >/dev/null 2>&1 || printf '%s\n' "$name"
  done
}

receive() { # receive NAME SHA256
  local temp=$dir/$1.partial
  [[ $1 == input || $1 == tools ]] || die "found file '$1'; need input or tools"
  mkdir -p "$dir"
  cat >"$temp"
  sha256sum --quiet --check - <<<"$2  $temp" >&2 ||
    die "$1: found another SHA-256 after the transfer; need $2; fix: run 'up' again"
  mv -f "$temp" "$dir/$1.sqfs"
}

# --- the unit ---

# The unit's main process.
work() { # work KIND JOBS CACHE_MIB IDENTITY
  local dir=$BASE/$1 places
  places=(none "$dir/tools" "$dir/input:/build/input:ro" "$dir/out:/build/out:rw" "$CACHE:/build/ccache:rw" --)
  printf 'compile\n' >"$dir/phase"
  confine "${places[@]}" bash "/build/input/recipe/$1.sh" compile "$2" "$3"
  printf 'package\n' >"$dir/phase"
  confine "${places[@]}" bash "/build/input/recipe/$1.sh" package
  # The builder may have put a link there: only a regular file is accepted.
  [[ -f $dir/out/package.deb && ! -L $dir/out/package.deb ]] || exit 1
  chown root:root "$dir/out/package.deb"
  mv -fT "$dir/out/package.deb" "$dir/package.deb"
  sync "$dir/package.deb"
  printf '%s\n' "$4" >"$dir/done"
}

start() { # start IDENTITY JOBS CACHE_MIB
  local name memory
  [[ $(text "$dir/identity") == "$1" ]] || die "found build '$(text "$dir/identity")' begun; need $1"
  case $(state) in running\ * | done\ *) return ;; esac
  systemctl reset-failed "$unit" 2>/dev/null || true
  mkdir -p "$dir/out"
  chmod 0700 "$dir/out" "$CACHE"
  chown "$BUILDER:$BUILDER" "$dir/out" "$CACHE"
  for name in input tools; do
    mkdir -p "$dir/$name"
    mountpoint -q "$dir/$name" || mount -t squashfs -o ro,loop,nosuid,nodev "$dir/$name.sqfs" "$dir/$name" ||
      die "found that $dir/$name.sqfs cannot be mounted; need a running kernel with loop, squashfs and its zstd"
  done
  {
    printf '%s\n' '#!/usr/bin/env bash' 'set -euo pipefail' "BUILDER=$BUILDER BASE=$BASE CACHE=$CACHE"
    declare -f inside_root confine work
    # shellcheck disable=SC2016 # for the unit's shell
    printf '%s\n' 'work "$@"'
  } >"$dir/run"
  : >"$dir/log"
  : >"$dir/started"
  # The session keeps a quarter of the memory, and priority on the CPUs.
  memory=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 3 / 4))
  systemd-run --quiet --unit="${unit%.service}" --description="mirlab: builds $kind ${1:0:8}" \
    -p MemoryMax="${memory}K" -p MemorySwapMax=0 -p TasksMax=1024 -p OOMPolicy=kill -p CPUWeight=20 \
    -p RuntimeMaxSec=86400 -p "StandardOutput=append:$dir/log" -p "StandardError=append:$dir/log" \
    /bin/bash "$dir/run" "$kind" "$2" "$3" "$1" >&2
}

main() {
  ((EUID == 0)) || die "found user $(id -un); need root"
  local verb=${1-} kind=${2-}
  [[ $kind =~ ^(kernel|mesa)$ ]] || die "found kind '$kind'; need kernel or mesa"
  shift 2
  local dir=$BASE/$kind unit=mirlab-build-$kind.service
  trap '' HUP PIPE
  export LC_ALL=C.UTF-8 LANGUAGE=
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
  flock -w 900 9 || die "found $LOCK held for 15 min; need it free; fix: find the holder with 'fuser $LOCK' in the guest"
  case "$verb $#" in
    "begin "[4-9]) begin "$@" ;;
    "receive 2") receive "$@" ;;
    "start 3") start "$@" 9>&- ;;
    "package 0") cat "$dir/package.deb" ;;
    "clean 0") clean ;;
    "forget 0") forget ;;
    *) die "found '$verb' with $# arguments; need a verb of this script with its arguments" ;;
  esac
}

main "$@"
