# Sourced by bin/pulumi: this project's engine home, state directory and secrets passphrase.
# shellcheck shell=bash

# prepare_home: creates MIRLAB_HOME and its parts; the CLI uses them unless the user has set others.
prepare_home() {
  private_dir "$MIRLAB_HOME" MIRLAB_HOME
  private_dir "$MIRLAB_HOME/pulumi" 'the engine home'

  if [[ -z ${PULUMI_BACKEND_URL-} ]]; then
    private_dir "$MIRLAB_HOME/state" 'the state directory'
    PULUMI_BACKEND_URL=file://$(url_path "$MIRLAB_HOME/state")
  elif [[ -z ${PULUMI_CREDENTIALS_PATH-} ]]; then
    # With the user's own backend the CLI uses the logins of the user's own pulumi.
    export PULUMI_CREDENTIALS_PATH=${PULUMI_HOME:-$HOME/.pulumi}
  fi
  if [[ -z ${PULUMI_CONFIG_PASSPHRASE+set} && -z ${PULUMI_CONFIG_PASSPHRASE_FILE-} ]]; then
    make_passphrase "$MIRLAB_HOME/passphrase"
    export PULUMI_CONFIG_PASSPHRASE_FILE=$MIRLAB_HOME/passphrase
  fi

  # For providers that would read a user's SSH configuration (components/host/labHost.resource.ts).
  private_dir "$MIRLAB_HOME/provider" 'the home of providers'
  export MIRLAB_PROVIDER_HOME=$MIRLAB_HOME/provider

  export PULUMI_BACKEND_URL
  export PULUMI_HOME=$MIRLAB_HOME/pulumi
  export PULUMI_SKIP_UPDATE_CHECK=1
  # Plugins come from the toolchain, pinned; the engine must not fetch others.
  export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
}

# url_path PATH: the path as a URL has it. What a URL takes for its own is escaped, all else stays: the engine
# reads the rest as it is.
url_path() {
  local path=${1//%/%25}
  path=${path//\?/%3F}
  printf '%s\n' "${path//#/%23}"
}

# make_passphrase FILE: creates it once. `ln` fails if another process was faster: an existing passphrase is
# never replaced, because the state cannot be read without it.
make_passphrase() {
  local file=$1 temp owner mode
  if [[ ! -e $file ]]; then
    temp=$(umask 077 && mktemp -- "$file.XXXXXX")
    head -c 32 /dev/urandom | base64 >"$temp"
    sync -- "$temp"
    ln -- "$temp" "$file" 2>/dev/null || [[ -e $file ]]
    rm -f -- "$temp"
  fi
  read -r owner mode < <(stat -L -c '%u %a' -- "$file")
  if ((owner != EUID)) || (((8#$mode & 8#077) != 0)); then
    fail passphrase "$file with owner uid $owner, mode $mode" "owner uid $EUID, mode 600" "chmod 600 '$file'"
  fi
  if [[ ! -s $file ]]; then
    fail passphrase "$file, which is empty" 'the passphrase of the state' "restore it from a backup"
  fi
}
