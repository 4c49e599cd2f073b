# Sourced by scripts that run several steps: each step runs, whatever became of those before it.
# shellcheck shell=bash

failed=()

# step NAME COMMAND...: runs COMMAND with errexit of its own, and notes a failure.
step() {
  local name=$1 start=$SECONDS code=0
  shift
  printf '\n== %s\n' "$name" >&2
  # In a condition, errexit would be off inside COMMAND too.
  set +e
  (
    set -e
    "$@"
  )
  code=$?
  set -e
  if ((code == 0)); then
    printf '== %s: ok, %d s\n' "$name" "$((SECONDS - start))" >&2
  else
    printf '== %s: FAILED, exit code %d, %d s\n' "$name" "$code" "$((SECONDS - start))" >&2
    failed+=("$name")
  fi
}

# steps_end: the summary and the exit code. MIRLAB_TEST_FAILURES names a file with a line for each failed test.
steps_end() {
  if ((${#failed[@]} == 0)); then return; fi
  printf '\n== failed: %s\n' "$(IFS=, && printf '%s' "${failed[*]}")" >&2
  if [[ -s ${MIRLAB_TEST_FAILURES-} ]]; then sort -u -- "$MIRLAB_TEST_FAILURES" >&2; fi
  exit 1
}
