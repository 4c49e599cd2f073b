#!/usr/bin/env bash
# Downloads a disk image, verifies it and prints the path of the verified copy.
#   image-fetch.sh DIR URL ALGORITHM:HEX qcow2|raw MAX_GIB
# The copy is DIR/ALGORITHM-HEX.FORMAT, mode 0444, and is verified again on every run. A
# download that was cut off is resumed; one with another digest is never used and is removed.
set -euo pipefail

readonly ME=image
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# An image may name other files (a backing or data file) that a guest would then read: refused.
check_image() {
  local info format virtual gib=$((1024 * 1024 * 1024))
  info=$(prlimit --as=2147483648 --cpu=60 qemu-img info --output=json "$1") ||
    die "found a file that qemu-img cannot read; need a qcow2 or raw disk image from $url"
  format=$(sed -n 's/^    "format": "\(.*\)",\{0,1\}$/\1/p' <<<"$info")
  virtual=$(sed -n 's/^    "virtual-size": \([0-9]*\),\{0,1\}$/\1/p' <<<"$info")
  [[ $format == "$wanted" ]] || die "found image format '$format'; need $wanted; fix: set guests[].image.format, or convert it with qemu-img"
  if grep -qE '"(backing-filename|data-file)"' <<<"$info"; then
    die "found an image that refers to another file; need one that stands alone; fix: flatten it with 'qemu-img convert'"
  fi
  ((virtual <= max_gib * gib)) ||
    die "found an image of $(((virtual + gib - 1) / gib)) GiB; need at most guests[].diskGiB ($max_gib); fix: raise it"
}

cached() {
  local found
  [[ -f $image ]] || return 1
  found=$(digest_of "$algorithm" "$image")
  [[ $found != "$hex" ]] || return 0
  say "found $image changed on disk ($algorithm:$found); moved to $image.bad"
  as_root mv -f "$image" "$image.bad"
  return 1
}

(($# == 5)) || die "found $# arguments; need DIR URL ALGORITHM:HEX FORMAT MAX_GIB"
dir=$1 url=$2 algorithm=${3%%:*} hex=${3#*:} wanted=$4 max_gib=$5
[[ $3 =~ ^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$ ]] || die "found digest '$3'; need sha256:HEX or sha512:HEX"
[[ $wanted == qcow2 || $wanted == raw ]] || die "found format '$wanted'; need qcow2 or raw"
[[ $max_gib =~ ^[0-9]{1,5}$ ]] || die "found size '$max_gib'; need GiB"
for tool in curl qemu-img; do
  command -v "$tool" >/dev/null || die "found no $tool; need it; fix: install the host packages"
done
new_folders 0755 "$dir"
lock=$dir/.$algorithm-$hex.lock
[[ -e $lock ]] || as_root touch "$lock"
exec 9<"$lock"
flock -n 9 || say "waiting for another download of $url"
flock -w 3600 9 || die "found $lock held for an hour; need the lock"
image=$dir/$algorithm-$hex.$wanted
if ! cached; then
  partial=$dir/.$algorithm-$hex.partial
  download "$url" "$algorithm" "$hex" "$partial" "the image"
  check_image "$partial"
  as_root chmod 0444 "$partial"
  as_root mv -f "$partial" "$image"
fi
# Again for a cached one: another guest may allow less.
check_image "$image"
# Verified just now: while the image is not written after this, nobody needs to hash it again.
manifest=$dir/$algorithm-$hex.manifest
[[ $(cat "$manifest" 2>/dev/null) == "image-digest: $3" && ! $image -nt $manifest ]] ||
  printf 'image-digest: %s\n' "$3" | as_root tee "$manifest" >/dev/null
printf '%s\n' "$image"
