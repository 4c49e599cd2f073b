#!/usr/bin/env bash
# The lab host's part of a build in a guest: a build root of Debian packages, the verified source
# with its patches, its configuration checked, and where it is wanted the same compile made natively,
# so that the guest's compiler finds its entries. CACHE is the host's cache, IDENTITY the hash of all
# that goes in.
#   build.sh find CACHE IDENTITY LAB            prints the SHA-256 of the lab's finished package, or nothing
#   build.sh prepare CACHE IDENTITY SIZE_GIB WARM [PORT/JOBS...]    standard input: a tar of what the
#       build is declared by; prints lines `KEY VALUE...` of what was prepared. WARM 1: compile natively
#       too, with the help of the distccds at these ports of this host's loopback
#   build.sh read CACHE IDENTITY FILE           input.sqfs, tools.sqfs, or LAB.deb
#   build.sh store CACHE IDENTITY LAB SHA256    standard input: the package that a guest of LAB made
# The tar has: spec (lines `KEY VALUE`), recipe/, fragments/N, patches/N, and basis: what the guest's
# own kernel was recorded as.
# No program of the source runs outside of confine.sh. A kill leaves a folder that the next run
# removes.
set -euo pipefail

readonly ME=build
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=../build/confine.sh
declare -F confine >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/../build/confine.sh"
# What root makes here has to be readable by the lab's user, by sudo too.
umask 022

# A source of Linux unpacked, its objects and its cache entries: 3 GiB (docs/builds.md).
readonly NEEDED_MIB=6000
readonly SUITE=bookworm
# A build root's packages: of every kind, and of each.
readonly ROOT_PACKAGES=(
  gcc libc6-dev make mount patch ccache bc bison flex xz-utils bzip2 zstd lz4 cpio
  git ca-certificates debian-archive-keyring squashfs-tools
)
declare -rA KIND_PACKAGES=(
  [kernel]="kmod libelf-dev libssl-dev"
  [mesa]="g++ meson ninja-build pkg-config python3-mako libdrm-dev libglvnd-dev libwayland-dev libwayland-bin
    libwayland-egl-backend-dev wayland-protocols zlib1g-dev libexpat1-dev"
  [mesa_llvmpipe]="llvm-15-dev libelf-dev"
)
# Where other machines help.
readonly DISTCC_PACKAGES="distcc socat"

# --- the build root ---

# $1 folder, $2 suite, $3 keyring, $4 packages with commas; sources come on standard input.
# shellcheck disable=SC2016 # mmdebstrap's hooks expand $1 themselves.
make_root() {
  local excludes=() path
  for path in doc man info locale lintian bug; do
    excludes+=("--dpkgopt=path-exclude=/usr/share/$path/*")
  done
  TMPDIR="$1" mmdebstrap --mode=root --variant=apt --format=directory --keyring="$3" --include="$4" \
    --hook-dir=/usr/share/mmdebstrap/hooks/eatmydata "${excludes[@]}" \
    --aptopt='Acquire::Retries "3"' --aptopt='APT::Install-Recommends "false"' \
    --customize-hook='mkdir -p "$1/build/input" "$1/build/out" "$1/build/ccache" "$1/build/in" "$1/build/tree"' \
    "$2" "$1/tree" -
  # For programs of ours that have a network: a file to lay the host's over.
  rm -f "$1/tree/etc/resolv.conf"
  : >"$1/tree/etc/resolv.conf"
  dpkg-query --admindir="$1/tree/var/lib/dpkg" -W -f '${Package} ${Version}\n' >"$1/packages"
}

# By content, as the guest image: a root is made once, and squashed for guests.
use_root() { # use_root KIND BASE: sets root
  local packages mirror key work log more=''
  ((${#helpers[@]} == 0)) || more=$DISTCC_PACKAGES
  # shellcheck disable=SC2086 # lists of names
  packages=$(printf '%s\n' "${ROOT_PACKAGES[@]}" ${KIND_PACKAGES[$1]} ${KIND_PACKAGES["${1}_$2"]-} $more | LC_ALL=C sort -u | paste -sd ,)
  key=$({ printf '%s\n' "$SUITE" "$packages" && declare -f make_root; } | sha256sum | cut -d' ' -f1)
  root=$cache/roots/$key
  as_root touch "$cache/roots/.lock-$key"
  exec 8<"$cache/roots/.lock-$key"
  flock -w 3600 8 || die "found $cache/roots/.lock-$key held for an hour, required free; 'fuser' on it names who makes this build root"
  if [[ -s $root/tools ]]; then
    as_root touch "$root"
    # Others build in it at the same time.
    exec 8<&-
    return
  fi
  mirror=$(host_mirror "$SUITE")
  work=$cache/roots/.work-$key log=$cache/roots/$key.log
  say "build root: ${packages//,/ } of $SUITE from $mirror"
  as_root rm -rf --one-file-system -- "$work"
  as_root install -d -m 0755 "$work"
  {
    declare -f make_root
    # shellcheck disable=SC2016 # for root's shell to expand
    printf '%s\n' 'set -euo pipefail' 'PATH=$PATH:/usr/sbin:/sbin' 'umask 022' \
      'make_root "$1" "$2" "$3" "$4" <<<"$5"'
  } | as_root unshare --mount --pid --fork --kill-child --mount-proc bash -s -- "$work" "$SUITE" \
    "$KEYRING" "$packages" "$(debian_sources "$SUITE" "$mirror")" 2>&1 8>&- 9>&- | as_root tee "$log" >/dev/null 8>&- 9>&- || {
    tail -n 20 "$log" >&2
    die "the build root failed, see the words above; check the network and the mirror ($mirror), then run again; log $log"
  }
  say "build root: squashed for guests"
  # Git and apt are for fetching alone.
  as_root install -d -m 0700 -o "$BUILDER" -g "$BUILDER" "$work/out"
  as_builder none "$work/tree" "$work/tree:/build/tree:ro" "$work/out:/build/out:rw" -- \
    mksquashfs /build/tree /build/out/tools.sqfs -quiet -no-progress -all-root -comp zstd -Xcompression-level 15 \
    -e root etc/shadow etc/gshadow etc/.pwd.lock usr/lib/git-core usr/share/mime var/lib/apt var/cache var/log >&2 ||
    die "the build root could not be squashed, see the words above"
  take_file "$work/out/tools.sqfs" "$work/tools.sqfs"
  as_root rm -rf -- "$work/out"
  printf '%s %s\n' "$(sha256sum "$work/tools.sqfs" | cut -d' ' -f1)" "$(stat -c %s "$work/tools.sqfs")" |
    as_root tee "$work/tools" >/dev/null
  as_root sync "$work/tools" "$work/tools.sqfs"
  as_root rm -rf --one-file-system -- "$root"
  as_root mv -T -- "$work" "$root"
  exec 8<&-
}

# --- the source's side: confined ---

# As root, with the functions that it needs. The lock is held as long as anything runs, by a run that
# was killed too; what it began ends with it.
in_lock() { # in_lock FUNCTION ARG...
  as_root flock -o -w 3600 "$lock" unshare --pid --fork --kill-child bash -c "set -euo pipefail
    BUILDER=$BUILDER
    $(declare -f inside_root confine with_relays)
    \"\$@\"" build "$@" 8>&- 9>&-
}

# As nobody in particular, in the build root.
as_builder() { in_lock confine "$@"; } # as_builder NETWORK ROOT [FROM:TO:MODE...] -- PROGRAM ARG...

# A result of the builder's: a file of its own and nothing else.
take_file() { # take_file FROM TO
  as_root test -f "$1" -a ! -L "$1" || die "found no file $1, required it: the step before makes it"
  as_root chown root:root "$1"
  as_root chmod 0644 "$1"
  as_root mv -fT -- "$1" "$2"
}

spec() { sed -n "s/^$1 //p" "$work/input/spec"; }

# `URL SHA256` of each file of a Debian package, as apt's signed lists have it. TYPE: deb, a package; or
# deb-src, the files of a source package.
package_places() { # package_places TYPE NAME SUITE
  local type=$1 mirror words=() ask=(download) uri sum found
  shift
  [[ $type == deb ]] || ask=(source --only-source)
  mirror=$(host_mirror "$SUITE")
  {
    debian_sources "$SUITE" "$mirror"
    [[ $2 == "$SUITE" || $2 == "$SUITE-updates" || $2 == "$SUITE-security" ]] ||
      printf 'deb [signed-by=%s] %s %s main\n' "$KEYRING" "$mirror" "$2"
  } | sed "s/^deb /$type /" | as_root tee "$work/in/sources.list" >/dev/null
  words=(apt-get -q -o Dir::State=/build/out/apt -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache=/build/out/apt/cache
    -o Dir::Etc::sourcelist=/build/in/sources.list -o Dir::Etc::sourceparts=- -o Acquire::Retries=3)
  as_builder host "$root/tree" "$work/in:/build/in:ro" "$work/out:/build/out:rw" "/etc/resolv.conf:/etc/resolv.conf:ro" -- \
    bash -c 'mkdir -p apt/lists/partial apt/cache/archives/partial; "$@" update >apt.log 2>&1 || { tail -n 5 apt.log >&2; exit 1; }' apt "${words[@]}" ||
    die "found no package lists of $2 at $mirror, required them; check the network and the suite's name"
  found=$(as_builder none "$root/tree" "$work/in:/build/in:ro" "$work/out:/build/out:rw" -- \
    "${words[@]}" "${ask[@]}" --print-uris "$1/$2" 2>/dev/null | grep "^'") ||
    die "found no package $1 in $2 at $mirror, required one; 'apt-cache search linux-source' lists those of this host's suites"
  while read -r uri _ _ sum; do
    uri=${uri#\'} uri=${uri%\'} sum=${sum#SHA256:}
    [[ $uri =~ ^https?:// && $sum =~ ^[0-9a-f]{64}$ ]] || die "found '$uri' '$sum' in apt's answer, required a URL and a SHA-256"
    printf '%s %s\n' "$uri" "$sum"
  done <<<"$found"
}

# A source package's files in one tar, by what its signed list says of them.
fetch_source_package() { # fetch_source_package NAME SUITE: sets archive and origin
  local places uri sum folder=$work/in/files
  places=$(package_places deb-src "$1" "$2")
  archive=$cache/sources/debian-$(sha256sum <<<"$places" | cut -c1-32).tar
  origin=$(sed -n 's|.*/\([^/ ]*\)\.dsc .*|\1|p' <<<"$places")
  [[ ! -s $archive ]] || return 0
  as_root install -d -m 0755 "$folder"
  while read -r uri sum; do
    download "$uri" sha256 "$sum" "$folder/$(basename -- "$uri")" "the source"
  done <<<"$places"
  as_root tar -c -f "$archive.partial" -C "$folder" .
  as_root mv -f "$archive.partial" "$archive"
  as_root rm -rf -- "$folder"
}

# One commit of a repository, as a tar: git itself checks that it is this one.
fetch_commit() { # fetch_commit URL COMMIT FILE
  local url=$1 binds=()
  [[ $url != /* ]] || { binds=("$url:/build/tree:ro") && url=/build/tree; }
  say "source: commit $2 of $1"
  printf '[safe]\n\tdirectory = *\n' | as_root tee "$work/in/gitconfig" >/dev/null
  # shellcheck disable=SC2016 # for the builder's shell
  as_builder host "$root/tree" "$work/in:/build/in:ro" "$work/out:/build/out:rw" "/etc/resolv.conf:/etc/resolv.conf:ro" \
    ${binds[@]+"${binds[@]}"} -- bash -c '
      export GIT_CONFIG_GLOBAL=/build/in/gitconfig GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=https:file
      git init -q git && cd git && git fetch -q --depth 1 "$0" "$1" && [[ $(git rev-parse "FETCH_HEAD^{commit}") == "$1" ]] &&
        git archive --format=tar -o ../archive.tar "$1"' "$url" "$2" >&2 ||
    die "found no commit $2 at $1, required it there; see the words of git above"
  take_file "$work/out/archive.tar" "$3"
}

fetch_file() { # fetch_file URL SHA256: sets archive
  archive=$cache/sources/sha256-$2
  [[ ! -s $archive ]] || return 0
  download "$1" sha256 "$2" "$archive.partial" "the source"
  as_root mv -f "$archive.partial" "$archive"
}

# Sets archive, and what it is in words.
fetch_source() {
  local kind a b place
  read -r kind a b < <(spec source)
  case $kind in
    package)
      if [[ $(spec kind) == mesa ]]; then
        fetch_source_package "$a" "$b"
        return
      fi
      place=$(package_places deb "$a" "$b")
      read -r a b <<<"$place"
      fetch_file "$a" "$b"
      a=${a##*/} origin=${a//%7e/\~}
      ;;
    url)
      fetch_file "$b" "$a"
      origin=$b
      ;;
    git)
      archive=$cache/sources/git-$b.tar origin="$b of $a"
      [[ -s $archive ]] || fetch_commit "$a" "$b" "$archive"
      ;;
    *) die "found source '$kind', required package, url or git" ;;
  esac
  as_root touch "$archive"
}

# Runs confined: the archive becomes /build/input/source, whatever its one folder is called.
unpack_source() {
  local inner top=()
  mkdir -p /build/input/unpacked
  cd /build/input/unpacked
  if [[ $(head -c 8 /build/in/archive) == '!<arch>' ]]; then
    inner=$(dpkg-deb --fsys-tarfile /build/in/archive | tar -t | grep -E '^\./usr/src/[^/]+\.tar\.[a-z0-9]+$' | head -n 1 || true)
    [[ -n $inner ]] || { echo "build: found no /usr/src/*.tar.* in the package, required Debian's source" >&2 && exit 1; }
    dpkg-deb --fsys-tarfile /build/in/archive | tar -x -O "$inner" >../inner
    tar -x --no-same-owner -f ../inner
    rm -f ../inner
  else
    tar -x --no-same-owner -f /build/in/archive
  fi
  shopt -s nullglob dotglob
  top=(*.dsc)
  if ((${#top[@]} == 1)); then
    # Debian's source package: the original, what Debian adds, and its patches in their order.
    mkdir tree
    tar -x --no-same-owner --strip-components=1 -C tree -f ./*.orig.tar.*[!c]
    for inner in *.debian.tar.*; do tar -x --no-same-owner -C tree -f "$inner"; done
    for inner in *.diff.gz; do gzip -dc "$inner" | patch -s -p1 -d tree; done
    if [[ -f tree/debian/patches/series ]]; then
      while read -r inner _; do
        [[ -z $inner || $inner == \#* ]] || patch -s -p1 --batch -d tree -i "$PWD/tree/debian/patches/$inner"
      done <tree/debian/patches/series
    fi
    mv -T tree ../source && rm -rf ../unpacked
    return
  fi
  top=(*)
  if ((${#top[@]} == 1)) && [[ -d ${top[0]} && ! -L ${top[0]} ]]; then
    mv -T "${top[0]}" ../source && rmdir ../unpacked
  else
    mv -T ../unpacked ../source
  fi
}

apply_patches() {
  local number sum name
  while read -r number sum name; do
    as_root sha256sum --quiet --check - <<<"$sum  $work/in/patches/$number" >&2 ||
      die "found patch $name with another SHA-256 than $sum, required this one"
    # shellcheck disable=SC2016 # for the builder's shell
    as_builder none "$root/tree" "$work/in:/build/in:ro" "$work/input:/build/input:rw" "$work/out:/build/out:rw" -- \
      bash -c 'patch -p1 --batch --forward -d /build/input/source -i "/build/in/patches/$0" >patch.log 2>&1 || { tail -n 8 patch.log >&2; exit 1; }' "$number" ||
      die "patch $name: found that it does not apply to $origin, see patch's words above; required one made for this source (patch -p1)"
  done < <(spec patch)
}

steps() { grep -cE '^  [A-Z]' "$1" || true; }

# What a compile will count: by what the recipe found before it, or as the native one did.
steps_ahead() {
  local found
  found=$(as_root head -c 8 "$work/in/steps" | tr -dc 0-9)
  printf '%s\n' "${found:-0}"
}

# `DONE of ALL`; a dry run's count lacks the last few.
steps_done() {
  local made ahead
  made=$(steps "$1")
  ahead=$(steps_ahead)
  printf '%s%s\n' "$made" "$( ((made > ahead)) || printf ' of %s' "$ahead")"
}

# --- other machines' compilers ---

# What is confined has no network: a distccd is a socket in a folder, of its port's name.
with_relays() { # with_relays FOLDER PORTS NETWORK ROOT [FROM:TO:MODE...] -- PROGRAM ARG...
  local folder=$1 port i
  for port in $2; do
    confine host "$4" "$folder:/build/out:rw" -- \
      socat "UNIX-LISTEN:/build/out/$port,fork,unlink-early" "TCP:127.0.0.1:$port,connect-timeout=10" &
    for ((i = 0; i < 50; i++)); do
      [[ ! -S $folder/$port ]] || break
      sleep 0.1
    done
  done
  confine "${@:3}"
}

as_helped_builder() { # as_helped_builder PORTS [FROM:TO:MODE...] -- PROGRAM ARG...
  in_lock with_relays "$work/distcc" "$1" none "$root/tree" "$work/distcc:/build/in:ro" "${@:2}"
}

# Runs confined: is it this very compiler?
try_helper() { # try_helper PORT
  cd /tmp
  printf 'int f(int a) { return a * 3; }\n' >probe.c
  gcc -O2 -c -o own.o probe.c
  DISTCC_FALLBACK=0 DISTCC_SSH=/build/in/ssh DISTCC_HOSTS="@$1" timeout 30 distcc gcc -O2 -c -o theirs.o probe.c 2>/dev/null ||
    { echo "no compiler" && exit 1; }
  cmp -s own.o theirs.o || { echo "another compiler" && exit 1; }
}

# Sets ports and jobs. A helper that is off, or that is no help, is left out: the compile needs none.
choose_helpers() {
  local helper port found hosts=()
  as_root install -d -m 0755 -o "$BUILDER" -g "$BUILDER" "$work/distcc"
  # distcc calls it as it would call ssh: with the host's name.
  # shellcheck disable=SC2016 # for the script's own shell
  printf '#!/bin/sh\nexec socat - "UNIX-CONNECT:/build/in/$1"\n' | as_root tee "$work/distcc/ssh" >/dev/null
  as_root chmod 0755 "$work/distcc/ssh"
  for helper in ${helpers[@]+"${helpers[@]}"}; do
    port=${helper%/*}
    if found=$(as_helped_builder "$port" "$work/out:/build/out:rw" -- bash -c "set -euo pipefail; $(declare -f try_helper); try_helper $port"); then
      ports+=("$port") hosts+=("@$helper") jobs=$((jobs + ${helper#*/}))
    else
      say "distcc at 127.0.0.1:$port: found ${found:-no compiler}, required $(as_root chroot "$root/tree" gcc --version | head -n 1); it is left out; check the tunnel, and the distccd at its end"
    fi
  done
  ((${#hosts[@]} == 0)) || printf '%s\n' "${hosts[*]} localhost/$(nproc)" | as_root tee "$work/distcc/hosts" >/dev/null
}

# The same compile as the guest's: its compiler then finds each result.
compile_natively() {
  local start=$SECONDS pid told=0 log=$work/compile.log jobs ports=()
  jobs=$(nproc)
  choose_helpers
  say "native compile, so that the guest's finds its results${ports[*]:+, with the help of distcc at ${ports[*]}}"
  (as_helped_builder "${ports[*]}" "${places[@]}" bash "/build/input/recipe/$kind.sh" compile "$jobs" $((size_gib * 1024 / 2)) 2>&1 |
    as_root tee "$log" >/dev/null) &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    ((SECONDS - start - told < 30)) || { told=$((SECONDS - start)) && say "native compile: $(steps_done "$log") steps; $told s"; }
  done
  wait "$pid" || {
    grep -vE '^  [A-Z]|^make' "$log" | tail -n 20 >&2 || true
    die "the native compile failed, see the words above: required a source that compiles with this configuration; log $log"
  }
  native=$((SECONDS - start))
  steps "$log" | as_root tee "$work/in/steps" >/dev/null
  as_root test -d "$work/out/ccache" -a ! -L "$work/out/ccache" || die "found no entries of the compiler cache after the compile, required them"
  as_root mv -T "$work/out/ccache" "$work/input/ccache"
}

# What no compile of this kind on this architecture reads. Kconfig does read the other ones' crypto.
readonly -A UNREAD=([kernel]="arch/[!xuK]*/[!cK]* arch/[!x]*/configs Documentation/[!K]* tools/testing tools/perf LICENSES samples/bpf"
  [mesa]="docs .gitlab-ci debian")

# Before anything is checked or compiled here: the guest compiles from the same.
drop_unread() {
  # shellcheck disable=SC2016 # for the builder's shell
  as_builder none "$root/tree" "$work/input:/build/input:rw" "$work/out:/build/out:rw" -- \
    bash -c 'cd /build/input/source && rm -rf -- $0' "${UNREAD[$kind]}" ||
    die "the source could not be thinned, see the words above"
}

squash() {
  as_builder none "$root/tree" "$work/input:/build/input:ro" "$work/out:/build/out:rw" -- \
    mksquashfs /build/input /build/out/input.sqfs -quiet -no-progress -all-root -no-xattrs -comp zstd -Xcompression-level 6 >&2 || die "the input could not be squashed, see the words above"
  take_file "$work/out/input.sqfs" "$work/input.sqfs"
}

take_declared() { # standard input: the tar
  local name free
  as_root install -d -m 0755 "$cache" "$cache/builds" "$cache/sources" "$cache/roots"
  free=$(df --output=avail -BM "$cache" | tail -n 1 | tr -dc 0-9)
  ((free >= NEEDED_MIB)) || die "found $free MiB free in $cache, required $NEEDED_MIB MiB for a build; make room, or choose another host.cacheDir"
  as_root flock -w 3600 "$lock" rm -rf --one-file-system -- "$work" ||
    die "found $lock held for an hour by a run that was killed, required free; 'fuser $lock' names who holds it"
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
  local kind root archive origin ccache places native=0 start=$SECONDS
  as_root install -d -m 0755 "$cache" "$cache/builds"
  as_root touch "$lock" "$lock.prepare"
  exec 9<"$lock.prepare"
  flock -n 9 || say "waiting for another preparation of this build"
  flock -w 7200 9 || die "found $lock.prepare held for two hours, required free; 'fuser $lock.prepare' names who holds it"
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
  [[ -n ${KIND_PACKAGES[$kind]-} ]] || die "found kind '$kind', required one of ${!KIND_PACKAGES[*]}"
  use_root "$kind" "$(spec base)"
  fetch_source
  as_root ln "$archive" "$work/in/archive" 2>/dev/null || as_root cp "$archive" "$work/in/archive"
  say "source: unpacking $origin"
  as_builder none "$root/tree" "$work/in:/build/in:ro" "$work/input:/build/input:rw" "$work/out:/build/out:rw" -- \
    bash -c "set -euo pipefail; $(declare -f unpack_source); unpack_source" ||
    die "source: found that it cannot be unpacked, see the words above; required a tar, or Debian's source package"
  apply_patches
  drop_unread
  # Its entries are of this source alone: what one source's programs write, another's never reads.
  ccache=$cache/builds/ccache-$({ spec source && spec patch | cut -d' ' -f2; } | sha256sum | cut -c1-32)
  as_root install -d -m 0700 -o "$BUILDER" -g "$BUILDER" "$ccache"
  # Of the source's programs, without a network.
  places=("$work/input:/build/input:ro" "$work/out:/build/out:rw" "$ccache:/build/ccache:rw" --)
  as_builder none "$root/tree" "${places[@]}" bash "/build/input/recipe/$kind.sh" configure >&2 || exit 1
  take_file "$work/out/config" "$work/input/config"
  take_file "$work/out/name" "$work/in/name"
  take_file "$work/out/steps" "$work/in/steps"
  [[ $(head -c 100 "$work/in/name") =~ ^[A-Za-z0-9.+~_-]{1,90}$ ]] || die "found no usable name of what is built, required letters, digits and . + ~ _ -"
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
  as_root install -d -m 0755 "$folder"
  as_root rm -f "$folder/manifest"
  as_root mv -f "$work/input.sqfs" "$folder/input.sqfs"
  [[ ! -s $work/compile.log ]] || as_root mv -f "$work/compile.log" "$folder/compile.log"
  as_root mv -f "$work/manifest" "$folder/manifest"
  say "prepared in $((SECONDS - start)) s: $(du -m "$folder/input.sqfs" | cut -f1) MiB, and $(du -m "$root/tools.sqfs" | cut -f1) MiB of tools"
  prune "$folder" "$root" "$archive" "$ccache"
  cat "$folder/manifest"
}

# The oldest go until the rest fits. What this run used stays, and what another one may be using: a
# preparation ends within three hours, and touches its parts when it begins.
prune() { # prune PATH...
  local limit=$((size_gib * 1024)) size path used=" $* "
  # A lock is touched by whoever takes it.
  as_root find "$cache/builds" "$cache/roots" -mindepth 1 -maxdepth 1 -name '.lock-*' -mmin +1440 -delete
  while read -r path; do
    size=$(as_root du -sm --total "$cache/builds" "$cache/sources" "$cache/roots" | tail -n 1 | cut -f1)
    ((size > limit)) || return 0
    [[ $used != *" $path "* ]] || continue
    say "pruned ${path##*/}: $size MiB found, host.buildCache.sizeGiB is $size_gib"
    as_root rm -rf --one-file-system -- "$path"
  done < <(as_root find "$cache/builds" "$cache/sources" "$cache/roots" -mindepth 1 -maxdepth 1 ! -name '.*' -mmin +360 -printf '%T@ %p\n' | sort -n | cut -d' ' -f2-)
}

# --- finished packages: of one lab, made in its guests ---

find_package() { # find_package LAB
  local file=$cache/builds/$identity/$1.deb sum
  [[ -s $file && -s $file.sum ]] || return 0
  sum=$(digest_of sha256 "$file")
  [[ $sum == "$(<"$file.sum")" ]] || {
    say "found $file changed on disk: it is not used"
    return 0
  }
  printf '%s\n' "$sum"
}

store_package() { # store_package LAB SHA256
  local folder=$cache/builds/$identity temp
  [[ $2 =~ ^[0-9a-f]{64}$ ]] || die "found digest '$2', required SHA-256"
  as_root install -d -m 0755 "$cache" "$cache/builds" "$folder"
  temp=$folder/.$1.partial
  as_root tee "$temp" >/dev/null
  [[ $(digest_of sha256 "$temp") == "$2" ]] || die "found another SHA-256 than $2 in what arrived, required this one"
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
    *) die "found file '$1', required input.sqfs, tools.sqfs or LAB.deb" ;;
  esac
}

main() {
  local verb=${1-} cache=${2-} identity=${3-} size_gib=10 warm=0 helpers=() helper
  case "$verb $#" in
    "find 4" | "prepare 5" | "prepare "[6-9] | "prepare 1"[0-3] | "read 4" | "store 5") ;;
    *) die "found '$verb' with $# words, required find, prepare, read or store and its words" ;;
  esac
  [[ $cache =~ ^(/[A-Za-z0-9._@+-]+)+$ ]] || die "found cache '$cache', required an absolute path"
  [[ $identity =~ ^[0-9a-f]{64}$ ]] || die "found identity '$identity', required SHA-256"
  [[ $4 =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$ ]] || die "found '$4', required letters, digits and . _ -"
  case $verb in
    find) find_package "$4" ;;
    prepare)
      [[ $4 =~ ^[1-9][0-9]{0,3}$ ]] || die "found size '$4', required GiB"
      [[ $5 =~ ^[01]$ ]] || die "found '$5', required 0 or 1"
      size_gib=$4 warm=$5 helpers=("${@:6}")
      for helper in "${@:6}"; do
        [[ $helper =~ ^[1-9][0-9]{0,4}/[1-9][0-9]{0,2}$ ]] || die "found helper '$helper', required PORT/JOBS"
      done
      prepare
      ;;
    read) read_file "$4" ;;
    store) store_package "$4" "$5" ;;
  esac
}

main "$@"
