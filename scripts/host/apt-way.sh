# How this host's apt reaches its archives: proxies, private certificates, expired lists, passwords. A library
# of image-build.sh, build.sh and seed.sh: over ssh its text comes before theirs (core/link.io.ts).
# shellcheck shell=bash

# Lines of apt.conf: the way alone. apt would take a proxy from the environment too, which sudo drops.
apt_way() {
  local scheme value host detect direct=${no_proxy-}
  apt-config dump --no-empty --format '%f "%v";%n' |
    grep -E '^Acquire::(https?::(Proxy|CaInfo|CaPath|IssuerCert|SslCert|SslKey|Verify-Peer|Verify-Host)(::[^ ]+)? |(Check-Valid-Until|Min-ValidTime|Max-ValidTime)(::[^ ]+)? )' || true
  for scheme in http https; do
    [[ -z $(apt_value "Acquire::$scheme::Proxy") ]] || continue
    detect=$(apt_value "Acquire::$scheme::Proxy-Auto-Detect")
    [[ -n $detect ]] || detect=$(apt_value "Acquire::$scheme::ProxyAutoDetect")
    if [[ -n $detect ]]; then
      value=$("$detect" "$scheme://deb.debian.org/" 2>/dev/null) || value=''
    else
      value=${scheme}_proxy
      value=${!value-}
      for host in ${direct//,/ }; do
        [[ $host == *[*/]* ]] || printf 'Acquire::%s::Proxy::%s "DIRECT";\n' "$scheme" "${host#.}"
      done
    fi
    [[ ! $value =~ ^[a-z0-9+]+://[^\"\ ]+$ && $value != DIRECT ]] || printf 'Acquire::%s::Proxy "%s";\n' "$scheme" "$value"
  done
}

apt_value() {
  local value=''
  eval "$(apt-config shell value "$1")"
  printf '%s' "$value"
}

# Lines of apt.conf that let apt find the host's passwords, wherever its other files are.
apt_passwords() {
  printf 'Dir::Etc::%s "/etc/apt/%s";\n' netrc auth.conf netrcparts auth.conf.d
}

# The passwords themselves. Never printed but to a file of mode 0600.
passwords() {
  local file
  for file in /etc/apt/auth.conf /etc/apt/auth.conf.d/*.conf; do
    as_root test -f "$file" || continue
    as_root cat -- "$file"
    printf '\n'
  done
}

# A document for cloud-init that gives a guest the same way, or nothing. In the guest the host's loopback has
# another address.
guest_way() { # guest_way GATEWAY
  local way secret authority='' key value lines=''
  way=$(apt_way)
  secret=$(passwords)
  [[ -n $way$secret ]] || return 0
  while read -r key value; do
    [[ -n $key ]] || continue
    case $key in
      Acquire::http*::Ca*)
        # The first file is the guest's only one: more than one is a setting of the host's programs.
        value=${value#\"} value=${value%\";}
        [[ -n $authority ]] || authority=$(cat -- "$value" 2>/dev/null) || authority=''
        value='"/etc/apt/mirlab-host.pem";'
        key=${key/CaPath/CaInfo}
        ;;
      Acquire::http*::Ssl* | *IssuerCert*) continue ;;
      *::Proxy*) value=$(sed -E "s#://(([^@/\"]*@)?)(localhost|127\.[0-9.]+|\[::1\])([:/\"])#://\1$1\4#" <<<"$value") ;;
    esac
    lines+="$key $value"$'\n'
  done <<<"$way"
  printf '%s\n' '#cloud-boothook' '#!/bin/sh' "# The way of the lab host's apt, for this guest's." 'set -e'
  printf "umask 022\ncat >/etc/apt/apt.conf.d/90mirlab-host <<'MIRLAB_END'\n%sMIRLAB_END\n" "$lines"
  [[ -z $authority ]] || printf "cat >/etc/apt/mirlab-host.pem <<'MIRLAB_END'\n%s\nMIRLAB_END\n" "$authority"
  [[ -z $secret ]] || printf "umask 077\nmkdir -p /etc/apt/auth.conf.d\ncat >/etc/apt/auth.conf.d/90mirlab-host.conf <<'MIRLAB_END'\n%s\nMIRLAB_END\n" "$secret"
}
