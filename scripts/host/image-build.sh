#!/usr/bin/env bash
# Builds the lab's guest image: Debian or Ubuntu, the ordinary kernel, Mesa and Mir, with its own GRUB.
#   image-build.sh key   [options] [PKG...]   print the content key; builds nothing
#   image-build.sh build [options] [PKG...]   print the path of DIR/KEY.qcow2, built if it is not there
# Options: --dir DIR, --key KEY (build only)  --suite bookworm  --mirror URL  --size-gib 8
# PKG: more packages for the guest. Every package is checked against the distribution's keyring.
# No loop device is used and every mount is in a namespace of the build, so a kill leaves
# nothing but a directory that the next run removes.
set -euo pipefail

readonly ME=image
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=apt-way.sh
declare -F apt_way >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/apt-way.sh"
# shellcheck source=image-suites.sh
[[ -v PLATFORMS ]] || source "$(dirname -- "${BASH_SOURCE[0]}")/image-suites.sh"

readonly ARCH=amd64
readonly TOOLS=(mmdebstrap:mmdebstrap mke2fs:e2fsprogs sfdisk:fdisk qemu-img:qemu-utils flock:util-linux unshare:util-linux)
readonly NEEDED_MIB=5000

# --- the recipe: every make_* function goes into the key and runs as root ---

# shellcheck disable=SC2016 # mmdebstrap's hooks expand $1 themselves.
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

  # Run at boot and at every daemon-reload, for disks that no lab guest has.
  mkdir -p "$root/etc/systemd/system-generators"
  for unit in cryptsetup gpt-auto hibernate-resume integritysetup veritysetup; do
    ln -sfn /dev/null "$root/etc/systemd/system-generators/systemd-$unit-generator"
  done

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
cloud_init_modules: [growpart, resizefs, write-files, update_hostname, set_hostname, users-groups, ssh]
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
# $10 distribution, $11... units to mask
make_image() {
  local work=$1 uuid=$6 start=$SECONDS
  printf '%s\n' "$9" | make_tree "$work" "$2" "$3" "$4" "$5"
  printf 'image: tree made in %s s\n' "$((SECONDS - start))" >&2
  make_guest_files "$work/root" "$uuid" "${@:10}"
  make_boot "$work/root" "$uuid"
  dpkg-query --admindir="$work/root/var/lib/dpkg" -W -f '${Package} ${Version}\n' >"$work/versions"
  start=$SECONDS
  make_disk "$work" "$uuid" "$7"
  printf 'image: disk made in %s s\n' "$((SECONDS - start))" >&2
  chown "$8" "$work/disk.raw" "$work/versions" "$work/root.releases"
}

# --- around the recipe ---

# The recipe for root's shell: the same from a file and from standard input.
recipe() { declare -f make_tree make_guest_files make_boot make_disk make_image; }

# The recipe as it is written, without comments: bash prints functions in its own release's words.
recipe_text() {
  local file=${BASH_SOURCE[0]}
  [[ -f $file ]] || die "found no file of this script; need its text for the content key; fix: give --key, as 'image-build.sh key' prints it"
  sed -n '/^# --- the recipe:/,/^# --- around/p' -- "$file" | sed 's/^[[:space:]]*//; /^#/d; /^$/d'
}

content_key() {
  local text
  text=$(recipe_text)
  printf '%s\n' "suite=$suite" "arch=$ARCH" "size=$size_gib" "${packages[@]}" "${masked[@]}" "$text" | sha256sum | cut -d' ' -f1
}

check_host() {
  local entry free
  for entry in "${TOOLS[@]}"; do
    command -v "${entry%%:*}" >/dev/null || [[ -x /usr/sbin/${entry%%:*} ]] ||
      die "found no ${entry%%:*}; need it to build the image; fix: install package ${entry##*:}"
  done
  [[ -s $keyring ]] || die "found no $keyring; need it to check the packages; fix: install package ${KEYRINGS[$distribution]#*:}"
  [[ $(dpkg --print-architecture) == "$ARCH" ]] ||
    die "found architecture $(dpkg --print-architecture); need $ARCH; fix: build on an $ARCH host"
  free=$(df --output=avail -BM "$dir" | tail -n 1 | tr -dc 0-9)
  ((free >= NEEDED_MIB)) || die "found $free MiB free in $dir; need $NEEDED_MIB MiB; fix: free space or choose another --dir"
}

# A finished image has a manifest that names its hash; the manifest is written last.
intact() {
  local recorded
  [[ -f $image && -f $manifest ]] || return 1
  recorded=$(sed -n 's/^image-sha256: //p' "$manifest")
  [[ -n $recorded && $recorded == "$(sha256sum "$image" | cut -d' ' -f1)" ]] && return
  say "found $image damaged (its hash is not the one in $manifest); building it anew, guests on it must be rebuilt"
  return 1
}

# Never under a living root's part, which then holds the lock.
remove_work() { [[ ! -e $1 ]] || as_root flock -n "$1.lock" rm -rf --one-file-system -- "$1" || true; }

# What apt's words mean for the lab.
build_fault() {
  local found
  if grep -qE '^E: Release file for .* is expired' "$log"; then
    printf '%s' "found package lists of $suite at $mirror that have expired; need current ones; fix: use another mirror or, for a snapshot, set host.apt.validUntil to \"ignore\""
  elif found=$(sed -nE 's/^E: Unable to locate package (.*)$/\1/p' "$log" | paste -sd ' ') && [[ -n $found ]]; then
    printf '%s' "found no package $found in $suite; need packages of this suite; fix: correct guests[].image.packages, or choose another image.suite"
  elif grep -qE "^E: The repository .* is not signed|NO_PUBKEY" "$log"; then
    printf '%s' "found no key in $keyring that signs $suite at $mirror; need one; fix: upgrade package ${KEYRINGS[$distribution]#*:} on the host"
  else
    printf '%s' "found that the build failed, see above; need an image; fix: check the network and the mirror ($mirror), then run 'up' again"
  fi
}

# Root's part. Its own mount and pid namespaces: mmdebstrap mounts /proc and more in the tree,
# and a kill must leave neither mounts nor processes. Its own lock: when only this script is
# killed, root's part lives on, and the next run must not take its directory away.
run_recipe() {
  local package_list
  package_list=$(
    IFS=,
    printf '%s' "${packages[*]}"
  )
  {
    recipe
    root_way
    # shellcheck disable=SC2016 # for root's shell to expand
    printf '%s\n' 'set -euo pipefail' 'PATH=$PATH:/usr/sbin:/sbin' 'umask 022' \
      'exec 8>"$1.lock"' 'flock -w 1800 8' 'rm -rf --one-file-system -- "$1"' 'mkdir "$1"' \
      'keep_way "$1/root.apt"' 'make_image "$@"' 'chown "$8" "$1"'
  } | as_root unshare --mount --pid --fork --kill-child --mount-proc \
    bash -s -- "$work" "$suite" "$keyring" "$ARCH" "$package_list" \
    "$(cat /proc/sys/kernel/random/uuid)" "$size_gib" "$(id -u):$(id -g)" "$(archive_sources "$suite" "$mirror")" \
    "$distribution" "${masked[@]}" 2>&1 9>&- |
    as_root tee "$log" | awk '/^image: / { print; fflush() }' >&2 || {
    tail -n 20 "$log" >&2
    die "$(build_fault); log: $log"
  }
}

write_manifest() {
  printf '%s\n' "key: $key" "suite: $suite" "arch: $ARCH" "size-gib: $size_gib" "mirror: $mirror" \
    "image-sha256: $(sha256sum "$work/image.qcow2" | cut -d' ' -f1)" "requested: ${packages[*]}" "releases:"
  sed 's/^/  /' "$work/root.releases"
  printf 'packages:\n'
  sed 's/^/  /' "$work/versions"
}

# All users of the host share the folder, which root owns: the builder writes in a work folder of its own.
build() {
  local start=$SECONDS
  local image=$dir/$key.qcow2 manifest=$dir/$key.manifest log=$dir/$key.log work=$dir/.build-$key
  new_folders 0755 "$dir"
  [[ -e $dir/.lock-$key ]] || as_root touch "$dir/.lock-$key"
  exec 9<"$dir/.lock-$key"
  flock -n 9 || {
    say "another build of this image is running; waiting for it, 1800 s at most"
    flock -w 1800 9 || die "found $dir/.lock-$key locked for 1800 s; need free; fix: see what the other build does"
  }
  if ! intact; then
    check_host
    # shellcheck disable=SC2064
    trap "remove_work $(printf %q "$work")" EXIT
    say "building $key: ${#packages[@]} packages of $suite from $mirror"
    run_recipe
    local convert=$SECONDS
    qemu-img convert -q -f raw -O qcow2 -c -o compression_type=zstd,lazy_refcounts=off "$work/disk.raw" "$work/image.qcow2" 9>&-
    say "qcow2 made in $((SECONDS - convert)) s"
    write_manifest >"$work/manifest"
    chmod 0444 "$work/image.qcow2" "$work/manifest"
    sync "$work/image.qcow2" "$work/manifest"
    as_root chown root:root "$work/image.qcow2" "$work/manifest"
    as_root rm -f -- "$manifest"
    as_root mv -f -- "$work/image.qcow2" "$image"
    as_root mv -f -- "$work/manifest" "$manifest"
    say "built in $((SECONDS - start)) s, $(du -m "$image" | cut -f1) MiB"
  else
    say "cache hit"
  fi
  printf '%s\n' "$image"
}

main() {
  local verb=${1-} dir="" suite=bookworm mirror="" size_gib=8 given="" key name
  local extra=() packages masked distribution keyring
  [[ $verb == key || $verb == build ]] || die "found verb '$verb'; need key or build; fix: image-build.sh key|build [--dir DIR] [--suite S] [--mirror URL] [--size-gib N] [PKG...]"
  shift
  while (($# > 0)); do
    case $1 in
      --dir | --suite | --mirror | --size-gib | --key) (($# > 1)) || die "found $1 without a value; need one" ;;&
      --dir) dir=$2 && shift 2 ;;
      --suite) suite=$2 && shift 2 ;;
      --mirror) mirror=$2 && shift 2 ;;
      --size-gib) size_gib=$2 && shift 2 ;;
      --key) given=$2 && shift 2 ;;
      -*) die "found option '$1'; need one of --dir --suite --mirror --size-gib --key" ;;
      *) extra+=("$1") && shift ;;
    esac
  done
  [[ -v SUITE_PACKAGES[$suite] ]] || die "found suite '$suite'; need one of ${!SUITE_PACKAGES[*]}; fix: other systems: use a cloud image or an existing domain"
  distribution=$(distribution_of "$suite")
  keyring=$(keyring_of "$suite")
  [[ $size_gib =~ ^([4-9]|[1-9][0-9]{1,2})$ ]] || die "found --size-gib '$size_gib'; need 4 to 999"
  for name in ${extra[@]+"${extra[@]}"}; do
    [[ $name =~ ^[a-z0-9][a-z0-9+.-]+$ ]] || die "found package name '$name'; need a Debian package name (a-z 0-9 + . -)"
  done
  # shellcheck disable=SC2206 # lists of names
  masked=("${COMMON_MASKED[@]}" ${SUITE_MASKED[$suite]-})
  # shellcheck disable=SC2086 # a list of names
  mapfile -t packages < <(printf '%s\n' "${COMMON_PACKAGES[@]}" ${SUITE_PACKAGES[$suite]} ${extra[@]+"${extra[@]}"} | LC_ALL=C sort -u)
  if [[ $verb == key ]]; then
    content_key
    return
  fi
  key=$given
  [[ -n $key ]] || key=$(content_key)
  [[ $key =~ ^[0-9a-f]{64}$ ]] || die "found --key '$key'; need what 'image-build.sh key' prints"
  [[ $dir == /* && $dir != *$'\n'* ]] || die "found --dir '$dir'; need an absolute path"
  mirror=${mirror:-$(host_mirror "$suite")}
  mirror=${mirror%/}
  [[ $mirror =~ ^https?://[A-Za-z0-9./_:~%-]+$ ]] || die "found mirror '$mirror'; need an http or https URL"
  build
}

main "$@"
