#!/usr/bin/env bash
# Loopback ports of the guests on this host, one file a guest, so that no two guests share one.
#   ports.sh reserve DATA NAME PORT...  prints the ports of NAME in one line; PORT 0 is any free one
#   ports.sh release DATA NAME
# A reservation outlives Pulumi's state: asking again answers the same ports.
set -euo pipefail

# Below Linux's ephemeral range (32768 up), so that no outgoing connection sits on one.
readonly FIRST=22000 LAST=29999
readonly LOCK=/run/lock/mirlab-ports

say() { printf '%s\n' "ports: $*" >&2; }
die() {
  say "$*"
  exit 1
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    die "found user $(id -un) without password-free sudo, required root for '$1'; run 'sudo -v' first or run as root"
  fi
}

listening() { [[ -n $(ss -Hltn "sport = :$1") ]]; }
owner_of() { (cd "$folder" && grep -lwF -- "$1" ./* 2>/dev/null | sed 's|^\./||' | grep -vxF -- "$name" | head -n 1) || true; }

# The wish itself, or the first port that nobody has from a start that differs by guest.
pick() {
  local wish=$1 port owner
  if ((wish > 0)); then
    owner=$(owner_of "$wish")
    [[ -z $owner ]] || die "found port $wish reserved by $owner, required a free one; choose another port"
    if [[ " $held " != *" $wish "* ]] && listening "$wish"; then
      die "found port $wish in use by $(ss -Hltnp "sport = :$wish" | awk 'NR == 1 { print $NF }'), required a free one; choose another port"
    fi
    printf '%s\n' "$wish"
    return
  fi
  local span=$((LAST - FIRST + 1)) start i
  start=$(printf '%s %s' "$name" "$taken" | cksum | cut -d' ' -f1)
  for ((i = 0; i < span; i++)); do
    port=$((FIRST + (start + i) % span))
    [[ " $taken " == *" $port "* || -n $(owner_of "$port") ]] && continue
    listening "$port" && continue
    printf '%s\n' "$port"
    return
  done
  die "found no free port between $FIRST and $LAST, required one; end what listens there"
}

reserve() {
  local held='' taken='' wish port i=0
  [[ ! -f $folder/$name ]] || held=$(<"$folder/$name")
  local old=()
  read -ra old <<<"$held"
  for wish in "$@"; do
    [[ $wish =~ ^[0-9]{1,5}$ ]] || die "found port '$wish', required a number"
    if ((wish == 0)) && [[ -n ${old[i]-} ]]; then
      port=${old[i]}
    else
      port=$(pick "$wish")
    fi
    taken="$taken $port"
    i=$((i + 1))
  done
  taken=${taken# }
  if [[ $taken != "$held" ]]; then
    printf '%s\n' "$taken" | as_root tee "$folder/.$name.partial" >/dev/null
    as_root mv -f "$folder/.$name.partial" "$folder/$name"
  fi
  printf '%s\n' "$taken"
}

release() {
  as_root rm -f "$folder/$name"
  as_root rmdir --ignore-fail-on-non-empty "$folder"
}

(($# >= 3)) || die "found $# arguments, required reserve|release DATA NAME [PORT...]"
verb=$1 folder=$2/ports name=$3
shift 3
[[ $verb == reserve || $verb == release ]] || die "found verb '$verb', required reserve or release"
[[ $name =~ ^[A-Za-z0-9._-]+$ && $name != .* ]] || die "found name '$name', required letters, digits, . _ -"
as_root install -d -m 0755 "${folder%/ports}" "$folder"
# Not in the folder: a lock file that goes with its folder is no lock.
[[ -e $LOCK ]] || as_root install -m 0666 /dev/null "$LOCK"
exec 9<"$LOCK"
flock -w 60 9 || die "found $LOCK held for 60 s, required the lock; another lab is starting on this host"
"$verb" "$@"
