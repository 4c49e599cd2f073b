#!/usr/bin/env bash
# Every static check, each one run even when an earlier one fails; fails if any did.
#   lint.sh
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# shellcheck source-path=SCRIPTDIR source=steps.sh
source test/steps.sh

need() { # need PROGRAM FIX
  command -v "$1" >/dev/null && return
  printf '%s\n' "lint: found no $1; need it to check this project; fix: $2" >&2
  exit 1
}

# gofmt's exit code is 0 whatever it finds.
go_format() {
  local wrong
  wrong=$(gofmt -l toolchain/nodehost toolchain/command) || return 1
  [[ -z $wrong ]] && return
  printf '%s\n' "$wrong" "gofmt: found the files above in another layout; need that of gofmt; fix: gofmt -w FILES" >&2
  return 1
}

# Of the linter of workflows: Go proves its content by go.sum, and keeps what it has built.
workflows() {
  local files
  mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '.github/workflows/*.yml' 'examples/*actions.yml')
  ((${#files[@]} > 0)) || {
    printf '%s\n' "workflows: found none; need .github/workflows/ci.yml" >&2
    return 1
  }
  GOFLAGS=-mod=readonly GOWORK=off go -C test/actionlint tool actionlint -config-file actionlint.yaml "${files[@]/#/$PWD/}"
}

# A stack's salt belongs to one passphrase: committed, it locks everybody else out.
no_salt() { ! git grep --cached -l '^encryptionsalt:' -- 'Pulumi.*.yaml' || {
  printf '%s\n' "salt: found a committed encryptionsalt in the files above; need none; fix: remove that line before you commit" >&2
  return 1
}; }

# What is read as a whole has to be short enough for it; generated files are not read.
file_length() {
  local long
  long=$(git ls-files --cached --others --exclude-standard -z -- \
    '*.ts' '*.js' '*.mjs' '*.cjs' '*.sh' '*.py' '*.go' bin .ci ':!sdks' |
    xargs -0 awk 'FNR == 401 { print FILENAME }')
  [[ -z $long ]] && return
  printf '%s\n' "$long" 'length: found the files above with more than 400 lines; need at most 400; fix: split them by concept' >&2
  return 1
}

need shellcheck "apt-get install shellcheck"
need shfmt "apt-get install shfmt"
need go "install Go, the version that toolchain/nodehost/go.mod names"
need gofmt "install Go, the version that toolchain/nodehost/go.mod names"
[[ -x node_modules/.bin/tsc ]] || {
  printf '%s\n' "lint: found no node_modules; need the linters; fix: npm ci" >&2
  exit 1
}
PATH=$PWD/node_modules/.bin:$PATH

# By their first line, whatever their name: bin/ and .ci/ have no endings.
mapfile -t shell < <(git grep --untracked -lE '^#!.*\b(ba)?sh$' -- scripts toolchain bin .ci test | sort)
mapfile -t sourced < <(git ls-files --cached --others --exclude-standard -- '*.sh' | sort)
mapfile -t shell < <(printf '%s\n' "${shell[@]}" "${sourced[@]}" | sort -u)

step types tsc -p .
step eslint eslint --max-warnings 0 .
step prettier prettier --check --log-level warn .
step layers depcruise --config .dependency-cruiser.cjs --output-type err index.ts config core components cli policies
step length file_length
step words node --require ./core/register.js test/words.ts
step knip knip --no-progress
step shellcheck shellcheck -x -P SCRIPTDIR "${shell[@]}"
step shfmt shfmt -d -i 2 -ci -s "${shell[@]}"
step gofmt go_format
step workflows workflows
step docs npm run --silent docs -- --check
step sbom npm run --silent sbom -- --check
step salt no_salt

steps_end
