#!/usr/bin/env bash
# Downloads a disk image, verifies it and prints the path of the verified copy.
#   image-fetch.sh DIR URL ALGORITHM:HEX MAX_GIB
# The copy is DIR/ALGORITHM-HEX.qcow2 or .raw, mode 0444, and is verified again on every run. A
# download that was cut off is resumed; one with another digest is never used and is removed.
set -euo pipefail

say() { printf '%s\n' "image: $*" >&2; }
die() {
  say "$*"
  exit 1
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    die "found user $(id -un) without password-free sudo, required root for '$1'; run 'sudo -v' first or run as root"
  fi
}

digest_of() { "${algorithm}sum" "$1" | cut -d' ' -f1; }

# An image may name other files (a backing or data file) that a guest would then read: refused.
check_image() {
  local info format virtual
  info=$(prlimit --as=2147483648 --cpu=60 qemu-img info --output=json "$1") ||
    die "found a file that qemu-img cannot read, required a qcow2 or raw disk image from $url"
  format=$(sed -n 's/^    "format": "\(.*\)",\{0,1\}$/\1/p' <<<"$info")
  virtual=$(sed -n 's/^    "virtual-size": \([0-9]*\),\{0,1\}$/\1/p' <<<"$info")
  [[ $format == qcow2 || $format == raw ]] || die "found image format '$format', required qcow2 or raw; convert it with qemu-img"
  if grep -qE '"(backing-filename|data-file)"' <<<"$info"; then
    die "found an image that refers to another file, required one that stands alone; flatten it with 'qemu-img convert'"
  fi
  ((virtual <= max_gib * 1024 * 1024 * 1024)) ||
    die "found an image of $((virtual / 1024 / 1024 / 1024)) GiB, required at most guests[].diskGiB ($max_gib); raise it"
  printf '%s\n' "$format"
}

cached() {
  local path found
  for path in "$dir/$algorithm-$hex.qcow2" "$dir/$algorithm-$hex.raw"; do
    [[ -f $path ]] || continue
    found=$(digest_of "$path")
    if [[ $found == "$hex" ]]; then
      printf '%s\n' "$path"
      return 0
    fi
    say "found $path changed on disk ($algorithm:$found); moved to $path.bad"
    as_root mv -f "$path" "$path.bad"
  done
  return 1
}

download() {
  local partial=$1 found
  # https stays https through redirects; loopback may be plain.
  say "downloading $url"
  as_root curl --fail --silent --show-error --location --proto '=https,http' --proto-redir '=https' \
    --connect-timeout 20 --speed-limit 1024 --speed-time 60 --retry 3 --retry-delay 2 \
    --continue-at - --output "$partial" -- "$url" ||
    die "found no way to download $url (curl exit $?), required the image; check the URL and the host's network, then run 'up' again: it resumes"
  found=$(digest_of "$partial")
  if [[ $found != "$hex" ]]; then
    as_root rm -f "$partial"
    die "found $algorithm:$found, required $algorithm:$hex for $url; the download was removed: check the digest with the publisher's signed sums"
  fi
}

(($# == 4)) || die "found $# arguments, required DIR URL ALGORITHM:HEX MAX_GIB"
dir=$1 url=$2 algorithm=${3%%:*} hex=${3#*:} max_gib=$4
[[ $3 =~ ^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$ ]] || die "found digest '$3', required sha256:HEX or sha512:HEX"
[[ $max_gib =~ ^[0-9]{1,5}$ ]] || die "found size '$max_gib', required GiB"
for tool in curl qemu-img; do
  command -v "$tool" >/dev/null || die "found no $tool, required it; install the host packages"
done
as_root install -d -m 0755 "$dir"
lock=$dir/.$algorithm-$hex.lock
as_root touch "$lock"
exec 9<"$lock"
flock -w 3600 9 || die "found $lock held for an hour, required the lock"
if path=$(cached); then
  check_image "$path" >/dev/null
  printf '%s\n' "$path"
  exit 0
fi
partial=$dir/.$algorithm-$hex.partial
[[ -f $partial && $(digest_of "$partial") == "$hex" ]] || download "$partial"
format=$(check_image "$partial")
as_root chmod 0444 "$partial"
as_root mv -f "$partial" "$dir/$algorithm-$hex.$format"
printf '%s\n' "$dir/$algorithm-$hex.$format"
