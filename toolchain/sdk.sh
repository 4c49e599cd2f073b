#!/usr/bin/env bash
# Generates the TypeScript SDK of the libvirt provider, sdks/libvirt: committed as generated, never edited.
#   sdk.sh            generates it
#   sdk.sh --check    fails if the committed SDK differs from what the pinned engine generates
#   sdk.sh build      compiles it unless it is compiled (npm ci runs no install scripts here)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

ROOT=$(dirname -- "$TOOLCHAIN_DIR")
SDK=$ROOT/sdks/libvirt
work=

cleanup() {
  [[ -z $work ]] || rm -rf -- "$work"
}
trap cleanup EXIT

# workspace: creates $work on the SDK's filesystem, for one process at a time; removes those of killed processes.
workspace() {
  mkdir -p -- "$ROOT/sdks"
  exec 8<"$ROOT/sdks"
  flock 8
  rm -rf -- "$ROOT"/sdks/.work-*
  work=$(mktemp -d -- "$ROOT/sdks/.work-XXXXXX")
}

# generate: writes a fresh SDK to $work/nodejs. It runs in a directory without a project, so that gen-sdk
# changes no file of this one.
generate() {
  workspace
  local log=$work/log
  if ! (cd -- "$work" && "$ROOT/bin/pulumi" package gen-sdk terraform-provider --language nodejs --local \
    --out "$work" -- dmacvicar/libvirt "$LIBVIRT_PROVIDER_VERSION" >"$log" 2>&1); then
    cat -- "$log" >&2
    fail 'SDK generation' 'a failed gen-sdk' 'the schema of the libvirt provider' 'see the lines above'
  fi
  # git stores no other modes.
  chmod -R u=rwX,go=rX -- "$work/nodejs"
}

# differences: compares the committed and the generated SDK, without the files of npm and tsc.
differences() {
  diff -r -x node_modules -x bin -- "$SDK" "$work/nodejs"
}

replace() {
  if differences >/dev/null 2>&1; then
    say 'sdks/libvirt is as generated'
    return
  fi
  if [[ -d $SDK ]]; then
    mv -T -- "$SDK" "$work/old"
  fi
  mv -T -- "$work/nodejs" "$SDK"
  say 'sdks/libvirt generated; run npm ci, and review git diff'
}

check() {
  if ! differences >&2; then
    fail 'sdks/libvirt' 'the differences above' 'what the pinned engine generates' 'npm run sdk, and commit'
  fi
  say 'sdks/libvirt is as generated'
}

# build: compiles into a temporary directory and renames it, so that a killed build leaves no half SDK.
build() {
  local tsc=$ROOT/node_modules/typescript/bin/tsc key
  if [[ ! -f $tsc ]]; then
    fail TypeScript "no $tsc" 'the packages of package-lock.json' 'npm ci'
  fi
  key=$(
    cd -- "$SDK"
    {
      cat -- "$ROOT/node_modules/typescript/package.json"
      find . \( -name node_modules -o -name bin \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    } | digest
  )
  if [[ -f $SDK/bin/.built-from && $(<"$SDK/bin/.built-from") == "$key" ]]; then
    return
  fi
  workspace
  if ! node "$tsc" -p "$SDK" --types node --outDir "$work/bin" >&2; then
    fail 'sdks/libvirt' 'compiler errors above' 'a clean compile' 'npm ci, then npm run sdk'
  fi
  # The SDK reads its own version from here.
  cp -- "$SDK/package.json" "$work/bin/package.json"
  printf '%s\n' "$key" >"$work/bin/.built-from"
  if [[ -d $SDK/bin ]]; then
    mv -T -- "$SDK/bin" "$work/old"
  fi
  mv -T -- "$work/bin" "$SDK/bin"
  say 'sdks/libvirt compiled'
}

case ${1:-generate} in
  generate)
    generate
    replace
    ;;
  --check | check)
    generate
    check
    ;;
  build) build ;;
  *) fail sdk.sh "$1" 'generate, --check or build' 'correct the argument' ;;
esac
