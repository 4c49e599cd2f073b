# What every recipe of this folder has: paths, words, the compiler cache. It lies beside the recipe.
# shellcheck shell=bash

# A unit test has folders of its own; confine.sh lets no such name through.
readonly IN=${MIRLAB_BUILD_IN:-/build/input} OUT=${MIRLAB_BUILD_OUT:-/build/out}
# Of the side that builds: its own entries. What the other side made comes by the input.
readonly CACHE=/build/ccache

die() {
  printf 'build: %s\n' "$*" >&2
  exit 1
}

# The values of a key, one a line; the lab host wrote the file.
spec() { sed -n "s/^$1 //p" "$IN/spec"; }

# use_ccache MIB: entries that were made natively are read only. There what a compile has used is
# written beside its objects as well, for the guest.
use_ccache() {
  export CCACHE_DIR=$CACHE CCACHE_TEMPDIR=$OUT/tmp CCACHE_MAXSIZE=${1}M CCACHE_CONFIGPATH=/dev/null
  mkdir -p "$CCACHE_TEMPDIR"
  # Sources come by a mounted file and headers are generated: times tell nothing, contents all.
  export CCACHE_SLOPPINESS=time_macros,include_file_mtime,include_file_ctime
  # What the compiler reads is told by the compiler, and each header is hashed once.
  export CCACHE_DEPEND=1 CCACHE_INODECACHE=1
  CCACHE_COMPILERCHECK="string:$({ gcc -v 2>&1 && as --version; } | sha256sum)"
  export CCACHE_COMPILERCHECK
  if [[ -d $IN/ccache ]]; then
    export CCACHE_REMOTE_STORAGE="file:$IN/ccache|read-only"
  elif [[ $(spec warm) == 1 ]]; then
    export CCACHE_REMOTE_STORAGE="file:$OUT/ccache" CCACHE_RESHARE=1
    # Other machines' compilers, as scripts/host/build.sh found them.
    if [[ -s /build/in/hosts ]]; then
      DISTCC_HOSTS=$(</build/in/hosts)
      export DISTCC_HOSTS DISTCC_SSH=/build/in/ssh CCACHE_PREFIX=distcc
    fi
  fi
}
