#!/usr/bin/env bash
# The 9p share of a guest, as a systemd mount unit. Runs in the guest, as root.
#   share.sh mount TAG DIR   mount the share TAG on DIR, now and at every boot
#   share.sh remove TAG      unmount it and forget it
#   share.sh describe TAG DIR   mode, SHA-256 and path of the unit that mount writes. Anywhere.
set -euo pipefail

readonly UNIT_DIR=/etc/systemd/system
readonly MARK="# mirlab share"

say() { printf '%s\n' "share: $*" >&2; }
die() {
  say "$*"
  exit 1
}

check_tag() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$ ]] ||
    die "found tag '$1', required 1 to 31 of A-Z a-z 0-9 . _ -; correct the share's tag"
}

check_dir() {
  [[ $1 =~ ^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$ ]] ||
    die "found directory '$1', required an absolute path of A-Z a-z 0-9 . _ - without '..'; correct the mount point"
  case "$1/" in
    /bin/* | /boot/* | /dev/* | /etc/* | /lib*/* | /proc/* | /root/ | /run/ | /sbin/* | /sys/* | /usr/* | /home/ | /mnt/ | /opt/ | /srv/ | /tmp/ | /var/ | /var/lib/ | /var/log/*)
      die "found directory '$1', required one outside the system's own; use for example /mnt/share"
      ;;
  esac
}

# Our units for a tag; a share that moved has one for its old place.
units_of() {
  local file
  for file in "$UNIT_DIR"/*.mount; do
    if [[ -f $file ]] && grep -qxF "$MARK $1" "$file"; then printf '%s\n' "${file##*/}"; fi
  done
}

remove_unit() {
  local unit=$1 dir
  dir=$(systemd-escape --unescape --path "${unit%.mount}")
  # A busy share fails here, before anything is forgotten.
  systemctl --quiet disable --now "$unit" ||
    die "found $dir still mounted, required unmounted; end what uses it ('fuser -vm $dir'); log journalctl -u $unit"
  rm -f "$UNIT_DIR/$unit"
  systemctl daemon-reload
  systemctl reset-failed "$unit" 2>/dev/null || true
  rmdir "$dir" 2>/dev/null || say "$dir is not empty; left as it is"
}

# No cache: what one side writes the other side sees at once.
unit_text() {
  cat <<FILE
$MARK $1
[Unit]
Description=Folder shared with the host

[Mount]
What=$1
Where=$2
Type=9p
Options=trans=virtio,version=9p2000.L,msize=512000,cache=none,access=client,nodev,nosuid

[Install]
WantedBy=multi-user.target
FILE
}

mount_share() {
  local tag=$1 dir=$2 unit other temp
  unit=$(systemd-escape --path --suffix=mount "$dir")
  if [[ -e $UNIT_DIR/$unit ]] && ! grep -qxF "$MARK $tag" "$UNIT_DIR/$unit"; then
    die "found $UNIT_DIR/$unit of another owner, required a free mount point; choose another directory"
  fi
  while read -r other; do
    [[ $other == "$unit" ]] || remove_unit "$other"
  done < <(units_of "$tag")

  mkdir -p "$dir"
  temp=$(mktemp "$UNIT_DIR/.share.XXXXXX")
  unit_text "$tag" "$dir" >"$temp"
  chmod 0644 "$temp"
  if cmp -s "$temp" "$UNIT_DIR/$unit"; then
    rm -f "$temp"
  else
    mv -f "$temp" "$UNIT_DIR/$unit"
  fi
  # One reload, and only if there is news: each takes seconds in an emulated guest.
  systemctl --quiet --no-reload enable "$unit"
  [[ $(systemctl show -p NeedDaemonReload -p LoadState --value "$unit" | sort | paste -sd ' ') == "loaded no" ]] ||
    systemctl daemon-reload
  systemctl start "$unit" || {
    journalctl --no-pager -b -n 20 -u "$unit" >&2 || true
    die "found that the share '$tag' does not mount on $dir, required mounted; the domain needs a 9p filesystem with this tag and the kernel CONFIG_NET_9P_VIRTIO (Debian's cloud kernel lacks it); log journalctl -u $unit"
  }
  [[ $(findmnt -n -o SOURCE,FSTYPE --raw "$dir") == "$tag 9p" ]] ||
    die "found '$(findmnt -n -o SOURCE,FSTYPE "$dir")' on $dir, required '$tag 9p'; unmount what covers it"
  printf 'share tag=%s dir=%s state=mounted\n' "$tag" "$dir"
}

# By systemd-escape's rules for the letters that check_dir lets through.
describe_share() {
  local name=${2#/}
  name=${name//-/\\x2d}
  printf '644 %s %s\n' "$(unit_text "$1" "$2" | sha256sum | cut -d' ' -f1)" "$UNIT_DIR/${name//\//-}.mount"
}

remove_share() {
  local unit
  while read -r unit; do remove_unit "$unit"; done < <(units_of "$1")
  printf 'share tag=%s state=removed\n' "$1"
}

main() {
  case "${1-} $#" in
    "mount 3" | "remove 2" | "describe 3") ;;
    *) die "found arguments '$*', required mount TAG DIR, remove TAG or describe TAG DIR" ;;
  esac
  check_tag "$2"
  [[ $1 == remove ]] || check_dir "$3"
  if [[ $1 == describe ]]; then
    describe_share "$2" "$3"
    return
  fi
  ((EUID == 0)) || die "found user $(id -un), required root; run 'sudo -n bash -s -- $1 ...'"
  if [[ $1 == mount ]]; then mount_share "$2" "$3"; else remove_share "$2"; fi
}

main "$@"
