# A cpio archive in the format newc, as the kernel reads it as an initial RAM disk. A library of kvm-probe.sh and
# image-install.sh: over ssh its text comes before theirs (core/link.io.ts). Hosts have no cpio of their own.
# shellcheck shell=bash

# One entry, for standard output; the caller has `inode`. No program of the archive runs on the host: the folder may be
# mounted noexec. The last entry's name is 'TRAILER!!!'.
cpio_entry() { # cpio_entry NAME MODE [FILE [MAJOR MINOR]]
  local size=0 name=$1
  [[ -z ${3-} ]] || size=$(stat -c %s -- "$3")
  printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\0' \
    $((inode += 1)) "$2" 0 0 1 0 "$size" 0 0 "${4-0}" "${5-0}" $((${#name} + 1)) 0 "$name"
  pad $((110 + ${#name} + 1))
  [[ -z ${3-} ]] || cat -- "$3"
  pad "$size"
}

pad() { # pad LENGTH: up to the next multiple of 4
  head -c $(((4 - $1 % 4) % 4)) /dev/zero
}
