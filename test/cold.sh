#!/usr/bin/env bash
# Runs the tests as a new machine would: the last commit in a new clone, with a home, state and caches of
# their own, empty at the start. Only npm's and Go's module caches stay. Debian packages are the machine's.
#   cold.sh [PART|FILE...]   as test/run.sh; default: every part, and each file of integration with a
#                            cache of images and builds of its own, so that none leans on another
# The folder is removed at the end; MIRLAB_TEST_KEEP=1 keeps it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=steps.sh
source test/steps.sh

# QEMU's user has to pass to the images: below /tmp it may not, where TMPDIR is private.
cold=$(mktemp -d /var/tmp/mirlab-cold-XXXXXX)
chmod 0755 "$cold"
remove() { [[ -n ${MIRLAB_TEST_KEEP-} ]] || rm -rf --one-file-system -- "$cold"; }
trap remove EXIT

[[ -z $(git status --porcelain) ]] || printf 'cold: what is not committed is not tested\n' >&2
git clone -q --no-hardlinks . "$cold/checkout"

npm_config_cache=$(npm config get cache)
GOMODCACHE=$(go env GOMODCACHE)
export npm_config_cache GOMODCACHE
export HOME=$cold/home TMPDIR=$cold/tmp
unset "${!XDG_@}" "${!MIRLAB_@}" "${!PULUMI_@}" GOCACHE NODE_COMPILE_CACHE
mkdir -- "$HOME" "$TMPDIR"
chmod 1777 "$TMPDIR"
cd -- "$cold/checkout"

cold_file() { # cold_file FILE
  local cache
  cache=$(mktemp -d -- "$cold/cache-XXXXXX")
  chmod 0755 "$cache"
  MIRLAB_TEST_CACHE=$cache test/run.sh "$1"
  rm -rf --one-file-system -- "$cache"
}

npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
if (($# > 0)); then
  MIRLAB_TEST_CACHE=$cold/cache test/run.sh "$@"
  exit
fi
for part in unit browser toolchain machines security; do
  step "cold: $part" env MIRLAB_TEST_CACHE="$cold/cache" test/run.sh "$part"
done
for file in test/integration/*.test.ts; do
  step "cold: $file" cold_file "$file"
done
steps_end
