#!/usr/bin/env bash
# Says whether a guest really runs under KVM here, by booting a tiny one to user space.
#   kvm-probe.sh CACHE [kvm|tcg [renew]]   prints one line: {"acceleration":"kvm"|"tcg","reason":"..."}
# /dev/kvm can open, make a VM and still not run a stock kernel, so nothing less is a proof.
# With `tcg` the probe guest itself is tried: then a failure is the probe's, not KVM's.
# The answer is kept in CACHE/kvm-probe, keyed by kernel, processor, firmware, QEMU, the kvm modules with their
# settings, and who may open /dev/kvm. `renew` asks again.
set -euo pipefail
# Without it a failure within $(...) would go on, and an empty file would be taken for a guest.
shopt -s inherit_errexit

readonly ME=kvm-probe
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# shellcheck source=cpio.sh
declare -F cpio_entry >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/cpio.sh"

readonly MARK=mirlab-user-space-reached
readonly KVM_SECONDS=20 SLOW_SECONDS=120

# A reason is our own text or a QEMU line with quotes and controls taken out: safe inside JSON.
answer() {
  local reason
  reason=$(tr -cd ' !#-[]-~' <<<"$2" | cut -c 1-200)
  printf '{"acceleration":"%s","reason":"%s"}\n' "$1" "$reason"
}

# Downloads a Debian package by apt (signed) and unpacks it into $2.
unpack_package() {
  local name=$1 into=$2 temp deb
  temp=$(mktemp -d -- "$work/.package-XXXXXX")
  # apt drops root for downloads: the folder must be its user's.
  if ((EUID == 0)); then chown _apt "$temp" 2>/dev/null || true; fi
  (cd "$temp" && apt-get -q -q download "$name" >&2)
  deb=$(find "$temp" -name '*.deb' | head -n 1)
  [[ -n $deb ]] || die "$name: found no such package; need it for the probe guest; fix: sudo apt-get update"
  mkdir -p "$into"
  dpkg-deb -x "$deb" "$into"
}

# The kernel of the probe guest, as FILE: the host's own, which is there and boots on this machine, else a
# small one of Debian's or Ubuntu's.
find_kernel() { # find_kernel FILE
  local own name kernel=
  own=/boot/vmlinuz-$(uname -r)
  if as_root test -s "$own"; then
    as_root cat -- "$own" >"$1"
    return
  fi
  for name in linux-image-cloud-amd64 linux-image-amd64 linux-image-kvm linux-image-virtual; do
    kernel=$(apt-cache depends "$name" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1) || true
    [[ -z $kernel ]] || break
  done
  [[ -n $kernel ]] || die "found neither $own nor a package of a kernel; need one for the probe guest; fix: sudo apt-get update"
  say "fetching the probe guest's kernel ($kernel)"
  unpack_package "$kernel" "$work/kernel"
  cat "$work"/kernel/boot/vmlinuz-* >"$1"
}

# A number as N bytes, little-endian, in printf's words.
le() { # le N NUMBER
  local i
  for ((i = 0; i < $1; i++)); do printf '\\x%02x' $((($2 >> (8 * i)) & 255)); done
}

# The only program of the probe guest: an ELF file for x86-64 without a library, so that no package is needed.
# Numbers of the file format: elf(5); of the system calls: Linux' unistd_64.h.
init_program() {
  local write=1 ioctl=16 reboot=169 TCSBRK=0x5409 base=0x400000 code text
  call() { # call NUMBER FIRST SECOND THIRD: mov eax, edi, esi, edx; syscall
    code+="\xb8$(le 4 "$1")\xbf$(le 4 "$2")\xbe$(le 4 "$3")\xba$(le 4 "$4")\x0f\x05"
  }
  text=$MARK$'\n'
  # 64 and 56 bytes of headers; three calls of 22 bytes; then the text.
  local at=$((64 + 56)) size=$((64 + 56 + 3 * 22 + ${#text}))
  code=''
  call $write 1 $((base + at + 3 * 22)) ${#text}
  # The line is sent before the machine goes off.
  call $ioctl 1 $TCSBRK 1
  call $reboot 0xfee1dead 672274793 0x4321fedc
  # shellcheck disable=SC2059 # bytes
  printf "\x7fELF\x02\x01\x01$(le 9 0)$(le 2 2)$(le 2 62)$(le 4 1)$(le 8 $((base + at)))$(le 8 64)$(le 8 0)$(le 4 0)$(le 2 64)$(le 2 56)$(le 2 1)$(le 6 0)"
  # shellcheck disable=SC2059 # bytes
  printf "$(le 4 1)$(le 4 5)$(le 8 0)$(le 8 $((base)))$(le 8 $((base)))$(le 8 $size)$(le 8 $size)$(le 8 4096)"
  # shellcheck disable=SC2059 # bytes
  printf "$code"
  printf '%s' "$text"
}

# Kernel and initial RAM disk of the probe guest, whole or not at all.
make_probe_guest() {
  local into=$1 inode=0 file
  [[ ! -s $into/vmlinuz || ! -s $into/initrd ]] || return 0
  find_kernel "$work/vmlinuz"
  init_program >"$work/init"
  {
    cpio_entry dev 040755
    # The kernel gives it to init as its output.
    cpio_entry dev/console 020600 '' 5 1
    cpio_entry init 0100755 "$work/init"
    cpio_entry 'TRAILER!!!' 0
  } | gzip -n >"$work/initrd"
  # A full disk or a read error ends the script here, and no half of a guest is left to be tried later.
  for file in vmlinuz initrd; do
    [[ -s $work/$file ]] || die "found an empty $file of the probe guest; need a whole one; fix: make room in ${TMPDIR:-/tmp}"
    as_root install -m 0644 "$work/$file" "$into/.$file.partial"
    as_root mv -f "$into/.$file.partial" "$into/$file"
  done
}

# Boots the probe guest; true when it reached user space. $1 kvm|tcg, $2 folder, $3 seconds. Its console is in
# $work/console, QEMU's own words in $work/complaint.
boots() {
  local cpu=()
  [[ $1 != kvm ]] || cpu=(-cpu host)
  as_root timeout --kill-after=5 "$3" qemu-system-x86_64 -machine q35 -accel "$1" "${cpu[@]}" -m 256 \
    -nodefaults -no-reboot -display none -serial stdio -monitor none \
    -kernel "$2/vmlinuz" -initrd "$2/initrd" -append 'console=ttyS0 earlyprintk=serial panic=-1' \
    </dev/null >"$work/console" 2>"$work/complaint" || true
  grep -qF "$MARK" "$work/console"
}

# A host that is slow, or a guest itself, takes its time: a kernel that speaks is waited for longer than one
# that does not. Its loader does not count: it speaks before it needs what KVM may lack.
boots_at_last() { # boots_at_last FOLDER
  boots kvm "$1" "$KVM_SECONDS" && return
  grep -qF 'Linux version' "$work/console" || return
  say "no user space in $KVM_SECONDS s, but the guest's kernel speaks; waiting $SLOW_SECONDS s"
  boots kvm "$1" "$SLOW_SECONDS"
}

probe() {
  local accel=$1 folder=$2 complaint
  if [[ $accel == kvm && ! -c /dev/kvm ]]; then
    answer tcg 'no /dev/kvm; load kvm_intel or kvm_amd, or enable virtualization in the firmware'
    return
  fi
  make_probe_guest "$folder"
  if [[ $accel == tcg ]]; then
    boots tcg "$folder" "$SLOW_SECONDS" || {
      tail -n 5 "$work/console" "$work/complaint" >&2
      die "found no user space in $SLOW_SECONDS s; need the probe guest to boot under TCG; fix: check qemu-system-x86"
    }
    answer tcg 'a guest booted to user space'
  elif boots_at_last "$folder"; then
    answer kvm 'a guest booted to user space'
  else
    complaint=$(grep -v -e '^$' -e 'terminating on signal' "$work/complaint" | tail -n 1) || true
    answer tcg "/dev/kvm is there, but a guest did not reach user space in $KVM_SECONDS s${complaint:+: $complaint}"
  fi
}

[[ $# -ge 1 && $# -le 3 && ${3-renew} == renew ]] || die "found arguments '$*'; need CACHE [kvm|tcg [renew]]"
accel=${2-kvm} folder=$1/kvm-probe renew=${3-}
[[ $accel == kvm || $accel == tcg ]] || die "found '$accel'; need kvm or tcg"
command -v qemu-system-x86_64 >/dev/null || die "found no qemu-system-x86_64; need it to try KVM; fix: sudo apt-get install qemu-system-x86"
key=$({
  printf '%s\n' "$accel" && uname -r && grep -m 2 -E '^(model name|flags)' /proc/cpuinfo
  qemu-system-x86_64 --version | head -n 1
  stat -c '%t:%T %a %U:%G' /dev/kvm 2>/dev/null || true
  cat /sys/class/dmi/id/bios_version /sys/module/kvm*/srcversion 2>/dev/null || true
  grep -rs . /sys/module/kvm*/parameters | sort || true
} | sha256sum | cut -c 1-16)
# A folder that is there keeps its mode: it may be somebody's.
for made in "$1" "$folder"; do
  new_folders 0755 "$made"
done
# One probe at a time: of guests that start together, the first asks and the others read its answer.
exec {lock}<"$folder"
flock "$lock"
[[ -z $renew ]] || as_root rm -f -- "$folder/$key.json"
if [[ ! -s $folder/$key.json ]]; then
  work=$(mktemp -d)
  # apt's own user passes through it.
  chmod 0711 "$work"
  trap 'rm -rf -- "$work"' EXIT
  probe "$accel" "$folder" >"$work/answer"
  as_root install -m 0644 "$work/answer" "$folder/.$key.partial"
  as_root mv -f "$folder/.$key.partial" "$folder/$key.json"
fi
cat "$folder/$key.json"
