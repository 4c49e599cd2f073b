# Sourced by the scripts of this directory: messages, private directories, the machine's architecture.
# shellcheck shell=bash

TOOLCHAIN_DIR=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=versions.env
source "$TOOLCHAIN_DIR/versions.env"

# An unusable TMPDIR comes from another machine or another user: /tmp is used.
[[ -z ${TMPDIR-} || (-d $TMPDIR && -w $TMPDIR && -x $TMPDIR) ]] || unset TMPDIR

MIRLAB_HOME=${MIRLAB_HOME:-${XDG_STATE_HOME:-${HOME:?}/.local/state}/mirlab}
MIRLAB_CACHE=${MIRLAB_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/mirlab}
export CACHE=$MIRLAB_CACHE/toolchain

# say TEXT: prints a progress line on stderr; stdout is for the engine's output.
say() {
  printf 'toolchain: %s\n' "$*" >&2
}

# fail WHAT FOUND NEED FIX [LOG]
fail() {
  printf 'toolchain: %s: found %s; need %s; fix: %s%s\n' "$1" "$2" "$3" "$4" "${5:+; log: $5}" >&2
  exit 1
}

# Go and the CLI's archives name the same architecture differently.
case $(uname -sm) in
  'Linux x86_64') GO_ARCH=amd64 CLI_ARCH=x64 ;;
  'Linux aarch64') GO_ARCH=arm64 CLI_ARCH=arm64 ;;
  *) fail machine "$(uname -sm)" 'Linux x86_64 or aarch64' 'run the lab on such a host' ;;
esac
export GO_ARCH CLI_ARCH

# private_dir DIR WHAT: creates DIR for this user alone, or fails if others can access it.
private_dir() {
  owned_dir "$1" "$2" 700 077
}

# trusted_dir DIR WHAT: creates DIR for programs that will run: others may read it, but not write it.
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
    # Another process may create it at the same time; the checks below judge the result.
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

# publish TEMP DIR: moves a finished directory into place. Another process may do the same: equal names have
# equal content.
publish() {
  mv -T -- "$1" "$2" 2>/dev/null || [[ -d $2 ]]
}
