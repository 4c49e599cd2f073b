# Fills the guest's disk with its root file system, after the disk was enlarged. A library: over ssh
# this text comes before the script that uses it (core/link.io.ts). Does nothing where nothing is left.
# shellcheck shell=bash

grow_root() {
  local source device disk number type said
  source=$(findmnt --noheadings --output SOURCE /)
  type=$(findmnt --noheadings --output FSTYPE /)
  device=/sys/class/block/${source#/dev/}
  [[ -b $source && -e $device/partition && $type == ext4 ]] ||
    die "found / as $type on $source, required ext4 on a partition; enlarge it by hand"
  disk=/dev/$(basename -- "$(dirname -- "$(realpath -- "$device")")")
  number=$(<"$device/partition")
  command -v growpart >/dev/null ||
    die "found no growpart, required package cloud-guest-utils; install it in the guest"
  # It ends with 1 where nothing is left to take.
  said=$(growpart "$disk" "$number" 2>&1) || [[ $said == NOCHANGE* ]] ||
    die "found that partition $number of $disk cannot be enlarged: ${said##*$'\n'}; required the last one of its disk"
  resize2fs "$source" >&2 ||
    die "found that the file system on $source cannot be enlarged, see the words above; required a kernel that lets a mounted file system's device be written"
}
