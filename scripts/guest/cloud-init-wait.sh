#!/usr/bin/env bash
# Waits until cloud-init has ended and prints its status as JSON. Runs in the guest, as root.
#   cloud-init-wait.sh [LIMIT_SECONDS]
# Exits non-zero on an error, with the failing module and the log's last 40 lines.
set -euo pipefail

readonly RESULT=/run/cloud-init/result.json
readonly STATUS=/run/cloud-init/status.json
readonly LOG=/var/log/cloud-init.log

say() { printf '%s\n' "cloud-init: $*" >&2; }

fail() {
  printf '%s\n' "--- last lines of $LOG" >&2
  tail -n 40 "$LOG" >&2 || true
  say "$*"
  exit 1
}

# Stages that systemd reports as failed: such a stage writes no result.
failed_stages() {
  systemctl list-units --state=failed --plain --no-legend 'cloud-*' | awk '{ print $1 }' | paste -sd ' '
}

# Not by `cloud-init status --wait`: that sleeps a second and starts Python for each look, which takes
# seconds in an emulated guest.
wait_end() {
  local limit=$1 start=$SECONDS failed
  until [[ -s $RESULT ]]; do
    failed=$(failed_stages)
    [[ -z $failed ]] || fail "found failed stage $failed; need all stages done; fix: correct the seed; log: $LOG"
    [[ ! -e /run/cloud-init/disabled ]] || fail "found cloud-init disabled in this guest; need it enabled; log: /run/cloud-init/ds-identify.log"
    ((SECONDS - start < limit)) || fail "found cloud-init still running after $limit s; need it done; fix: correct what it waits for; log: $LOG"
    sleep 0.5
  done
}

# Errors are in status.json by stage, as cloud-init 22 and later write it.
errors() {
  python3 -c '
import json, sys
stages = json.load(open(sys.argv[1]))["v1"]
for name, stage in sorted(stages.items()):
    if isinstance(stage, dict):
        for error in stage.get("errors") or []:
            print(f"{name}: {error}")
' "$STATUS"
}

print_status() {
  python3 -c '
import json, sys
v1 = json.load(open(sys.argv[1]))["v1"]
errors = [e for s in v1.values() if isinstance(s, dict) for e in s.get("errors") or []]
print(json.dumps({"status": "error" if errors else "done", "datasource": v1.get("datasource"), "errors": errors}))
' "$STATUS"
}

main() {
  local limit=${1:-600} found
  [[ $limit =~ ^[1-9][0-9]{0,4}$ ]] || {
    say "found limit '$limit'; need seconds, 1 to 99999"
    exit 1
  }
  ((EUID == 0)) || {
    say "found user $(id -un); need root; fix: run it with 'sudo -n bash -s -- $limit'"
    exit 1
  }
  command -v cloud-init >/dev/null || {
    say "found no cloud-init; need it in a guest with a seed; fix: install package cloud-init"
    exit 1
  }
  wait_end "$limit"
  found=$(errors)
  print_status
  [[ -z $found ]] || fail "found error in $found; need none; fix: correct the seed; log: $LOG"
}

main "$@"
