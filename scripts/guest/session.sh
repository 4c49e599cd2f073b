#!/usr/bin/env bash
# The Mir session of a guest, as systemd units. Runs in the guest, as root.
#   session.sh install [--settle-seconds N] [--console vt|logind] [--no-client | --client ARG...]
#                      [--output WIDTHxHEIGHT@SCALE+X+Y...] [--server NAME] [--option OPTION... | -- COMMAND ARG...]
#   session.sh install [--settle-seconds N] --lomiri
#   session.sh describe ...     the same arguments: mode, SHA-256 and path of each file that install
#                               writes; of the client's, one line for each that it may be. Anywhere.
# COMMAND is the server; without it mir_demo_server or NAME, on gbm-kms or with these options. --client once per
# argument of the client's command line; without COMMAND there is a default client. With the console vt the server runs
# as root; with logind as the account mir, in a session of its own on the first virtual terminal.
# --lomiri: the desktop session instead, see session-lomiri.sh. The unit's name is the same.
# Command lines are kept as NUL separated arguments in /etc/mir-session: nothing is spliced.
set -euo pipefail

readonly CONFIG=/etc/mir-session
readonly RUNNER=/usr/local/lib/mir-session/run
readonly BANNER=/usr/local/lib/mir-session/banner
readonly UNIT_DIR=/etc/systemd/system
readonly SERVER=mir-session.service
readonly CLIENT=mir-session-client.service
readonly ACCOUNT=mir
# What the server writes, whichever cgroup it is in: logind moves a session's processes to a scope.
readonly LOG_NAME=mir-session
readonly DEFAULT_SERVER=(mir_demo_server --platform-display-libs=mir:gbm-kms --console-provider=vt --vt=1)
# A terminal with a text stands still; the demo client's moving square costs a whole CPU when
# llvmpipe draws it.
readonly DEFAULT_CLIENT=(foot --title=Mir --window-size-pixels=700x360 --font=monospace:size=12 "$BANNER")
readonly FALLBACK_CLIENT=(mir_demo_client_wayland)
readonly SOCKET_SECONDS=120

# shellcheck source=mir-tests.sh
declare -F put_tests >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/mir-tests.sh"
# shellcheck source=mir-outputs.sh
declare -F put_outputs >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/mir-outputs.sh"

say() { printf '%s\n' "session: $*" >&2; }
die() {
  say "$*"
  exit 1
}

require_root() {
  ((EUID == 0)) || die "found user $(id -un), required root; run 'sudo -n bash -s -- install'"
}

# What a session of logind needs.
require_login() {
  id -u "$ACCOUNT" >/dev/null 2>&1 || die "found no account '$ACCOUNT', required for session.console logind; make it with 'adduser --disabled-password $ACCOUNT'"
  grep -qs pam_systemd /etc/pam.d/common-session ||
    die "found no pam_systemd in /etc/pam.d/common-session, required for session.console logind; install package libpam-systemd in the guest"
}

# Standard input becomes FILE, whole or not at all.
put() {
  local mode=$1 file=$2 temp
  temp=$(mktemp "$file.XXXXXX")
  tee "$temp" >/dev/null
  chmod "$mode" "$temp"
  mv -f "$temp" "$file"
}

put_runner() {
  put 0755 "$RUNNER" <<'FILE'
#!/bin/bash
# Runs the NUL separated command line in the file $1; with $2, once that socket is there.
set -euo pipefail
mapfile -d '' -t argv <"$1"
while [[ -n ${2-} && ! -S $2 ]]; do sleep 0.2; done
exec "${argv[@]}"
FILE
}

put_banner() {
  put 0755 "$BANNER" <<'FILE'
#!/bin/bash
# What the default client shows: which software draws this picture.
set -euo pipefail
log() { journalctl -b -t mir-session -o cat --no-pager | sed -n "s/.*$1: //p" | tail -n 1; }
version() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || printf unknown; }
# The one that draws: there may be another than the distribution's.
mesa() {
  local gles
  gles=$(log 'GL version')
  if [[ $gles == *"Mesa "* ]]; then printf '%s' "${gles##*Mesa }"; else version libgl1-mesa-dri; fi
}
printf '\n  Mir runs in this guest\n\n'
printf '  %-10s %s\n' Host "$(hostname)" Linux "$(uname -r)" Mesa "$(mesa)" \
  Mir "$(version mir-platform-graphics-gbm-kms)" Display "$(log 'Selected display driver' | sed 's/ for .*//')" \
  Renderer "$(log 'GL renderer')" GLES "$(log 'GL version')"
# Each key that arrives shows: readiness sends one, and looks for another picture.
stty -echo
printf '\033[?25l'
keys=0
while printf '\r  %-10s %d' Keys "$keys" && read -rsN 1; do keys=$((keys + 1)); done
FILE
}

# Of the server's unit: root's server, or a login at the terminal, by which logind gives its session the screen. Of a
# login, PAM sets the runtime directory, and a unit's Environment= does not count.
start_lines() {
  if [[ $console == vt ]]; then
    printf '%s\n' "ExecStart=$RUNNER $CONFIG/server" 'Environment=XDG_RUNTIME_DIR=/run/mir-session'
    return
  fi
  printf '%s\n' "ExecStart=/usr/bin/env XDG_RUNTIME_DIR=/run/mir-session $RUNNER $CONFIG/server" \
    "User=$ACCOUNT" PAMName=login TTYPath=/dev/tty1 TTYReset=yes TTYVHangup=yes StandardInput=tty \
    StandardOutput=journal StandardError=journal UtmpIdentifier=tty1 UtmpMode=user \
    'Environment=XDG_SESSION_TYPE=wayland XDG_SESSION_CLASS=user XDG_SESSION_DESKTOP=mir'
}

# Of the client's unit; the default client reads the server's log.
client_lines() {
  [[ $console == logind ]] || return 0
  printf '%s\n' "User=$ACCOUNT" SupplementaryGroups=systemd-journal
}

# StartLimit: a session that cannot start ends as failed, with its reason in the journal.
put_server_unit() {
  put 0644 "$UNIT_DIR/$SERVER" <<FILE
[Unit]
Description=Mir session
After=systemd-user-sessions.service getty@tty1.service
Conflicts=getty@tty1.service
StartLimitIntervalSec=120
StartLimitBurst=4

[Service]
$(start_lines)
RuntimeDirectory=mir-session
RuntimeDirectoryMode=0700
SyslogIdentifier=$LOG_NAME
$(output_lines "${outputs[@]}")
Restart=on-failure
RestartSec=2
TimeoutStopSec=20

[Install]
WantedBy=multi-user.target
FILE
}

put_client_unit() {
  put 0644 "$UNIT_DIR/$CLIENT" <<FILE
[Unit]
Description=Client shown in the Mir session
BindsTo=$SERVER
After=$SERVER
ConditionPathExists=$CONFIG/client

[Service]
ExecStart=$RUNNER $CONFIG/client /run/mir-session/wayland-0
Environment=XDG_RUNTIME_DIR=/run/mir-session WAYLAND_DISPLAY=wayland-0 LANG=C.UTF-8
$(client_lines)
Restart=always
RestartSec=2

[Install]
WantedBy=$SERVER
FILE
}

property() { systemctl show -p "$2" --value "$1"; }

fail_with_journal() {
  journalctl --no-pager -b -n 40 "SYSLOG_IDENTIFIER=$LOG_NAME" + "UNIT=$SERVER" + "_SYSTEMD_UNIT=$CLIENT" + "UNIT=$CLIENT" >&2 || true
  die "$1; see the journal lines above; log journalctl -b -t $LOG_NAME"
}

require_running() {
  local state='' restarts=0 key value
  # In which order systemd prints them depends on its version.
  while IFS='=' read -r key value; do
    case $key in NRestarts) restarts=$value ;; ActiveState) state=$value ;; esac
  done < <(systemctl show "$SERVER" -p NRestarts -p ActiveState)
  [[ $state == active && $restarts == "$1" ]] ||
    fail_with_journal "found $SERVER $state after $((restarts - $1)) restarts, required active without a restart; correct the server's command line or the guest's graphics"
}

# Active is not enough: systemd calls a process active as soon as it exists.
wait_settled() {
  local settle=$1 wayland=$2 restarts start
  restarts=$(property "$SERVER" NRestarts)
  start=$SECONDS
  while $wayland && ! test -S /run/mir-session/wayland-0; do
    require_running "$restarts"
    ((SECONDS - start < SOCKET_SECONDS)) ||
      fail_with_journal "found no /run/mir-session/wayland-0 after $SOCKET_SECONDS s, required the server's socket"
    sleep 1
  done
  start=$SECONDS
  while ((SECONDS - start < settle)); do
    require_running "$restarts"
    sleep 1
  done
  require_running "$restarts"
}

installed_files() {
  printf '%s\n' "$RUNNER" "$BANNER" "$CONFIG/server" "$UNIT_DIR/$SERVER" "$UNIT_DIR/$CLIENT" \
    "$TESTS" "$TESTS_UNIT"
  ((${#client[@]} == 0)) || printf '%s\n' "$CONFIG/client"
  ((${#outputs[@]} == 0)) || printf '%s\n' "$OUTPUTS" "$LAYOUT"
}

# What the running session was started from. Written last: a run that was killed half way is
# done again by the next one.
files_sum() { xargs sha256sum | sha256sum | cut -d' ' -f1; }
applied_sum() { cat "$CONFIG/applied" 2>/dev/null || true; }

# Where facts.py finds this session: kind, user, Wayland socket, the log's match in the journal,
# and whether a login starts the server, so that it is not the unit's own process.
put_facts() {
  put 0644 "$CONFIG/session.json" <<<"{\"kind\":\"$1\",\"user\":\"$2\",\"socket\":\"$3\",\"log\":\"$4\",\"login\":$5}"
}

# Stopped before it is loaded anew: a unit that is restarting by itself cannot be.
stop_session() {
  rm -f "$CONFIG/applied"
  systemctl stop "$CLIENT" "$SERVER" 2>/dev/null || true
}

# Removes what another kind of session installed; standard input names the files of this one.
forget_stale() {
  local file wanted
  wanted=$(cat)
  if [[ -e $CONFIG/files ]]; then
    while read -r file; do
      grep -qxF -- "$file" <<<"$wanted" && continue
      [[ $file != "$UNIT_DIR/$CLIENT" ]] || systemctl --quiet --no-reload disable "$CLIENT"
      rm -f -- "$file"
      rmdir --ignore-fail-on-non-empty -- "${file%/*}"
    done <"$CONFIG/files"
  fi
  put 0644 "$CONFIG/files" <<<"$wanted"
}

# $@ units. One reload for all: each takes seconds in an emulated guest. The server's unit
# conflicts with the getty and so ends it.
start_session() {
  systemctl --quiet --no-reload disable getty@tty1.service
  systemctl --quiet --no-reload enable "$SERVER" "$@"
  systemctl daemon-reload
  # Both: a client that ended with its server has failed, also when it is not wanted any more.
  systemctl reset-failed "$SERVER" "$CLIENT" 2>/dev/null || true
  systemctl start "$SERVER" || fail_with_journal "found that $SERVER does not start, required active"
}

write_files() {
  mkdir -p "$CONFIG" "${RUNNER%/*}"
  put_runner
  put_banner
  put 0644 "$CONFIG/server" < <(printf '%s\0' "${server[@]}")
  put_server_unit
  put_outputs "${outputs[@]}"
  put_tests
  # Without a client its unit stays, and its condition passes it over.
  put_client_unit
  if ((${#client[@]} > 0)); then
    put 0644 "$CONFIG/client" < <(printf '%s\0' "${client[@]}")
  else
    rm -f "$CONFIG/client"
  fi
}

# Prints what $@ would write, and writes nothing.
describe() {
  put() { printf '%s %s %s\n' "${1#0}" "$(sha256sum | cut -d' ' -f1)" "$2"; }
  mkdir() { :; }
  rm() { :; }
  "$@"
}

put_session_facts() {
  if [[ $console == logind ]]; then
    put_facts demo "$ACCOUNT" /run/mir-session/wayland-0 "SYSLOG_IDENTIFIER=$LOG_NAME" true
  else
    put_facts demo root /run/mir-session/wayland-0 _SYSTEMD_UNIT=mir-session.service false
  fi
}

install_session() {
  local settle=$1 sum work=unchanged client_state=none
  command -v "${server[0]}" >/dev/null || die "found no command '${server[0]}', required for the session; install its package in the guest (mir_demo_server is in mir-test-tools)"
  ((${#client[@]} == 0)) || command -v "${client[0]}" >/dev/null ||
    die "found no command '${client[0]}', required for the client; install its package in the guest (mir_demo_server is in mir-test-tools)"

  write_files
  sum=$(installed_files | files_sum)
  if [[ $sum != "$(applied_sum)" || $(property "$SERVER" ActiveState) != active ]]; then
    work=restarted
    stop_session
    forget_stale < <(installed_files)
    start_session "$CLIENT"
  fi
  if ((${#client[@]} > 0)); then
    systemctl start "$CLIENT" || fail_with_journal "found that $CLIENT does not start, required active"
  fi
  wait_settled "$settle" "$default_server"
  put_session_facts
  put 0644 "$CONFIG/applied" <<<"$sum"
  ((${#client[@]} == 0)) || client_state=$(property "$CLIENT" ActiveState)
  printf 'mir-session state=%s pid=%s client=%s session=%s\n' "$(property "$SERVER" ActiveState)" \
    "$(property "$SERVER" MainPID)" "$client_state" "$work"
}

main() {
  local settle=5 use_client=true default_server=true default_client=false console=vt name='' verb=${1-}
  local server=("${DEFAULT_SERVER[@]}") client=() options=() outputs=()
  [[ $verb == install || $verb == describe ]] || die "found verb '$verb', required install or describe; usage: session.sh install [--settle-seconds N] [--lomiri | [--console vt|logind] [--no-client | --client ARG...] [--server NAME] [--option OPTION... | -- COMMAND ARG...]]"
  shift
  while (($# > 0)); do
    case $1 in
      --settle-seconds)
        [[ ${2-} =~ ^[0-9]{1,3}$ ]] || die "found --settle-seconds '${2-}', required 0 to 999"
        settle=$2 && shift 2
        ;;
      --client)
        (($# > 1)) || die "found --client without a value, required one argument of the client's command line"
        client+=("$2") && shift 2
        ;;
      --option)
        [[ ${2-} == --* ]] || die "found --option '${2-}', required an option of mir_demo_server"
        options+=("$2") && shift 2
        ;;
      --console)
        [[ ${2-} == vt || ${2-} == logind ]] || die "found --console '${2-}', required vt or logind"
        console=$2 && shift 2
        ;;
      --server)
        [[ ${2-} =~ ^[a-z][a-z0-9_-]*$ ]] || die "found --server '${2-}', required the name of a Mir server"
        name=$2 && shift 2
        ;;
      --output)
        [[ ${2-} =~ ^[0-9]{3,4}x[0-9]{3,4}@[0-9.]{1,4}\+[0-9]{1,5}\+[0-9]{1,5}$ ]] || die "found --output '${2-}', required WIDTHxHEIGHT@SCALE+X+Y"
        outputs+=("$2") && shift 2
        ;;
      --no-client) use_client=false && shift ;;
      --lomiri)
        if (($# > 1 || ${#client[@]} > 0)) || ! $use_client; then
          die "found --lomiri with a client or a server, required it alone and last"
        fi
        # Over ssh its functions come before this text.
        # shellcheck source=session-lomiri.sh
        declare -F install_lomiri >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/session-lomiri.sh"
        if [[ $verb == describe ]]; then
          describe lomiri_put_files
          return
        fi
        require_root
        install_lomiri "$settle"
        return
        ;;
      --)
        shift
        (($# > 0)) || die "found nothing after --, required the server's command line"
        server=("$@") default_server=false
        break
        ;;
      *) die "found argument '$1', required an option; put the server's command line after --" ;;
    esac
  done
  if ((${#options[@]} > 0)); then
    $default_server || die "found both --option and a command, required one of them"
    server=("${DEFAULT_SERVER[0]}" "${options[@]}")
  fi
  if [[ -n $name ]]; then
    $default_server || die "found both --server and a command, required one of them"
    server=("$name" "${server[@]:1}")
  fi
  if ! $use_client; then
    ((${#client[@]} == 0)) || die "found both --client and --no-client, required one of them"
  elif $default_server && ((${#client[@]} == 0)); then
    client=("${DEFAULT_CLIENT[@]}") default_client=true
    [[ $verb == describe ]] || command -v "${client[0]}" >/dev/null || client=("${FALLBACK_CLIENT[@]}")
  fi
  if [[ $verb == describe ]]; then
    describe write_files
    if $default_client; then put 0644 "$CONFIG/client" < <(printf '%s\0' "${FALLBACK_CLIENT[@]}"); fi
    return
  fi
  require_root
  [[ $console == vt ]] || require_login
  install_session "$settle"
}

main "$@"
