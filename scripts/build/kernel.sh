#!/usr/bin/env bash
# Makes a Linux kernel from its source. The same steps in a build root on the lab host and in the
# guest, by the same paths, so that one side's compiler cache serves the other. As nobody in
# particular: see confine.sh.
#   kernel.sh configure                natively: makes and checks the configuration
#   kernel.sh compile JOBS CACHE_MIB [TARGET...]    all of it, or what of it is asked for
#   kernel.sh package                  /build/out/package.deb
# In: /build/input/{spec,source,recipe,fragments,basis,config}. Out: /build/out.
set -euo pipefail

# shellcheck source=common.sh
source "${BASH_SOURCE[0]%/*}/common.sh"
readonly SOURCE=$IN/source OBJ=$OUT/obj

# Nothing of the machine, the user or the day gets into an object: else no cache entry would hit.
export KBUILD_BUILD_TIMESTAMP='2014-12-09 00:00:00 UTC' KBUILD_BUILD_USER=mirlab KBUILD_BUILD_HOST=mirlab
export KBUILD_BUILD_VERSION=1 SOURCE_DATE_EPOCH=1418083200

kbuild() {
  local suffix
  suffix=$(spec suffix)
  make -C "$SOURCE" O="$OBJ" ARCH=x86 CC='ccache gcc' HOSTCC='ccache gcc' LOCALVERSION="$suffix" "$@"
}

# --- configuration ---

# `SYMBOL VALUE` of a fragment's lines; a later line wins over an earlier one.
settings() {
  awk '
    match($0, /^CONFIG_[A-Za-z0-9_]+=/) { symbol = substr($0, 8, RLENGTH - 8); value = substr($0, RLENGTH + 1); sub(/[ \t]+$/, "", value) }
    match($0, /^# CONFIG_[A-Za-z0-9_]+ is not set$/) { symbol = $2; sub(/^CONFIG_/, "", symbol); value = "n" }
    symbol != "" { if (!(symbol in set)) order[++n] = symbol; set[symbol] = value; symbol = "" }
    END { for (i = 1; i <= n; i++) print order[i], set[order[i]] }
  ' "$@"
}

# A line of a configuration, as an extended regular expression.
readonly SET='CONFIG_[A-Za-z0-9_]+=(y|m|n|-?[0-9]+|0x[0-9A-Fa-f]+|"[^"\\]*")' UNSET='# CONFIG_[A-Za-z0-9_]+ is not set'

# Anything that is no setting would be dropped by Kconfig without a word.
check_fragment() {
  local wrong
  wrong=$(grep -nvE "^(${SET}[[:blank:]]*|$UNSET|[[:blank:]]*(#.*)?)\$" "$1" | head -n 3) || true
  [[ -z $wrong ]] || die "fragment $2: found ${wrong//$'\n'/; }; required lines CONFIG_X=VALUE, or '# CONFIG_X is not set'"
  ! grep -qE '^CONFIG_(LOCALVERSION|LOCALVERSION_AUTO|BUILD_SALT)=' "$1" ||
    die "fragment $2: found CONFIG_LOCALVERSION, required without: the release's name tells what it was built from"
}

known_symbols() {
  find "$SOURCE" -name 'Kconfig*' -type f -print0 |
    xargs -0 sed -nE 's/^[ \t]*(menu)?config[ \t]+([A-Za-z0-9_]+)[ \t]*$/\2/p' | LC_ALL=C sort -u
}

value_of() { # value_of SYMBOL: as the finished configuration has it
  local line
  line=$(grep -m 1 "^CONFIG_$1=" "$OBJ/.config") || line="=n"
  printf '%s\n' "${line#*=}"
}

# A symbol of Kconfig's that ends otherwise than it was asked for lacks something that it depends on.
check_wanted() { # check_wanted: `SYMBOL VALUE` on standard input
  local symbol wanted found dropped=()
  while read -r symbol wanted; do
    found=$(value_of "$symbol")
    [[ $found == "$wanted" || ($wanted == m && $found == y) || ($wanted == '""' && $found == n) ]] ||
      dropped+=("CONFIG_$symbol ($wanted asked for, $found found)")
  done
  ((${#dropped[@]} == 0)) && return
  printf -v found ', %s' "${dropped[@]}"
  die "configuration: found ${found#, } after Kconfig, required as the fragments ask; set what they depend on ('depends on' in the source's Kconfig files), or leave them out"
}

check_needed() {
  local symbol missing=()
  while read -r symbol; do
    [[ $(value_of "$symbol") == y ]] || missing+=("CONFIG_$symbol")
  done < <(spec need)
  ((${#missing[@]} == 0)) ||
    die "configuration: found ${missing[*]} not built in, required for this guest, which boots without an initrd; take out of the fragments what unsets them"
}

check_basis() {
  local wrong
  wrong=$(grep -nvE "^($SET|$UNSET|# module [A-Za-z0-9_]+)\$" "$IN/basis" | head -n 3) || true
  [[ -z $wrong ]] || die "found ${wrong//$'\n'/; } in what the guest's kernel was recorded as, required its configuration and modules; remove /var/lib/mirlab/kernel-basis in the guest, then run again"
}

# The guest's own kernel, but with all that it has loaded built in, and without what it has not: neither
# an initrd nor modules. What a newer source is the first to ask has that source's own answer.
running_config() {
  grep -v '^# module ' "$IN/basis" >"$OBJ/.config"
  sed -n 's/^# module \(.*\)/\1 1 0/p' "$IN/basis" >"$OUT/modules"
  kbuild -s LSMOD="$OUT/modules" localyesconfig < <(yes '') >&2 || return
  # Keys of the distribution's, which nobody else has; and what only debuggers read. Versions of symbols
  # are for modules from elsewhere, and each object would be read twice for them.
  printf '%s\n' '# CONFIG_MODULE_SIG is not set' '# CONFIG_SECURITY_LOCKDOWN_LSM is not set' '# CONFIG_MODVERSIONS is not set' \
    'CONFIG_SYSTEM_TRUSTED_KEYS=""' 'CONFIG_SYSTEM_REVOCATION_KEYS=""' 'CONFIG_BUILD_SALT=""' \
    'CONFIG_DEBUG_INFO_NONE=y' >>"$OBJ/.config"
}

# What is asked for, over a base that is there.
lay_over() {
  cat "$OUT/all.config" >>"$OBJ/.config"
  kbuild -s olddefconfig
}

# The base, then ours, then the lab's own: a later line wins. Whoever asks whether it went well has
# turned `set -e` off in it.
write_config() {
  local base
  base=$(spec base)
  case $base in
    tiny)
      # All that nobody asks for is off: Kconfig's own `tinyconfig` is made this way. And nothing to
      # unwind by tables: no objtool run for each object.
      ! grep -qx UNWINDER_GUESS "$OUT/known" || echo CONFIG_UNWINDER_GUESS=y >>"$OUT/all.config"
      kbuild -s KCONFIG_ALLCONFIG="$OUT/all.config" allnoconfig
      ;;
    defconfig)
      kbuild -s x86_64_defconfig && lay_over
      ;;
    running)
      running_config && lay_over
      ;;
    *) die "found base '$base', required tiny, running or defconfig" ;;
  esac
}

targets() { # targets CONFIG
  printf 'bzImage\n'
  ! grep -q '^CONFIG_MODULES=y$' "$1" || printf 'modules\n'
}

# Lines that a compile will print: those of what is made already, and those of a dry run, which ends at
# the link and knows nothing of the few after it.
count_steps() {
  local dry all
  mapfile -t all < <(targets "$OBJ/.config")
  dry=$(kbuild -n "${all[@]}" 2>/dev/null | grep -cE "echo +['\"]  [A-Z]") || true
  printf '%s\n' "$((dry + $(grep -cE '^  [A-Z]' "$OUT/prepare.log" || true)))"
}

configure() {
  local number name unknown
  [[ -f $SOURCE/Makefile && -f $SOURCE/Kconfig && -d $SOURCE/arch/x86 ]] ||
    die "found no Linux source in what was fetched, required one: Makefile, Kconfig and arch/x86 at its top"
  mkdir -p "$OBJ"
  known_symbols >"$OUT/known"
  : >"$OUT/own"
  while read -r number name; do
    check_fragment "$IN/fragments/$number" "$name"
    unknown=$(settings "$IN/fragments/$number" | cut -d' ' -f1 | LC_ALL=C sort -u | LC_ALL=C comm -23 - "$OUT/known" | paste -sd ' ')
    [[ -z $unknown ]] || die "fragment $name: found unknown symbols $unknown, required symbols of this source's Kconfig files; correct them, or use a source that has them"
    cat "$IN/fragments/$number" >>"$OUT/own"
    printf '\n' >>"$OUT/own"
  done < <(spec fragment)
  # Ours is for many versions of Linux: it has symbols that this one may not.
  settings "$IN/recipe/mir.config" | LC_ALL=C sort | LC_ALL=C join - "$OUT/known" |
    sed -E 's/^(\S+) (.*)$/CONFIG_\1=\2/' >"$OUT/mir"
  settings "$OUT/mir" "$OUT/own" | tee "$OUT/wanted" |
    sed -E 's/^(\S+) n$/# CONFIG_\1 is not set/; t; s/^(\S+) (.*)$/CONFIG_\1=\2/' >"$OUT/all.config"
  [[ $(spec base) != running ]] || check_basis
  write_config 2>"$OUT/kconfig.log" || {
    tail -n 15 "$OUT/kconfig.log" >&2
    die "configuration: Kconfig of this source ended with the words above, required a configuration; use another source, or a patch for it"
  }
  check_wanted <"$OUT/wanted"
  check_needed
  # Of this source and this compiler: an old one does not know the other.
  kbuild prepare >"$OUT/prepare.log" 2>&1 || {
    tail -n 15 "$OUT/prepare.log" >&2
    die "source: found Linux $(kbuild -s kernelversion 2>/dev/null) which $(gcc --version | head -n 1) does not compile, see its words above; required a newer source, or a patch for this compiler"
  }
  kbuild -s kernelrelease >"$OUT/name"
  cp "$OBJ/.config" "$OUT/config"
  count_steps >"$OUT/steps"
  # A compile begins with Kbuild's own programs, here as in the guest.
  rm -rf "$OBJ"
}

# --- compile, package ---

compile() { # compile JOBS CACHE_MIB [TARGET...]
  local jobs=$1 targets=("${@:3}")
  use_ccache "$2"
  mkdir -p "$OBJ"
  # What is there already was made from the same: a cut-off run goes on.
  cmp -s "$IN/config" "$OBJ/.config" || cp "$IN/config" "$OBJ/.config"
  ((${#targets[@]} > 0)) || mapfile -t targets < <(targets "$IN/config")
  kbuild -j "$jobs" "${targets[@]}"
  cmp "$IN/config" "$OBJ/.config" || die "configuration: found it changed by the compile, required as it was checked: the compiler is another one"
}

package() {
  local release tree=$OUT/deb name
  release=$(kbuild -s kernelrelease)
  [[ $release == "$(spec release)" ]] || die "found release $release, required $(spec release)"
  rm -rf "$tree"
  mkdir -p "$tree/DEBIAN" "$tree/boot"
  cp "$OBJ/arch/x86/boot/bzImage" "$tree/boot/vmlinuz-$release"
  cp "$OBJ/System.map" "$tree/boot/System.map-$release"
  cp "$OBJ/.config" "$tree/boot/config-$release"
  if grep -q '^CONFIG_MODULES=y$' "$OBJ/.config"; then
    kbuild -s INSTALL_MOD_PATH="$tree" INSTALL_MOD_STRIP=1 modules_install
    rm -f "$tree/lib/modules/$release/build" "$tree/lib/modules/$release/source"
  fi
  name=linux-image-${release,,}
  printf '%s\n' "Package: ${name//_/-}" 'Version: 1' 'Architecture: amd64' 'Section: kernel' \
    'Maintainer: mirlab <mirlab@localhost>' "Installed-Size: $(du -sk "$tree" | cut -f1)" \
    "Description: Linux $release, built by mirlab in its guest" >"$tree/DEBIAN/control"
  # All that it boots with is built in.
  cat >"$tree/DEBIAN/postinst" <<FILE
#!/bin/sh
set -e
export INITRD=No
[ ! -d /lib/modules/$release ] || depmod $release
[ ! -d /etc/kernel/postinst.d ] || run-parts --arg=$release --arg=/boot/vmlinuz-$release /etc/kernel/postinst.d
FILE
  cat >"$tree/DEBIAN/postrm" <<FILE
#!/bin/sh
set -e
export INITRD=No
[ ! -d /etc/kernel/postrm.d ] || run-parts --arg=$release --arg=/boot/vmlinuz-$release /etc/kernel/postrm.d
FILE
  chmod 0755 "$tree/DEBIAN/postinst" "$tree/DEBIAN/postrm"
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$tree" "$OUT/package.partial" >&2
  rm -rf "$tree"
  mv "$OUT/package.partial" "$OUT/package.deb"
}

case "${1-} $#" in
  "configure 1") configure ;;
  "compile "[3-9]) compile "${@:2}" ;;
  "package 1") package ;;
  *) die "found '$*', required configure, compile JOBS CACHE_MIB [TARGET...] or package" ;;
esac
