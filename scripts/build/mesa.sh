#!/usr/bin/env bash
# Makes a small Mesa from its source, as one Debian package that lies beside the distribution's. The
# same steps in a build root on the lab host and in the guest, by the same paths, so that one side's
# compiler cache serves the other. As nobody in particular: see confine.sh.
#   mesa.sh configure                natively: chooses what is built, and checks that it can be
#   mesa.sh compile JOBS CACHE_MIB
#   mesa.sh package                  /build/out/package.deb
# In: /build/input/{spec,source,recipe,config}. Out: /build/out.
set -euo pipefail

# shellcheck source=common.sh
source "${BASH_SOURCE[0]%/*}/common.sh"
readonly SOURCE=$IN/source OBJ=$OUT/obj
readonly PREFIX=/opt/mirlab/mesa

# Nothing of the machine, the user or the day gets into an object: else no cache entry would hit.
export SOURCE_DATE_EPOCH=1418083200 PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
# What a context tells of its Mesa, in parentheses after the version: that it is this one.
MESA_GIT_SHA1_OVERRIDE=$(spec suffix | tail -c 9)
export MESA_GIT_SHA1_OVERRIDE
# A line for each step, by which progress is counted.
export NINJA_STATUS='  '

# Software drivers on a KMS device by GBM, as Mir uses them: EGL and GLESv2. Neither GLX nor Vulkan
# nor video. Of these the source's own options count: they come and go with versions.
options() {
  local llvm=disabled draw=false drivers=swrast
  [[ $(spec base) != llvmpipe ]] || llvm=enabled draw=true
  # Its later name, and one of two by it.
  ! grep -q "'softpipe'" "$(option_file)" || drivers=softpipe
  [[ $drivers$llvm != softpipeenabled ]] || drivers=llvmpipe
  printf '%s\n' "gallium-drivers=$drivers" "llvm=$llvm" "draw-use-llvm=$draw" \
    platforms=wayland egl=enabled gbm=enabled gles2=enabled gles1=disabled opengl=true glx=disabled glvnd=true \
    glvnd=enabled egl-native-platform=drm vulkan-drivers= vulkan-layers= video-codecs= tools= gallium-vdpau=disabled \
    gallium-va=disabled gallium-xa=disabled gallium-omx=disabled gallium-nine=false gallium-opencl=disabled \
    gallium-rusticl=false osmesa=false shared-glapi=enabled shared-llvm=enabled shader-cache=disabled \
    spirv-to-dxil=false zstd=disabled xmlconfig=disabled expat=disabled valgrind=disabled libunwind=disabled \
    lmsensors=disabled selinux=false build-tests=false html-docs=disabled perfetto=false teflon=false \
    legacy-x11=none allow-kcmp=enabled
}

option_file() {
  if [[ -f $SOURCE/meson.options ]]; then printf '%s\n' "$SOURCE/meson.options"; else printf '%s\n' "$SOURCE/meson_options.txt"; fi
}

# `NAME TYPE` of each option that the source has.
known_options() {
  tr '\n' ' ' <"$(option_file)" | grep -oE "option\( *'[a-z0-9_-]+' *, *type *: *'[a-z]+'" |
    sed -E "s/^option\( *'([a-z0-9_-]+)' *, *type *: *'([a-z]+)'/\1 \2/"
}

wanted_options() {
  local name value type
  local -A types=()
  while read -r name type; do types[$name]=$type; done < <(known_options)
  while IFS='=' read -r name value; do
    type=${types[$name]-}
    case $type:$value in
      :*) ;;
      # An option that was true or false once is a feature later, or the other way.
      boolean:enabled | boolean:disabled | feature:true | feature:false) ;;
      *) printf -- '-D%s=%s\n' "$name" "$value" ;;
    esac
  done < <(options)
}

# --- the steps ---

configure() {
  local version
  [[ -f $SOURCE/VERSION && -f $SOURCE/meson.build && -d $SOURCE/src/gallium && -f $(option_file) ]] ||
    die "found no Mesa source in what was fetched, required one: VERSION, meson.build and src/gallium at its top"
  read -r version <"$SOURCE/VERSION"
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9]+)?$ ]] || die "found version '$version' in the source's VERSION, required MAJOR.MINOR.PATCH"
  setup >"$OUT/meson.log" 2>&1 || {
    grep -E 'ERROR|error:' "$OUT/meson.log" | tail -n 5 >&2
    die "configuration: meson ended with the words above, required a build of Mesa $version with the packages of this build root; use an older source, or a patch for it"
  }
  # dpkg takes what follows a hyphen for another word.
  printf '%s+mirlab.%s\n' "${version//-/\~}" "$MESA_GIT_SHA1_OVERRIDE" >"$OUT/name"
  ninja -n -C "$OBJ" | grep -c '^  ' >"$OUT/steps" || true
  # Meson takes an emulated guest many minutes; what it writes is of this build root, which both have.
  tar -c --sort=name -f "$OUT/config" -C "$OUT" obj
}

setup() {
  local wanted
  mapfile -t wanted < <(wanted_options)
  CC='ccache gcc' CXX='ccache g++' meson setup --wrap-mode=nodownload --prefix="$PREFIX" --libdir=lib/x86_64-linux-gnu \
    --sysconfdir=/etc --buildtype=plain -Doptimization=2 -Db_ndebug=true -Db_staticpic=true \
    -Dc_link_args="-Wl,-rpath,$PREFIX/lib/x86_64-linux-gnu" -Dcpp_link_args="-Wl,-rpath,$PREFIX/lib/x86_64-linux-gnu" \
    "${wanted[@]}" "$OBJ" "$SOURCE"
}

compile() { # compile JOBS CACHE_MIB
  use_ccache "$2"
  # What is there already was made from the same: a cut-off run goes on.
  if [[ ! -e $OUT/configured ]]; then
    rm -rf "$OBJ"
    tar -x -f "$IN/config" -C "$OUT"
    : >"$OUT/configured"
  fi
  ninja -C "$OBJ" -j "$1"
}

package() {
  local version tree=$OUT/deb lib
  version=$(spec release)
  lib=$tree$PREFIX/lib/x86_64-linux-gnu
  rm -rf "$tree"
  DESTDIR=$tree meson install -C "$OBJ" --no-rebuild --quiet
  rm -rf "$tree$PREFIX/include" "$lib/pkgconfig" "$tree$PREFIX/share"
  # For a compiler. Since Mesa 24.2 the drivers are in a file of such a name.
  find "$lib" -maxdepth 1 -type l -name '*.so' -delete
  [[ -e $lib/libEGL_mesa.so.0 && -e $lib/libgbm.so.1 ]] || die "found no libEGL_mesa and libgbm in what was made, required both"
  # libgbm alone is looked for by the loader's cache: the rest is found by it, and by its own path. So
  # the distribution's GLX and Vulkan keep to the distribution's.
  mkdir -p "$tree$PREFIX/gbm" "$tree/etc/ld.so.conf.d" "$tree/usr/share/glvnd/egl_vendor.d" "$tree/DEBIAN"
  ln -s "../lib/x86_64-linux-gnu/$(readlink "$lib/libgbm.so.1")" "$tree$PREFIX/gbm/libgbm.so.1"
  printf '%s\n' "$PREFIX/gbm" >"$tree/etc/ld.so.conf.d/00-mirlab-mesa.conf"
  # Before 50_mesa.json.
  printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s"}}\n' \
    "$PREFIX/lib/x86_64-linux-gnu/libEGL_mesa.so.0" >"$tree/usr/share/glvnd/egl_vendor.d/40_mirlab.json"
  find "$lib" -type f -name '*.so*' -exec strip --strip-unneeded {} +
  printf 'activate-noawait ldconfig\n' >"$tree/DEBIAN/triggers"
  # No conffiles: all of it goes with the package.
  (cd "$tree" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
  printf '%s\n' 'Package: mirlab-mesa' "Version: $version" 'Architecture: amd64' 'Section: libs' \
    'Maintainer: mirlab <mirlab@localhost>' "Depends: $(needed "$lib")" "Installed-Size: $(du -sk "$tree" | cut -f1)" \
    "Description: Mesa ${version%+*} for Mir, built by mirlab in its guest" >"$tree/DEBIAN/control"
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$tree" "$OUT/package.partial" >&2
  rm -rf "$tree"
  mv "$OUT/package.partial" "$OUT/package.deb"
}

# Packages of the libraries that ours need and that are not among them; glvnd's loader.
needed() {
  local name path
  {
    printf 'libegl1\n'
    find "$1" -type f -name '*.so*' -exec readelf -d {} + | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' | sort -u | while read -r name; do
      [[ ! -e $1/$name ]] || continue
      path=$(/sbin/ldconfig -p | awk -v name="$name" '$1 == name { print $NF; exit }')
      # A merged /usr: dpkg may know it by either name.
      { dpkg-query -S "$path" || dpkg-query -S "/usr$path" || dpkg-query -S "${path#/usr}"; } 2>/dev/null | sed -n '1s/:.*//p'
    done
  } | sort -u | paste -sd, | sed 's/,/, /g'
}

case "${1-} $#" in
  "configure 1") configure ;;
  "compile 3") compile "$2" "$3" ;;
  "package 1") package ;;
  *) die "found '$*', required configure, compile JOBS CACHE_MIB or package" ;;
esac
