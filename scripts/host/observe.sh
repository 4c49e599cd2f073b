#!/usr/bin/env bash
# Prints the current state of everything on the host that a lab relies on. Changes nothing.
#   observe.sh FILES [KIND WORD...]...
# FILES is the signature of the packages' files at the last check that found none changed, or -.
# KIND is one of:
#   package NAME    state, version, hold, files     part NAME    its files only
#   folder PATH     kind, mode, owner, mark         ports FILE   a reservation of scripts/host/ports.sh
#   image PATH SIGNATURE DIGEST   as last recorded, or - -; hashed only if the signature has changed
#   volume POOL PATH   the header of the file, and the pool's definition of it
#   pool NAME | network NAME | domain NAME
# A line: `fact`, `unknown` or `unread`, item, field, value or reason, source; separated by tabs. `unread`:
# this user may not look, for want of root's rights. The first line has the version, the last one the count of
# the lines before it.
set -euo pipefail

readonly ME=observe
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

readonly QEMU_USER=libvirt-qemu
readonly QEMU_CONF=/etc/libvirt/qemu.conf LIBVIRTD_CONF=/etc/libvirt/libvirtd.conf
readonly DAEMONS=(libvirtd virtlogd)
# libvirtd.service pulls in the socket of this daemon.
readonly LOCK_DAEMON=virtlockd

count=0
line() { # line KIND ITEM FIELD VALUE SOURCE
  local value=${4//[$'\t\r\n']/ }
  printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$value" "$5"
  count=$((count + 1))
}
fact() { line fact "$@"; }
unknown() { line unknown "$@"; }
# What only root may look at, for a user without root's rights; else it is unknown.
unread() { # unread ITEM FIELD REASON SOURCE
  if has_rights; then unknown "$@"; else line unread "$@"; fi
}

# The last setting of a key wins, as in libvirt itself; an empty value means "not set".
settings() { # settings FILE LABEL KEY...
  local file=$1 label=$2 text key value pattern='^[[:space:]]*([a-z_]+)[[:space:]]*=[[:space:]]*"?([^"#]*)"?'
  shift 2
  local -A found=()
  if [[ -r $file ]]; then
    text=$(<"$file")
  elif ! text=$(as_able cat "$file" 2>/dev/null); then
    for key in "$@"; do unread "config $label" "$key" "$file cannot be read" "$file"; done
    return
  fi
  while IFS= read -r value; do
    [[ $value =~ $pattern ]] || continue
    key=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
    found[$key]=${value%"${value##*[![:space:]]}"}
  done < <(grep -E '^[[:space:]]*[a-z_]+[[:space:]]*=' <<<"$text" || true)
  for key in "$@"; do fact "config $label" "$key" "${found[$key]-}" "$file"; done
}

observe_packages() {
  local name want state version
  local -A seen=() held=()
  ((${#packages[@]} > 0)) || return 0
  # shellcheck disable=SC2016 # dpkg-query's own fields
  while IFS=$'\t' read -r name want state version; do
    [[ $state == installed ]] || continue
    seen[$name]=$version
    held[$name]=no
    [[ $want != hold ]] || held[$name]=yes
  done < <(dpkg-query -W -f '${Package}\t${db:Status-Want}\t${db:Status-Status}\t${Version}\n' "${packages[@]}" 2>/dev/null || true)
  for name in "${packages[@]}"; do
    if [[ -v seen[$name] ]]; then
      fact "package $name" state installed 'dpkg-query -W'
      fact "package $name" version "${seen[$name]}" 'dpkg-query -W'
      fact "package $name" hold "${held[$name]}" 'dpkg-query -W'
    else
      fact "package $name" state missing 'dpkg-query -W'
    fi
  done
}

# Programs, libraries and firmware, without documentation and settings: `MD5  PATH` a line.
running_files() {
  local name list lists=()
  for name in "${packages[@]}" "${parts[@]}"; do
    for list in "/var/lib/dpkg/info/$name".md5sums "/var/lib/dpkg/info/$name":*.md5sums; do
      [[ ! -r $list ]] || lists+=("$list")
    done
  done
  ((${#lists[@]} == 0)) ||
    sed -nE 's,^([0-9a-f]{32})  ((usr/)?(s?bin|lib|libexec)/.*|usr/share/(qemu|seabios)/.*)$,\1  /\2,p' "${lists[@]}"
}

# As dpkg -V, but only if a file's size, times or inode differ from the last check without changes.
observe_files() {
  local sums signature path state
  sums=$(running_files)
  [[ -n $sums ]] || return 0
  signature=$(cut -c 35- <<<"$sums" | tr '\n' '\0' |
    { xargs -0 stat -c '%n %s %.9Y %.9Z %i' -- 2>&1 || true; } | sha256sum)
  signature=${signature%% *}
  fact files signature "$signature" stat
  [[ $signature != "$known_files" ]] || return 0
  while IFS= read -r path; do
    state=changed
    [[ $path != *' open or read' ]] || state=missing
    fact "file ${path%%: FAILED*}" content "$state" 'dpkg -V'
  done < <(md5sum --check --quiet <<<"$sums" 2>/dev/null || true)
}

daemon_runs() {
  local pid='' comm=''
  [[ ! -r /run/$1.pid ]] || read -r pid <"/run/$1.pid" || true
  [[ ! $pid =~ ^[0-9]+$ || ! -r /proc/$pid/comm ]] || read -r comm <"/proc/$pid/comm" || true
  [[ $comm == "$1" ]] || pgrep -x "$1" >/dev/null
}

# A socket-activated daemon counts as running while its socket is active.
observe_units() {
  local name key value drop
  local -A unit_of=()
  # A paragraph for each unit; the order in it depends on systemd's version.
  while IFS='=' read -r key value; do unit_of["$key"]=$value; done < <(systemctl show -p Id -p ActiveState -p UnitFileState -p DropInPaths \
    "${DAEMONS[@]/%/.service}" "${DAEMONS[@]/%/.socket}" "$LOCK_DAEMON.socket" |
    awk -v RS= -F '\n' '{ id = ""; for (i = 1; i <= NF; i++) if ($i ~ /^Id=/) id = substr($i, 4); for (i = 1; i <= NF; i++) print id "/" $i }')
  for name in "${DAEMONS[@]}" "$LOCK_DAEMON"; do
    fact "service $name" socket "${unit_of["$name.socket/UnitFileState"]:-none}" 'systemctl show'
  done
  for name in "${DAEMONS[@]}"; do
    value=stopped
    [[ ${unit_of["$name.service/ActiveState"]-} != active && ${unit_of["$name.socket/ActiveState"]-} != active ]] || value=running
    fact "service $name" state "$value" 'systemctl show'
    fact "service $name" enabled "${unit_of["$name.service/UnitFileState"]-}" 'systemctl show'
    drop=${unit_of["$name.service/DropInPaths"]-}
    # shellcheck disable=SC2086 # a list of paths
    fact "service $name" drop-ins "$(if [[ -n $drop ]]; then cat -- $drop | sha256sum | cut -c 1-16; else echo none; fi)" 'systemctl show'
  done
}

observe_services() {
  local name state
  if [[ -d /run/systemd/system ]]; then
    observe_units
    return
  fi
  for name in "${DAEMONS[@]}"; do
    state=stopped
    ! daemon_runs "$name" || state=running
    fact "service $name" state "$state" "/run/$name.pid"
  done
}

# Settings files of libvirt's packages that are not as packaged, profiles of AppArmor among them. `settings` reads
# qemu.conf and libvirtd.conf key by key.
observe_settings() {
  local sums edited path digest list=() source='dpkg-query -W'
  # shellcheck disable=SC2016 # dpkg-query's own field
  sums=$(dpkg-query -W -f '${Conffiles}\n' 'libvirt-daemon*' 2>/dev/null |
    awk -v a="$QEMU_CONF" -v b="$LIBVIRTD_CONF" 'NF == 2 && $1 != a && $1 != b { print $2 "  " $1 }') || true
  if [[ -z $sums ]]; then
    fact 'settings libvirt' edited none "$source"
    return
  fi
  edited=$(as_able md5sum --check --quiet <<<"$sums" 2>/dev/null || true)
  while IFS= read -r path; do
    [[ -n $path ]] || continue
    path=${path%%: FAILED*}
    if [[ ! -e $path && ! -L $path ]]; then
      list+=("$path removed")
    elif digest=$(as_able md5sum -- "$path" 2>/dev/null); then
      list+=("$path ${digest:0:8}")
    else
      unread 'settings libvirt' edited "$path cannot be read" "$source"
      return
    fi
  done <<<"$edited"
  fact 'settings libvirt' edited "$(listed "${list[@]}")" "$source"
}

listed() { # words with commas between them, or `none`
  local IFS=,
  printf '%s\n' "${*:-none}" | sed 's/,/, /g'
}

# A digest of the files' lines that are neither comment nor blank; `none` without such lines.
digest_of_rules() { # digest_of_rules FILE...
  local text
  text=$(cat -- "$@" 2>/dev/null | sed '/^[[:space:]]*\(#.*\)\?$/d')
  if [[ -z $text ]]; then echo none; else sha256sum <<<"$text" | cut -c 1-16; fi
}

# What a host's owner may set beside libvirt's own files.
observe_rules() {
  local text digest path list=() folder=/etc/polkit-1/rules.d profiles=/etc/apparmor.d/local
  fact apparmor local "$(digest_of_rules "$profiles"/{usr.sbin.libvirtd,usr.lib.libvirt.virt-aa-helper,abstractions/libvirt-qemu})" "$profiles"
  text=$(sed -nE 's/^[[:space:]]*(options[[:space:]]+kvm(_intel|_amd)?[[:space:]].*)$/\1/p' /etc/modprobe.d/*.conf 2>/dev/null | paste -sd ';') || true
  fact kvm options "${text:-none}" /etc/modprobe.d
  if [[ ! -e $folder ]]; then
    fact polkit rules none "$folder"
  elif text=$(as_able find "$folder" -maxdepth 1 -name '*.rules' -exec md5sum {} + 2>/dev/null); then
    while read -r digest path; do
      [[ -z $digest ]] || list+=("${path##*/} ${digest:0:8}")
    done < <(LC_ALL=C sort -k 2 <<<"$text")
    fact polkit rules "$(listed "${list[@]}")" "$folder"
  else
    unread polkit rules "$folder cannot be read" "$folder"
  fi
}

observe_system() {
  local name groups state parameter nested=absent mode=absent text profiles=/sys/kernel/security/apparmor/profiles
  for name in libvirt kvm; do
    state=exists
    getent group "$name" >/dev/null || state=missing
    fact "group $name" state "$state" 'getent group'
  done
  if groups=$(id -nG "$QEMU_USER" 2>/dev/null); then
    state=no
    [[ " $groups " != *' kvm '* ]] || state=yes
    fact "user $QEMU_USER" 'in group kvm' "$state" id
  else
    fact "user $QEMU_USER" 'in group kvm' 'no such user' id
  fi
  fact /dev/kvm owner "$(stat -c '%U:%G %a' /dev/kvm 2>/dev/null || echo absent)" stat
  for parameter in /sys/module/kvm_{intel,amd}/parameters/nested; do
    [[ ! -r $parameter ]] || nested=$(<"$parameter")
  done
  fact kvm nested "$nested" /sys/module
  if [[ -r /sys/module/apparmor/parameters/enabled ]]; then
    mode=$(</sys/module/apparmor/parameters/enabled)
  fi
  if [[ $mode != Y ]]; then
    fact apparmor libvirtd "$mode" "$profiles"
  elif text=$(as_able cat "$profiles" 2>/dev/null); then
    mode=$(sed -n 's/^libvirtd (\(.*\))$/\1/p' <<<"$text")
    fact apparmor libvirtd "${mode:-no profile for libvirtd}" "$profiles"
  else
    unread apparmor libvirtd "$profiles cannot be read" "$profiles"
  fi
  settings "$QEMU_CONF" qemu.conf dynamic_ownership user group security_driver \
    security_default_confined spice_listen spice_tls
  settings "$LIBVIRTD_CONF" libvirtd.conf unix_sock_group unix_sock_rw_perms auth_unix_rw listen_tcp
}

observe_folders() {
  local path kind mode owner mark
  local -A seen=()
  ((${#folders[@]} > 0)) || return 0
  while IFS='|' read -r kind mode owner path; do
    seen[$path]=1
    [[ $kind == directory ]] || kind=other
    fact "folder $path" state "$kind" stat
    fact "folder $path" mode "$mode" stat
    fact "folder $path" owner "$owner" stat
    mark=''
    [[ ! -f $path/.mirlab-stack || -L $path/.mirlab-stack ]] || IFS= read -r -n 160 mark <"$path/.mirlab-stack" || true
    fact "folder $path" mark "${mark:-none}" "$path/.mirlab-stack"
  done < <(stat -c '%F|%a|%U:%G|%n' -- "${folders[@]}" 2>/dev/null || true)
  for path in "${folders[@]}"; do [[ -v seen[$path] ]] || fact "folder $path" state missing stat; done
}

observe_ports() {
  local file reserved
  for file in "${ports[@]}"; do
    reserved=nothing
    [[ ! -f $file ]] || reserved=$(<"$file")
    fact "ports ${file##*/}" reserved "$reserved" "$file"
  done
}

# The signature has neither owner nor ctime: libvirt changes the owner when a guest starts or stops.
observe_image() {
  local path=$1 known=$2 digest=$3 signature mode manifest=${1%.*}.manifest tool=sha256sum recorded
  if [[ ! -f $path ]]; then
    fact "image $path" state missing stat
    return
  fi
  IFS='|' read -r signature mode < <(stat -c '%s:%.9Y:%i|%a' -- "$path")
  fact "image $path" state file stat
  fact "image $path" mode "$mode" stat
  fact "image $path" signature "$signature" stat
  recorded=$(sed -n 's/^image-sha256: /sha256:/p;s/^image-digest: //p;/^packages:/q' "$manifest" 2>/dev/null || true)
  [[ -z $recorded ]] || fact "image $path" manifest "$recorded" "$manifest"
  if [[ $signature == "$known" ]]; then
    fact "image $path" digest "$digest" 'signature as recorded'
  elif [[ -n $recorded && ! $path -nt $manifest ]]; then
    fact "image $path" digest "$recorded" 'not written since its manifest'
  else
    [[ ${path##*/} != sha512-* ]] || tool=sha512sum
    if digest=$($tool -- "$path" 2>/dev/null); then
      fact "image $path" digest "${tool%sum}:${digest%% *}" "$tool"
    else
      unknown "image $path" digest "$path cannot be read" "$tool"
    fi
  fi
}

# Reads the file's header itself: libvirt only knows what it read when the pool was started.
observe_volumes() {
  local path said
  for path in "${volumes[@]}"; do
    # qemu-img's warnings come first, each on a line of its own: the answer is the last line.
    if said=$({ header=$(as_able timeout 20 qemu-img info --force-share --output=json "$path"); } 2>&1 &&
      printf '\n%s' "$(base64 -w 0 <<<"$header")"); then
      fact "volume ${path##*/}" header "${said##*$'\n'}" 'qemu-img info'
    elif [[ $said == *'Permission denied'* ]]; then
      unread "volume ${path##*/}" header "$said" 'qemu-img info'
    else
      unknown "volume ${path##*/}" header "${said:-no answer in 20 s}" 'qemu-img info'
    fi
  done
}

# One virsh for all of libvirt: connecting takes longer than the answers.
observe_libvirt() {
  local said
  if ! command -v virsh >/dev/null; then
    fact libvirt answers 'no virsh' virsh
    return
  fi
  said=$(timeout 20 virsh --quiet --connect qemu:///system "uri; $asks" 2>&1 || true)
  if [[ $said == qemu:* ]]; then
    fact libvirt answers yes 'virsh uri'
    fact libvirt transcript "$(base64 -w 0 <<<"$said")" virsh
  else
    fact libvirt answers "${said:-no answer in 20 s}" 'virsh uri'
  fi
}

# A word of virsh's own command language, which quotes like a shell.
quoted() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

# The section's mark is @@NAME@@, with the @ of a name written as %40.
ask() { # ask NAME-OF-SECTION COMMAND...
  local command name=${1//%/%25}
  asks="${asks}echo $(quoted "@@${name//@/%40}@@"); "
  shift
  for command in "$@"; do asks="$asks$command; "; done
}

safe() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._+-]*$ ]] || die "found name '$1'; need letters, digits and . _ + -"
}

# libvirt takes any other name of a domain.
domain_name() {
  [[ -n $1 && $1 != */* && ! $1 =~ [[:cntrl:]] ]] || die "found domain name '$1'; need one without / and control characters"
}

packages=() parts=() folders=() ports=() images=() volumes=() asks=''
known_files=${1:--}
(($# == 0)) || shift
while (($# > 0)); do
  (($# > 1)) || die "found '$1' alone; need KIND WORD..."
  case $1 in
    package) safe "$2" && packages+=("$2") ;;
    part) safe "$2" && parts+=("$2") ;;
    folder) folders+=("$2") ;;
    ports) ports+=("$2") ;;
    image)
      (($# > 3)) || die "found '$*'; need image PATH SIGNATURE DIGEST"
      images+=("$2" "$3" "$4")
      shift 2
      ;;
    pool) safe "$2" && ask "pool $2" "pool-info $2" "pool-dumpxml $2" ;;
    network) safe "$2" && ask "network $2" "net-info $2" "net-dumpxml --inactive $2" ;;
    # The live definition: the domain's own contract checks the persistent one.
    domain) domain_name "$2" && ask "domain $2" "domstate --domain $(quoted "$2")" "dumpxml --domain $(quoted "$2")" ;;
    volume)
      [[ ${3-} == /* ]] || die "found '$*'; need volume POOL PATH"
      safe "$2" && safe "${3##*/}" && ask "volume ${3##*/}" "vol-dumpxml --pool $2 ${3##*/}"
      volumes+=("$3")
      shift
      ;;
    *) die "found kind '$1'; need package, part, folder, ports, image, pool, volume, network or domain" ;;
  esac
  shift 2
done

printf 'observe\t1\n'
observe_packages
observe_files
observe_services
observe_system
observe_settings
observe_rules
observe_folders
observe_ports
for ((i = 0; i < ${#images[@]}; i += 3)); do observe_image "${images[@]:i:3}"; done
observe_volumes
# The bridge of each network card: CARD=BRIDGE, or CARD=- of one in none.
fact cards bridges "$(ip -o link show 2>/dev/null | awk '{ sub(/[:@].*/, "", $2); bridge = "-"
  for (i = 3; i < NF; i++) if ($i == "master") bridge = $(i + 1); print $2 "=" bridge }' | paste -sd ' ' || true)" 'ip link'
observe_libvirt
if command -v ss >/dev/null; then
  fact listeners tcp "$(ss -Hltn | awk '{ print $4 }' | sort -u | paste -sd ' ')" 'ss -Hltn'
else
  unknown listeners tcp 'found no ss' 'ss -Hltn'
fi
printf 'end\t%d\n' "$count"
