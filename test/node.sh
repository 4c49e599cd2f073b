#!/usr/bin/env bash
# Runs test files by node's own runner.
#   node.sh [NODE OPTIONS] FILE...
# MIRLAB_TEST_FAILURES names a file that gets a line for each test that failed.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

reporters=(--test-reporter=spec --test-reporter-destination=stdout)
if [[ -n ${MIRLAB_TEST_FAILURES-} ]]; then
  # The runner empties its destination.
  part=$(mktemp)
  trap 'cat -- "$part" >>"$MIRLAB_TEST_FAILURES"; rm -f -- "$part"' EXIT
  reporters+=(--test-reporter=./test/failures.js "--test-reporter-destination=$part")
fi
node --require ./core/register.js --test "${reporters[@]}" "$@"
