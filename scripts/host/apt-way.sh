# The archives of Debian and Ubuntu, and how this host's apt reaches them: mirrors, proxies, private certificates,
# expired lists, passwords. A library of packages.sh, image-build.sh, build.sh and seed.sh: over ssh its text comes
# before theirs (core/link.io.ts).
# shellcheck shell=bash disable=SC2034 # the scripts that source this read the tables

# The distribution of each suite.
declare -rA DISTRIBUTIONS=(
  [bookworm]=debian [trixie]=debian [forky]=debian [sid]=debian
  [noble]=ubuntu [resolute]=ubuntu
)
declare -rA ARCHIVES=([debian]=http://deb.debian.org/debian [ubuntu]=http://archive.ubuntu.com/ubuntu)
declare -rA SECURITY_ARCHIVES=(
  [debian]=http://deb.debian.org/debian-security [ubuntu]=http://security.ubuntu.com/ubuntu
)
declare -rA COMPONENTS=([debian]=main [ubuntu]="main universe")
# Keys that sign an archive: FILE:PACKAGE.
declare -rA KEYRINGS=(
  [debian]=/usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring
  [ubuntu]=/usr/share/keyrings/ubuntu-archive-keyring.gpg:ubuntu-keyring
)

distribution_of() { printf '%s' "${DISTRIBUTIONS[${1%%-*}]-debian}"; } # distribution_of SUITE

keyring_of() { # keyring_of SUITE
  local entry=${KEYRINGS[$(distribution_of "$1")]}
  printf '%s' "${entry%%:*}"
}

# The lab's own way to Debian's archives, where it is not the host's: MIRLAB_APT has words KEY=VALUE of the keys
# proxy, mirror, security and valid-until (components/host/aptSettings.ts).
apt_setting() { # apt_setting KEY
  local word words
  read -ra words <<<"${MIRLAB_APT-}"
  for word in ${words[@]+"${words[@]}"}; do [[ $word != "$1="* ]] || printf '%s' "${word#*=}"; done
}

# The mirror that the lab or the host uses for a suite, or nothing.
mirror_of() { # mirror_of SUITE
  local distribution own=mirror
  distribution=$(distribution_of "$1")
  if [[ $distribution == debian ]]; then
    [[ $1 != *-security ]] || own=security
    own=$(apt_setting "$own")
    # With a mirror of the lab's own, its security archive is not the host's either.
    if [[ -n $own || -n $(apt_setting mirror) ]]; then
      printf '%s\n' "$own"
      return
    fi
  fi
  # Ubuntu calls the suites beside a release by its code name, too.
  # shellcheck disable=SC2016 # apt expands these names.
  apt-get indextargets --format '$(REPO_URI) $(SUITE) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' "Origin: ${distribution^}" 2>/dev/null |
    awk -v suite="$1" '($2 == suite || $3 == suite) && $4 == "main" && $1 ~ /^https?:/ { sub("/+$", "", $1); print $1; exit }' || true
}

# The same, else the distribution's own.
host_mirror() { # host_mirror SUITE
  local uri
  uri=$(mirror_of "$1")
  printf '%s\n' "${uri:-${ARCHIVES[$(distribution_of "$1")]}}"
}

# Lines for apt: the suite, its updates and its security.
archive_sources() { # archive_sources SUITE MIRROR
  local suite=$1 mirror=$2 distribution security keyring components
  distribution=$(distribution_of "$suite")
  keyring=$(keyring_of "$suite")
  components=${COMPONENTS[$distribution]}
  printf 'deb [signed-by=%s] %s %s %s\n' "$keyring" "$mirror" "$suite" "$components"
  # What is fixed in sid is in sid.
  [[ $suite != sid ]] || return 0
  # The host's own; else beside the mirror, unless it has a name of its own.
  security=$(mirror_of "$suite-security")
  [[ -n $security || $mirror != */debian ]] || security=$mirror-security
  printf 'deb [signed-by=%s] %s %s %s\n' "$keyring" "$mirror" "$suite-updates" "$components" \
    "$keyring" "${security:-${SECURITY_ARCHIVES[$distribution]}}" "$suite-security" "$components"
}

# Lines of apt.conf: the way alone. apt would take a proxy from the environment too, which sudo drops. What
# the lab sets itself (apt_setting) wins.
apt_way() {
  local proxy
  proxy=$(apt_setting proxy)
  if [[ -z $proxy ]]; then
    host_way
  else
    host_way | grep -vE '^Acquire::https?::Proxy(::[^ ]+)? ' || true
    printf 'Acquire::%s::Proxy "%s";\n' http "$proxy" https "$proxy"
  fi
  case $(apt_setting valid-until) in
    ignore) printf 'Acquire::Check-Valid-Until "false";\n' ;;
    check) printf 'Acquire::Check-Valid-Until "true";\n' ;;
  esac
}

host_way() {
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

# mmdebstrap's hooks for a tree whose apt takes the settings in ROOT.apt. They hold for the build alone: they are the
# host's, and may be secret. mmdebstrap's own hooks (eatmydata) call an apt that reads the tree's files only.
# shellcheck disable=SC2016,SC2034 # mmdebstrap expands $1; the scripts that source this use it
readonly way_hooks=(
  --setup-hook='[ ! -s "$1.apt" ] || { cat "$1.apt" >>"$MMDEBSTRAP_APT_CONFIG"
    mkdir -p "$1/etc/apt/apt.conf.d"
    install -m 0600 "$1.apt" "$1/etc/apt/apt.conf.d/99mirlab-build"; }'
  --customize-hook='rm -f "$1/etc/apt/apt.conf.d/99mirlab-build"'
)

# Text for root's shell that makes a tree: the hooks, and `keep_way FILE`, which writes the settings. They are on no
# command line, where every user of the machine would read them.
root_way() {
  declare -p way_hooks
  # shellcheck disable=SC2016 # for root's shell to expand
  printf 'keep_way() { (umask 077 && printf "%%s\\n" %q >"$1"); }\n' "$(apt_way && apt_passwords)"
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

# The same for an apt in a tree of its own, which reads FOLDER as INSIDE: apt.conf, the certificates and, for
# user OWNER alone, the passwords.
way_into() { # way_into FOLDER INSIDE OWNER
  local way authority=''
  way=$(apt_way)
  authority=$(sed -nE 's/^Acquire::https?(::[^ ]+)?::CaInfo "(.*)";$/\2/p' <<<"$way" | head -n 1)
  {
    sed -E "s#^(Acquire::https?(::[^ ]+)?::CaInfo) .*#\1 \"$2/authority.pem\";#" <<<"$way"
    printf 'Dir::Etc::%s "%s";\n' netrc "$2/auth.conf" netrcparts -
  } | as_root tee "$1/apt.conf" >/dev/null
  [[ -z $authority ]] || as_root install -m 0644 -- "$authority" "$1/authority.pem"
  passwords | as_root install -m 0400 -o "$3" /dev/stdin "$1/auth.conf"
}

# The value of the last line `Acquire::KEY` of standard input; KEY is a regular expression.
acquire_value() { sed -nE "s#^Acquire::$1 \"(.*)\";\$#\\1#p" | tail -n 1; }

# Sets curl_way for a file of the archives: lib.sh's get_url takes it. NETRC is a new file of mode 0600.
use_curl_way() { # use_curl_way URL NETRC
  local way scheme=${1%%:*} rest=${1#*://} host proxy authority
  host=${rest%%[/:]*}
  way=$(apt_way)
  proxy=$(acquire_value "$scheme::Proxy::${host//./\\.}" <<<"$way")
  [[ -n $proxy ]] || proxy=$(acquire_value "$scheme::Proxy" <<<"$way")
  authority=$(acquire_value "$scheme::CaInfo" <<<"$way")
  curl_way=(--netrc-file "$2")
  case $proxy in
    '') ;;
    DIRECT) curl_way+=(--noproxy '*') ;;
    *) curl_way+=(--proxy "$proxy") ;;
  esac
  [[ -z $authority ]] || curl_way+=(--cacert "$authority")
  # Of a machine curl knows the name alone.
  passwords | sed -E 's#(machine[[:space:]]+)([a-z+]+://)?([^/:[:space:]]+)[^[:space:]]*#\1\3#' |
    as_root install -m 0600 /dev/stdin "$2"
}

# A proxy's URL, where a proxy on this host's loopback has GATEWAY's address.
as_guest_sees() { # as_guest_sees GATEWAY
  sed -E "s#://(([^@/\"]*@)?)(localhost|127\.[0-9.]+|\[::1\])([:/\"]|\$)#://\1$1\4#"
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
      *::Proxy*) value=$(as_guest_sees "$1" <<<"$value") ;;
    esac
    lines+="$key $value"$'\n'
  done <<<"$way"
  printf '%s\n' '#cloud-boothook' '#!/bin/sh' "# The way of the lab host's apt, for this guest's." 'set -e'
  printf "umask 022\ncat >/etc/apt/apt.conf.d/90mirlab-host <<'MIRLAB_END'\n%sMIRLAB_END\n" "$lines"
  [[ -z $authority ]] || printf "cat >/etc/apt/mirlab-host.pem <<'MIRLAB_END'\n%s\nMIRLAB_END\n" "$authority"
  [[ -z $secret ]] || printf "umask 077\nmkdir -p /etc/apt/auth.conf.d\ncat >/etc/apt/auth.conf.d/90mirlab-host.conf <<'MIRLAB_END'\n%s\nMIRLAB_END\n" "$secret"
}
