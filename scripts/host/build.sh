#!/usr/bin/env bash
# The lab host's part of a build in a guest: prepares a build root of Debian packages, the verified and
# patched source and its checked configuration. It can also compile natively first: the guest's compile
# then finds every result in the compiler cache. CACHE is the host's cache, IDENTITY the hash of all
# inputs of the build.
#   build.sh find CACHE IDENTITY LAB            prints the SHA-256 of the lab's finished package, or nothing
#   build.sh prepare CACHE IDENTITY SIZE_GIB WARM [PORT/JOBS...]    standard input: a tar of the build's
#       declaration; prints a manifest of lines `KEY VALUE...`. WARM 1: compile natively too, with the
#       help of the distccds at these ports of this host's loopback
#   build.sh read CACHE IDENTITY FILE           input.sqfs, tools.sqfs, or LAB.deb
#   build.sh store CACHE IDENTITY LAB SHA256    standard input: the package that a guest of LAB built
# The tar holds: spec (lines `KEY VALUE`), recipe/, fragments/N, patches/N, and basis: the recorded
# configuration of the guest's own kernel.
# Programs of the source run only by confine.sh. A killed run leaves a folder that the next run removes.
set -euo pipefail

readonly ME=build
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=apt-way.sh
declare -F apt_way >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/apt-way.sh"
# shellcheck source=../build/confine.sh
declare -F confine >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/../build/confine.sh"
# shellcheck source=build-root.sh
declare -F use_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/build-root.sh"
# shellcheck source=build-source.sh
declare -F fetch_source >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/build-source.sh"
# shellcheck source=build-distcc.sh
declare -F choose_helpers >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/build-distcc.sh"

# An unpacked Linux source with its objects and cache entries takes 3 GiB (docs/builds.md).
readonly NEEDED_MIB=6000

spec() { sed -n "s/^$1 //p" "$work/input/spec"; }

# --- the native compile ---

steps() { grep -cE '^  [A-Z]' "$1" || true; }

# Steps of the compile: counted by the recipe's dry run, or by the native compile after it.
steps_ahead() {
  local found
  found=$(as_root head -c 8 "$work/in/steps" | tr -dc 0-9)
  printf '%s\n' "${found:-0}"
}

# `DONE of ALL`, or DONE alone: a dry run does not count the last few steps.
steps_done() {
  local made ahead
  made=$(steps "$1")
  ahead=$(steps_ahead)
  printf '%s%s\n' "$made" "$( ((made > ahead)) || printf ' of %s' "$ahead")"
}

# The guest's compile with the same inputs: its compiler cache then has every result.
compile_natively() {
  local start=$SECONDS pid shown=0 log=$work/compile.log jobs ports=()
  jobs=$(nproc)
  choose_helpers
  say "native compile, to fill the guest's compiler cache${ports[*]:+, with the help of distcc at ${ports[*]}}"
  (as_helped_builder "${ports[*]}" "${places[@]}" bash "/build/input/recipe/$kind.sh" compile "$jobs" $((size_gib * 1024 / 2)) 2>&1 |
    as_root tee "$log" >/dev/null) &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    ((SECONDS - start - shown < 30)) || { shown=$((SECONDS - start)) && say "native compile: $(steps_done "$log") steps; $shown s"; }
  done
  wait "$pid" || {
    grep -vE '^  [A-Z]|^make' "$log" | tail -n 20 >&2 || true
    die "native compile: found that it failed, see above; need a source that compiles with this configuration; log: $log"
  }
  native=$((SECONDS - start))
  steps "$log" | as_root tee "$work/in/steps" >/dev/null
  as_root test -d "$work/out/ccache" -a ! -L "$work/out/ccache" || die "native compile: found no compiler cache after it; need $work/out/ccache for the guest"
  as_root mv -T "$work/out/ccache" "$work/input/ccache"
}

squash() {
  as_builder none "$root/tree" "$work/input:/build/input:ro" "$work/out:/build/out:rw" -- \
    mksquashfs /build/input /build/out/input.sqfs -quiet -no-progress -all-root -no-xattrs -comp zstd -Xcompression-level 6 >&2 ||
    die "source: found that mksquashfs failed, see above; need input.sqfs for the guest"
  take_file "$work/out/input.sqfs" "$work/input.sqfs"
}

# --- prepare ---

take_declared() { # standard input: the tar
  local name free
  new_folders 0755 "$cache" "$cache/builds" "$cache/sources" "$cache/roots"
  free=$(df --output=avail -BM "$cache" | tail -n 1 | tr -dc 0-9)
  ((free >= NEEDED_MIB)) || die "found $free MiB free in $cache; need $NEEDED_MIB MiB for a build; fix: make room, or choose another host.cacheDir"
  as_root flock -w 3600 "$lock" rm -rf --one-file-system -- "$work" ||
    die "found $lock held for an hour by a run that was killed; need it free; fix: find the holder with 'fuser $lock'"
  as_root install -d -m 0755 "$work" "$work/in"
  as_root tar -x --no-same-owner --no-same-permissions -C "$work/in" -f -
  as_root install -d -m 0755 -o "$BUILDER" -g "$BUILDER" "$work/input" "$work/out"
  { cat "$work/in/spec" && printf 'warm %s\n' "$warm"; } | as_root tee "$work/input/spec" >/dev/null
  for name in recipe fragments basis; do
    [[ ! -e $work/in/$name ]] || as_root mv -T "$work/in/$name" "$work/input/$name"
  done
}

prepare() {
  local work=$cache/builds/.work-$identity folder=$cache/builds/$identity lock=$cache/builds/.lock-$identity
  local kind suite root archive origin ccache places native=0 start=$SECONDS
  new_folders 0755 "$cache" "$cache/builds"
  as_root touch "$lock" "$lock.prepare"
  exec 9<"$lock.prepare"
  flock -n 9 || say "waiting for another preparation of this build"
  flock -w 7200 9 || die "found $lock.prepare held for two hours; need it free; fix: find the holder with 'fuser $lock.prepare'"
  if [[ -s $folder/manifest && $(digest_of sha256 "$folder/input.sqfs") == "$(sed -n 's/^input \([0-9a-f]*\) .*/\1/p' "$folder/manifest")" ]] &&
    [[ -s $cache/roots/$(sed -n 's/^tools .* //p' "$folder/manifest")/tools.sqfs ]] &&
    (($(sed -n 's/^warm //p' "$folder/manifest") >= warm)); then
    cat >/dev/null
    as_root touch "$folder"
    cat "$folder/manifest"
    return
  fi
  take_declared
  # shellcheck disable=SC2064
  trap "as_root rm -rf --one-file-system -- $(printf %q "$work")" EXIT
  kind=$(spec kind)
  [[ -n ${KIND_PACKAGES[$kind]-} ]] || die "found kind '$kind'; need one of ${!KIND_PACKAGES[*]}"
  suite=$(spec libraries)
  suite=${suite:-$ANY_SUITE}
  [[ $suite =~ ^[a-z]+$ && -n ${LLVM[$suite]-} ]] || die "found libraries of '$suite'; need one of ${!LLVM[*]}"
  use_root "$kind" "$(spec base)"
  fetch_source
  as_root ln "$archive" "$work/in/archive" 2>/dev/null || as_root cp "$archive" "$work/in/archive"
  say "source: unpacking $origin"
  as_builder none "$root/tree" "$work/in:/build/in:ro" "$work/input:/build/input:rw" "$work/out:/build/out:rw" -- \
    bash -c "set -euo pipefail; $(declare -f unpack_source); unpack_source" ||
    die "source: found that it cannot be unpacked, see above; need a tar or a Debian source package"
  apply_patches
  drop_unread
  # One cache for each source: programs of one source must not write entries that another one reads.
  ccache=$cache/builds/ccache-$({ spec source && spec patch | cut -d' ' -f2; } | sha256sum | cut -c1-32)
  as_root install -d -m 0700 -o "$BUILDER" -g "$BUILDER" "$ccache"
  # Programs of the source run from here on: without a network.
  places=("$work/input:/build/input:ro" "$work/out:/build/out:rw" "$ccache:/build/ccache:rw" --)
  as_builder none "$root/tree" "${places[@]}" bash "/build/input/recipe/$kind.sh" configure >&2 || exit 1
  take_file "$work/out/config" "$work/input/config"
  take_file "$work/out/name" "$work/in/name"
  take_file "$work/out/steps" "$work/in/steps"
  [[ $(head -c 100 "$work/in/name") =~ ^[A-Za-z0-9.+~_-]{1,90}$ ]] || die "recipe: found no usable package name; need letters, digits and . + ~ _ -"
  printf 'release %s\n' "$(<"$work/in/name")" | as_root tee -a "$work/input/spec" >/dev/null
  say "configuration: checked"
  ((warm == 0)) || compile_natively
  squash
  {
    printf 'release %s\norigin %s\nwarm %s\nsteps %s\nnative %s\n' "$(<"$work/in/name")" "$origin" "$warm" \
      "$(steps_ahead)" "$native"
    printf 'input %s %s\n' "$(digest_of sha256 "$work/input.sqfs")" "$(stat -c %s "$work/input.sqfs")"
    printf 'tools %s %s\n' "$(<"$root/tools")" "${root##*/}"
  } | as_root tee "$work/manifest" >/dev/null
  as_root sync "$work/input.sqfs" "$work/manifest"
  new_folders 0755 "$folder"
  as_root rm -f "$folder/manifest"
  as_root mv -f "$work/input.sqfs" "$folder/input.sqfs"
  [[ ! -s $work/compile.log ]] || as_root mv -f "$work/compile.log" "$folder/compile.log"
  as_root mv -f "$work/manifest" "$folder/manifest"
  say "prepared in $((SECONDS - start)) s: $(du -m "$folder/input.sqfs" | cut -f1) MiB, and $(du -m "$root/tools.sqfs" | cut -f1) MiB of tools"
  prune "$folder" "$root" "$archive" "$ccache"
  cat "$folder/manifest"
}

# Removes the oldest entries until the rest fits, but none that this run used or another one may be
# using: a preparation touches its entries when it begins, and ends within three hours.
prune() { # prune PATH...
  local limit=$((size_gib * 1024)) size path used=" $* "
  # Whoever takes a lock touches its file.
  as_root find "$cache/builds" "$cache/roots" -mindepth 1 -maxdepth 1 -name '.lock-*' -mmin +1440 -delete
  while read -r path; do
    size=$(as_root du -sm --total "$cache/builds" "$cache/sources" "$cache/roots" | tail -n 1 | cut -f1)
    ((size > limit)) || return 0
    [[ $used != *" $path "* ]] || continue
    say "pruning ${path##*/}: the cache has $size MiB, host.buildCache.sizeGiB is $size_gib"
    as_root rm -rf --one-file-system -- "$path"
  done < <(as_root find "$cache/builds" "$cache/sources" "$cache/roots" -mindepth 1 -maxdepth 1 ! -name '.*' -mmin +360 -printf '%T@ %p\n' | sort -n | cut -d' ' -f2-)
}

# --- finished packages: built in guests, used by the guests of the same lab ---

find_package() { # find_package LAB
  local file=$cache/builds/$identity/$1.deb sum
  [[ -s $file && -s $file.sum ]] || return 0
  sum=$(digest_of sha256 "$file")
  [[ $sum == "$(<"$file.sum")" ]] || {
    say "found $file changed on disk; not using it"
    return 0
  }
  printf '%s\n' "$sum"
}

store_package() { # store_package LAB SHA256
  local folder=$cache/builds/$identity temp
  [[ $2 =~ ^[0-9a-f]{64}$ ]] || die "found digest '$2'; need SHA-256"
  new_folders 0755 "$cache" "$cache/builds" "$folder"
  temp=$folder/.$1.partial
  as_root tee "$temp" >/dev/null
  [[ $(digest_of sha256 "$temp") == "$2" ]] || die "package: found another SHA-256 after the transfer; need $2; fix: run 'up' again"
  printf '%s\n' "$2" | as_root tee "$temp.sum" >/dev/null
  as_root rm -f "$folder/$1.deb.sum"
  as_root mv -f "$temp" "$folder/$1.deb"
  as_root mv -f "$temp.sum" "$folder/$1.deb.sum"
}

read_file() { # read_file NAME
  local folder=$cache/builds/$identity
  case $1 in
    input.sqfs) cat "$folder/input.sqfs" ;;
    tools.sqfs) cat "$cache/roots/$(sed -n 's/^tools .* //p' "$folder/manifest")/tools.sqfs" ;;
    *.deb) cat "$folder/$1" ;;
    *) die "found file '$1'; need input.sqfs, tools.sqfs or LAB.deb" ;;
  esac
}

main() {
  local verb=${1-} cache=${2-} identity=${3-} size_gib=10 warm=0 helpers=() helper
  case "$verb $#" in
    "find 4" | "prepare 5" | "prepare "[6-9] | "prepare 1"[0-3] | "read 4" | "store 5") ;;
    *) die "found '$verb' with $# arguments; need find, prepare, read or store with its arguments" ;;
  esac
  [[ $cache =~ ^(/[A-Za-z0-9._@+-]+)+$ ]] || die "found cache '$cache'; need an absolute path"
  [[ $identity =~ ^[0-9a-f]{64}$ ]] || die "found identity '$identity'; need SHA-256"
  [[ $4 =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$ ]] || die "found '$4'; need letters, digits and . _ -"
  case $verb in
    find) find_package "$4" ;;
    prepare)
      [[ $4 =~ ^[1-9][0-9]{0,3}$ ]] || die "found size '$4'; need GiB, 1 to 9999"
      [[ $5 =~ ^[01]$ ]] || die "found WARM '$5'; need 0 or 1"
      size_gib=$4 warm=$5 helpers=("${@:6}")
      for helper in "${@:6}"; do
        [[ $helper =~ ^[1-9][0-9]{0,4}/[1-9][0-9]{0,2}$ ]] || die "found helper '$helper'; need PORT/JOBS"
      done
      prepare
      ;;
    read) read_file "$4" ;;
    store) store_package "$4" "$5" ;;
  esac
}

main "$@"
