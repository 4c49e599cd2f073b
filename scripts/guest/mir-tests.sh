#!/usr/bin/env bash
# Mir's own tests in a guest: functions of session.sh and mesa.sh. They need the screen for themselves,
# so they run as the session's unit starts, before its server; what has passed is not run again.

readonly TESTS=/usr/local/lib/mir-session/tests
readonly TESTS_UNIT=/etc/systemd/system/mir-session.service.d/tests.conf

put_test_program() {
  mkdir -p "${TESTS%/*}"
  put 0755 "$TESTS" <<'FILE'
#!/bin/bash
# Mir's own tests, and what they said of what is installed. Runs as root.
#   tests run        runs what has not passed yet; /var/lib/mir-session/tests keeps results and logs
#   tests identity   prints what a result is of: platform, kernel, packages, driver files, the cards' drivers
set -euo pipefail

readonly KEEP=/var/lib/mir-session/tests
# The server's command line, NUL separated.
readonly COMMAND=/etc/mir-session/server
# Seconds that the client is shown: the second time for a guest that is slow.
readonly SHOWN=(3 15)

# Of the session's server, where that is one for a screen.
platform() {
  local word
  if [[ -r $COMMAND ]]; then
    while IFS= read -r -d '' word; do
      [[ $word =~ ^--platform-display-libs=mir:((gbm|atomic)-kms)$ ]] || continue
      printf '%s\n' "${BASH_REMATCH[1]}"
      return
    done <"$COMMAND"
  fi
  printf 'gbm-kms\n'
}

identity() {
  platform
  uname -rv
  dpkg-query -W -f '${Package} ${Version}\n' 'libegl*' 'libgles*' 'libgbm*' 'libgl1-mesa*' 'libgallium*' \
    'libllvm*' 'libdrm*' 'libmir*' 'mir-*' 'mesa-libgallium' 'mirlab-mesa' 2>/dev/null || true
  stat -c '%n %s %Y %i' {/usr,/opt/mirlab/mesa}/lib/*/dri/*_dri.so /usr/lib/*/mir/server-platform/*.so.* 2>/dev/null || true
  readlink /sys/class/drm/card?/device/driver || true
}

harness() { timeout -k 5 60 mir_platform_graphics_test_harness /usr/lib/*/mir/server-platform/graphics-"$(platform)".so.*; }

# Mir's runner shows each of its clients for 3 s; a guest that is slow gets a copy of it that shows them longer.
smoke() {
  local seconds folder libs
  libs=mir:$(platform)
  local -x MIR_SERVER_PLATFORM_DISPLAY_LIBS=$libs MIR_SERVER_CONSOLE_PROVIDER=vt MIR_SERVER_VT=1
  for seconds in "${SHOWN[@]}"; do
    folder=$XDG_RUNTIME_DIR/smoke-$seconds
    mkdir "$folder"
    ln -s /usr/bin/mir_demo_* "$folder"
    sed "s/^timeout=3$/timeout=$seconds/" /usr/bin/mir-smoke-test-runner >"$folder/runner"
    ! timeout -k 5 200 bash "$folder/runner" || return 0
  done
  return 1
}

# Each shell of Mir's has the screen in turn, and shows a server that is its client and has a client. The words of
# MIR_SERVER_* would be the inner server's too, so each gets its own as options: root's inner server would take the
# virtual terminal from the shell. The runner's own answer is right also where it found no shell.
compositor() {
  local folder=$XDG_RUNTIME_DIR/shells shell code=0
  mkdir "$folder"
  ln -s /usr/bin/mir_demo_client_* "$folder"
  ln -s /usr/bin/mir-compositor-smoke-test "$folder/runner"
  with_options mir_demo_server --console-provider=none
  for shell in miral-{kiosk,shell,system-compositor}; do
    [[ ! -x /usr/bin/$shell ]] || with_options "$shell" "--platform-display-libs=mir:$(platform)" --console-provider=vt --vt=1
  done
  # A shell that hangs outlives timeout, which ends the runner; it is of the same group.
  set -m
  timeout 200 bash "$folder/runner" 3>&- &
  wait $! || code=$?
  kill -KILL -- "-$!" 2>/dev/null || true
  set +m
  ((code == 0)) || return "$code"
  grep -q 'executed successfully:' "$KEEP/compositor.log"
}

# In FOLDER, a program of /usr/bin by its name that has these options first.
with_options() { # with_options NAME OPTION...
  printf '#!/bin/sh\nexec /usr/bin/%s "$@"\n' "$*" >"$folder/$1"
  chmod +x "$folder/$1"
}

# A row of the results: name, exit code, and on one line the end of what a failed one said.
row() {
  local name=$1 program=$2 code=0
  command -v "$program" >/dev/null || return 0
  if ! { $same && grep "^$name 0 " "$KEEP/result"; } 2>/dev/null; then
    "$name" >"$KEEP/$name.log" 2>&1 || code=$?
    printf '%s %d %s\n' "$name" "$code" "$( ((code == 0)) && echo PASS || tail -c 400 "$KEEP/$name.log" | tr -sc '[:print:]' ' ')"
  fi
}

run() {
  local same=false now rows
  mkdir -p "$KEEP"
  XDG_RUNTIME_DIR=$(mktemp -d)
  export XDG_RUNTIME_DIR
  trap 'rm -rf "$XDG_RUNTIME_DIR"' EXIT
  now=$(identity)
  [[ $now != "$(cat "$KEEP/identity" 2>/dev/null)" ]] || same=true
  rows=$(
    row harness mir_platform_graphics_test_harness
    row smoke mir-smoke-test-runner
    # Debian's package depends neither on what the runner waits with nor on the platform of a server in a server.
    if command -v inotifywait && compgen -G '/usr/lib/*/mir/server-platform/graphics-wayland.so.*'; then
      row compositor mir-compositor-smoke-test >&3
    fi 3>&1 >/dev/null
  )
  printf '%s\n' "$now" >"$KEEP/identity"
  printf '%s\n' "$rows" >"$KEEP/result.new"
  mv "$KEEP/result.new" "$KEEP/result"
}

"$1"
FILE
}

put_tests() {
  put_test_program
  mkdir -p "${TESTS_UNIT%/*}"
  # A failed test does not keep the session from trying: both tell more than one. The limit is longer than the tests'
  # own: 60 s of the harness, twice 200 s of the clients, 200 s of the shells.
  put 0644 "$TESTS_UNIT" <<FILE
[Service]
ExecStartPre=+-$TESTS run
TimeoutStartSec=800
FILE
}
