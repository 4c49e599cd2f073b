#!/usr/bin/env bash
# Says whether a guest really runs under KVM here, by booting a tiny one to user space.
#   kvm-probe.sh CACHE [kvm|tcg]   prints one line: {"acceleration":"kvm"|"tcg","reason":"..."}
# /dev/kvm can open, make a VM and still not run a stock kernel, so nothing less is a proof.
# With `tcg` the probe guest itself is tried: then a failure is the probe's, not KVM's.
# The answer is kept in CACHE/kvm-probe, keyed by kernel, processor, QEMU and kvm module.
set -euo pipefail

readonly ME=kvm-probe
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

readonly MARK=mirlab-user-space-reached
readonly KVM_SECONDS=20 TCG_SECONDS=120

# A reason is our own text or a QEMU line with quotes and controls taken out: safe inside JSON.
answer() {
  local reason
  reason=$(tr -cd ' !#-[]-~' <<<"$2" | cut -c 1-200)
  printf '{"acceleration":"%s","reason":"%s"}\n' "$1" "$reason"
}

# The Debian package that provides NAME, downloaded by apt (signed) and unpacked into $2.
unpack_package() {
  local name=$1 into=$2 temp deb
  temp=$(mktemp -d)
  # apt drops root for downloads: the folder must be its user's.
  if ((EUID == 0)); then chown _apt "$temp" 2>/dev/null || true; fi
  (cd "$temp" && apt-get -q -q download "$name" >&2)
  deb=$(find "$temp" -name '*.deb' | head -n 1)
  [[ -n $deb ]] || die "found no package $name, required it for the probe guest; run 'apt-get update'"
  mkdir -p "$into"
  dpkg-deb -x "$deb" "$into"
  rm -rf "$temp"
}

# Kernel and initial RAM disk of the probe guest: the cloud kernel (small) and static busybox.
make_probe_guest() {
  local into=$1 temp kernel
  [[ ! -f $into/vmlinuz || ! -f $into/initrd ]] || return 0
  temp=$(mktemp -d)
  kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
  [[ -n $kernel ]] || die "found no kernel package for the probe guest, required linux-image-cloud-amd64; run 'apt-get update'"
  say "fetching the probe guest ($kernel)"
  unpack_package "$kernel" "$temp/kernel"
  unpack_package busybox-static "$temp/busybox"
  mkdir -p "$temp/root/bin" "$temp/root/dev"
  cp "$temp/busybox/bin/busybox" "$temp/root/bin/busybox"
  ln -s busybox "$temp/root/bin/sh"
  cat >"$temp/root/init" <<INIT
#!/bin/sh
/bin/busybox mount -t devtmpfs dev /dev
echo $MARK >/dev/ttyS0
/bin/busybox poweroff -f
INIT
  chmod 0755 "$temp/root/init"
  (cd "$temp/root" && "$temp/busybox/bin/busybox" find . | "$temp/busybox/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -n >"$temp/initrd")
  as_root install -m 0644 "$temp/initrd" "$into/initrd"
  as_root install -m 0644 "$temp"/kernel/boot/vmlinuz-* "$into/vmlinuz"
  rm -rf "$temp"
}

# Boots the probe guest; true when it reached user space. $1 kvm|tcg, $2 folder, $3 seconds, $4 log
boots() {
  local cpu=()
  [[ $1 != kvm ]] || cpu=(-cpu host)
  as_root timeout --kill-after=5 "$3" qemu-system-x86_64 -machine q35 -accel "$1" "${cpu[@]}" -m 256 \
    -nodefaults -no-reboot -display none -serial stdio -monitor none \
    -kernel "$2/vmlinuz" -initrd "$2/initrd" -append 'console=ttyS0 panic=-1 quiet' \
    </dev/null >"$4" 2>&1 || true
  grep -qF "$MARK" "$4"
}

probe() {
  local accel=$1 folder=$2 log complaint seconds=$KVM_SECONDS
  if [[ $accel == kvm ]]; then
    [[ -c /dev/kvm ]] || {
      answer tcg 'no /dev/kvm; load kvm_intel or kvm_amd, or enable virtualization in the firmware'
      return
    }
  else
    seconds=$TCG_SECONDS
  fi
  make_probe_guest "$folder"
  log=$(mktemp)
  if boots "$accel" "$folder" "$seconds" "$log"; then
    answer "$accel" 'a guest booted to user space'
  elif [[ $accel == kvm ]]; then
    # What QEMU itself had to say, when it said anything.
    complaint=$(grep -v -e '^$' -e 'terminating on signal' "$log" | tail -n 1)
    answer tcg "/dev/kvm is there, but a guest did not reach user space in $seconds s${complaint:+: $complaint}"
  else
    say "$(tail -n 5 "$log")"
    rm -f "$log"
    die "found no user space in $seconds s, required the probe guest to boot under TCG; check qemu-system-x86"
  fi
  rm -f "$log"
}

(($# == 1 || $# == 2)) || die "found $# arguments, required CACHE [kvm|tcg]"
accel=${2-kvm} folder=$1/kvm-probe
[[ $accel == kvm || $accel == tcg ]] || die "found '$accel', required kvm or tcg"
command -v qemu-system-x86_64 >/dev/null || die "found no qemu-system-x86_64, required it; install qemu-system-x86"
key=$({
  printf '%s\n' "$accel" && uname -r && grep -m 2 -E '^(model name|flags)' /proc/cpuinfo
  qemu-system-x86_64 --version | head -n 1
  stat -c '%t:%T' /dev/kvm 2>/dev/null || true
  grep -hE '^kvm' /proc/modules 2>/dev/null | cut -d' ' -f1 || true
} | sha256sum | cut -c 1-16)
as_root install -d -m 0755 "$1" "$folder"
if [[ ! -s $folder/$key.json ]]; then
  result=$(probe "$accel" "$folder")
  printf '%s\n' "$result" | as_root tee "$folder/$key.json.partial" >/dev/null
  as_root mv -f "$folder/$key.json.partial" "$folder/$key.json"
fi
cat "$folder/$key.json"
