# Help of other machines with the native compile, by distcc. A library of build.sh: over ssh its text
# comes before that script's (core/link.io.ts). `prepare` sets work, root and helpers.
# shellcheck shell=bash disable=SC2154

# The confined compile has no network: it reaches each distccd by a Unix socket named by its port.
with_relays() { # with_relays FOLDER PORTS NETWORK ROOT [FROM:TO:MODE...] -- PROGRAM ARG...
  local folder=$1 port i
  for port in $2; do
    confine host "$4" "$folder:/build/out:rw" -- \
      socat "UNIX-LISTEN:/build/out/$port,fork,unlink-early" "TCP:127.0.0.1:$port,connect-timeout=10" &
    for ((i = 0; i < 50; i++)); do
      [[ ! -S $folder/$port ]] || break
      sleep 0.1
    done
  done
  confine "${@:3}"
}

as_helped_builder() { # as_helped_builder PORTS [FROM:TO:MODE...] -- PROGRAM ARG...
  in_lock with_relays "$work/distcc" "$1" none "$root/tree" "$work/distcc:/build/in:ro" "${@:2}"
}

# Runs confined. Succeeds if the distccd compiles to the same bytes as this root's own compiler.
try_helper() { # try_helper PORT
  cd /tmp || exit
  printf 'int f(int a) { return a * 3; }\n' >probe.c
  gcc -O2 -c -o own.o probe.c
  DISTCC_FALLBACK=0 DISTCC_SSH=/build/in/ssh DISTCC_HOSTS="@$1" timeout 30 distcc gcc -O2 -c -o theirs.o probe.c 2>/dev/null ||
    { echo "no compiler" && exit 1; }
  cmp -s own.o theirs.o || { echo "another compiler" && exit 1; }
}

# Sets ports and jobs. Skips a helper that is off or has another compiler: the compile needs none.
choose_helpers() {
  local helper port found hosts=()
  as_root install -d -m 0755 -o "$BUILDER" -g "$BUILDER" "$work/distcc"
  # distcc calls this program in place of ssh, with the host's name.
  # shellcheck disable=SC2016 # for the script's own shell
  printf '#!/bin/sh\nexec socat - "UNIX-CONNECT:/build/in/$1"\n' | as_root tee "$work/distcc/ssh" >/dev/null
  as_root chmod 0755 "$work/distcc/ssh"
  for helper in ${helpers[@]+"${helpers[@]}"}; do
    port=${helper%/*}
    if found=$(as_helped_builder "$port" "$work/out:/build/out:rw" -- bash -c "set -euo pipefail; $(declare -f try_helper); try_helper $port"); then
      ports+=("$port") hosts+=("@$helper") jobs=$((jobs + ${helper#*/}))
    else
      say "distcc at 127.0.0.1:$port: found ${found:-no compiler}, so this helper is skipped; need $(as_root chroot "$root/tree" gcc --version | head -n 1); fix: check the tunnel and the distccd at its end"
    fi
  done
  ((${#hosts[@]} == 0)) || printf '%s\n' "${hosts[*]} localhost/$(nproc)" | as_root tee "$work/distcc/hosts" >/dev/null
}
