#!/usr/bin/env bash
# The lab's steps without an engine, for comparison with `pulumi up`. Runs as root.
#   bare.sh up FOLDER NAME DATA CACHE SUITE    creates one guest from FOLDER/{domain.xml,user-data,meta-data,ssh_config}
#   bare.sh down FOLDER NAME DATA CACHE SUITE  removes it
# It uses the lab's own host and guest scripts, in the same order. `up` prints the second since the
# epoch at which each step ended: prepared, started, booted, frame.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

# The locale decides EPOCHREALTIME's decimal separator.
export LC_ALL=C.UTF-8 LANGUAGE=
readonly HOST=scripts/host GUEST=scripts/guest WAIT_SECONDS=900

say() { printf '%s\n' "bare: $*" >&2; }
die() {
  say "$*"
  exit 1
}

ended() { printf '%s %s\n' "$1" "$EPOCHREALTIME"; }
virsh() { command virsh --quiet --connect qemu:///system "$@"; }
in_guest() { ssh -F "$folder/ssh_config" -o ConnectTimeout=10 "$name" "$@"; }
guest_script() {
  local script=$1
  shift
  in_guest sudo -n bash -s -- "$@" <"$GUEST/$script"
}
session() { cat "$GUEST/mir-tests.sh" "$GUEST/session.sh" | in_guest sudo -n bash -s -- install; }
facts() { cat "$GUEST/facts-probes.py" "$GUEST/facts.py" | in_guest sudo -n python3 -I -S -; }

wait_ssh() {
  local start=$SECONDS
  until in_guest true 2>/dev/null; do
    [[ $(virsh domstate "$name") == running ]] || die "found domain $name not running; need it running; log: $data/$stack/log/$guest.serial.log"
    ((SECONDS - start < WAIT_SECONDS)) || die "found no ssh after $WAIT_SECONDS s; need a login to the guest; log: $data/$stack/log/$guest.serial.log"
    sleep 2
  done
}

up() {
  local image packages share nonce pool=$data/$stack/pool
  packages=$(node -r ./core/register.js -p "require('./components/host/packages').packagesFor('host').join(' ')")
  # shellcheck disable=SC2086 # a list of package names
  "$HOST/packages.sh" install $packages >&2
  "$HOST/libvirtd.sh" start >/dev/null
  bash "$HOST/folders.sh" make "$data" "$stack" >/dev/null
  bash "$HOST/kvm-probe.sh" "$cache" >/dev/null
  bash "$HOST/ports.sh" reserve "$data" "$stack.$guest" 0 0 >/dev/null
  share=$(bash "$HOST/folders.sh" make-share "$data" "$stack" "$guest")
  image=$("$HOST/image-build.sh" build --dir "$cache/images" --suite "$suite")
  qemu-img create -q -f qcow2 -b "$image" -F qcow2 "$pool/disk.qcow2" 12G
  genisoimage -quiet -output "$pool/seed.iso" -volid cidata -joliet -rock "$folder/user-data" "$folder/meta-data" 2>/dev/null
  ended prepared

  virsh define "$folder/domain.xml" >/dev/null
  virsh start "$name" >/dev/null
  ended started

  wait_ssh
  guest_script cloud-init-wait.sh "$WAIT_SECONDS" >/dev/null
  ended booted

  # In parallel, as the engine runs them.
  guest_script share.sh mount share /mnt/share >/dev/null &
  session >/dev/null
  wait $!
  facts >"$folder/facts.json"
  nonce=$(sha256sum <<<"$EPOCHREALTIME" | cut -d' ' -f1)
  bash "$HOST/share-nonce.sh" put "$share" "$nonce"
  guest_script share-nonce.sh check /mnt/share "$nonce" rw
  bash "$HOST/share-nonce.sh" answered "$share" "$nonce"
  bash "$HOST/share-nonce.sh" remove "$share" "$nonce"
  bash "$HOST/screenshot.sh" "$name" >"$folder/screen"
  ended frame
}

down() {
  "$HOST/libvirtd.sh" start 2>/dev/null
  virsh destroy "$name" >/dev/null 2>&1 || true
  virsh undefine "$name" >/dev/null 2>&1 || true
  rm -f "$data/$stack/pool/disk.qcow2" "$data/$stack/pool/seed.iso"
  bash "$HOST/folders.sh" remove-share "$data" "$stack" "$guest"
  bash "$HOST/ports.sh" release "$data" "$stack.$guest"
  bash "$HOST/folders.sh" remove "$data" "$stack"
  # As the lab's `down` does: the next run of either side has to start it again.
  "$HOST/libvirtd.sh" stop
}

(($# == 6)) || die "found $# arguments; need up|down FOLDER NAME DATA CACHE SUITE"
verb=$1 folder=$2 name=$3 data=$4 cache=$5 suite=$6
stack=bare guest=g1
case $verb in
  up | down) "$verb" ;;
  *) die "found verb '$verb'; need up or down" ;;
esac
