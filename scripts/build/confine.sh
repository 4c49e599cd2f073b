# Runs programs of a build root away from the machine that they run on. A library: on the lab host and
# in a guest it comes before the script that uses it (io/link.ts).
# shellcheck shell=bash

# Whoever builds: in no passwd, outside the ranges of Debian and systemd.
readonly BUILDER=65533

# Runs as root in namespaces of its own: the root becomes `/`, its own rights are dropped last.
# inside_root ROOT [FROM:TO:MODE...] -- PROGRAM ARG...   MODE: ro or rw; TO is there in the root
inside_root() {
  local root=$1 from to mode node
  shift
  mount --make-rprivate /
  mount --bind "$root" "$root"
  mount -o remount,bind,ro,nosuid,nodev "$root"
  while [[ $1 != -- ]]; do
    IFS=: read -r from to mode <<<"$1"
    mount --bind "$from" "$root$to"
    mount -o "remount,bind,$mode,nosuid,nodev" "$root$to"
    shift
  done
  shift
  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root/tmp"
  mount -t tmpfs -o nosuid,noexec,mode=0755 tmpfs "$root/dev"
  for node in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 0666 "$root/dev/${node%:*}" c 1 "${node#*:}"
  done
  ln -s /proc/self/fd "$root/dev/fd"
  ln -s fd/0 "$root/dev/stdin"
  ln -s fd/1 "$root/dev/stdout"
  ln -s fd/2 "$root/dev/stderr"
  cd -- "$root" || exit
  pivot_root . mnt
  # shellcheck disable=SC2016 # for the shell inside
  exec chroot . /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/tmp TMPDIR=/tmp \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    /bin/bash -c 'umount -l /mnt && cd /build/out && exec setpriv --reuid="$0" --regid="$0" --clear-groups \
      --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"' "$BUILDER" "$@"
}

# confine NETWORK ROOT [FROM:TO:MODE...] -- PROGRAM ARG...   NETWORK: none or host
# A kill of whoever waits ends all of it, and leaves no mount. No open file of ours goes along.
confine() {
  local spaces=(--mount --ipc --uts --pid --fork --kill-child)
  [[ $1 == host ]] || spaces+=(--net)
  shift
  nice -n 10 unshare "${spaces[@]}" bash -c "set -euo pipefail
    exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
    BUILDER=$BUILDER
    $(declare -f inside_root)
    inside_root \"\$@\"" confine "$@"
}
