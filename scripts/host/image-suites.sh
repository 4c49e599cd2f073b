# What an image of each suite is made of. A library of image-build.sh: over ssh its text comes before that script's
# (core/link.io.ts). docs/suites.md says which suites were tried.
# shellcheck shell=bash disable=SC2034 # image-build.sh reads the tables

readonly COMMON_PACKAGES=(
  grub-pc initramfs-tools zstd systemd-sysv systemd-resolved udev dbus kmod
  openssh-server sudo cloud-init cloud-guest-utils e2fsprogs iproute2 netbase ca-certificates
  procps pciutils qemu-guest-agent mount passwd login
  libegl-mesa0 libegl1 libgles2 libgl1-mesa-dri libgbm1 mesa-utils
  mir-test-tools mir-demos mir-platform-graphics-gbm-kms foot fonts-dejavu-core
)
# Mir 2.20 and later; its smoke tests need all three platforms.
readonly PLATFORMS="mir-platform-graphics-atomic-kms mir-platform-graphics-virtual"
# The cloud kernel has neither DRM nor 9p: the ordinary one is a must.
declare -rA SUITE_PACKAGES=(
  [bookworm]=linux-image-amd64
  [trixie]="linux-image-amd64 $PLATFORMS" [forky]="linux-image-amd64 $PLATFORMS" [sid]="linux-image-amd64 $PLATFORMS"
  [noble]=linux-image-generic [resolute]="linux-image-generic $PLATFORMS"
)

# Work that a lab guest never waits for.
readonly COMMON_MASKED=(
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
  grub-common.service systemd-pstore.service systemd-network-generator.service cloud-init-hotplugd.socket
)
# cloud-init-local only finds the network's configuration before the network is up. The network here has its own, and
# the next stage finds the seed by itself; from cloud-init 24.3 on, it waits for this stage.
declare -rA SUITE_MASKED=([bookworm]=cloud-init-local.service)
