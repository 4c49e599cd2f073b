# Words to the user and root's rights, for the scripts of this folder, which set ME to their name.
# Over ssh a script comes by standard input with this text before it (io/link.ts).
# shellcheck shell=bash

# Other programs' words are read here and there: in English, whatever the host speaks.
export LC_ALL=C.UTF-8

# Progress goes to standard error; standard output is the result.
say() { printf '%s\n' "${ME:?}: $*" >&2; }

die() {
  say "$*"
  exit 1
}

# Runs a command as root: directly, or by sudo that asks nothing.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    die "found user $(id -un) without password-free sudo, required root for '$1'; run 'sudo -v' first or run as root"
  fi
}
