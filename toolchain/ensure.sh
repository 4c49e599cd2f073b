#!/usr/bin/env bash
# Installs the pinned engine, and its plugins in PULUMI_HOME, unless they are there; prints the CLI's
# directory.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

HOME_OF_ENGINE=${PULUMI_HOME:?set by bin/pulumi}
STAMP=$HOME_OF_ENGINE/.toolchain

# Paths at which the engine looks for its plugins.
COMMAND_PLUGIN=$HOME_OF_ENGINE/plugins/resource-command-v$COMMAND_VERSION/pulumi-resource-command
BRIDGE_PLUGIN=$HOME_OF_ENGINE/plugins/resource-terraform-provider-v$BRIDGE_VERSION/pulumi-resource-terraform-provider
LIBVIRT_PROVIDER=$HOME_OF_ENGINE/dynamic_tf_plugins/registry.opentofu.org/dmacvicar/libvirt
LIBVIRT_PROVIDER+=/$LIBVIRT_PROVIDER_VERSION/linux_$GO_ARCH/terraform-provider-libvirt
choice=${MIRLAB_TOOLCHAIN-}

case $choice in
  '' | system | vendor | registry) ;;
  *) fail MIRLAB_TOOLCHAIN "$choice" 'system, vendor or registry' 'correct it, or unset it to try the three in that order' ;;
esac

# A hash of everything that decides the result: pins, recipes, sources, MIRLAB_TOOLCHAIN.
wanted_key() {
  {
    printf '%s\n' "$choice" "$GO_ARCH" "$CACHE"
    cd -- "$TOOLCHAIN_DIR"
    find . -type f ! -name '*_test.go' ! -name '*.md' ! -path './test/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  } | digest
}

# file_id FILE: another file at this path has another identity; so has a file that was written again.
file_id() { stat -L -c '%d:%i:%s:%Y' -- "$1" 2>/dev/null; }

# recorded_engine KEY: prints the engine of an earlier run with this key, if all its files still exist and the
# CLI is the same one: a package manager upgrades what it has installed.
recorded_engine() {
  local key engine id file
  [[ -f $STAMP ]] || return 1
  { read -r key && read -r engine && read -r id; } <"$STAMP" || return 1
  [[ $key == "$1" && $id == "$(file_id "$engine/pulumi")" ]] || return 1
  for file in "$engine/pulumi" "$COMMAND_PLUGIN" "$BRIDGE_PLUGIN" "$LIBVIRT_PROVIDER"; do
    [[ -x $file ]] || return 1
  done
  printf '%s\n' "$engine"
}

# place FILE TARGET: installs an executable atomically: it replaces the whole directory, so that the engine
# never sees a half-written plugin.
place() {
  local file=$1 target=$2 dir temp
  dir=$(dirname -- "$target")
  if cmp -s -- "$file" "$target"; then
    return
  fi
  mkdir -p -- "$(dirname -- "$dir")"
  # Not in the plugins directory: the engine would list it.
  temp=$(mktemp -d -- "$HOME_OF_ENGINE/.placing-XXXXXX")
  mkdir -- "$temp/new"
  link_or_copy "$file" "$temp/new/$(basename -- "$target")"
  if [[ -e $dir ]]; then
    mv -T -- "$dir" "$temp/old"
  fi
  mv -T -- "$temp/new" "$dir"
  rm -rf -- "$temp"
}

# place_plugins LINES: lines `NAME FILE`, as `plugins` of a way prints them.
place_plugins() {
  local name file
  # The record is wrong until all plugins are installed.
  rm -f -- "$STAMP"
  while read -r name file; do
    case $name in
      command) place "$file" "$COMMAND_PLUGIN" ;;
      terraform-provider) place "$file" "$BRIDGE_PLUGIN" ;;
      libvirt) place "$file" "$LIBVIRT_PROVIDER" ;;
    esac
  done <<<"$1"
}

# Each way is a process of its own: it fails at its first fault and prints why in one line.
ensure() {
  local key=$1 ways way plugins engine=
  if [[ -n $choice ]]; then
    ways=("$choice")
  else
    ways=(system vendor registry)
  fi

  for way in "${ways[@]}"; do
    # A system pulumi still needs the plugins, from the vendor or from the registries.
    case $way in
      system)
        engine=$("$TOOLCHAIN_DIR/system.sh") || continue
        plugins=$("$TOOLCHAIN_DIR/vendor.sh" plugins) || plugins=$("$TOOLCHAIN_DIR/registry.sh" plugins) || exit 1
        ;;
      *)
        engine=$("$TOOLCHAIN_DIR/$way.sh" engine) || { engine= && continue; }
        plugins=$("$TOOLCHAIN_DIR/$way.sh" plugins) || { engine= && continue; }
        ;;
    esac
    break
  done
  if [[ -z $engine ]]; then
    fail engine "none by ${ways[*]}" "one of them to succeed" 'follow the fix in one of the lines above'
  fi

  place_plugins "$plugins"
  printf '%s\n' "$key" "$engine" "$(file_id "$engine/pulumi")" >"$STAMP.new"
  mv -f -- "$STAMP.new" "$STAMP"
  printf '%s\n' "$engine"
}

# lock FILE: holds the lock until this process, and a build that outlives it, have ended.
lock() {
  local fd
  exec {fd}>"$1"
  if ! flock --nonblock "$fd"; then
    say 'waiting for another process that prepares the engine'
    flock "$fd"
  fi
}

key=$(wanted_key)
if recorded_engine "$key"; then
  exit 0
fi

trusted_dir "$MIRLAB_CACHE" MIRLAB_CACHE
trusted_dir "$CACHE" 'the toolchain cache'
# Always in this order, or two processes could block each other: several homes may share the cache.
lock "$HOME_OF_ENGINE/.lock"
lock "$CACHE/lock"
find "$HOME_OF_ENGINE" -maxdepth 1 -name '.placing-*' -exec rm -rf -- {} +
if ! recorded_engine "$key"; then
  ensure "$key"
fi
