#!/usr/bin/env bash
# Labs on an emulated host with systemd, AppArmor and KVM. Takes hours.
#   npm run test:host [-- debian12|debian13|ssh|local|PART|--record...]
#     releases, default: debian13; ways, default: both: a lab by host.ssh, a lab on the host itself
#     PART: drift, acceleration, nat or power, after the first up by host.ssh; default: all four
#     --record                                    keeps the outcome for docs/tested.md
#   npm run test:host -- --short                    the host's part alone, 5 minutes
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
run() { exec node --require ./core/register.js --test --test-reporter=spec --test-concurrency=1 "$@"; }
[[ $* != --short ]] || run test/host/short.test.ts
releases=() ways=() parts=()
for word; do
  case $word in
    debian12 | debian13) releases+=("$word") ;;
    ssh | local) ways+=("$word") ;;
    drift | acceleration | nat | power) parts+=("$word") ;;
    --record) export MIRLAB_TEST_RECORD=1 ;;
    *)
      printf "test:host: found '%s'; need debian12, debian13, ssh, local, a part, --record or --short\n" "$word" >&2
      exit 2
      ;;
  esac
done
if ((${#parts[@]} > 0)); then
  [[ ${ways[*]} != *local* ]] || {
    printf "test:host: found parts ('%s') with local; need parts by ssh\n" "${parts[*]}" >&2
    exit 2
  }
  ways=(ssh)
fi
export MIRLAB_TEST_HOSTS="${releases[*]}" MIRLAB_TEST_WAYS="${ways[*]}" MIRLAB_TEST_PARTS="${parts[*]}"
run test/host/host.test.ts
