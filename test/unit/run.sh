#!/usr/bin/env bash
# Runs the unit tests: all of them, or those in the files named. No engine, no libvirt.
#   run.sh [--coverage] [FILE...]
# --coverage prints the lines that no test reaches, and writes coverage/index.html.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

# Many tests wait for a process or a timer, and the runner's own choice on 2 cores is one file at a time.
runner=(test/node.sh "--test-concurrency=$(($(nproc) + 1))")
if [[ ${1-} == --coverage ]]; then
  shift
  runner=(node_modules/.bin/c8 --config test/unit/c8.json "${runner[@]}")
fi
files=("$@")
if ((${#files[@]} == 0)); then
  mapfile -t files < <(find test/unit test/policy -name '*.test.ts' | sort)
fi
((${#files[@]} > 0)) || {
  printf '%s\n' 'test: found no file test/{unit,policy}/**/*.test.ts; need at least one' >&2
  exit 1
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${runner[@]}" "${files[@]}" | tee "$log"

# The runner is content with a file that holds no test, and counts the file itself as one.
for file in "${files[@]}"; do
  if grep -qE "^(✔|ℹ) .*/?${file//./\\.} \(" "$log"; then
    printf '%s\n' "test: found no test in $file; need at least one" >&2
    exit 1
  fi
done
grep -qE '^ℹ pass [1-9]' "$log" || {
  printf '%s\n' 'test: found no test that ran; need at least one' >&2
  exit 1
}
