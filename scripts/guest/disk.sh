# Grows the guest's root file system over the rest of its disk. Does nothing where no space is left. A
# library: over ssh this text comes before the script that uses it (core/link.io.ts).
# shellcheck shell=bash

grow_root() {
  local source device disk number type said
  source=$(findmnt --noheadings --output SOURCE /)
  type=$(findmnt --noheadings --output FSTYPE /)
  device=/sys/class/block/${source#/dev/}
  [[ -b $source && -e $device/partition && $type == ext4 ]] ||
    die "found / as $type on $source; need ext4 on a partition; fix: grow it by hand"
  disk=/dev/$(basename -- "$(dirname -- "$(realpath -- "$device")")")
  number=$(<"$device/partition")
  command -v growpart >/dev/null ||
    die "found no growpart; need it to grow the root partition; fix: install package cloud-guest-utils in the guest"
  # growpart exits with 1, too, where no space is left.
  said=$(growpart "$disk" "$number" 2>&1) || [[ $said == NOCHANGE* ]] ||
    die "found that partition $number of $disk cannot grow: ${said##*$'\n'}; need the last partition of its disk"
  resize2fs "$source" >&2 ||
    die "found that the file system on $source cannot grow, see above; need a kernel that allows writes to the device of a mounted file system"
}
