#!/usr/bin/env bash
# The registry way: builds the engine from its published Go modules.
#   registry.sh engine    prints the directory of the CLI and its language host
#   registry.sh plugins   prints a line `NAME FILE` for each plugin
# Each part is cached under a hash of its sources. A killed build leaves no half part, and Go's own caches
# resume it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source-path=SCRIPTDIR source=progress.sh
source "$TOOLCHAIN_DIR/progress.sh"

PARTS=$CACHE/registry
LOGS=$CACHE/log
NEED_DISK_MIB=6144

# Go also reads settings from a file of the user. Only non-empty variables override that file, so GOFLAGS must
# not be empty.
# shellcheck disable=SC2153
export GOFLAGS=-mod=readonly GOWORK=off GOOS=linux GOARCH=$GO_ARCH CGO_ENABLED=0 GO111MODULE=on
unset GOEXPERIMENT GODEBUG

# part NAME: sets label, binary, package and link flags of a part.
part() {
  local sdk_version="-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$PULUMI_VERSION"
  case $1 in
    cli)
      label="cli v$PULUMI_VERSION" binary=pulumi
      package=github.com/pulumi/pulumi/pkg/v3/cmd/pulumi flags=$sdk_version
      ;;
    nodehost)
      label="language host v$PULUMI_VERSION" binary=pulumi-language-nodejs
      package=. flags=$sdk_version
      ;;
    bridge)
      label="bridge v$BRIDGE_MODULE_VERSION" binary=pulumi-resource-terraform-provider
      package=github.com/pulumi/pulumi-terraform-bridge/v3/dynamic
      # Two dependencies register the same protobuf name; the vendor's build sets the same policy.
      flags='-X google.golang.org/protobuf/reflect/protoregistry.conflictPolicy=ignore'
      flags+=" -X $package/version.version=v$BRIDGE_VERSION"
      ;;
    tf-provider-libvirt)
      label="libvirt provider v$LIBVIRT_PROVIDER_VERSION" binary=terraform-provider-libvirt
      package=github.com/dmacvicar/terraform-provider-libvirt flags="-X main.version=$LIBVIRT_PROVIDER_VERSION"
      ;;
    command)
      label="command plugin v$COMMAND_VERSION" binary=pulumi-resource-command
      package=. flags="-X main.version=$COMMAND_VERSION"
      ;;
  esac
}

# part_dir NAME: prints the part's directory, named by a hash of its sources and its recipe.
part_dir() {
  local name=$1
  part "$name"
  local key
  key=$(
    cd -- "$TOOLCHAIN_DIR/$name"
    {
      printf '%s\n' "$GO_ARCH" "$package" "$flags"
      find . -type f ! -name '*_test.go' ! -name '*.md' ! -path '*/testdata/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    } | digest
  )
  printf '%s/%s-%s\n' "$PARTS" "$name" "$key"
}

# check_machine: fails before the build if it cannot work on this machine.
check_machine() {
  local version free
  if ! command -v go >/dev/null; then
    fail Go 'none on PATH' "Go $GO_MINIMUM or newer" \
      "install it from https://go.dev/dl/ and add its bin directory to PATH, or install pulumi v$PULUMI_VERSION"
  fi
  # Go 1.21 and later fetch the newer Go that a module asks for, unless the user switched that off.
  version=$(go env GOVERSION)
  version=${version#go}
  if [[ $(go env GOTOOLCHAIN) != local* ]] && at_least "${version%% *}" 1.21; then
    :
  elif ! at_least "${version%% *}" "$GO_MINIMUM"; then
    fail Go "$version" "Go $GO_MINIMUM or newer" \
      'install it from https://go.dev/dl/ and put its bin directory first on PATH'
  fi
  mkdir -p -- "$(go env GOCACHE)"
  free=$(df -Pm -- "$(go env GOCACHE)" | awk 'NR == 2 { print $4 }')
  if ((free < NEED_DISK_MIB)); then
    fail 'disk space' "$free MiB free in $(go env GOCACHE)" "$NEED_DISK_MIB MiB for the build" \
      'free some, or set GOCACHE and GOMODCACHE to a larger disk'
  fi
}

# at_least FOUND REQUIRED
at_least() {
  [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$2" ]]
}

# build NAME INDEX COUNT: builds the part unless it exists.
build() {
  local name=$1 dir temp log
  part "$name"
  dir=$(part_dir "$name")
  if [[ -x $dir/$binary ]]; then
    return
  fi
  if [[ -z ${machine_checked-} ]]; then
    check_machine
    machine_checked=1
  fi
  temp=$(mktemp -d -- "$PARTS/.building-XXXXXX")
  log=$LOGS/$name.log
  # One part at a time: one build uses every core, and two links at once need twice the memory.
  if ! progress "$2 of $3 $label" "$log" \
    go -C "$TOOLCHAIN_DIR/$name" build -trimpath -buildvcs=false -ldflags "-s -w $flags" -o "$temp/$binary" "$package"; then
    tail -n 5 -- "$log" >&2
    rm -rf -- "$temp"
    fail "$label" 'a failed build' 'a build from the pinned modules' \
      "see the last lines above; behind a proxy set GOPROXY (now $(go env GOPROXY))" "$log"
  fi
  publish "$temp" "$dir"
}

mkdir -p -- "$PARTS" "$LOGS"
# Remains of killed builds: the caller holds the lock, so no build is using them.
find "$PARTS" -maxdepth 1 -name '.building-*' -exec rm -rf -- {} +

case ${1-} in
  engine)
    build cli 1 5
    build nodehost 2 5
    key=$({
      part_dir cli
      part_dir nodehost
      cat -- "$TOOLCHAIN_DIR"/shims/*
    } | digest)
    engine=$PARTS/engine-$key
    if [[ ! -d $engine ]]; then
      temp=$(mktemp -d -- "$PARTS/.building-XXXXXX")
      # Real files in one directory: the CLI looks for the others beside its own executable.
      link_or_copy "$(part_dir cli)/pulumi" "$temp/pulumi"
      link_or_copy "$(part_dir nodehost)/pulumi-language-nodejs" "$temp/pulumi-language-nodejs"
      cp -- "$TOOLCHAIN_DIR"/shims/* "$temp/"
      publish "$temp" "$engine"
    fi
    printf '%s\n' "$engine"
    ;;
  plugins)
    build bridge 3 5
    build tf-provider-libvirt 4 5
    build command 5 5
    printf 'terraform-provider %s\n' "$(part_dir bridge)/pulumi-resource-terraform-provider"
    printf 'libvirt %s\n' "$(part_dir tf-provider-libvirt)/terraform-provider-libvirt"
    printf 'command %s\n' "$(part_dir command)/pulumi-resource-command"
    ;;
  *)
    fail "registry.sh" "${1:-nothing}" 'engine or plugins' 'call it from toolchain/ensure.sh'
    ;;
esac
