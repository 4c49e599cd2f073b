#!/usr/bin/env bash
# Builds package files of kernels for tests, from a kernel of the host's Debian mirror.
#   kernel-deb.sh FOLDER   writes small.deb, panic.deb and hang.deb, and prints their releases
# small.deb boots a lab's guest; it has only the modules that a lab guest needs: unpacking the others takes an
# emulated guest minutes. panic.deb has no initrd, and so no driver for its root disk. hang.deb has an initrd
# with one program, which waits for ever.
set -euo pipefail

readonly KEPT='^kernel/(arch|crypto|lib|fs/(9p|netfs|fscache|ext4|jbd2|mbcache|fuse|autofs|configfs|isofs|nls|binfmt_misc)|net/(9p|core|packet|unix)|drivers/(virtio|block/virtio|net/(virtio_net|net_failover)|char/(virtio|hw_random|tpm)|cdrom|ata/(libata|ahci|libahci)|scsi/(scsi_mod|scsi_common|sd_mod|sr_mod|sg|virtio_scsi)|input/(evdev|mouse|serio|misc)|gpu/drm/(qxl|ttm|drm\.|drm_|tiny)|usb/(core|common|host/xhci)|hid/(hid\.|hid-generic|usbhid)|video|firmware|i2c|acpi|platform|watchdog))'

folder=$1
mkdir -p "$folder"
cd -- "$folder"

oldest() { apt-cache search --names-only '^linux-image-6\.1\.0-[0-9]+-amd64$' | cut -d' ' -f1 | sort -V | head -n 1; }
name=$(oldest)
# A fresh image may have no package lists.
[[ -n $name ]] || { apt-get -q update >&2 && name=$(oldest); }
[[ -n $name ]] || {
  printf 'kernel-deb: found no linux-image-6.1.0-N-amd64 on the mirror; need one\n' >&2
  exit 1
}
release=${name#linux-image-}
if [[ ! -d tree ]]; then
  # Without apt's sandbox: its user may not write here.
  apt-get -q -o APT::Sandbox::User=root download "$name" >&2
  dpkg-deb -x ./"$name"_*.deb tree.partial
  rm -f ./"$name"_*.deb
  mv tree.partial tree
fi

build() { # build NAME RELEASE
  mkdir -p "$1/DEBIAN"
  printf '%s\n' "Package: linux-image-$2" 'Version: 1' 'Architecture: amd64' 'Maintainer: mirlab <mirlab@localhost>' \
    "Installed-Size: $(du -sk "$1" | cut -f1)" 'Description: a kernel for tests' >"$1/DEBIAN/control"
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$1" "$1.deb" >&2
  rm -rf -- "$1"
}

rm -rf small panic hang
mkdir -p small/boot "small/lib/modules/$release" panic/boot hang/boot
cp tree/boot/{vmlinuz,config}-"$release" small/boot/
(
  cd "tree/lib/modules/$release"
  find kernel -name '*.ko' | grep -E "$KEPT" | xargs cp --parents -t "../../../../small/lib/modules/$release"
  cp modules.builtin modules.builtin.modinfo modules.order "../../../../small/lib/modules/$release"
)
mkdir -p small/DEBIAN
cat >small/DEBIAN/postinst <<FILE
#!/bin/sh
set -e
depmod $release
run-parts --arg=$release --arg=/boot/vmlinuz-$release /etc/kernel/postinst.d
FILE
cat >small/DEBIAN/postrm <<FILE
#!/bin/sh
set -e
run-parts --arg=$release --arg=/boot/vmlinuz-$release /etc/kernel/postrm.d
rm -rf /lib/modules/$release
FILE
chmod 0755 small/DEBIAN/postinst small/DEBIAN/postrm
build small "$release"

panic=6.1.999-panic
cp "tree/boot/vmlinuz-$release" "panic/boot/vmlinuz-$panic"
cp "tree/boot/config-$release" "panic/boot/config-$panic"
build panic "$panic"

hang=6.1.998-hang
cp "tree/boot/vmlinuz-$release" "hang/boot/vmlinuz-$hang"
cp "tree/boot/config-$release" "hang/boot/config-$hang"
python3 - "hang/boot/initrd.img-$hang" <<'FILE'
import struct, sys

# pause(2), again and again; one segment of an ELF file holds it.
CODE = bytes.fromhex("b822000000 0f05 ebf7")
AT, HEADERS = 0x400000, 64 + 56
header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
    "<HHIQQQIHHHHHH", 2, 62, 1, AT + HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
size = HEADERS + len(CODE)
segment = struct.pack("<IIQQQQQQ", 1, 5, 0, AT, AT, size, size, 0x1000)


def entry(name, mode, data):
    fields = [1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


with open(sys.argv[1], "wb") as file:
    file.write(entry(b"init", 0o100755, header + segment + CODE) + entry(b"TRAILER!!!", 0, b""))
FILE
build hang "$hang"

printf '%s %s %s\n' "$release" "$panic" "$hang"
