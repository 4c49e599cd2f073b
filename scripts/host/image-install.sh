#!/usr/bin/env bash
# Makes a guest's image as the page does it: an installer's ISO image is booted in a domain, and writes the disk.
#   image-install.sh key   ISO OPTIONS...              print the content key; installs nothing
#   image-install.sh build ISO OPTIONS... --dir DIR --key KEY [--accel kvm|qemu]
#                                                      print the path of DIR/KEY.qcow2, installed if it is not there
# ISO: --iso URL|PATH --digest ALGORITHM:HEX. Options: --disk-gib N  --by-hand
# Unattended: the installer gets answers (image-answers.sh), and an installed system says so on its serial console. By
# hand: the person at the domain's screen installs a system with cloud-init, sshd and sudo, and ends by switching off.
# A run that was killed goes on with the installer that still runs.
set -euo pipefail

readonly ME=installer
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=apt-way.sh
declare -F apt_way >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/apt-way.sh"
# shellcheck source=image-cache.sh
declare -F publish_image >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/image-cache.sh"
# shellcheck source=cpio.sh
declare -F cpio_entry >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/cpio.sh"
# shellcheck source=image-answers.sh
[[ -v INSTALLED ]] || source "$(dirname -- "${BASH_SOURCE[0]}")/image-answers.sh"

readonly MEMORY_MIB=2048
# Seconds: of a whole installation, of one by hand, and without a sign of life. Chosen, not measured.
readonly LONGEST=14400 BY_HAND=86400 STALLED=1200
readonly INSTEAD='fix: set guests[].image.unattended to false, and install by hand'
readonly LOOKS=${MIRLAB_LOOK_SECONDS-10} TOLD=60

# Kernel, initrd and answers by the kind of an installer, and where its ISO image has the first two.
readonly LAYOUTS=(
  'preseed /linux /initrd.gz'
  'preseed /install.amd/vmlinuz /install.amd/initrd.gz'
  'autoinstall /casper/vmlinuz /casper/initrd'
  'kickstart /images/pxeboot/vmlinuz /images/pxeboot/initrd.img'
)

virsh() { command virsh --quiet --connect "${MIRLAB_LIBVIRT:-qemu:///system}" "$@"; }

# The answers count as they are written: bash prints functions in its own release's words.
content_key() {
  local file=${BASH_SOURCE[0]%/*}/image-answers.sh
  [[ -f $file ]] || die "found no file of this script; need its text for the content key; fix: give --key, as 'image-install.sh key' prints it"
  {
    printf '%s\n' "$digest" "$disk_gib" "$by_hand"
    $by_hand || sed '/^#/d; /^$/d' -- "$file"
  } | sha256sum | cut -d' ' -f1
}

# --- the installer ---

# The verified ISO image, where QEMU's user can read it.
get_iso() {
  local partial=$dir/.$algorithm-$hex.iso.partial
  [[ ! -f $iso || $(digest_of "$algorithm" "$iso") != "$hex" ]] || return 0
  if [[ $source == /* ]]; then
    [[ -f $source ]] || die "found no file $source; need the installer's ISO image; fix: correct guests[].image.file"
    as_root cp --reflink=auto -- "$source" "$partial"
    [[ $(digest_of "$algorithm" "$partial") == "$hex" ]] || {
      as_root rm -f -- "$partial"
      die "found $source with another digest; need $algorithm:$hex; fix: get the file again, or correct guests[].image.digest"
    }
  else
    download "$source" "$algorithm" "$hex" "$partial" "the installer"
  fi
  as_root chmod 0444 "$partial"
  as_root mv -f -- "$partial" "$iso"
}

# Sets kind, and writes WORK/kernel and WORK/initrd.
take_apart() {
  local names layout kernel initrd
  names=$(isoinfo -R -f -i "$iso" 2>/dev/null || isoinfo -f -i "$iso") || die "found $source, which is no ISO image; need an installer's"
  for layout in "${LAYOUTS[@]}"; do
    read -r kind kernel initrd <<<"$layout"
    grep -qxF -- "$kernel" <<<"$names" || continue
    grep -qxF -- "$initrd" <<<"$names" || continue
    isoinfo -R -i "$iso" -x "$kernel" >"$work/kernel"
    isoinfo -R -i "$iso" -x "$initrd" >"$work/initrd"
    return
  done
  die "found no installer in $source that can be answered (Debian's, Ubuntu Server's, Fedora's); need one; $INSTEAD"
}

# The mirror of the host's for the release that the ISO image names.
preseed_here() {
  local suite=trixie name uri protocol host directory proxy
  for name in bookworm trixie forky sid; do
    ! isoinfo -R -i "$iso" -x /.disk/info 2>/dev/null | grep -qi "\"$name\"" || suite=$name
  done
  uri=$(host_mirror "$suite")
  protocol=${uri%%:*} host=${uri#*://}
  directory=/${host#*/} host=${host%%/*}
  proxy=$(apt_way | acquire_value "$protocol::Proxy" | as_guest_sees 10.0.2.2)
  [[ $proxy != DIRECT ]] || proxy=''
  preseed "$key" "$protocol" "$host" "$directory" "$proxy"
}

# A disk with these files, which the installer finds by its label.
label_disk() { # label_disk LABEL FILE...
  local label=$1
  shift
  genisoimage -quiet -output "$work/answers.iso" -volid "$label" -joliet -rock "$@" 2>/dev/null
}

# Sets arguments, the kernel's command line.
answer() {
  local label inode=0
  case $kind in
    preseed)
      preseed_here >"$work/preseed.cfg"
      # An initrd is a row of archives: the last one's files win.
      {
        cpio_entry preseed.cfg 0100644 "$work/preseed.cfg"
        cpio_entry 'TRAILER!!!' 0
      } | gzip -n >>"$work/initrd"
      arguments="auto=true priority=critical DEBIAN_FRONTEND=text"
      ;;
    autoinstall)
      autoinstall "$key" >"$work/user-data"
      : >"$work/meta-data"
      label_disk cidata "$work/user-data" "$work/meta-data"
      arguments="autoinstall ds=nocloud"
      ;;
    kickstart)
      kickstart "$key" >"$work/ks.cfg"
      label_disk OEMDRV "$work/ks.cfg"
      label=$(isoinfo -d -i "$iso" | sed -n 's/^Volume id: //p')
      arguments="inst.stage2=hd:LABEL=${label// /\\x20} inst.text"
      ;;
  esac
  arguments+=" console=ttyS0,115200"
}

xml_text() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g' <<<"$1"; }

cdrom() { # cdrom FILE TARGET
  printf "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='%s'/><target dev='%s' bus='sata'/><readonly/></disk>" "$(xml_text "$1")" "$2"
}

# The domain is gone when its system switches off or boots again: then the disk is written.
definition() {
  local boot="<boot dev='cdrom'/>" disks cpu=''
  disks=$(cdrom "$iso" sda)
  if ! $by_hand; then
    boot="<kernel>$(xml_text "$work/kernel")</kernel><initrd>$(xml_text "$work/initrd")</initrd><cmdline>$(xml_text "$arguments")</cmdline>"
    [[ ! -e $work/answers.iso ]] || disks+=$(cdrom "$work/answers.iso" sdb)
  fi
  [[ $accel != kvm ]] || cpu="<cpu mode='host-passthrough'/>"
  cat <<XML
<domain type='$accel'>
  <name>$domain</name>
  <memory unit='MiB'>$MEMORY_MIB</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>$boot</os>
  <features><acpi/><apic/></features>$cpu
  <on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='unsafe' discard='unmap'/><source file='$(xml_text "$work/disk.qcow2")'/><target dev='vda' bus='virtio'/></disk>
    $disks
    <interface type='user'><model type='virtio'/></interface>
    <serial type='file'><source path='$(xml_text "$work/serial.log")'/></serial>
    <graphics type='spice' autoport='yes' listen='127.0.0.1'/>
    <video><model type='qxl'/></video>
    <input type='tablet' bus='usb'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
XML
}

# --- its run ---

# A libvirtd that restarts says nothing of the domain.
running() {
  local said
  if said=$(virsh domstate "$domain" 2>&1); then
    [[ $said != 'shut off' ]]
  else
    [[ $said != *'failed to get domain'* ]]
  fi
}

# Bytes written to the disk, seconds of the CPUs, bytes of the log.
signs() {
  virsh domstats --block --cpu-total "$domain" 2>/dev/null |
    awk -F= '/\.wr\.bytes=/ { w += $2 } /cpu\.time=/ { c = $2 } END { printf "%d %d ", w / 1048576, c / 1e9 }'
  as_root stat -c %s "$work/serial.log" 2>/dev/null || printf '0\n'
}

# Without colours, cursor movements and the status line of Debian's installer.
last_words() {
  as_root tail -c 8000 "$work/serial.log" 2>/dev/null |
    sed 's/\r//g; s/\x1b\[[0-9;?]*[A-Za-z]//g; s/\[[ 0-9*()a-z-]*(1\*installer).*//' |
    tr -sc '[:print:]\n' ' ' | grep -v '^ *$' | tail -n "$1" || true
}

# Debian's installer waits for a person.
asks() { last_words 1 | grep -q "^Prompt: '?' for help"; }

screen_word() { virsh domdisplay "$domain" 2>/dev/null || printf 'none'; }

wait_for_end() {
  local start=$SECONDS moved=$SECONDS told=$((SECONDS - TOLD)) limit=$LONGEST mib cpu bytes before=''
  ! $by_hand || limit=$BY_HAND
  while running; do
    read -r mib cpu bytes < <(signs) || true
    $by_hand || ! asks || die "found that the installer asks what its answers do not say; need none of its questions: $(last_words 9 | tr '\n' ' '); fix: correct what it asks about, or set guests[].image.unattended to false; log: $work/serial.log"
    # The CPU is no sign of life: an installer that waits uses it too.
    if [[ "${mib-0} ${bytes-0}" != "$before" ]]; then before="${mib-0} ${bytes-0}" moved=$SECONDS; fi
    if ((SECONDS - told >= TOLD)); then
      say "$(((SECONDS - start) / 60)) min; ${mib-0} MiB written, ${cpu-0} s of CPU; screen $(screen_word); $(last_words 1 | cut -c 1-100)"
      told=$SECONDS
    fi
    $by_hand || ((SECONDS - moved < STALLED)) || die "found nothing written for $STALLED s; need an installer that goes on; last words: $(last_words 3 | tr '\n' ' '); $INSTEAD; log: $work/serial.log"
    ((SECONDS - start < limit)) || die "found the installer still at work after $limit s; need its end; $INSTEAD; log: $work/serial.log"
    sleep "$LOOKS"
  done
}

is_installed() {
  if $by_hand; then
    (($(du -m "$work/disk.qcow2" | cut -f1) >= 200))
  else
    as_root grep -q "^$INSTALLED $key" "$work/serial.log"
  fi
}

start_installer() {
  as_root rm -rf --one-file-system -- "$work"
  as_root install -d -m 0755 -o "$(id -u)" -g "$(id -g)" "$work"
  if ! $by_hand; then
    take_apart
    answer
  fi
  qemu-img create -q -f qcow2 "$work/disk.qcow2" "${disk_gib}G"
  definition >"$work/domain.xml"
  virsh create "$work/domain.xml" >/dev/null
  ! $by_hand || say "install a system with cloud-init, sshd and sudo at $(screen_word), then switch it off or let it boot again"
}

install_image() {
  local image=$dir/$key.qcow2 manifest=$dir/$key.manifest work=$dir/.install-$key domain=mirlab-installer-${key:0:12}
  local iso=$dir/$algorithm-$hex.iso kind='' arguments='' start=$SECONDS tool
  for tool in isoinfo:genisoimage qemu-img:qemu-utils virsh:libvirt-clients; do
    command -v "${tool%%:*}" >/dev/null || die "found no ${tool%%:*}; need it; fix: install package ${tool##*:}"
  done
  new_folders 0755 "$dir"
  [[ -e $dir/.lock-$key ]] || as_root touch "$dir/.lock-$key"
  exec 9<"$dir/.lock-$key"
  flock -n 9 || say "another run installs this image; waiting for it"
  flock -w "$BY_HAND" 9 || die "found $dir/.lock-$key locked for $BY_HAND s; need it free; fix: see what the other run does"
  if intact; then
    say "cache hit"
  else
    get_iso
    if running; then say "going on with the installer that an earlier run has started"; else start_installer; fi
    # What a person breaks off ends; a script that is killed leaves an installer to go on with.
    trap 'virsh destroy "$domain" >/dev/null 2>&1 || true' EXIT
    wait_for_end
    trap - EXIT
    is_installed || die "found that the installer ended before its work was done; need an installed system; last words: $(last_words 5 | tr '\n' ' '); fix: correct what they say, or set guests[].image.unattended to false; log: $work/serial.log"
    compress_image "$work/disk.qcow2" qcow2
    printf 'key: %s\ninstaller: %s:%s\nimage-sha256: %s\n' "$key" "$algorithm" "$hex" "$(sha256sum "$work/image.qcow2" | cut -d' ' -f1)" >"$work/manifest"
    publish_image
    as_root rm -rf --one-file-system -- "$work"
    say "installed in $(((SECONDS - start) / 60)) min, $(du -m "$image" | cut -f1) MiB"
  fi
  printf '%s\n' "$image"
}

main() {
  local verb=${1-} source='' digest='' dir='' key='' disk_gib='' by_hand=false accel=qemu algorithm hex
  [[ $verb == key || $verb == build ]] || die "found verb '$verb'; need key or build"
  shift
  while (($# > 0)); do
    case $1 in
      --iso | --digest | --dir | --key | --disk-gib | --accel) (($# > 1)) || die "found $1 without a value; need one" ;;&
      --iso) source=$2 && shift 2 ;;
      --digest) digest=$2 && shift 2 ;;
      --dir) dir=$2 && shift 2 ;;
      --key) key=$2 && shift 2 ;;
      --disk-gib) disk_gib=$2 && shift 2 ;;
      --accel) accel=$2 && shift 2 ;;
      --by-hand) by_hand=true && shift ;;
      *) die "found option '$1'; need one of --iso --digest --disk-gib --by-hand --dir --key --accel" ;;
    esac
  done
  [[ $digest =~ ^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$ ]] || die "found digest '$digest'; need sha256:HEX or sha512:HEX"
  algorithm=${digest%%:*} hex=${digest#*:}
  [[ $disk_gib =~ ^[1-9][0-9]{0,4}$ ]] || die "found --disk-gib '$disk_gib'; need GiB"
  if [[ $verb == key ]]; then
    content_key
    return
  fi
  [[ $source =~ ^(/|https?://) && $source != *$'\n'* ]] || die "found --iso '$source'; need a URL or an absolute path"
  [[ $key =~ ^[0-9a-f]{64}$ ]] || die "found --key '$key'; need what 'image-install.sh key' prints"
  [[ $dir == /* && $dir != *$'\n'* ]] || die "found --dir '$dir'; need an absolute path"
  [[ $accel == kvm || $accel == qemu ]] || die "found --accel '$accel'; need kvm or qemu"
  install_image
}

main "$@"
