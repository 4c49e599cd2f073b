# Lomiri's part of session.sh: the desktop session of package lomiri-desktop-session, in a logind
# session of its own on the first virtual terminal, as a display manager would start it.
# Over ssh this text comes before session.sh (io/link.ts); from a checkout session.sh sources it.
# shellcheck shell=bash

readonly LOMIRI_USER=mir
readonly LOMIRI_LOGIN=/usr/local/lib/mir-session/lomiri-login
readonly LOMIRI_SHELL=/usr/local/lib/mir-session/lomiri-shell
readonly LOMIRI_DROPIN=/etc/systemd/user/lomiri.service.d/mir-session.conf
readonly LOMIRI_START_SECONDS=900
readonly LOMIRI_FRAME_SECONDS=90

lomiri_files() { printf '%s\n' "$UNIT_DIR/$SERVER" "$TESTS" "$TESTS_UNIT" "$LOMIRI_LOGIN" "$LOMIRI_SHELL" "$LOMIRI_DROPIN"; }

lomiri_put_files() {
  mkdir -p "$CONFIG" "${LOMIRI_LOGIN%/*}" "${LOMIRI_DROPIN%/*}"
  put_tests
  lomiri_put_unit
  lomiri_put_login
  lomiri_put_dropin
  lomiri_put_shell
}

lomiri_require() {
  id -u "$LOMIRI_USER" >/dev/null 2>&1 || die "found no account '$LOMIRI_USER', required for the session; make it with 'adduser --disabled-password $LOMIRI_USER'"
  [[ -f /usr/lib/systemd/user/lomiri.service ]] || die "found no lomiri.service, required for session.kind lomiri; install package lomiri-desktop-session in the guest"
}

# Conflicts: the getty has the terminal. The start limit leaves time for three starts of minutes.
lomiri_put_unit() {
  put 0644 "$UNIT_DIR/$SERVER" <<FILE
[Unit]
Description=Mir session: Lomiri
After=systemd-user-sessions.service systemd-logind.service getty@tty1.service
Conflicts=getty@tty1.service
StartLimitIntervalSec=3600
StartLimitBurst=3

[Service]
ExecStart=$LOMIRI_LOGIN
User=$LOMIRI_USER
WorkingDirectory=~
PAMName=login
TTYPath=/dev/tty1
TTYReset=yes
TTYVHangup=yes
StandardInput=tty
StandardOutput=journal
StandardError=journal
UtmpIdentifier=tty1
UtmpMode=user
Environment=XDG_SESSION_TYPE=wayland XDG_SESSION_CLASS=user XDG_SESSION_DESKTOP=lomiri XDG_CURRENT_DESKTOP=Lomiri
Restart=on-failure
RestartSec=2
TimeoutStopSec=60

[Install]
WantedBy=multi-user.target
FILE
}

# In place of the package's dm-lomiri-session, which asks systemd about every unit file first: half
# a minute in an emulated guest. Its account may have other logins, so the shell is stopped by name.
lomiri_put_login() {
  put 0755 "$LOMIRI_LOGIN" <<'FILE'
#!/bin/bash
# The login that Lomiri runs in: ends when the shell ends, with its failure.
set -euo pipefail
readonly READY=$XDG_RUNTIME_DIR/mir-session-ready
trap 'rm -f "$READY"; systemctl --user stop lomiri.service graphical-session.target' EXIT
trap 'exit 0' TERM HUP
rm -f "$READY"
systemctl --user daemon-reload
systemctl --user reset-failed lomiri.service 2>/dev/null || true
systemctl --user import-environment XDG_SESSION_ID XDG_SESSION_TYPE XDG_SESSION_CLASS \
  XDG_SESSION_DESKTOP XDG_CURRENT_DESKTOP XDG_SEAT XDG_VTNR
systemctl --user start lomiri.service &
wait $!
shell=$(systemctl --user show -p MainPID --value lomiri.service)
[[ $shell != 0 ]]
: >"$READY"
# Not systemd's own waiting: a unit that it starts again, with one that the shell requires, has not ended for it.
tail --pid="$shell" -f /dev/null &
wait $!
exit 1 # A session that ends by itself is started again.
FILE
}

# In place of the package's lomiri-session, which runs ps ten times a second until the shell is up:
# a whole CPU of an emulated guest. It does not see either that the shell has died.
lomiri_put_dropin() {
  put 0644 "$LOMIRI_DROPIN" <<FILE
[Service]
Type=notify
NotifyAccess=main
ExecStart=
ExecStart=$LOMIRI_SHELL
Environment=MIR_SERVER_PLATFORM_DISPLAY_LIBS=mir:gbm-kms MIR_SERVER_PLATFORM_RENDERING_LIBS=mir:gbm-kms MIR_MESA_KMS_DISABLE_MODESET_PROBE=1
Environment=QT_QPA_PLATFORM=mirserver LOMIRI_AS_SYSTEMD_UNIT=1 QML_NO_TOUCH_COMPRESSION=1 UITK_ICON_THEME=suru WAYLAND_DISPLAY=wayland-0
TimeoutStartSec=$LOMIRI_START_SECONDS
Restart=no
FILE
}

lomiri_put_shell() {
  put 0755 "$LOMIRI_SHELL" <<'FILE'
#!/bin/bash
# Lomiri itself, with patience for slow machines: QtMir gives up 10 s after it started Mir's thread,
# and software rendering in an emulated guest takes longer. So the thread that waits is frozen, in a
# cgroup of its own, until Mir is there; its clock has then run out, and it finds Mir started.
set -euo pipefail
readonly LIMIT_SECONDS=300
readonly SHELL_PID=$$
own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)

alive() { [[ -e /proc/$SHELL_PID/cmdline ]]; }

has_thread() {
  local file name
  for file in "/proc/$SHELL_PID"/task/*/comm; do
    { read -r name <"$file"; } 2>/dev/null || continue
    [[ $name != "$1" ]] || return 0
  done
  return 1
}

# Mir starts its Wayland thread last.
wait_for_thread() {
  local start=$SECONDS
  until has_thread "$1"; do
    alive && ((SECONDS - start < LIMIT_SECONDS)) || return
    sleep 0.2
  done
}

patience() {
  wait_for_thread MirServerThread || return
  mkdir "$own/patience"
  echo threaded >"$own/patience/cgroup.type"
  echo "$SHELL_PID" >"$own/patience/cgroup.threads"
  echo 1 >"$own/patience/cgroup.freeze"
  wait_for_thread Mir/Wayland && sleep 3
  echo 0 >"$own/patience/cgroup.freeze"
  echo "$SHELL_PID" >"$own/cgroup.threads"
  rmdir "$own/patience"
}

dbus-update-activation-environment --systemd WAYLAND_DISPLAY=wayland-0 QT_QPA_PLATFORM=wayland \
  UITK_ICON_THEME=suru QT_WAYLAND_DISABLE_WINDOWDECORATION=1 GTK_CSD=0
rm -f "$XDG_RUNTIME_DIR"/wayland-0{,.lock}
# Not a child of the shell, which would not see it end.
(patience &)
exec lomiri --mode=full-shell
FILE
}

# Ready is when the shell has told so; the unit is active as soon as its login is there.
lomiri_wait_ready() {
  local start=$SECONDS told=0 ready=$1
  until [[ -e $ready ]]; do
    [[ $(property "$SERVER" ActiveState) != failed ]] ||
      lomiri_fail "found $SERVER failed, required a shell that starts"
    ((SECONDS - start < LOMIRI_START_SECONDS)) ||
      lomiri_fail "found no word of the shell after $LOMIRI_START_SECONDS s, required that it is ready"
    if ((SECONDS - start >= told + 30)); then
      told=$((SECONDS - start))
      say "waiting for Lomiri to be ready, $told s of $LOMIRI_START_SECONDS s"
    fi
    sleep 2
  done
}

# The shell is ready some seconds before it has drawn, an emulated guest's half a minute. A shell
# that does not tell is no fault: the picture is judged elsewhere.
lomiri_wait_frame() {
  local start=$SECONDS pid
  pid=$(pgrep -n -x lomiri) || return 0
  until journalctl --no-pager -b -o cat "_PID=$pid" | grep -q 'Last frame took'; do
    ((SECONDS - start < LOMIRI_FRAME_SECONDS)) || return 0
    sleep 3
  done
}

lomiri_fail() {
  journalctl --no-pager -b -n 40 -o cat _SYSTEMD_USER_UNIT=lomiri.service >&2 || true
  fail_with_journal "$1; log journalctl _SYSTEMD_USER_UNIT=lomiri.service"
}

install_lomiri() {
  local settle=$1 work=unchanged run sum
  lomiri_require
  run=/run/user/$(id -u "$LOMIRI_USER")
  lomiri_put_files
  sum=$(lomiri_files | files_sum)
  if [[ $sum != "$(applied_sum)" || $(property "$SERVER" ActiveState) != active ]]; then
    work=restarted
    stop_session
    forget_stale < <(lomiri_files)
    start_session
  fi
  lomiri_wait_ready "$run/mir-session-ready"
  [[ $work == unchanged ]] || lomiri_wait_frame
  wait_settled "$settle" false
  put_facts lomiri "$LOMIRI_USER" "$run/wayland-0" _SYSTEMD_USER_UNIT=lomiri.service true
  put 0644 "$CONFIG/applied" <<<"$sum"
  printf 'mir-session state=%s pid=%s client=none session=%s\n' "$(property "$SERVER" ActiveState)" \
    "$(property "$SERVER" MainPID)" "$work"
}
