#!/usr/bin/env bash
# Prints what a lab has to know about its host before it changes anything: one `key<TAB>value` a line.
# Changes nothing.
#   facts.sh quick|full DATA CACHE [share PATH | image FILE URL | port N | package NAME [CVE,...] | subnets]...
# Every preview runs `quick`, the doctor `full`. It requests one byte of an image's URL, unless FILE, the
# verified copy, exists. It looks for CVEs in the package's changelog.
set -euo pipefail

readonly ME=facts
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

readonly QEMU_USER=libvirt-qemu
readonly EMULATOR=qemu-system-x86_64
# QEMU devices that libvirt's capabilities do not list.
readonly DEVICES='virtio-9p-pci|vhost-user-fs-pci'

report() { printf '%s\t%s\n' "$1" "$2"; }

virsh_system() { timeout 60 virsh --quiet --connect qemu:///system "$@"; }

root_rights() {
  if ((EUID == 0)); then
    printf 'root\n'
  elif has_rights; then
    printf 'sudo\n'
  else
    printf 'none\n'
  fi
}

# The longest leading part of PATH that exists.
existing() {
  local path=$1
  while [[ ! -e $path ]]; do path=$(dirname -- "$path"); done
  printf '%s\n' "$path"
}

# Free MiB of the file system that PATH is on, or will be on.
free_mib() { df -Pm -- "$(existing "$1")" | awk 'NR == 2 { print $4 }'; }

# Free MiB for new programs. ZFS gives back what its cache (ARC) holds above its smallest size, and the kernel
# does not count that: sizes of arcstats in bytes.
memory_available() {
  local cached=0 arc=${MIRLAB_ARCSTATS:-/proc/spl/kstat/zfs/arcstats}
  [[ ! -r $arc ]] || cached=$(awk '$1 == "size" { size = $3 } $1 == "c_min" { least = $3 } END { if (size > least) freed = (size - least) / 1048576; printf "%d", freed }' "$arc")
  awk -v cached="$cached" '/^MemAvailable:/ { printf "%d\n", $2 / 1024 + cached }' /proc/meminfo
}

# Succeeds if QEMU's user exists and we may run programs as that user.
qemu_user_known() { [[ $rights != none ]] && id "$QEMU_USER" >/dev/null 2>&1; }

as_qemu() {
  if ((EUID == 0)); then
    setpriv --reuid="$QEMU_USER" --regid="$(id -g "$QEMU_USER")" --init-groups "$@"
  else
    sudo -n -u "$QEMU_USER" -- "$@"
  fi
}

# yes|no|unknown: can QEMU's user write to folder $1?
writable() {
  if ! qemu_user_known; then
    printf 'unknown\n'
  elif as_qemu test -w "$1"; then
    printf 'yes\n'
  else
    printf 'no\n'
  fi
}

# -|unknown|FOLDER: the first folder in the path of $1 ($1 included) that QEMU's user cannot enter.
closed() {
  local at part
  qemu_user_known || {
    printf 'unknown\n'
    return
  }
  at=$(existing "$1")
  [[ -d $at ]] || at=$(dirname -- "$at")
  if as_qemu test -x "$at/."; then
    printf -- '-\n'
    return
  fi
  local IFS=/ way=
  for part in ${at#/}; do
    way=$way/$part
    as_qemu test -x "$way/." || break
  done
  printf '%s\n' "$way"
}

# PATH|folder, missing or other|writable|closed|the resolved path, which may hold a |
report_share() {
  local kind=missing write=unknown resolved=$1
  if [[ -d $1 ]]; then
    kind=folder resolved=$(realpath -- "$1") write=$(writable "$1")
  elif [[ -e $1 || -L $1 ]]; then
    kind=other
  fi
  report share "$1|$kind|$write|$(closed "$1")|$resolved"
}

# ok, or curl's error. $1 file, $2 URL
image_state() {
  local error
  if [[ -f $1 ]] || ! command -v curl >/dev/null; then
    printf 'ok\n'
  elif error=$(curl --fail --silent --show-error --location --proto '=https,http' --proto-redir '=https' \
    --connect-timeout 10 --max-time 30 --range 0-0 --output /dev/null -- "$2" 2>&1); then
    printf 'ok\n'
  else
    printf '%s\n' "$error" | head -n 1 | tr '\t' ' '
  fi
}

# Loopback port $1: the guest that reserved it or -, the process that listens or -.
report_port() {
  local owner=- holder=-
  command -v ss >/dev/null || return 0
  [[ ! -d $data/ports ]] || owner=$(cd "$data/ports" && { grep -lwF -- "$1" ./* 2>/dev/null || true; } | sed 's|^\./||' | head -n 1)
  if [[ -n $(ss -Hltn "sport = :$1") ]]; then
    # ss shows other users' processes to root only.
    holder=$({ [[ $rights == none ]] && ss -Hltnp "sport = :$1"; } || as_root ss -Hltnp "sport = :$1")
    holder=$(sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (pid \2)/p' <<<"$holder" | head -n 1)
    holder=${holder:-another user}
  fi
  report port "$1 ${owner:--} $holder"
}

# Version and source package of package $1, then those of the CVEs $2 that its changelog names.
report_package() {
  local status version name log found=
  # shellcheck disable=SC2016 # dpkg-query's own names
  read -r status version name < <(dpkg-query -W -f '${db:Status-Status} ${Version} ${source:Package}\n' "$1" 2>/dev/null | head -n 1) || true
  [[ ${status-} == installed ]] || {
    report package "$1 -"
    return
  }
  report package "$1 $version $name"
  [[ -n ${2-} ]] || return 0
  for log in "/usr/share/doc/$1/changelog.Debian.gz" "/usr/share/doc/$1/changelog.gz"; do
    [[ -f $log ]] || continue
    found=$(gzip -cd -- "$log" | grep -oF -e "${2//,/$'\n'}" | sort -u | paste -sd ,) || true
    report changelog "$1 ${found:--}"
    return
  done
  # Minimal installations have no changelogs: the CVEs are unknown, not absent.
  report changelog "$1 absent"
}

# ok|absent|denied|down|silent, and the daemon's version.
report_libvirt() {
  local answer code=0
  command -v virsh >/dev/null || {
    report libvirt absent
    return
  }
  answer=$(virsh_system version --daemon 2>&1) || code=$?
  if ((code == 0)); then
    report libvirt ok
    report libvirtVersion "$(sed -n 's/^Running against daemon: //p' <<<"$answer")"
    report qemuVersion "$(sed -n 's/^Running hypervisor: QEMU //p' <<<"$answer")"
    virsh_system list --name | sed -n '/./s/^/running\t/p'
    virsh_system list --all --name | sed -n '/./s/^/defined\t/p'
    report_emulator qemu
  elif grep -qiE 'permission denied|authentication|not authorized|access denied' <<<"$answer"; then
    report libvirt denied
  elif ((code == 124)); then
    # timeout's exit code: libvirtd may only be busy.
    report libvirt silent
  else
    report libvirt down
  fi
}

# libvirt's domain capabilities of the emulator, base64 on one line; nothing where libvirt has none.
report_emulator() {
  local xml
  ! xml=$(virsh_system domcapabilities --machine q35 --virttype "$1" 2>/dev/null) ||
    report emulator "$1 $(base64 -w 0 <<<"$xml")"
}

# absent|denied|opens|makes-vm: how far /dev/kvm works. It does not prove that a guest runs.
kvm_device() {
  if [[ ! -c /dev/kvm ]]; then
    printf 'absent\n'
  else
    # KVM_GET_API_VERSION and KVM_CREATE_VM.
    perl -e 'open(F, "+<", "/dev/kvm") or print("denied"), exit;
      print ioctl(F, 0xAE00, 0) && ioctl(F, 0xAE01, 0) ? "makes-vm" : "opens"' 2>/dev/null || printf 'opens\n'
  fi
}

report_full() {
  local module
  report kvmModules "$(cd /sys/module 2>/dev/null && printf '%s ' kvm kvm_* | tr ' ' '\n' | while read -r module; do [[ ! -d $module ]] || printf '%s ' "$module"; done)"
  report kvmDevice "$(kvm_device)"
  report cpuFlags "$(grep -m 1 '^flags' /proc/cpuinfo | grep -owE 'vmx|svm|hypervisor' | sort -u | paste -sd ' ' || true)"
  for module in kvm_intel kvm_amd; do
    [[ ! -r /sys/module/$module/parameters/nested ]] || report nested "$module $(cat "/sys/module/$module/parameters/nested")"
  done
  report product "$(cat /sys/class/dmi/id/product_name 2>/dev/null || true)"
  report udev "$(if [[ -S /run/udev/control ]]; then echo yes; else echo no; fi)"
  report systemd "$(if [[ -d /run/systemd/system ]]; then echo yes; else echo no; fi)"
  report apparmor "$(if [[ $(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) == Y ]]; then echo yes; else echo no; fi)"
  report virtiofsd "$(find /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd -maxdepth 0 2>/dev/null | head -n 1)"
  if command -v "$EMULATOR" >/dev/null; then
    report devices "$("$EMULATOR" -device help 2>/dev/null | grep -oE "\"($DEVICES)\"" | tr -d '"' | sort -u | paste -sd ' ' || true)"
  fi
  if [[ -S /run/libvirt/libvirt-sock ]]; then
    report socket "$(stat -c '%a' /run/libvirt/libvirt-sock) $(socket_check)"
  fi
  if [[ $state == ok ]]; then
    virsh_system capabilities | sed -n '/<secmodel>/,/<\/secmodel>/s|.*<model>\(.*\)</model>.*|secmodel\t\1|p'
    report_emulator kvm
  fi
}

# How libvirtd authenticates clients of its socket: none, polkit, sasl, default or unknown.
socket_check() {
  local text
  text=$(as_able cat /etc/libvirt/libvirtd.conf 2>/dev/null) || {
    printf 'unknown\n'
    return
  }
  text=$(sed -n 's/^ *auth_unix_rw *= *"\([a-z]*\)".*/\1/p' <<<"$text" | tail -n 1)
  printf '%s\n' "${text:-default}"
}

# The IPv4 subnets that the host knows: of routes, as CIDR DEVICE, and of libvirt's networks, running or not,
# as NAME BRIDGE ADDRESS.
report_subnets() {
  local names name xml bridge address
  ! command -v ip >/dev/null || ip -4 -o route show table main |
    awk '$1 ~ /^[0-9.]+\/[0-9]+$/ { for (i = 2; i < NF; i++) if ($i == "dev") print "route\t" $1 " " $(i + 1) }'
  [[ $state == ok ]] || return 0
  names=$(virsh_system net-list --all --name) ||
    die "libvirt: found no answer about its networks; need one to compare host.natSubnet; fix: npm run doctor"
  while read -r name; do
    [[ -n $name ]] || continue
    bridge=$(virsh_system net-info "$name" | sed -n 's/^Bridge: *//p')
    xml=$(virsh_system net-dumpxml --inactive "$name")
    while read -r address; do
      report network "$name ${bridge:--} $address"
    done < <(sed -n "s/.*<ip [^>]*address='\([0-9.]*\)'.*/\1/p" <<<"$xml")
  done <<<"$names"
}

# The backend that libvirt writes its networks' accepting rules with: iptables, which is table `ip filter`, or nftables,
# which is a table of its own. Its settings file names in brackets which one it prefers.
firewall_backend() {
  local text
  text=$(as_able cat /etc/libvirt/network.conf 2>/dev/null) || text=''
  text=$(sed -n -e 's/^ *firewall_backend *= *"\([a-z]*\)".*/\1/p' -e 's/^# *\[\([a-z]*\),.*/\1/p' <<<"$text" | tail -n 1)
  printf '%s\n' "${text:-iptables}"
}

# Chains of nftables that drop what they do not accept, at input or forward, and have no rule for libvirt's bridges:
# FAMILY TABLE CHAIN HOOK. What one chain accepts, another may drop.
report_drops() {
  local rules
  # A login over SSH has no /usr/sbin in its PATH.
  rules=$(as_able env "PATH=$PATH:/usr/sbin" nft -s list ruleset 2>/dev/null) || return 0
  awk -v backend="$(firewall_backend)" '
    $1 == "table" { family = $2; table = $3 }
    $1 == "chain" { chain = $2; hook = ""; ours = family == "ip" && table == "filter" && backend == "iptables" }
    /type filter hook (input|forward) .*policy drop/ { hook = $4 }
    /virbr/ { ours = 1 }
    $1 == "}" && hook != "" {
      if (!ours && (family == "ip" || family == "inet")) print "drop\t" family " " table " " chain " " hook
      hook = ""
    }' <<<"$rules"
}

usage() { die "found ${1:-nothing}; need quick|full DATA CACHE [share PATH | image FILE URL | port N | package NAME CVE,... | subnets]..."; }

(($# >= 3)) || usage "$# arguments"
depth=$1 data=$2 cache=$3
shift 3
[[ $depth == quick || $depth == full ]] || usage "'$depth'"
rights=$(root_rights)
report version 2
# shellcheck source=/dev/null
report os "$(. /etc/os-release && printf '%s %s %s' "${ID-unknown}" "${ID_LIKE-}" "${VERSION_ID-}")"
# shellcheck source=/dev/null
report suite "$(. /etc/os-release && printf '%s' "${VERSION_CODENAME-}")"
report arch "$(uname -m)"
report rights "$rights"
report user "$(id -un)"
report memoryAvailableMiB "$(memory_available)"
report dataFreeMiB "$(free_mib "$data")"
report cacheFreeMiB "$(free_mib "$cache")"
report dataClosed "$(closed "$data")"
report cacheClosed "$(closed "$cache")"
about_libvirt=$(report_libvirt)
printf '%s\n' "$about_libvirt"
state=$(sed -n 's/^libvirt\t//p' <<<"$about_libvirt")
[[ $depth == quick ]] || report_full
while (($# > 0)); do
  case $1 in
    share) report_share "$2" && shift 2 ;;
    image) report image "$3 $(image_state "$2" "$3")" && shift 3 ;;
    port) report_port "$2" && shift 2 ;;
    package) report_package "$2" "$3" && shift 3 ;;
    subnets)
      report_subnets
      [[ $depth == quick ]] || report_drops
      shift
      ;;
    *) usage "'$1'" ;;
  esac
done
