#!/usr/bin/env bash
# libvirt's daemons, with systemd or without.
#   libvirtd.sh start|stop|status
# With systemd the unit is started if it is not active, and never stopped here: it is the
# host's. Without systemd this script starts virtlogd and libvirtd as daemons, and before them the system's
# message bus, by which libvirt asks polkit: libvirtd connects to the bus once, and remembers a failure.
# /run/mirlab keeps a note of each: `stop` stops only what this script started, and only when no domain runs.
set -euo pipefail

readonly ME=libvirtd
# shellcheck source=lib.sh
declare -F as_root >/dev/null || source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

readonly SOCKET=/run/libvirt/libvirt-sock
readonly LOG_DIR=/var/log/libvirt
readonly NOTES=/run/mirlab
readonly READY_SECONDS=60
readonly DAEMONS=(virtlogd libvirtd)

has_systemd() { [[ -d /run/systemd/system ]]; }

readonly GROUP=libvirt

# virsh's last error, of one line or more.
refusal=''

asked_by() { refusal=$("$@" timeout 10 virsh --quiet --connect "qemu:///system?socket=$SOCKET" uri 2>&1 >/dev/null); }

# Whoever may ask: a user without root's rights is enough on a host that is prepared.
answers() { asked_by env || { ((EUID != 0)) && has_rights && asked_by as_root; }; }

# Debian lets the members of the group manage domains. polkit reads them from the system's database: this
# session needs no new login.
admit() {
  local user
  ((EUID != 0)) && ! asked_by env || return 0
  user=$(id -un)
  if [[ " $(id -nG "$user") " != *" $GROUP "* ]]; then
    say "adding $user to the group $GROUP, which may manage domains"
    as_root usermod --append --groups "$GROUP" "$user"
  fi
  asked_by env || die "found that libvirt refuses $user, a member of the group $GROUP (${refusal##*$'\n'}); need polkit to decide, or a session that has the group; fix: log in again, then run again"
}

bus_answers() {
  timeout 10 dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId >/dev/null 2>&1
}

# The daemon's own pid, if it still is that daemon: a pid file outlives its process.
pid_of() {
  local pid
  pid=$(as_root cat "/run/$1.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ && $(cat "/proc/$pid/comm" 2>/dev/null) == "$1" ]] && printf '%s\n' "$pid"
}

log_tail() {
  if has_systemd; then
    as_root journalctl --no-pager -n 20 -u libvirtd >&2 || true
  else
    as_root tail -n 20 "$LOG_DIR/libvirtd.log" >&2 || true
  fi
}

wait_ready() {
  local start=$SECONDS
  until answers; do
    if ((SECONDS - start >= READY_SECONDS)); then
      log_tail
      die "found no answer on $SOCKET after $READY_SECONDS s; need a running libvirtd; log: $1"
    fi
    sleep 0.3
  done
}

start_daemon() {
  local name=$1 words=("/usr/sbin/$1" --daemon)
  pid_of "$name" >/dev/null && return
  if [[ $name == dbus-daemon ]]; then
    # dbus-daemon refuses to start while its own pid file is there, and leaves the file when a signal ends it.
    # shellcheck disable=SC2016 # for root's shell to expand
    words=(sh -c 'mkdir -p /run/dbus; exec dbus-daemon --system --fork --nopidfile --print-pid >/run/dbus-daemon.pid 2>"$0"' "$LOG_DIR/$name.log")
  fi
  # The note comes first: a kill between the two leaves a note without a daemon, which
  # `stop` passes over, and never a daemon without a note.
  as_root touch "$NOTES/$name.started"
  # The daemon must not keep a caller's pipe or lock open, or the caller waits for ever.
  as_root env "LIBVIRT_LOG_OUTPUTS=3:file:$LOG_DIR/$name.log" "${words[@]}" \
    </dev/null >/dev/null 2>&1 3>&- 9>&- {starting}>&- || {
    as_root rm -f "$NOTES/$name.started"
    as_root tail -n 20 "$LOG_DIR/$name.log" >&2 || true
    die "found that $name does not start; need it running; log: $LOG_DIR/$name.log"
  }
}

# Without udev /dev/kvm keeps the kernel's root:root 0600. libvirt then has KVM when it asks as root
# and not as QEMU's user, distrusts its own capability cache and probes QEMU before every step
# (measured: 5 s instead of 0.3 s to start a domain). So it gets the owner that Debian's udev gives.
own_kvm() {
  [[ -c /dev/kvm && $(stat -c '%U:%G:%a' /dev/kvm) == root:root:600 ]] || return 0
  ! pgrep -x systemd-udevd >/dev/null && getent group kvm >/dev/null || return 0
  as_root chgrp kvm /dev/kvm
  as_root chmod 0660 /dev/kvm
}

start() {
  local name
  command -v virsh >/dev/null || die "found no virsh; need libvirt; fix: install packages libvirt-daemon-system and libvirt-clients"
  [[ -x /usr/sbin/libvirtd ]] || die "found no /usr/sbin/libvirtd; need libvirt; fix: install package libvirt-daemon-system"
  has_systemd || own_kvm
  if answers; then
    admit
    say "running"
    return
  fi
  if has_systemd; then
    as_root systemctl start libvirtd.service || {
      log_tail
      die "found that libvirtd.service does not start; need it active; log: journalctl -u libvirtd"
    }
    wait_ready "journalctl -u libvirtd"
  else
    as_root mkdir -p "$NOTES" "$LOG_DIR"
    # One starter at a time: of two, the one that loses would remove the note of the one that wins.
    exec {starting}<"$NOTES"
    flock "$starting"
    # The bus starts polkit when somebody asks for it.
    if command -v dbus-daemon >/dev/null && ! bus_answers; then start_daemon dbus-daemon; fi
    for name in "${DAEMONS[@]}"; do start_daemon "$name"; done
    wait_ready "$LOG_DIR/libvirtd.log"
  fi
  admit
  say "started"
}

stop_daemon() {
  local name=$1 pid try
  [[ -e $NOTES/$name.started ]] || return 0
  if pid=$(pid_of "$name"); then
    as_root kill "$pid"
    for ((try = 0; try < 100; try++)); do
      pid_of "$name" >/dev/null || break
      sleep 0.1
    done
    ! pid_of "$name" >/dev/null || die "found $name (pid $pid) running 10 s after the signal to end; need it ended; log: $LOG_DIR/$name.log"
  fi
  as_root rm -f "$NOTES/$name.started"
}

stop() {
  local domains
  if has_systemd; then
    say "left running: it belongs to the host's systemd"
    return
  fi
  if ! compgen -G "$NOTES/*.started" >/dev/null; then
    say "left as it is: not started by this script"
    return
  fi
  if answers; then
    domains=$(as_root virsh --quiet --connect qemu:///system list --name | sed '/^$/d' | paste -sd ' ')
    if [[ -n $domains ]]; then
      say "left running: it still serves $domains"
      return
    fi
  fi
  stop_daemon libvirtd
  stop_daemon virtlogd
  stop_daemon dbus-daemon
  say "stopped"
}

status() {
  local owner=host
  [[ ! -e $NOTES/libvirtd.started ]] || owner=mirlab
  if answers; then
    printf 'running owner=%s\n' "$owner"
  else
    printf 'stopped\n'
    return 1
  fi
}

case ${1-} in
  start | stop | status) (($# == 1)) || die "found more than one argument; need one of start, stop, status" ;;
  *) die "found verb '${1-}'; need start, stop or status" ;;
esac
"$1"
