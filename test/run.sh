#!/usr/bin/env bash
# All tests, in the order of what they need; ends at the first part that fails.
#   run.sh [unit] [browser] [toolchain] [security] [integration]   all parts by default
# Integration tests use the real engine, libvirt and guests on this machine: they install the host
# packages, start libvirtd where nothing else does, and stop what they started.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

part() { printf '\n== %s\n' "$*" >&2; }

node_tests() { node --require ./io/register.js --test --test-reporter=spec "$@"; }

unit() {
  part 'unit tests'
  test/unit/run.sh
}

# The report in a real Chromium, headless and without a network.
browser() {
  part 'browser'
  scripts/host/packages.sh install chromium >/dev/null
  node_tests test/browser/*.test.ts
}

toolchain() {
  part 'toolchain: Go'
  local module
  for module in nodehost command; do
    (cd "toolchain/$module" && go vet ./... && go test ./...)
  done
  part 'toolchain: engine'
  node_tests toolchain/test/*.test.ts
  toolchain/sdk.sh --check
}

# What a lab's host has, with libvirtd until this run ends; a test's lab may stop it before.
host_ready() {
  local names
  names=$(node -r ./io/register.js -p "require('./lib/packages').packagesFor('host').join(' ')")
  # shellcheck disable=SC2086 # a list of package names
  scripts/host/packages.sh install $names openssh-server >/dev/null
  trap 'scripts/host/libvirtd.sh stop' EXIT
  scripts/host/libvirtd.sh start
}

# Attacks that need no guest; `npm run test:security` tries them all.
security() {
  part 'security'
  host_ready
  node_tests test/security/{attacks,host,spice}.test.ts
}

integration() {
  part 'integration'
  host_ready
  # One after the other: two emulated guests on two cores would time each other out.
  node_tests --test-concurrency=1 test/integration/*.test.ts
}

toolchain/sdk.sh build
if (($# == 0)); then set -- unit browser toolchain security integration; fi
for name in "$@"; do
  case $name in
    unit | browser | toolchain | security | integration) "$name" ;;
    *)
      printf 'test: found part %s, required unit, browser, toolchain, security or integration\n' "$name" >&2
      exit 1
      ;;
  esac
done
