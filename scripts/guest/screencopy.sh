#!/usr/bin/env bash
# Writes a picture of the session's own output to standard output (PNG): a server on Mir's virtual platform has no
# screen of the domain's. Runs in the guest, as root.
set -euo pipefail

command -v grim >/dev/null || {
  printf '%s\n' "screencopy: found no grim; install package grim in the guest" >&2
  exit 1
}
export XDG_RUNTIME_DIR=/run/mir-session WAYLAND_DISPLAY=wayland-0
exec timeout -k 5 60 grim -t png -
