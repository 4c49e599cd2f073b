# Sourced by the scripts of this directory: words to the user, directories, the machine's architecture.
# shellcheck shell=bash

TOOLCHAIN_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=versions.env
source "$TOOLCHAIN_DIR/versions.env"

MIRLAB_HOME=${MIRLAB_HOME:-${XDG_STATE_HOME:-${HOME:?}/.local/state}/mirlab}
MIRLAB_CACHE=${MIRLAB_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/mirlab}
export CACHE=$MIRLAB_CACHE/toolchain

# say TEXT: one progress line. stdout belongs to the engine's own output.
say() {
  printf 'toolchain: %s\n' "$*" >&2
}

# fail WHAT FOUND REQUIRED FIX [LOG]
fail() {
  printf 'toolchain: %s: found %s, need %s; fix: %s%s\n' "$1" "$2" "$3" "$4" "${5:+; log: $5}" >&2
  exit 1
}

# The same machine has different names in Go's world and in the CLI's archives.
case $(uname -sm) in
  'Linux x86_64') GO_ARCH=amd64 CLI_ARCH=x64 ;;
  'Linux aarch64') GO_ARCH=arm64 CLI_ARCH=arm64 ;;
  *) fail machine "$(uname -sm)" 'Linux x86_64 or aarch64' 'run the lab on such a host' ;;
esac
export GO_ARCH CLI_ARCH

# private_dir DIR WHAT: makes DIR for this user alone, or refuses one that others can reach.
private_dir() {
  owned_dir "$1" "$2" 700 077
}

# trusted_dir DIR WHAT: the same for programs that will be run: others may read them, not write them.
trusted_dir() {
  owned_dir "$1" "$2" 755 022
}

# owned_dir DIR WHAT MODE FORBIDDEN-BITS
owned_dir() {
  local dir=$1 what=$2 wanted=$3 forbidden=$4 owner mode
  if [[ $dir != /* ]]; then
    fail "$what" "$dir" 'an absolute path' "set it to an absolute path"
  fi
  if [[ ! -e $dir ]]; then
    mkdir -p -- "$(dirname -- "$dir")"
    # Another process may make it in the same moment; the checks below judge the result.
    mkdir -m "0$wanted" -- "$dir" 2>/dev/null || [[ -d $dir ]]
  fi
  if [[ ! -d $dir ]]; then
    fail "$what" "$dir, which is not a directory" 'a directory' "move $dir away"
  fi
  read -r owner mode < <(stat -L -c '%u %a' -- "$dir")
  if ((owner != EUID)); then
    fail "$what" "$dir owned by uid $owner" "owner uid $EUID" "sudo chown -R $EUID '$dir', or choose another directory"
  fi
  if (((8#$mode & 8#$forbidden) != 0)); then
    fail "$what" "$dir with mode $mode" "mode $wanted" "chmod $wanted '$dir'"
  fi
}

# digest: a short name for the content on stdin.
digest() {
  sha256sum | cut -c1-16
}

# link_or_copy FILE TARGET: hard link, or a copy where the two are on different filesystems.
link_or_copy() {
  ln -- "$1" "$2" 2>/dev/null || cp -- "$1" "$2"
}

# publish TEMP DIR: makes a finished directory visible in one step. Losing a race is fine: names are made of
# content.
publish() {
  mv -T -- "$1" "$2" 2>/dev/null || [[ -d $2 ]]
}
