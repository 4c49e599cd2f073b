# The answers to an installer, by the kind of the installer: Debian's reads a preseed, Ubuntu's an autoinstall, Fedora's and
# its relatives' a kickstart. A library of image-install.sh: over ssh its text comes before that script's
# (core/link.io.ts). An installed system has what a cloud image has: cloud-init, sshd, sudo, the agent; no account.
# shellcheck shell=bash

# The word that an installed system writes to its serial console, with the image's key.
readonly INSTALLED=mirlab-installed

# One partition, so that the root file system can grow. The root account has no password, and no other account is made.
preseed() { # preseed KEY PROTOCOL HOST DIRECTORY PROXY
  cat <<ANSWERS
d-i debian-installer/locale string C.UTF-8
d-i keyboard-configuration/xkb-keymap select us
d-i netcfg/choose_interface select auto
d-i netcfg/get_hostname string mirlab
d-i netcfg/get_domain string
d-i hw-detect/load_firmware boolean false
d-i mirror/country string manual
d-i mirror/protocol string $2
d-i mirror/$2/hostname string $3
d-i mirror/$2/directory string $4
d-i mirror/$2/proxy string $5
d-i passwd/root-login boolean true
d-i passwd/root-password-crypted password !
d-i passwd/make-user boolean false
d-i clock-setup/utc boolean true
d-i clock-setup/ntp boolean false
d-i time/zone string UTC
d-i partman-auto/disk string /dev/vda
d-i partman-auto/method string regular
d-i partman-auto/expert_recipe string root :: 2000 50 -1 ext4 \$primary{ } \$bootable{ } method{ format } format{ } use_filesystem{ } filesystem{ ext4 } mountpoint{ / } .
d-i partman-auto/choose_recipe select root
d-i partman-basicfilesystems/no_swap boolean false
d-i partman-partitioning/confirm_write_new_label boolean true
d-i partman/choose_partition select finish
d-i partman/confirm boolean true
d-i partman/confirm_nooverwrite boolean true
d-i base-installer/install-recommends boolean false
d-i apt-setup/cdrom/set-first boolean false
tasksel tasksel/first multiselect
d-i pkgsel/include string cloud-init cloud-guest-utils openssh-server sudo qemu-guest-agent
d-i pkgsel/upgrade select none
d-i pkgsel/update-policy select none
popularity-contest popularity-contest/participate boolean false
d-i grub-installer/only_debian boolean true
d-i grub-installer/bootdev string /dev/vda
d-i debian-installer/add-kernel-opts string console=tty0 console=ttyS0,115200
d-i finish-install/reboot_in_progress note
d-i debian-installer/exit/poweroff boolean true
d-i preseed/late_command string rm -f /target/etc/network/interfaces.d/* /target/etc/ssh/ssh_host_*; printf 'source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n' >/target/etc/network/interfaces; sync; echo "$INSTALLED $1" >/dev/ttyS0
ANSWERS
}

autoinstall() { # autoinstall KEY
  cat <<ANSWERS
#cloud-config
autoinstall:
  version: 1
  locale: C.UTF-8
  keyboard: {layout: us}
  storage: {layout: {name: direct}}
  ssh: {install-server: true, allow-pw: false}
  packages: [cloud-init, cloud-guest-utils, qemu-guest-agent]
  updates: security
  shutdown: poweroff
  user-data: {disable_root: true}
  late-commands:
    - rm -f /target/etc/cloud/cloud.cfg.d/99-installer.cfg /target/etc/cloud/cloud.cfg.d/90-installer-network.cfg /target/etc/ssh/ssh_host_*
    - cloud-init clean --logs --root /target || curtin in-target -- cloud-init clean --logs
    - sync; echo "$INSTALLED $1" >/dev/ttyS0
ANSWERS
}

kickstart() { # kickstart KEY
  cat <<ANSWERS
cmdline
lang C.UTF-8
keyboard us
timezone UTC --utc
network --bootproto=dhcp
rootpw --lock
firewall --enabled --ssh
zerombr
clearpart --all --initlabel --disklabel=msdos
bootloader --location=mbr --boot-drive=vda
part / --fstype=ext4 --size=2000 --grow --ondisk=vda
poweroff
%packages
@core
cloud-init
cloud-utils-growpart
openssh-server
sudo
qemu-guest-agent
%end
%post
rm -f /etc/ssh/ssh_host_*
systemctl enable cloud-init.service sshd.service qemu-guest-agent.service
sync
echo "$INSTALLED $1" >/dev/ttyS0
%end
ANSWERS
}
