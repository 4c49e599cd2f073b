# Sourced: runs a long command with its output in a log, and prints a progress line now and then.
# shellcheck shell=bash

PROGRESS_EVERY_S=15

# progress LABEL LOG COMMAND...: returns the command's exit code.
progress() {
  local label=$1 log=$2 started=$SECONDS next=$PROGRESS_EVERY_S child code=0
  shift 2
  say "$label ..."
  "$@" >"$log" 2>&1 </dev/null &
  child=$!
  # Ctrl-C does not reach a script's background child: pass it on, or the build outlives its caller.
  # shellcheck disable=SC2064
  trap "kill $child 2>/dev/null; wait $child 2>/dev/null; exit 130" INT TERM HUP
  while kill -0 "$child" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - started >= next)); then
      say "$label ... $(duration $((SECONDS - started)))"
      next=$((next + PROGRESS_EVERY_S))
    fi
  done
  wait "$child" || code=$?
  trap - INT TERM HUP
  if ((code == 0)); then
    say "$label done in $(duration $((SECONDS - started)))"
  fi
  return "$code"
}

# duration SECONDS
duration() {
  if (($1 < 60)); then
    printf '%ds' "$1"
  else
    printf '%dm%02ds' $(($1 / 60)) $(($1 % 60))
  fi
}
