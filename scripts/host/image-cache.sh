# Finished images in the host's cache: DIR/KEY.qcow2 and a manifest that has its hash and is written last. A library of
# image-build.sh and image-install.sh, which set image, manifest and work: over ssh its text comes before theirs
# (core/link.io.ts).
# shellcheck shell=bash disable=SC2154 # the scripts that source this set them

intact() {
  local recorded
  [[ -f $image && -f $manifest ]] || return 1
  recorded=$(sed -n 's/^image-sha256: //p' "$manifest")
  [[ -n $recorded && $recorded == "$(sha256sum "$image" | cut -d' ' -f1)" ]] && return
  say "found $image damaged (its hash is not the one in $manifest); making it anew, guests on it must be rebuilt"
  return 1
}

# Compresses WORK/image.qcow2 out of a disk. The lock of the caller, descriptor 9, is none of qemu-img's.
compress_image() { # compress_image FILE FORMAT
  qemu-img convert -q -f "$2" -O qcow2 -c -o compression_type=zstd,lazy_refcounts=off "$1" "$work/image.qcow2" 9>&-
}

# Moves WORK/image.qcow2 and WORK/manifest to their places.
publish_image() {
  chmod 0444 "$work/image.qcow2" "$work/manifest"
  sync "$work/image.qcow2" "$work/manifest"
  as_root chown root:root "$work/image.qcow2" "$work/manifest"
  as_root rm -f -- "$manifest"
  as_root mv -f -- "$work/image.qcow2" "$image"
  as_root mv -f -- "$work/manifest" "$manifest"
}
