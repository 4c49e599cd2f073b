#!/usr/bin/env bash
# Runs all tests, in the order of what they need. Every part runs; a summary names what failed.
#   run.sh [PART|FILE...]   PART: unit, browser, toolchain, machines, security, integration, host; default: all
#                           FILE: a test file of integration
# Integration tests use the real engine, libvirt and guests on this machine: they install the host
# packages, start libvirtd where nothing else does, and stop what they started.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=steps.sh
source test/steps.sh

MIRLAB_TEST_FAILURES=$(mktemp)
export MIRLAB_TEST_FAILURES
trap 'rm -f "$MIRLAB_TEST_FAILURES"' EXIT

node_tests() { test/node.sh "$@"; }

unit() {
  test/unit/packages.sh >/dev/null
  test/unit/run.sh --coverage
}

# The report in a real Chromium, headless and without a network.
browser() {
  scripts/host/packages.sh install chromium >/dev/null
  node_tests test/browser/*.test.ts
}

go_tests() { # go_tests MODULE
  cd "toolchain/$1"
  go vet ./...
  go test ./...
}

toolchain() {
  local module
  for module in nodehost command; do
    step "toolchain: Go, $module" go_tests "$module"
  done
  step 'toolchain: engine' node_tests toolchain/test/*.test.ts
  step 'toolchain: SDK' toolchain/sdk.sh --check
}

# Installs what a lab's host has; libvirtd runs until COMMAND ends.
on_host() { # on_host COMMAND...
  local names
  names=$(node -r ./core/register.js -p "require('./components/host/packages').packagesFor('host').join(' ')")
  # shellcheck disable=SC2086 # a list of package names
  scripts/host/packages.sh install $names openssh-server >/dev/null
  trap 'scripts/host/libvirtd.sh stop' EXIT
  scripts/host/libvirtd.sh start
  "$@"
}

# Real sudo, a user's own libvirt. `npm run test:machines` runs the tests of every reported fault.
machines() { node_tests --test-concurrency=1 test/machines/*.test.ts; }

# Attacks that need no guest; `npm run test:security` tries them all.
security() { on_host node_tests test/security/{attacks,host,spice}.test.ts; }

# The host's part of a lab on an emulated Debian 13; `npm run test:host` has whole labs.
host() { node_tests --test-concurrency=1 test/host/short.test.ts; }

# One after the other: two emulated guests on two cores would time each other out.
integration() { # integration FILE...
  on_host node_tests --test-concurrency=1 "$@"
}

files=()
if (($# == 0)); then set -- unit browser toolchain machines security integration host; fi
for name in "$@"; do
  case $name in
    unit | browser | toolchain | machines | security | integration | host) ;;
    *.test.ts) [[ -f $name ]] && files+=("$name") && continue ;;&
    *)
      printf 'test: found part %s; need unit, browser, toolchain, machines, security, integration, host or a test file\n' "$name" >&2
      exit 1
      ;;
  esac
done

step 'SDK' toolchain/sdk.sh build
for name in "$@"; do
  case $name in
    unit | browser | machines | security | host) step "$name" "$name" ;;
    toolchain) toolchain ;;
    integration) step integration integration test/integration/*.test.ts ;;
  esac
done
if ((${#files[@]} > 0)); then step "${files[*]}" integration "${files[@]}"; fi
steps_end
