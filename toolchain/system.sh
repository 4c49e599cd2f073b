#!/usr/bin/env bash
# The system way: finds a pulumi of the pinned version on PATH, with its language host, and prints its
# directory.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

# A checkout's bin/pulumi may be on PATH: it calls this script, so it does not count.
own=$(realpath -m -- "$TOOLCHAIN_DIR/../bin/pulumi")
export MIRLAB_TOOLCHAIN_PROBE=1

found=none
while read -r candidate; do
  path=$(realpath -- "$candidate") || continue
  [[ $path != "$own" ]] || continue
  version=$(PULUMI_SKIP_UPDATE_CHECK=1 timeout 20 "$path" version 2>/dev/null) || continue
  if [[ $version != "v$PULUMI_VERSION" ]]; then
    found="$candidate $version"
    continue
  fi
  if [[ ! -x $(dirname -- "$path")/pulumi-language-nodejs ]] && ! command -v pulumi-language-nodejs >/dev/null; then
    found="$candidate $version without pulumi-language-nodejs"
    continue
  fi
  dirname -- "$path"
  exit 0
done < <(type -ap pulumi || true)

fail 'system pulumi' "$found" "pulumi v$PULUMI_VERSION on PATH with its Node.js language host" \
  'install that version, or leave MIRLAB_TOOLCHAIN unset'
