# What libvirt has, for host scripts. A libvirt that does not answer says nothing about what it has: then
# these functions end the script, and never mean "no".
# shellcheck shell=bash

# Prints names, one a line: of domains, pools or networks; those that run, or with --all all of them. virsh
# fills the names of pools up with blanks.
libvirt_names() { # libvirt_names domain|pool|network [--all]
  local verb=list names
  case $1 in
    pool) verb=pool-list ;;
    network) verb=net-list ;;
  esac
  names=$(virsh "$verb" --name "${@:2}") ||
    die "libvirt: found no answer about its ${1}s; need one before anything is changed; fix: npm run doctor"
  # shellcheck disable=SC2001 # of every line
  sed 's/ *$//' <<<"$names"
}

# Whether libvirt has it at all.
libvirt_has() { # libvirt_has domain|pool|network NAME
  local names
  names=$(libvirt_names "$1" --all) || exit
  grep -qxF -- "$2" <<<"$names"
}

bridge_of() { # bridge_of NETWORK
  virsh net-info "$1" 2>/dev/null | sed -n 's/^Bridge: *//p'
}

# Prints the cards of a running domain that are outside the bridge of their network, as CARD NETWORK BRIDGE.
loose_cards() { # loose_cards DOMAIN
  local card type network bridge now
  while read -r card type network _; do
    [[ $type == network && -e /sys/class/net/$card ]] || continue
    bridge=$(bridge_of "$network") || true
    now=$(readlink -- "/sys/class/net/$card/master") || true
    [[ -z $bridge || ${now##*/} == "$bridge" ]] || printf '%s %s %s\n' "$card" "$network" "$bridge"
  done < <(virsh domiflist "$1" 2>/dev/null)
}

# Whether it runs.
libvirt_runs() { # libvirt_runs domain|pool|network NAME
  local names
  names=$(libvirt_names "$1") || exit
  grep -qxF -- "$2" <<<"$names"
}
