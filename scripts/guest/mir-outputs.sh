#!/usr/bin/env bash
# The outputs of the guest's card, as they are declared: functions of session.sh. A virtual card has
# no plugs: the kernel's files connect and disconnect its outputs.

readonly OUTPUTS=/usr/local/lib/mir-session/outputs
readonly LAYOUT=/etc/mir-session/display.yaml

put_output_program() {
  mkdir -p "${OUTPUTS%/*}"
  put 0755 "$OUTPUTS" <<'FILE'
#!/bin/bash
# Connects and disconnects outputs of the guest's card, by the kernel's file `status` of each. Runs as root.
#   outputs only COUNT     the first COUNT are connected, the others are as the card says
#   outputs plug N | unplug N
set -euo pipefail

tell() { # tell N WORD
  local file files=(/sys/class/drm/card*-*-"$1"/status)
  [[ -e ${files[0]} ]] || {
    printf 'outputs: found no output %s of the card; need one of: %s\n' "$1" "$(cd /sys/class/drm && echo card*-*-*)" >&2
    exit 1
  }
  for file in "${files[@]}"; do printf '%s\n' "$2" >"$file"; done
}

case $1 in
  only)
    for folder in /sys/class/drm/card*-*-*; do
      n=${folder##*-}
      if ((n == 1 || n > $2)); then tell "$n" detect; else tell "$n" on; fi
    done
    ;;
  plug) tell "$2" on ;;
  unplug) tell "$2" off ;;
esac
udevadm trigger --action=change --subsystem-match=drm
FILE
}

# Words of --output: WIDTHxHEIGHT@SCALE+X+Y.
layout() {
  local word n=0
  printf 'layouts:\n  default:\n    cards:\n    - card-id: 0\n'
  for word; do
    n=$((n + 1))
    [[ $word =~ ^([0-9]+x[0-9]+)@([0-9.]+)\+([0-9]+)\+([0-9]+)$ ]]
    printf '      Virtual-%d:\n        state: enabled\n        mode: %s\n        position: [%d, %d]\n        scale: %s\n' \
      "$n" "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]}" "${BASH_REMATCH[4]}" "${BASH_REMATCH[2]}"
  done
}

put_outputs() { # put_outputs WORD...
  if (($# == 0)); then
    rm -f "$OUTPUTS" "$LAYOUT"
    return
  fi
  put_output_program
  put 0644 "$LAYOUT" < <(layout "$@")
}

# Of the server's unit.
output_lines() { # output_lines WORD...
  (($# == 0)) || printf '%s\n' "ExecStartPre=+$OUTPUTS only $#" "Environment=MIR_SERVER_DISPLAY_CONFIG=static=$LAYOUT"
}
