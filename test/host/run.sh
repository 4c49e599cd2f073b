#!/usr/bin/env bash
# Labs on an emulated host with systemd, AppArmor and KVM. Takes hours.
#   npm run test:host [-- debian12|debian13...]     default: debian13
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
for release; do
  [[ $release =~ ^debian1[23]$ ]] || {
    printf "test:host: found '%s'; need debian12 or debian13\n" "$release" >&2
    exit 2
  }
done
(($# > 0)) || set -- debian13
MIRLAB_TEST_HOSTS=$(
  IFS=,
  printf '%s' "$*"
)
export MIRLAB_TEST_HOSTS
exec node --require ./core/register.js --test --test-reporter=spec --test-concurrency=1 test/host/host.test.ts
