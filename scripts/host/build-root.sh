# The build root: a tree of Debian packages in which builds run, and how to run a program in it. A
# library of build.sh: over ssh its text comes before that script's (core/link.io.ts). `prepare`
# sets cache, work, lock, helpers and suite.
# shellcheck shell=bash disable=SC2154,SC2034 # build.sh reads ANY_SUITE

# LLVM of each suite's own Mesa, whose library the guests of that suite have.
declare -rA LLVM=([bookworm]=15 [trixie]=19 [forky]=21 [sid]=22)
# Of a build that is linked with no library of the guest.
readonly ANY_SUITE=bookworm
# Packages of every build root, then those of one kind.
readonly ROOT_PACKAGES=(
  gcc libc6-dev make mount patch ccache bc bison flex xz-utils bzip2 zstd lz4 cpio
  git ca-certificates debian-archive-keyring squashfs-tools
)
declare -rA KIND_PACKAGES=(
  [kernel]="kmod libelf-dev libssl-dev"
  [mesa]="g++ meson ninja-build pkg-config python3-mako python3-yaml python3-packaging libdrm-dev libglvnd-dev libwayland-dev libwayland-bin
    libwayland-egl-backend-dev wayland-protocols zlib1g-dev libexpat1-dev"
)
# Added when other machines help to compile.
readonly DISTCC_PACKAGES="distcc socat"

# $1 folder, $2 suite, $3 keyring, $4 packages, comma-separated; standard input: apt sources. This
# function's text is part of the root's key: an edit rebuilds every build root.
# shellcheck disable=SC2016 # mmdebstrap's hooks expand $1 themselves.
make_root() {
  local excludes=() path
  for path in doc man info locale lintian bug; do
    excludes+=("--dpkgopt=path-exclude=/usr/share/$path/*")
  done
  TMPDIR="$1" mmdebstrap --mode=root --variant=apt --format=directory --keyring="$3" --include="$4" \
    --hook-dir=/usr/share/mmdebstrap/hooks/eatmydata "${way_hooks[@]}" "${excludes[@]}" \
    --aptopt='Acquire::Retries "3"' --aptopt='APT::Install-Recommends "false"' \
    --customize-hook='mkdir -p "$1/build/input" "$1/build/out" "$1/build/ccache" "$1/build/in" "$1/build/tree"' \
    "$2" "$1/tree" -
  # Our programs that have a network get the host's file mounted here.
  rm -f "$1/tree/etc/resolv.conf"
  : >"$1/tree/etc/resolv.conf"
  dpkg-query --admindir="$1/tree/var/lib/dpkg" -W -f '${Package} ${Version}\n' >"$1/packages"
}

# The key is a hash of the content: each root is built once, and squashed for guests.
use_root() { # use_root KIND BASE: sets root
  local packages mirror key work log more=''
  [[ "$1 $2" != "mesa llvmpipe" ]] || more="llvm-${LLVM[$suite]}-dev libelf-dev"
  ((${#helpers[@]} == 0)) || more+=" $DISTCC_PACKAGES"
  # shellcheck disable=SC2086 # lists of names
  packages=$(printf '%s\n' "${ROOT_PACKAGES[@]}" ${KIND_PACKAGES[$1]} $more | LC_ALL=C sort -u | paste -sd ,)
  key=$({ printf '%s\n' "$suite" "$packages" && declare -f make_root | tr -d ' \n\t'; } | sha256sum | cut -d' ' -f1)
  root=$cache/roots/$key
  as_root touch "$cache/roots/.lock-$key"
  exec 8<"$cache/roots/.lock-$key"
  flock -w 3600 8 || die "found $cache/roots/.lock-$key held for an hour; need it free; fix: find the process that builds this root with 'fuser $cache/roots/.lock-$key'"
  if [[ -s $root/tools ]]; then
    as_root touch "$root"
    # Other builds use this root at the same time.
    exec 8<&-
    return
  fi
  mirror=$(host_mirror "$suite")
  work=$cache/roots/.work-$key log=$cache/roots/$key.log
  say "build root: ${packages//,/ } of $suite from $mirror"
  as_root rm -rf --one-file-system -- "$work"
  new_folders 0755 "$work"
  {
    declare -f make_root
    root_way
    # shellcheck disable=SC2016 # for root's shell to expand
    printf '%s\n' 'set -euo pipefail' 'PATH=$PATH:/usr/sbin:/sbin' 'umask 022' \
      'keep_way "$1/tree.apt"' 'make_root "$1" "$2" "$3" "$4" <<<"$5"' 'rm -f "$1/tree.apt"'
  } | as_root unshare --mount --pid --fork --kill-child --mount-proc bash -s -- "$work" "$suite" \
    "$(keyring_of "$suite")" "$packages" "$(archive_sources "$suite" "$mirror")" 2>&1 8>&- 9>&- | as_root tee "$log" >/dev/null 8>&- 9>&- || {
    tail -n 20 "$log" >&2
    die "build root: found that mmdebstrap failed, see above; need a complete build root; fix: check the network and the mirror ($mirror), then run 'up' again; log: $log"
  }
  say "build root: squashing it for guests"
  # Guests fetch nothing: they need neither git nor apt's lists.
  as_root install -d -m 0700 -o "$BUILDER" -g "$BUILDER" "$work/out"
  as_builder none "$work/tree" "$work/tree:/build/tree:ro" "$work/out:/build/out:rw" -- \
    mksquashfs /build/tree /build/out/tools.sqfs -quiet -no-progress -all-root -comp zstd -Xcompression-level 15 \
    -e root etc/shadow etc/gshadow etc/.pwd.lock usr/lib/git-core usr/share/mime var/lib/apt var/cache var/log >&2 ||
    die "build root: found that mksquashfs failed, see above; need tools.sqfs for the guest"
  take_file "$work/out/tools.sqfs" "$work/tools.sqfs"
  as_root rm -rf -- "$work/out"
  printf '%s %s\n' "$(sha256sum "$work/tools.sqfs" | cut -d' ' -f1)" "$(stat -c %s "$work/tools.sqfs")" |
    as_root tee "$work/tools" >/dev/null
  as_root sync "$work/tools" "$work/tools.sqfs"
  as_root rm -rf --one-file-system -- "$root"
  as_root mv -T -- "$work" "$root"
  exec 8<&-
}

# --- programs in the build root ---

# Runs one of our functions as root. flock holds the lock until the function has ended, also when this
# script is killed; --kill-child then ends all that the function started.
in_lock() { # in_lock FUNCTION ARG...
  as_root flock -o -w 3600 "$lock" unshare --pid --fork --kill-child bash -c "set -euo pipefail
    BUILDER=$BUILDER
    $(declare -f inside_root confine with_relays)
    \"\$@\"" build "$@" 8>&- 9>&-
}

# Runs a program as the unprivileged BUILDER, confined to the build root.
as_builder() { in_lock confine "$@"; } # as_builder NETWORK ROOT [FROM:TO:MODE...] -- PROGRAM ARG...

# Takes a result from the builder, who may have put a link there: only a regular file is accepted.
take_file() { # take_file FROM TO
  as_root test -f "$1" -a ! -L "$1" || die "found no file $1; need the result of the step before it"
  as_root chown root:root "$1"
  as_root chmod 0644 "$1"
  as_root mv -fT -- "$1" "$2"
}
