#!/usr/bin/env bash
# Times the compile of some objects of a prepared kernel, each way in turn. Runs as root, on the lab host or
# in a guest, with build/confine.sh before it, in a mount namespace of its own.
#   compile.sh ROOT INPUT WORK ROUNDS JOBS WAY...
# ROOT: a build root, INPUT: a build's input; folders, or squashfs files. WAY: cold (no compiler cache),
# warm (all results from INPUT's cache, as in a guest's first build) or nothing (make with nothing to do).
# Prints `WAY MILLISECONDS`.
set -euo pipefail

readonly TARGETS=(drivers/virtio/ net/9p/ fs/9p/ fs/iomap/ drivers/gpu/drm/qxl/ drivers/gpu/drm/ttm/)

place() { # place NAME WHAT: mounts WHAT at WORK/NAME
  mkdir -p "$work/$1"
  if [[ -d $2 ]]; then
    mount --bind "$2" "$work/$1"
  else
    mount -t squashfs -o ro,loop,nosuid,nodev "$2" "$work/$1"
  fi
}

recipe() { # recipe ENVIRONMENT ARG...
  confine none "$work/root" "$work/input:/build/input:ro" "$work/out:/build/out:rw" "$work/ccache:/build/ccache:rw" -- \
    env "$1" bash /build/input/recipe/kernel.sh compile "$jobs" 500 "${@:2}" >>"$work/log" 2>&1 || {
    tail -n 15 "$work/log" >&2
    exit 1
  }
}

now_ms() { printf '%d\n' $(($(date +%s%N) / 1000000)); }

main() {
  local root=$1 input=$2 work=$3 rounds=$4 jobs=$5 way started target
  shift 5
  # shellcheck disable=SC2064
  trap "rm -rf -- $(printf '%q %q' "$work/out" "$work/ccache")" EXIT
  place root "$root"
  place input "$input"
  mkdir -p "$work/out" "$work/ccache"
  chown "$BUILDER:$BUILDER" "$work/out" "$work/ccache"
  recipe MIRLAB_WAY=warm prepare
  while ((rounds-- > 0)); do
    for way in "$@"; do
      [[ $way == nothing ]] || for target in "${TARGETS[@]}"; do rm -rf -- "$work/out/obj/$target"; done
      find "$work/ccache" -mindepth 1 -delete
      started=$(now_ms)
      if [[ $way == cold ]]; then recipe CCACHE_DISABLE=1 "${TARGETS[@]}"; else recipe MIRLAB_WAY=warm "${TARGETS[@]}"; fi
      printf '%s %d\n' "$way" $(($(now_ms) - started))
    done
  done
}

main "$@"
