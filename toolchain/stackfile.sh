# Sourced by bin/pulumi: keeps the salt of a stack's passphrase out of the stack's file, which git tracks.
# shellcheck shell=bash

# The engine writes `encryptionsalt` to the file that it reads. So it reads a copy in the user's home; a salt
# that somebody has in the file itself, for values that they encrypted, is the copy's.

# copy_dir CHECKOUT: prints the folder of the copies of a checkout's files.
copy_dir() {
  local name
  name=$(printf "%s" "$1" | digest)
  printf '%s\n' "$MIRLAB_HOME/config/$name"
}

# copy_of STACK CHECKOUT: renews the copy of a stack's file, and prints its path.
copy_of() {
  local file=$2/Pulumi.$1.yaml dir copy salt temp
  dir=$(copy_dir "$2")
  copy=$dir/Pulumi.$1.yaml
  private_dir "$MIRLAB_HOME/config" 'the folder of stack files'
  private_dir "$dir" 'the folder of stack files'
  salt=$(sed -n '/^encryptionsalt:/p' "$file" "$copy" 2>/dev/null | head -n 1) || salt=''
  temp=$(umask 077 && mktemp -- "$copy.XXXXXX")
  {
    [[ ! -f $file ]] || sed '/^encryptionsalt:/d' -- "$file"
    # A file may end without a line feed.
    [[ -z $salt ]] || printf '\n%s\n' "$salt"
  } >"$temp"
  mv -f -- "$temp" "$copy"
  printf '%s\n' "$copy"
}

# option_in LONG SHORT ARGS...: prints the value of an option of a command line, if it is there.
option_in() {
  local long=$1 short=$2
  shift 2
  while (($# > 0)); do
    case $1 in
      --) return ;;
      "$long" | "$short") printf '%s\n' "${2-}" && return ;;
      "$long"=*) printf '%s\n' "${1#*=}" && return ;;
    esac
    shift
  done
}

# stack_in ARGS...: prints the stack that a command line names, if it names one.
stack_in() { option_in --stack -s "$@"; }

# has OPTION... -- ARGS...: is one of the options among the arguments?
has() {
  local options=() option word
  while [[ $1 != -- ]]; do options+=("$1") && shift; done
  shift
  for word; do
    [[ $word != -- ]] || return 1
    for option in "${options[@]}"; do [[ $word != "$option" && $word != "$option="* ]] || return 0; done
  done
  return 1
}

# Options of the engine itself without a value of their own: any other option before a verb takes the next word,
# as the engine's own reader of arguments has it.
readonly SWITCHES=' --disable-integrity-checking --emoji -e --fully-qualify-stack-names -Q --help -h --logflow --logtostderr --non-interactive --version '

# read_verb ARGS...: sets `verb` to the command line's first two words that are no options, and `named` to the
# word after them, if that is no option either.
read_verb() {
  local words=() at=0 all=("$@")
  while ((at < $# && ${#words[@]} < 2)); do
    case ${all[at]} in
      --) break ;;
      --*=* | -[!-]?*) ;;
      -*) [[ $SWITCHES == *" ${all[at]} "* ]] || at=$((at + 1)) ;;
      *) words+=("${all[at]}") ;;
    esac
    at=$((at + 1))
  done
  verb="${words[0]-} ${words[1]-}"
  named=${all[at]--}
  [[ $named != -* ]] || named=''
}

# project_of ARGS...: prints the folder of the project that the engine takes: of --cwd, else of this folder.
project_of() {
  local dir
  dir=$(option_in --cwd -C "$@")
  dir=$(realpath -e -- "${dir:-$PWD}" 2>/dev/null) || return 0
  while [[ ! -f $dir/Pulumi.yaml && $dir != / ]]; do dir=$(dirname -- "$dir"); done
  printf '%s\n' "$dir"
}

# run_engine PULUMI CHECKOUT ARGS...: runs the engine with copies of the checkout's stack files.
run_engine() {
  local pulumi=$1 checkout=$2 stack='' verb named
  shift 2
  # Another project's stack files are that project's.
  [[ $(project_of "$@") == "$checkout" ]] || exec "$pulumi" "$@"
  read_verb "$@"
  case $verb in
    'stack init' | 'stack select')
      stack=$(stack_in "$@")
      [[ -n $stack ]] || stack=$named
      if [[ -n $stack ]] && { [[ $verb == 'stack init' ]] || has --create -c -- "$@"; }; then
        create_stack "$pulumi" "$checkout" "$stack" "$@"
        return
      fi
      ;;
    'stack rm')
      # The engine would delete the file, which git tracks, with the stack.
      has --preserve-config --help -h -- "$@" || exec "$pulumi" "$@" --preserve-config
      ;;
    'up '* | 'update '* | 'preview '* | 'pre '* | 'destroy '* | 'down '* | 'dn '* | 'refresh '* | 'import '* | 'watch '*)
      stack=$(stack_in "$@")
      [[ -n $stack ]] || stack=$("$pulumi" stack --show-name --non-interactive 2>/dev/null) || stack=''
      if [[ $stack =~ ^[A-Za-z0-9._-]+$ && -f $checkout/Pulumi.$stack.yaml ]] && ! has --config-file --help -h -- "$@"; then
        exec "$pulumi" "$@" --config-file "$(copy_of "$stack" "$checkout")"
      fi
      ;;
  esac
  exec "$pulumi" "$@"
}

# The engine creates a stack in the project of a folder, and writes the salt there: in the copies' folder.
create_stack() {
  local pulumi=$1 checkout=$2 stack=$3 dir
  shift 3
  [[ $stack =~ ^[A-Za-z0-9._-]+$ ]] || exec "$pulumi" "$@"
  dir=$(copy_dir "$checkout")
  copy_of "$stack" "$checkout" >/dev/null
  cp -f -- "$checkout/Pulumi.yaml" "$dir/Pulumi.yaml"
  "$pulumi" "$@" --cwd "$dir"
  # The one that is used where none is named, here too.
  exec "$pulumi" stack select "$stack" --non-interactive
}
