#!/usr/bin/env bash
# Labs on an emulated host with systemd, AppArmor and KVM. Takes hours.
#   npm run test:host [-- debian12|debian13...]     default: debian13
#   npm run test:host -- --short                    the host's part alone, 5 minutes
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
run() { exec node --require ./core/register.js --test --test-reporter=spec --test-concurrency=1 "$@"; }
[[ $* != --short ]] || run test/host/short.test.ts
for release; do
  [[ $release =~ ^debian1[23]$ ]] || {
    printf "test:host: found '%s'; need debian12, debian13 or --short\n" "$release" >&2
    exit 2
  }
done
(($# > 0)) || set -- debian13
MIRLAB_TEST_HOSTS=$(
  IFS=,
  printf '%s' "$*"
)
export MIRLAB_TEST_HOSTS
run test/host/host.test.ts
