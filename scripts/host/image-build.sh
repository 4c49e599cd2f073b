#!/usr/bin/env bash
# Builds the lab's guest image: Debian or Ubuntu, the ordinary kernel, Mesa and Mir, with its own GRUB.
#   image-build.sh key   [options] [PKG...]   print the content key; builds nothing
#   image-build.sh build [options] [PKG...]   print the path of DIR/KEY.qcow2, built if it is not there
# Options: --dir DIR, --key KEY (build only)  --suite trixie  --mirror URL  --size-gib 8
#   --source 'PRIORITY KEY URI SUITE COMPONENT...', any number: a source of more packages, which the guest keeps; KEY is
#   an ASCII-armoured OpenPGP key in base64, PRIORITY apt's, or - for apt's own
# PKG: more packages for the guest. Every package is checked against the distribution's keyring.
# No loop device is used and every mount is in a namespace of the build, so a kill leaves
# nothing but a directory that the next run removes.
set -euo pipefail

readonly ME=image
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=apt-way.sh
declare -F apt_way >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/apt-way.sh"
# shellcheck source=image-cache.sh
declare -F publish_image >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/image-cache.sh"
# shellcheck source=image-suites.sh
[[ -v PLATFORMS ]] || source "$(dirname -- "${BASH_SOURCE[0]}")/image-suites.sh"
# shellcheck source=image-recipe.sh
declare -F make_image >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/image-recipe.sh"

readonly ARCH=amd64
readonly TOOLS=(mmdebstrap:mmdebstrap mke2fs:e2fsprogs sfdisk:fdisk qemu-img:qemu-utils flock:util-linux unshare:util-linux)
readonly NEEDED_MIB=5000

# The recipe for root's shell: the same from a file and from standard input.
recipe() { declare -f make_tree make_sources make_guest_files make_boot make_disk make_image; }

# The recipe as it is written, without comments: bash prints functions in its own release's words.
recipe_text() {
  local file=${BASH_SOURCE[0]%/*}/image-recipe.sh
  [[ -f $file ]] || die "found no file of this script; need its text for the content key; fix: give --key, as 'image-build.sh key' prints it"
  sed 's/^[[:space:]]*//; /^#/d; /^$/d' -- "$file"
}

content_key() {
  local text
  text=$(recipe_text)
  printf '%s\n' "suite=$suite" "arch=$ARCH" "size=$size_gib" "${packages[@]}" "${masked[@]}" ${sources[@]+"${sources[@]}"} "$text" | sha256sum | cut -d' ' -f1
}

check_host() {
  local entry free
  for entry in "${TOOLS[@]}"; do
    command -v "${entry%%:*}" >/dev/null || [[ -x /usr/sbin/${entry%%:*} ]] ||
      die "found no ${entry%%:*}; need it to build the image; fix: install package ${entry##*:}"
  done
  [[ -s $keyring ]] || die "found no $keyring; need it to check the packages; fix: install package ${KEYRINGS[$distribution]#*:}"
  [[ $(dpkg --print-architecture) == "$ARCH" ]] ||
    die "found architecture $(dpkg --print-architecture); need $ARCH; fix: build on an $ARCH host"
  free=$(df --output=avail -BM "$dir" | tail -n 1 | tr -dc 0-9)
  ((free >= NEEDED_MIB)) || die "found $free MiB free in $dir; need $NEEDED_MIB MiB; fix: free space or choose another --dir"
}

# Never under a living root's part, which then holds the lock.
remove_work() { [[ ! -e $1 ]] || as_root flock -n "$1.lock" rm -rf --one-file-system -- "$1" || true; }

# The group in the first line of the build's log that matches.
said() { sed -nE "/$1/{s//\\1/p;q}" "$log"; } # said REGEX

# What apt's words mean for the lab.
build_fault() {
  local expired unsigned unknown
  expired=$(said '^E: Release file for (\S+) is expired.*')
  unsigned=$(said "^E: The repository '(\S+) \S+ .*' is not signed.*")
  unknown=$(sed -nE 's/^E: Unable to locate package (.*)$/\1/p' "$log" | paste -sd ' ')
  if [[ -n $expired ]]; then
    printf '%s' "found package lists that have expired, $expired; need current ones; fix: use another mirror or, for a snapshot, set host.apt.validUntil to \"ignore\""
  elif [[ -n $unknown ]]; then
    printf '%s' "found no package $unknown in $suite; need packages of this suite; fix: correct guests[].image.packages, or choose another image.suite"
  elif [[ -n $unsigned && $unsigned == "$mirror" ]]; then
    printf '%s' "found no key in $keyring that signs $suite at $unsigned; need one; fix: upgrade package ${KEYRINGS[$distribution]#*:} on the host"
  elif [[ -n $unsigned ]]; then
    printf '%s' "found that the key does not sign the archive $unsigned; need its signing key; fix: correct guests[].image.apt.sources[].key"
  else
    printf '%s' "found that the build failed, see above; need an image; fix: check the network and the mirror ($mirror), then run 'up' again"
  fi
}

# Root's part. Its own mount and pid namespaces: mmdebstrap mounts /proc and more in the tree,
# and a kill must leave neither mounts nor processes. Its own lock: when only this script is
# killed, root's part lives on, and the next run must not take its directory away.
run_recipe() {
  local package_list
  package_list=$(
    IFS=,
    printf '%s' "${packages[*]}"
  )
  {
    recipe
    root_way
    # shellcheck disable=SC2016 # for root's shell to expand
    printf '%s\n' 'set -euo pipefail' 'PATH=$PATH:/usr/sbin:/sbin' 'umask 022' \
      'exec 8>"$1.lock"' 'flock -w 1800 8' 'rm -rf --one-file-system -- "$1"' 'mkdir "$1"' \
      'keep_way "$1/root.apt"' 'make_image "$@"' 'chown "$8" "$1"'
  } | as_root unshare --mount --pid --fork --kill-child --mount-proc \
    bash -s -- "$work" "$suite" "$keyring" "$ARCH" "$package_list" \
    "$(cat /proc/sys/kernel/random/uuid)" "$size_gib" "$(id -u):$(id -g)" "$(archive_sources "$suite" "$mirror")" \
    "$distribution" "${masked[*]}" ${sources[@]+"${sources[@]}"} 2>&1 9>&- |
    as_root tee "$log" | awk '/^image: / { print; fflush() }' >&2 || {
    tail -n 20 "$log" >&2
    die "$(build_fault); log: $log"
  }
}

write_manifest() {
  printf '%s\n' "key: $key" "suite: $suite" "arch: $ARCH" "size-gib: $size_gib" "mirror: $mirror" \
    "image-sha256: $(sha256sum "$work/image.qcow2" | cut -d' ' -f1)" "requested: ${packages[*]}" "releases:"
  sed 's/^/  /' "$work/root.releases"
  printf 'packages:\n'
  sed 's/^/  /' "$work/versions"
}

# All users of the host share the folder, which root owns: the builder writes in a work folder of its own.
build() {
  local start=$SECONDS
  local image=$dir/$key.qcow2 manifest=$dir/$key.manifest log=$dir/$key.log work=$dir/.build-$key
  new_folders 0755 "$dir"
  [[ -e $dir/.lock-$key ]] || as_root touch "$dir/.lock-$key"
  exec 9<"$dir/.lock-$key"
  flock -n 9 || {
    say "another build of this image is running; waiting for it, 1800 s at most"
    flock -w 1800 9 || die "found $dir/.lock-$key locked for 1800 s; need free; fix: see what the other build does"
  }
  if ! intact; then
    check_host
    # shellcheck disable=SC2064
    trap "remove_work $(printf %q "$work")" EXIT
    say "building $key: ${#packages[@]} packages of $suite from $mirror"
    run_recipe
    local convert=$SECONDS
    compress_image "$work/disk.raw" raw
    say "qcow2 made in $((SECONDS - convert)) s"
    write_manifest >"$work/manifest"
    publish_image
    say "built in $((SECONDS - start)) s, $(du -m "$image" | cut -f1) MiB"
  else
    say "cache hit"
  fi
  printf '%s\n' "$image"
}

main() {
  local verb=${1-} dir="" suite=trixie mirror="" size_gib=8 given="" key name
  local extra=() sources=() packages masked distribution keyring
  [[ $verb == key || $verb == build ]] || die "found verb '$verb'; need key or build; fix: image-build.sh key|build [--dir DIR] [--suite S] [--mirror URL] [--size-gib N] [PKG...]"
  shift
  while (($# > 0)); do
    case $1 in
      --dir | --suite | --mirror | --size-gib | --key | --source) (($# > 1)) || die "found $1 without a value; need one" ;;&
      --dir) dir=$2 && shift 2 ;;
      --suite) suite=$2 && shift 2 ;;
      --mirror) mirror=$2 && shift 2 ;;
      --size-gib) size_gib=$2 && shift 2 ;;
      --key) given=$2 && shift 2 ;;
      --source) sources+=("$2") && shift 2 ;;
      -*) die "found option '$1'; need one of --dir --suite --mirror --size-gib --key --source" ;;
      *) extra+=("$1") && shift ;;
    esac
  done
  # Of letters alone: bash would evaluate another subscript.
  [[ $suite =~ ^[a-z]+$ && -v SUITE_PACKAGES[$suite] ]] || die "found suite '$suite'; need one of ${!SUITE_PACKAGES[*]}; fix: other systems: use a cloud image or an existing domain"
  distribution=$(distribution_of "$suite")
  keyring=$(keyring_of "$suite")
  [[ $size_gib =~ ^([4-9]|[1-9][0-9]{1,2})$ ]] || die "found --size-gib '$size_gib'; need 4 to 999"
  for name in ${extra[@]+"${extra[@]}"}; do
    [[ $name =~ ^[a-z0-9][a-z0-9+.-]+$ ]] || die "found package name '$name'; need a Debian package name (a-z 0-9 + . -)"
  done
  for name in ${sources[@]+"${sources[@]}"}; do
    [[ $name =~ ^(-|-?[0-9]{1,5})\ [A-Za-z0-9+/=]+\ https?://[A-Za-z0-9./_:~%-]+(\ [A-Za-z0-9./_+~-]+)+$ ]] || die "found --source '$name'; need 'PRIORITY KEY URI SUITE COMPONENT...'"
  done
  # shellcheck disable=SC2206 # lists of names
  masked=("${COMMON_MASKED[@]}" ${SUITE_MASKED[$suite]-})
  # shellcheck disable=SC2086 # a list of names
  mapfile -t packages < <(printf '%s\n' "${COMMON_PACKAGES[@]}" ${SUITE_PACKAGES[$suite]} ${extra[@]+"${extra[@]}"} | LC_ALL=C sort -u)
  if [[ $verb == key ]]; then
    content_key
    return
  fi
  key=$given
  [[ -n $key ]] || key=$(content_key)
  [[ $key =~ ^[0-9a-f]{64}$ ]] || die "found --key '$key'; need what 'image-build.sh key' prints"
  [[ $dir == /* && $dir != *$'\n'* ]] || die "found --dir '$dir'; need an absolute path"
  mirror=${mirror:-$(host_mirror "$suite")}
  mirror=${mirror%/}
  [[ $mirror =~ ^https?://[A-Za-z0-9./_:~%-]+$ ]] || die "found mirror '$mirror'; need an http or https URL"
  build
}

main "$@"
