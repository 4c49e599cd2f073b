#!/usr/bin/env bash
# QEMU 11 of Debian 13's backports in a tree of its own, beside the machine's: it emulates AMD's SVM well enough for KVM
# in the emulated host. QEMU 7.2 resets such a host some minutes into its guest's boot (triple fault); QEMU 10.0.13 did
# so in one run of three, and hung in another.
#   emulator.sh make DIR              makes the tree below DIR, if it is not there; prints its path
#   emulator.sh run TREE FOLDER BASE ARG...   runs a program of the tree, for which FOLDER is /work and BASE is
#                                     /base, read-only. It ends with whoever started this
set -euo pipefail

readonly ME=emulator
here=$(dirname -- "${BASH_SOURCE[0]}")
# shellcheck source-path=SCRIPTDIR source=../../scripts/host/lib.sh
source "$here/../../scripts/host/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/host/apt-way.sh
source "$here/../../scripts/host/apt-way.sh"

readonly SUITE=trixie
readonly FROM=trixie-backports
readonly PACKAGES=(qemu-system-x86 qemu-utils)

make() {
  local dir=$1 key tree conf name
  key=$(printf '%s\n' "$SUITE" "$FROM" "${PACKAGES[@]}" | sha256sum | cut -c 1-16)
  tree=$dir/emulator-$key
  if [[ ! -e $tree/done ]]; then
    say "unpacking ${PACKAGES[*]} of $FROM"
    rm -rf --one-file-system -- "$tree"
    conf=$tree.apt
    { apt_way && apt_passwords; } >"$conf"
    {
      archive_sources "$SUITE" "$(host_mirror "$SUITE")"
      printf 'deb [signed-by=%s] %s %s main\n' "$(keyring_of "$SUITE")" "$(host_mirror "$SUITE")" "$FROM"
    } |
      mmdebstrap --quiet --mode=root --variant=extract --format=directory --keyring="$(keyring_of "$SUITE")" \
        --include="$(IFS=, && echo "${PACKAGES[*]}")" --aptopt='APT::Install-Recommends "false"' \
        --aptopt="APT::Default-Release \"$FROM\"" "${way_hooks[@]}" "$SUITE" "$tree" - >&2
    rm -f -- "$conf"
    mkdir -p "$tree/work" "$tree/base" "$tree/dev" "$tree/tmp" "$tree/etc"
    touch "$tree/etc/resolv.conf"
    # A whole system has these links by base-files' own script.
    for name in bin sbin lib lib64; do [[ -e $tree/$name ]] || ln -s "usr/$name" "$tree/$name"; done
    touch "$tree/done"
  fi
  printf '%s\n' "$tree"
}

# Mounts are of a namespace of their own, so nothing is left of them.
run() {
  # shellcheck disable=SC2016 # for the inner shell
  exec setpriv --pdeathsig KILL unshare --mount bash -c 'set -e
    tree=$1
    mount --bind "$2" "$tree/work"
    mount --bind "$3" "$tree/base"
    mount --rbind /dev "$tree/dev"
    mount --bind /etc/resolv.conf "$tree/etc/resolv.conf"
    shift 3
    exec setpriv --pdeathsig KILL chroot "$tree" "$@"' emulator "$@"
}

"$@"
