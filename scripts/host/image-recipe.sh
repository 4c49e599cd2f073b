# The recipe of an image: every function runs as root, and the file's text is part of the image's content key. A
# library of image-build.sh: over ssh its text comes before that script's (core/link.io.ts).
# shellcheck shell=bash disable=SC2016,SC2154 # mmdebstrap's hooks expand $1 themselves; way_hooks is of apt-way.sh

# Sources of more packages: their keys and priorities for the build and the guest. $1 work dir, $2... sources, as
# image-build.sh takes them. Prints their lines for the build.
make_sources() {
  local work=$1 n=0 source priority key uri rest host
  mkdir -p "$work/extra/keyrings" "$work/extra/preferences.d" "$work/extra/sources.list.d"
  shift
  for source; do
    read -r priority key uri rest <<<"$source"
    n=$((n + 1))
    base64 -d <<<"$key" >"$work/extra/keyrings/mirlab-$n.asc"
    printf 'deb [signed-by=%s] %s %s\n' "/etc/apt/keyrings/mirlab-$n.asc" "$uri" "$rest" >"$work/extra/sources.list.d/mirlab-$n.list"
    printf 'deb [signed-by=%s] %s %s\n' "$work/extra/keyrings/mirlab-$n.asc" "$uri" "$rest"
    host=${uri#*://}
    [[ $priority == - ]] || printf 'Package: *\nPin: origin "%s"\nPin-Priority: %s\n' "${host%%[:/]*}" "$priority" >"$work/extra/preferences.d/mirlab-$n"
  done
}

# One tree of files, unpacked and configured by dpkg. $1 work dir, $2 suite, $3 keyring,
# $4 architecture, $5 packages with commas; sources come on stdin.
make_tree() {
  local work=$1 suite=$2 keyring=$3 arch=$4 packages=$5
  local excludes=()
  local path
  for path in doc man info locale lintian bug; do
    excludes+=("--dpkgopt=path-exclude=/usr/share/$path/*")
  done
  # eatmydata ends with the build: it is not part of the tree.
  TMPDIR="$work" mmdebstrap --mode=root --variant=apt --format=directory --architectures="$arch" \
    --keyring="$keyring" --include="$packages" \
    --hook-dir=/usr/share/mmdebstrap/hooks/eatmydata \
    "${way_hooks[@]}" "${excludes[@]}" --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-include=/usr/share/locale/locale.alias' \
    --aptopt='Acquire::Retries "3"' --aptopt='APT::Install-Recommends "false"' \
    --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
      printf "MODULES=list\nCOMPRESS=zstd\n" >"$1/etc/initramfs-tools/conf.d/mirlab"
      printf "%s\n" virtio_pci virtio_blk virtio_scsi ahci sd_mod ext4 crc32c_generic >"$1/usr/share/initramfs-tools/modules.d/mirlab"' \
    --setup-hook='mkdir -p "$1/etc/apt/preferences.d" && cp -R "${1%/*}/extra/preferences.d/." "$1/etc/apt/preferences.d"' \
    --customize-hook='sed -i "\|${1%/*}/extra/|d" "$1/etc/apt/sources.list" && cp -R "${1%/*}/extra/." "$1/etc/apt"' \
    --customize-hook='cd "$1/var/lib/apt/lists" && sha256sum ./*InRelease >"$1.releases"' \
    "$suite" "$work/root" -
}

# What makes the tree a neutral, fast booting guest. $1 root of the tree, $2 filesystem UUID, $3 distribution,
# $4... units to mask.
make_guest_files() {
  local root=$1 uuid=$2 distribution=$3 unit

  printf 'UUID=%s / ext4 errors=remount-ro 0 1\n' "$uuid" >"$root/etc/fstab"
  printf 'mir-guest\n' >"$root/etc/hostname"
  printf '127.0.0.1 localhost\n127.0.1.1 mir-guest\n::1 localhost\n' >"$root/etc/hosts"

  # Each guest makes or gets its own identity; none may come from the image.
  : >"$root/etc/machine-id"
  rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed"
  ln -sfn ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
  cat >"$root/etc/ssh/sshd_config.d/10-mirlab.conf" <<'FILE'
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
UseDNS no
FILE

  cat >"$root/etc/systemd/network/80-dhcp.network" <<'FILE'
[Match]
Type=ether

[Network]
DHCP=yes
IPv6AcceptRA=yes
FILE
  chroot "$root" systemctl --quiet enable systemd-networkd systemd-resolved ssh

  for unit in "${@:4}"; do ln -sfn /dev/null "$root/etc/systemd/system/$unit"; done

  # In a slow boot, systemd-networkd may give up on a link: "Failed to configure DHCPv4 client: Device or resource busy"
  # (systemd issue 24201; seen with 252). The guest would have no address; a second try gives it one.
  mkdir -p "$root/usr/local/lib/mirlab" "$root/etc/systemd/system/systemd-networkd-wait-online.service.d"
  cat >"$root/usr/local/lib/mirlab/wait-online" <<'FILE'
#!/bin/sh
for _ in 1 2 3; do
  /usr/lib/systemd/systemd-networkd-wait-online --timeout=40 && exit
  networkctl reconfigure $(networkctl list --no-legend | sed -n 's/^ *[0-9]* \([^ ]*\) *ether .*/\1/p')
done
exit 1
FILE
  chmod 0755 "$root/usr/local/lib/mirlab/wait-online"
  printf '[Service]\nExecStart=\nExecStart=/usr/local/lib/mirlab/wait-online\n' >"$root/etc/systemd/system/systemd-networkd-wait-online.service.d/mirlab.conf"

  # Run at boot and at every daemon-reload, for disks that no lab guest has.
  mkdir -p "$root/etc/systemd/system-generators"
  for unit in cryptsetup gpt-auto hibernate-resume integritysetup veritysetup; do
    ln -sfn /dev/null "$root/etc/systemd/system-generators/systemd-$unit-generator"
  done

  # dpkg has made every cache of /usr, so the first boot need not (systemd-update-done(8)): ldconfig alone takes 6 s in
  # an emulated guest.
  touch -r "$root/usr" "$root/etc/.updated" "$root/var/.updated"

  # networkd asks for nl80211; loading the wireless stack for that costs a second.
  printf 'alias net-pf-16-proto-16-family-nl80211 off\n' >"$root/etc/modprobe.d/mirlab.conf"

  # Only the modules that a seed of this lab uses; each costs seconds in an emulated guest.
  cat >"$root/etc/cloud/cloud.cfg" <<FILE
disable_root: true
preserve_hostname: false
datasource_list: [NoCloud]
datasource:
  NoCloud:
    fs_label: cidata
network:
  config: disabled
users: []
cloud_init_modules: [growpart, resizefs, write-files, update_hostname, set_hostname, update_etc_hosts, users-groups, ssh]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user, final-message]
system_info:
  distro: $distribution
  paths:
    cloud_dir: /var/lib/cloud/
    templates_dir: /etc/cloud/templates/
  ssh_svcname: ssh
FILE
  rm -f "$root/etc/cloud/cloud.cfg.d/90_dpkg.cfg"
  # cloud-init notes each step before the step's files are on the disk. After a power cut in the first boot the notes
  # would be there and the files empty, so the next boot starts from nothing. The seed's runcmd writes the mark.
  cat >"$root/etc/systemd/system/mirlab-first-boot.service" <<'FILE'
[Unit]
Description=Forget a first boot that was cut short
DefaultDependencies=no
ConditionPathExists=!/var/lib/cloud/instance/mirlab-first-boot-done
After=systemd-remount-fs.service
Before=cloud-init-main.service cloud-init-local.service cloud-init.service

[Service]
Type=oneshot
ExecStart=rm -rf /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/sem /var/lib/cloud/data

[Install]
WantedBy=cloud-init.target
FILE
  chroot "$root" systemctl --quiet enable mirlab-first-boot
  # This stage looks at once, before the kernel has found the drive with the seed.
  mkdir -p "$root/etc/systemd/system/cloud-init-local.service.d"
  printf '[Service]\nExecStartPre=-udevadm wait --timeout=60 /dev/disk/by-label/cidata\n' >"$root/etc/systemd/system/cloud-init-local.service.d/mirlab.conf"
  # Without this file ds-identify reads every block device to guess the cloud.
  printf 'datasource: NoCloud\n' >"$root/etc/cloud/ds-identify.cfg"
}

# GRUB in the guest's own /boot, so that a kernel built there is found by update-grub.
# $1 root of the tree, $2 filesystem UUID.
make_boot() {
  local root=$1 uuid=$2 kernel
  local cmdline="console=tty0 console=ttyS0,115200"
  kernel=$(cd "$root/boot" && printf '%s\n' vmlinuz-* | sort -V | tail -n 1)
  kernel=${kernel#vmlinuz-}
  [[ -s $root/boot/vmlinuz-$kernel && -s $root/boot/initrd.img-$kernel ]] || {
    printf 'image: kernel: found %s in /boot; need a kernel and its initrd; log: the dpkg lines above\n' "${kernel:-none}" >&2
    return 1
  }
  mkdir -p "$root/etc/default/grub.d" "$root/boot/grub/i386-pc"
  cat >"$root/etc/default/grub.d/mirlab.cfg" <<FILE
GRUB_TIMEOUT=0
GRUB_TIMEOUT_STYLE=hidden
GRUB_CMDLINE_LINUX="$cmdline"
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_TERMINAL="console"
GRUB_DISABLE_OS_PROBER=true
FILE
  # Only until the guest runs update-grub for the first time.
  cat >"$root/boot/grub/grub.cfg" <<FILE
set timeout=0
search --no-floppy --fs-uuid --set=root $uuid
linux /boot/vmlinuz-$kernel root=UUID=$uuid ro $cmdline quiet
initrd /boot/initrd.img-$kernel
boot
FILE
  cp "$root"/usr/lib/grub/i386-pc/*.{mod,lst} "$root/usr/lib/grub/i386-pc/boot.img" "$root/boot/grub/i386-pc/"
  chroot "$root" grub-mkimage -O i386-pc -d /usr/lib/grub/i386-pc -o /boot/grub/i386-pc/core.img \
    -p '(,msdos1)/boot/grub' biosdisk part_msdos ext2 search search_fs_uuid normal linux
  # For upgrades of grub-pc in the guest. Set now, as late as can be: were it set while
  # packages install, grub-pc would write the boot sector of the host's /dev/vda.
  printf 'grub-pc grub-pc/install_devices multiselect /dev/vda\n' | chroot "$root" debconf-set-selections
}

# $1 work dir, $2 filesystem UUID, $3 size in GiB
make_disk() {
  local work=$1 uuid=$2 gib=$3 core_sectors
  local root=$work/root disk=$work/disk.raw grub=$work/root/boot/grub/i386-pc
  # Features that GRUB of each suite reads, whatever the host's e2fsprogs would choose.
  cat >"$work/mke2fs.conf" <<'FILE'
[defaults]
  base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
  default_mntopts = acl,user_xattr
  blocksize = 4096
  inode_size = 256
  inode_ratio = 16384
[fs_types]
  ext4 = {
    features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
  }
FILE
  truncate -s "${gib}G" "$disk"
  printf 'label: dos\nstart=2048, type=83, bootable\n' | sfdisk --quiet "$disk"
  MKE2FS_CONFIG="$work/mke2fs.conf" mke2fs -q -t ext4 -U "$uuid" -L mir-root -d "$root" \
    -E "offset=1048576,root_owner=0:0" "$disk" "$((gib * 1048576 - 1024))k"
  # GRUB's documented layout: boot code before the partition table, core image after it.
  core_sectors=$((($(stat -c %s "$grub/core.img") + 511) / 512))
  ((core_sectors < 2047)) || {
    printf 'image: grub core: found %s sectors; need fewer than 2047\n' "$core_sectors" >&2
    return 1
  }
  dd if="$grub/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
  dd if="$grub/core.img" of="$disk" bs=512 seek=1 conv=notrunc status=none
}

# Everything that needs root, in one go. $1 work dir, $2 suite, $3 keyring, $4 architecture,
# $5 packages with commas, $6 filesystem UUID, $7 size in GiB, $8 uid:gid of the result, $9 sources,
# $10 distribution, $11 units to mask, $12... more sources
make_image() {
  local work=$1 uuid=$6 start=$SECONDS
  { printf '%s\n' "$9" && make_sources "$work" "${@:12}"; } >"$work/sources"
  make_tree "$work" "$2" "$3" "$4" "$5" <"$work/sources"
  printf 'image: tree made in %s s\n' "$((SECONDS - start))" >&2
  # shellcheck disable=SC2086 # a list of names
  make_guest_files "$work/root" "$uuid" "${10}" ${11}
  make_boot "$work/root" "$uuid"
  dpkg-query --admindir="$work/root/var/lib/dpkg" -W -f '${Package} ${Version}\n' >"$work/versions"
  start=$SECONDS
  make_disk "$work" "$uuid" "$7"
  printf 'image: disk made in %s s\n' "$((SECONDS - start))" >&2
  chown "$8" "$work/disk.raw" "$work/versions" "$work/root.releases"
}
