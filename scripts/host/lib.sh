# Words to the user and root's rights, for the scripts of this folder, which set ME to their name.
# Over ssh a script comes by standard input with this text before it (core/link.io.ts).
# shellcheck shell=bash

# Other programs' words are read here and there: in English, whatever the host speaks. glibc lets LANGUAGE
# win over C.UTF-8.
export LC_ALL=C.UTF-8 LANGUAGE=

# An unusable TMPDIR comes from another machine or another user: /tmp is used.
[[ -z ${TMPDIR-} || (-d $TMPDIR && -w $TMPDIR && -x $TMPDIR) ]] || unset TMPDIR

# What others have to read is readable, whatever the user's umask; secrets set their own.
umask 022

# Progress goes to standard error; standard output is the result.
say() { printf '%s\n' "${ME:?}: $*" >&2; }

die() {
  say "$*"
  exit 1
}

# Succeeds where as_root can run a command.
has_rights() { ((EUID == 0)) || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; }

# Runs a command as root: directly, or by sudo that asks nothing.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif has_rights; then
    sudo -n "$@"
  else
    die "found user $(id -un) without root's rights; need them for '$1'; fix: run 'sudo -v' at the terminal and the verb again, or run it as root, or let sudo ask this user for no password"
  fi
}

# The same, but as this user where there are no root's rights: for looks, and for what libvirt's group may do.
as_able() { if ((EUID != 0)) && has_rights; then sudo -n "$@"; else "$@"; fi; }

# Makes the folders that are missing, and those above them. One that is there keeps its owner and mode: it may
# be somebody's.
new_folders() { # new_folders MODE FOLDER...
  local mode=$1 folder
  shift
  for folder; do [[ -d $folder ]] || as_root test -d "$folder" || as_root install -d -m "$mode" "$folder"; done
}

# --- downloads that are verified, and go on where they were cut off ---

# The user's proxies, for programs that run as root: sudo drops them.
proxies=()
for variable in http_proxy https_proxy no_proxy HTTPS_PROXY NO_PROXY all_proxy ALL_PROXY; do
  [[ -z ${!variable-} ]] || proxies+=("$variable=${!variable}")
done

# More arguments of curl for a URL: the way of the host's apt, for files of its archives (apt-way.sh).
curl_way=()

digest_of() { "${1}sum" "$2" | cut -d' ' -f1; } # digest_of ALGORITHM FILE

# Prints the HTTP status. The lock on the file is its writer's own: by sudo curl does not hold the
# script's, and outlives a script that is killed. https stays https through redirects; loopback may
# be plain.
get_url() { # get_url URL FILE
  as_root env "${proxies[@]}" flock "$2" curl --fail --silent --show-error --location --globoff \
    --proto '=https,http' --proto-redir '=https' \
    --connect-timeout 20 --speed-limit 1024 --speed-time 60 --retry 3 --retry-delay 2 \
    --write-out '%{http_code}' ${curl_way[@]+"${curl_way[@]}"} --continue-at - --output "$2" -- "$1"
}

# FILE has this digest in the end, or is gone. WHAT is the required thing's name in a failure.
download() { # download URL ALGORITHM HEX FILE WHAT
  local url=$1 algorithm=$2 hex=$3 partial=$4 found status code=0
  # A run that was killed may have left a curl behind: it ends first.
  as_root flock "$partial" true
  [[ $(digest_of "$algorithm" "$partial") != "$hex" ]] || return 0
  say "downloading $url"
  status=$(get_url "$url" "$partial") || code=$?
  # 33: the server cannot resume. 416: what is here is no head of the file.
  if ((code == 33)) || [[ $status == 416 ]]; then
    say "found no way to resume; downloading $url from the start"
    as_root rm -f "$partial"
    code=0
    get_url "$url" "$partial" >/dev/null || code=$?
  fi
  ((code == 0)) ||
    die "found no way to download $url (curl exit $code); need $5; fix: check the URL and the host's network, then run 'up' again: it resumes"
  found=$(digest_of "$algorithm" "$partial")
  if [[ $found != "$hex" ]]; then
    as_root rm -f "$partial"
    die "found $algorithm:$found; need $algorithm:$hex for $url; fix: check the digest with the publisher's signed sums; the download was removed"
  fi
}
