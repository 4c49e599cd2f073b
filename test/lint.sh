#!/usr/bin/env bash
# Every static check, each one run even when an earlier one fails; fails if any did.
#   lint.sh
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

failed=()

need() { # need PROGRAM FIX
  command -v "$1" >/dev/null && return
  printf '%s\n' "lint: found no $1, required to check this project; $2" >&2
  exit 1
}

check() { # check NAME COMMAND...
  local name=$1 start=$SECONDS
  shift
  if "$@"; then
    printf '%s\n' "lint: $name: ok, $((SECONDS - start)) s"
  else
    printf '%s\n' "lint: $name: FAILED" >&2
    failed+=("$name")
  fi
}

# gofmt's exit code is 0 whatever it finds.
go_format() {
  local wrong
  wrong=$(gofmt -l toolchain/nodehost toolchain/command) || return 1
  [[ -z $wrong ]] && return
  printf '%s\n' "$wrong" "found the files above not formatted; run 'gofmt -w' on them" >&2
  return 1
}

# Of the linter of workflows: Go proves its content by go.sum, and keeps what it has built.
workflows() {
  local files
  mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '.github/workflows/*.yml' 'examples/*actions.yml')
  ((${#files[@]} > 0)) || {
    printf '%s\n' "found no workflow, required .github/workflows/ci.yml at least" >&2
    return 1
  }
  GOFLAGS=-mod=readonly GOWORK=off go -C test/actionlint tool actionlint -config-file actionlint.yaml "${files[@]/#/$PWD/}"
}

# A stack's salt belongs to one passphrase: committed, it locks everybody else out.
no_salt() { ! git grep --cached -l '^encryptionsalt:' -- 'Pulumi.*.yaml' || {
  printf '%s\n' "found a committed encryptionsalt in the files above; remove that line before you commit" >&2
  return 1
}; }

need shellcheck "run 'apt-get install shellcheck'"
need shfmt "run 'apt-get install shfmt'"
need go "install Go, the version that toolchain/nodehost/go.mod names"
need gofmt "install Go, the version that toolchain/nodehost/go.mod names"
[[ -x node_modules/.bin/tsc ]] || {
  printf '%s\n' "lint: found no node_modules, required the linters; run 'npm ci'" >&2
  exit 1
}
PATH=$PWD/node_modules/.bin:$PATH

# By their first line, whatever their name: bin/ and .ci/ have no endings.
mapfile -t shell < <(git grep --untracked -lE '^#!.*\b(ba)?sh$' -- scripts toolchain bin .ci test | sort)
mapfile -t sourced < <(git ls-files --cached --others --exclude-standard -- '*.sh' | sort)
mapfile -t shell < <(printf '%s\n' "${shell[@]}" "${sourced[@]}" | sort -u)

check types tsc -p .
check eslint eslint --max-warnings 0 .
check prettier prettier --check --log-level warn .
check knip knip --no-progress
check shellcheck shellcheck -x -P SCRIPTDIR "${shell[@]}"
check shfmt shfmt -d -i 2 -ci -s "${shell[@]}"
check gofmt go_format
check workflows workflows
check docs npm run --silent docs -- --check
check sbom npm run --silent sbom -- --check
check salt no_salt

if ((${#failed[@]} > 0)); then
  printf '%s\n' "lint: failed: ${failed[*]}; see above" >&2
  exit 1
fi
