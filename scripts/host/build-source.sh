# The source of a build: fetch, verify, unpack and patch it. A library of build.sh: over ssh its text
# comes before that script's (core/link.io.ts). `prepare` sets cache, work, root, suite and kind.
# shellcheck shell=bash disable=SC2154

# Prints `URL SHA256` for each file of a Debian package, from apt's signed lists. TYPE: deb, or deb-src
# for the files of a source package.
package_places() { # package_places TYPE NAME SUITE
  local type=$1 mirror words=() ask=(download) uri sum found
  shift
  [[ $type == deb ]] || ask=(source --only-source)
  mirror=$(host_mirror "$suite")
  {
    archive_sources "$suite" "$mirror"
    [[ $2 == "$suite" || $2 == "$suite-updates" || $2 == "$suite-security" ]] ||
      printf 'deb [signed-by=%s] %s %s main\n' "$(keyring_of "$suite")" "$mirror" "$2"
  } | sed "s/^deb /$type /" | as_root tee "$work/in/sources.list" >/dev/null
  way_into "$work/in" /build/in "$BUILDER"
  words=(apt-get -q -c /build/in/apt.conf -o Dir::State=/build/out/apt -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache=/build/out/apt/cache
    -o Dir::Etc::sourcelist=/build/in/sources.list -o Dir::Etc::sourceparts=- -o Acquire::Retries=3)
  as_builder host "$root/tree" "$work/in:/build/in:ro" "$work/out:/build/out:rw" "/etc/resolv.conf:/etc/resolv.conf:ro" -- \
    bash -c 'mkdir -p apt/lists/partial apt/cache/archives/partial; "$@" update >apt.log 2>&1 || { tail -n 5 apt.log >&2; exit 1; }' apt "${words[@]}" ||
    die "suite $2: found no package lists at $mirror; need them to find the source; fix: check the network and the suite's name"
  as_root rm -f -- "$work/in/auth.conf"
  found=$(as_builder none "$root/tree" "$work/in:/build/in:ro" "$work/out:/build/out:rw" -- \
    "${words[@]}" "${ask[@]}" --print-uris "$1/$2" 2>/dev/null | grep "^'") ||
    die "found no package $1 in $2 at $mirror; need a package of this suite; fix: choose one that 'apt-cache search linux-source' lists"
  while read -r uri _ _ sum; do
    uri=${uri#\'} uri=${uri%\'} sum=${sum#SHA256:}
    [[ $uri =~ ^https?:// && $sum =~ ^[0-9a-f]{64}$ ]] || die "apt: found '$uri' '$sum' in its answer; need a URL and a SHA-256"
    printf '%s %s\n' "$uri" "$sum"
  done <<<"$found"
}

# Puts the verified files of a source package in one tar.
fetch_source_package() { # fetch_source_package NAME SUITE: sets archive and origin
  local places uri sum folder=$work/in/files
  places=$(package_places deb-src "$1" "$2")
  archive=$cache/sources/debian-$(sha256sum <<<"$places" | cut -c1-32).tar
  origin=$(sed -n 's|.*/\([^/ ]*\)\.dsc .*|\1|p' <<<"$places")
  [[ ! -s $archive ]] || return 0
  new_folders 0755 "$folder"
  while read -r uri sum; do
    archive_download "$uri" sha256 "$sum" "$folder/$(basename -- "$uri")" "the source"
  done <<<"$places"
  as_root tar -c -f "$archive.partial" -C "$folder" .
  as_root mv -f "$archive.partial" "$archive"
  as_root rm -rf -- "$folder"
}

# lib.sh's download, for a file of the archives: by the way of the host's apt.
archive_download() {
  use_curl_way "$1" "$work/netrc"
  download "$@"
  # shellcheck disable=SC2034 # for lib.sh's get_url
  curl_way=()
  as_root rm -f -- "$work/netrc"
}

# Fetches one commit of a repository as a tar; git verifies the commit's hash.
fetch_commit() { # fetch_commit URL COMMIT FILE
  local url=$1 binds=()
  [[ $url != /* ]] || { binds=("$url:/build/tree:ro") && url=/build/tree; }
  say "source: commit $2 of $1"
  {
    printf '[safe]\n\tdirectory = *\n'
    [[ -z ${https_proxy:-${HTTPS_PROXY-}} ]] || printf '[http]\n\tproxy = %s\n' "${https_proxy:-$HTTPS_PROXY}"
  } | as_root tee "$work/in/gitconfig" >/dev/null
  # shellcheck disable=SC2016 # for the builder's shell
  as_builder host "$root/tree" "$work/in:/build/in:ro" "$work/out:/build/out:rw" "/etc/resolv.conf:/etc/resolv.conf:ro" \
    ${binds[@]+"${binds[@]}"} -- bash -c '
      export GIT_CONFIG_GLOBAL=/build/in/gitconfig GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=https:file
      git init -q git && cd git && git fetch -q --depth 1 "$0" "$1" && [[ $(git rev-parse "FETCH_HEAD^{commit}") == "$1" ]] &&
        git archive --format=tar -o ../archive.tar "$1"' "$url" "$2" >&2 ||
    die "found no commit $2 at $1, see git's message above; need a commit that this repository has"
  take_file "$work/out/archive.tar" "$3"
}

fetch_file() { # fetch_file URL SHA256 DOWNLOAD: sets archive. DOWNLOAD: download or archive_download
  archive=$cache/sources/sha256-$2
  [[ ! -s $archive ]] || return 0
  "$3" "$1" sha256 "$2" "$archive.partial" "the source"
  as_root mv -f "$archive.partial" "$archive"
}

# Sets archive, and origin: where it comes from, for messages.
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
      fetch_file "$a" "$b" archive_download
      a=${a##*/} origin=${a//%7e/\~}
      ;;
    url)
      fetch_file "$b" "$a" download
      origin=$b
      ;;
    git)
      archive=$cache/sources/git-$b.tar origin="$b of $a"
      [[ -s $archive ]] || fetch_commit "$a" "$b" "$archive"
      ;;
    *) die "found source '$kind'; need package, url or git" ;;
  esac
  as_root touch "$archive"
}

# Runs confined. Unpacks the archive to /build/input/source, whatever its top folder is called.
unpack_source() {
  local inner top=()
  mkdir -p /build/input/unpacked
  cd /build/input/unpacked || exit
  if [[ $(head -c 8 /build/in/archive) == '!<arch>' ]]; then
    inner=$(dpkg-deb --fsys-tarfile /build/in/archive | tar -t | grep -E '^\./usr/src/[^/]+\.tar\.[a-z0-9]+$' | head -n 1 || true)
    [[ -n $inner ]] || { echo "build: found no /usr/src/*.tar.* in the package; need Debian's linux-source" >&2 && exit 1; }
    dpkg-deb --fsys-tarfile /build/in/archive | tar -x -O "$inner" >../inner
    tar -x --no-same-owner -f ../inner
    rm -f ../inner
  else
    tar -x --no-same-owner -f /build/in/archive
  fi
  shopt -s nullglob dotglob
  top=(*.dsc)
  if ((${#top[@]} == 1)); then
    # A Debian source package: the upstream tar, Debian's files over it, then Debian's patches in order.
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
      die "patch $name: found another SHA-256; need $sum"
    # shellcheck disable=SC2016 # for the builder's shell
    as_builder none "$root/tree" "$work/in:/build/in:ro" "$work/input:/build/input:rw" "$work/out:/build/out:rw" -- \
      bash -c 'patch -p1 --batch --forward -d /build/input/source -i "/build/in/patches/$0" >patch.log 2>&1 || { tail -n 8 patch.log >&2; exit 1; }' "$number" ||
      die "patch $name: found that it does not apply to $origin, see above; need a patch for this source (patch -p1)"
  done < <(spec patch)
}

# Files that no compile of this kind reads on x86. Kconfig does read other architectures' crypto.
readonly -A UNREAD=([kernel]="arch/[!xuK]*/[!cK]* arch/[!x]*/configs Documentation/[!K]* tools/testing tools/perf LICENSES samples/bpf"
  [mesa]="docs .gitlab-ci debian")

# Removes them before the configuration is checked: the guest compiles from the same tree.
drop_unread() {
  # shellcheck disable=SC2016 # for the builder's shell
  as_builder none "$root/tree" "$work/input:/build/input:rw" "$work/out:/build/out:rw" -- \
    bash -c 'cd /build/input/source && rm -rf -- $0' "${UNREAD[$kind]}" ||
    die "source: found that rm failed, see above; need the source without the files that no compile reads"
}
