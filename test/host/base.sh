#!/usr/bin/env bash
# The disk of a fresh Debian lab host, as its installer leaves it: systemd, AppArmor, sshd, no libvirt. Kept by
# content; tests boot overlays of it.
#   base.sh RELEASE DIR [PACKAGE...]   RELEASE: debian12 or debian13; PACKAGE: installed beside the standard ones.
#                                      Prints the folder of disk.qcow2, vmlinuz, initrd, key and host_key.pub
# Users: root, admin (sudo without a password), op (sudo with the password in FOLDER/password), viewer (no sudo, in
# the groups libvirt and kvm). FOLDER/key opens each.
set -euo pipefail

readonly ME=base
here=$(dirname -- "${BASH_SOURCE[0]}")
# shellcheck source-path=SCRIPTDIR source=../../scripts/host/lib.sh
source "$here/../../scripts/host/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/host/apt-way.sh
source "$here/../../scripts/host/apt-way.sh"

declare -A SUITES=([debian12]=bookworm [debian13]=trixie)
# What the installer's "standard system utilities" and "SSH server" bring, as far as a lab can tell.
readonly PACKAGES=(
  linux-image-amd64 initramfs-tools zstd systemd-sysv udev dbus kmod apparmor openssh-server sudo
  iproute2 netbase ca-certificates procps e2fsprogs less man-db locales python3 systemd-timesyncd
)
readonly SIZE=24G

# Runs in the tree's chroot.
set_up() {
  local name
  printf 'labhost\n' >/etc/hostname
  printf '127.0.0.1 localhost\n127.0.1.1 labhost\n' >/etc/hosts
  printf 'nameserver 10.0.2.3\n' >/etc/resolv.conf
  printf '[Match]\nName=en*\n[Network]\nDHCP=ipv4\n' >/etc/systemd/network/lan.network
  systemctl --quiet enable systemd-networkd ssh
  # apt's and man's own timers take the emulated cores.
  systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer man-db.timer e2scrub_all.timer fstrim.timer
  printf 'MODULES=dep\nCOMPRESS=zstd\n' >/etc/initramfs-tools/conf.d/lab
  printf '/dev/vda / ext4 defaults 0 1\n/dev/vdb /var/cache/mirlab ext4 defaults,nofail 0 2\n' >/etc/fstab
  mkdir -p /var/cache/mirlab
  groupadd --system --force kvm
  groupadd --system --force libvirt
  for name in admin op viewer; do useradd --create-home --shell /bin/bash "$name"; done
  usermod --append --groups sudo op
  usermod --append --groups libvirt,kvm viewer
  printf 'admin ALL=(ALL:ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/admin
  chmod 0440 /etc/sudoers.d/admin
  printf 'op:%s\n' "$(cat /password)" | chpasswd
  for name in root admin op viewer; do
    install -d -m 0700 -o "$name" -g "$name" "$(getent passwd "$name" | cut -d: -f6)/.ssh"
    install -m 0600 -o "$name" -g "$name" /key.pub "$(getent passwd "$name" | cut -d: -f6)/.ssh/authorized_keys"
  done
  rm -f /key.pub /password
}

make() {
  local suite=$1 folder=$2 work=$2.new conf
  rm -rf --one-file-system -- "$work"
  mkdir -p "$work"
  ssh-keygen -q -t ed25519 -N '' -C lab-host-test -f "$work/key"
  head -c 9 /dev/urandom | base64 >"$work/password"
  chmod 0600 "$work/password"
  conf=$work/tree.apt
  { apt_way && apt_passwords; } >"$conf"
  {
    declare -f set_up
    printf 'set -euo pipefail\nset_up\n'
  } >"$work/set-up.sh"
  # shellcheck disable=SC2016 # mmdebstrap's hooks expand $1
  archive_sources "$suite" "$(host_mirror "$suite")" |
    TMPDIR=$work mmdebstrap --quiet --mode=root --variant=important --format=directory --keyring="$(keyring_of "$suite")" \
      --include="$(IFS=, && echo "${packages[*]}")" --aptopt='APT::Install-Recommends "false"' --hook-dir=/usr/share/mmdebstrap/hooks/eatmydata \
      "${way_hooks[@]}" \
      --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
      --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
        printf "MODULES=list\nCOMPRESS=zstd\n" >"$1/etc/initramfs-tools/conf.d/lab"
        printf "%s\n" virtio_pci virtio_blk ext4 crc32c_generic >"$1/usr/share/initramfs-tools/modules.d/lab"' \
      --customize-hook="copy-in '$work/set-up.sh' '$work/key.pub' '$work/password' /" \
      --customize-hook='chroot "$1" bash /set-up.sh && rm -f "$1/set-up.sh"' \
      --customize-hook="grep -v Dir::Etc::netrc '$conf' >\"\$1/etc/apt/apt.conf.d/90way\" || rm -f \"\$1/etc/apt/apt.conf.d/90way\"" \
      "$suite" "$work/tree" - >&2
  rm -f -- "$conf" "$work/set-up.sh"
  cp "$work"/tree/boot/vmlinuz-* "$work/vmlinuz"
  cp "$work"/tree/boot/initrd.img-* "$work/initrd"
  cp "$work/tree/etc/ssh/ssh_host_ed25519_key.pub" "$work/host_key.pub"
  truncate -s "$SIZE" "$work/disk.raw"
  mke2fs -q -F -t ext4 -E lazy_itable_init=1,lazy_journal_init=1 -d "$work/tree" "$work/disk.raw"
  rm -rf --one-file-system -- "$work/tree"
  qemu-img convert -q -f raw -O qcow2 "$work/disk.raw" "$work/disk.qcow2"
  rm -f -- "$work/disk.raw"
  chmod 0444 "$work/disk.qcow2"
  mv -T -- "$work" "$folder"
}

suite=${SUITES[${1-}]-}
[[ -n $suite ]] || die "found release '${1-}'; need one of ${!SUITES[*]}"
[[ ${2-} == /* ]] || die "found folder '${2-}'; need an absolute path"
packages=("${PACKAGES[@]}" "${@:3}")
key=$({ printf '%s\n' "$suite" "$SIZE" "${packages[@]}" && declare -f set_up make; } | sha256sum | cut -c 1-16)
folder=$2/$1-$key
exec 9>"$2/.lock-$1"
flock 9
if [[ ! -e $folder/disk.qcow2 ]]; then
  say "making the disk of a fresh $1"
  make "$suite" "$folder"
fi
printf '%s\n' "$folder"
