#!/usr/bin/env bash
# Loopback ports of the guests on this host, one file a guest, so that no two guests share one.
#   ports.sh reserve DATA NAME PORT...  prints the ports of NAME in one line; PORT 0 is any free one
#   ports.sh keep DATA NAME PORT...     the same for a guest that has its ports already, and may use them
#   ports.sh release DATA NAME
# A reservation outlives Pulumi's state: asking again answers the same ports.
set -euo pipefail

readonly ME=ports
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# Below Linux's ephemeral range (32768 up), so that no outgoing connection sits on one.
readonly FIRST=22000 LAST=29999
readonly LOCK=/run/lock/mirlab-ports

listening() { [[ -n $(ss -Hltn "sport = :$1") ]]; }
owner_of() { (cd "$folder" 2>/dev/null && grep -lwF -- "$1" ./* 2>/dev/null | sed 's|^\./||' | grep -vxF -- "$name" | head -n 1) || true; }

# Whether one of the words of $1 is $2.
has() { [[ " $1 " == *" $2 "* ]]; }

check_wish() {
  local wish=$1 owner holder
  owner=$(owner_of "$wish")
  [[ -z $owner ]] || die "found port $wish reserved by $owner; need a free one; fix: choose another port"
  if ! has "$held $kept" "$wish" && listening "$wish"; then
    holder=$(as_root ss -Hltnp "sport = :$wish" | awk 'NR == 1 { print $NF }')
    die "found port $wish in use by $holder; need a free one; fix: choose another port"
  fi
}

# The first port that nobody has, from a start that differs by guest and lab.
pick() {
  local port span=$((LAST - FIRST + 1)) start i
  start=$(printf '%s %s %s' "$folder" "$name" "$taken" | cksum | cut -d' ' -f1)
  for ((i = 0; i < span; i++)); do
    port=$((FIRST + (start + i) % span))
    has "$taken" "$port" || [[ -n $(owner_of "$port") ]] || listening "$port" || {
      printf '%s\n' "$port"
      return
    }
  done
  die "found no free port between $FIRST and $LAST; need one; fix: end what listens there"
}

# `taken` begins with the wishes: no other port of this guest may be one of them.
reserve() {
  local held='' taken='' ports='' wish port i=0 old=()
  if [[ -f $folder/$name ]]; then
    held=$(<"$folder/$name")
    [[ -n $kept || $held =~ ^[1-9][0-9]*(\ [1-9][0-9]*)*$ ]] ||
      die "found $folder/$name without a list of ports; need one; fix: remove the file: the guest gets new ports"
  fi
  read -ra old <<<"$held"
  for wish in "$@"; do
    if ! [[ $wish =~ ^(0|[1-9][0-9]{0,4})$ ]] || ((wish > 65535)); then
      die "found port '$wish'; need 0 to 65535"
    fi
    ((wish > 0)) || continue
    ! has "$taken" "$wish" || die "found port $wish twice; need different ports; fix: choose another port"
    check_wish "$wish"
    taken="$taken $wish"
  done
  for wish in "$@"; do
    if ((wish > 0)); then
      port=$wish
    elif [[ -n ${old[i]-} ]] && ! has "$taken" "${old[i]}"; then
      port=${old[i]}
    else
      port=$(pick)
    fi
    ports="$ports $port" taken="$taken $port" i=$((i + 1))
  done
  ports=${ports# }
  if [[ $ports != "$held" ]]; then
    new_folders 0755 "${folder%/ports}" "$folder"
    printf '%s\n' "$ports" | as_root tee "$folder/.$name.partial" >/dev/null
    as_root mv -f "$folder/.$name.partial" "$folder/$name"
  fi
  printf '%s\n' "$ports"
}

keep() {
  kept=$*
  reserve "$@"
}

release() {
  [[ -d $folder ]] || return 0
  as_root rm -f "$folder/$name" "$folder/.$name.partial"
  as_root rmdir --ignore-fail-on-non-empty "$folder"
}

(($# >= 3)) || die "found $# arguments; need reserve|keep|release DATA NAME [PORT...]"
verb=$1 folder=$2/ports name=$3 kept=''
shift 3
[[ $verb == reserve || $verb == keep || $verb == release ]] || die "found verb '$verb'; need reserve, keep or release"
[[ $name =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || die "found name '$name'; need letters, digits, . _ -"
command -v ss >/dev/null || die "found no ss; need it; fix: install package iproute2"
# Not in the folder: a lock file that goes with its folder is no lock.
# Touched, not installed: that would replace the file which another one holds.
[[ -e $LOCK ]] || as_root touch "$LOCK"
exec 9<"$LOCK"
flock -w 60 9 || die "found $LOCK held for 60 s; need the lock; fix: wait for the lab that starts on this host"
"$verb" "$@"
