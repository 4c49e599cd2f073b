#!/usr/bin/env bash
# The vendor way: downloads, verifies and unpacks the vendor's releases of the pinned versions.
#   vendor.sh engine    prints the directory of the CLI and its language host
#   vendor.sh plugins   prints a line `NAME FILE` for each plugin
# It unpacks an archive only if its SHA-256 is in the release's checksums file. That file comes over HTTPS
# from the same release: it proves an undamaged download, not an honest vendor.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

# MIRLAB_VENDOR_URL: a mirror with the layout of github.com.
DEFAULT_URL=https://github.com
URL=${MIRLAB_VENDOR_URL:-$DEFAULT_URL}
# Seconds without a byte that end a download: an offline machine has to reach the next way soon.
STALL_S=${MIRLAB_VENDOR_STALL_S:-20}
CONNECT_S=4

PARTS=$CACHE/vendor
DOWNLOADS=$CACHE/download
QUARANTINE=$CACHE/quarantine

if [[ ! $STALL_S =~ ^[1-9][0-9]{0,3}$ ]]; then
  fail MIRLAB_VENDOR_STALL_S "$STALL_S" 'seconds, 1 to 9999' 'correct or unset it'
fi

# fetch ADDRESS FILE: resumes FILE. From the vendor by HTTPS only, redirects included; a mirror that the user
# sets may be plain HTTP.
fetch() {
  local protocols='=https'
  if [[ $URL != "$DEFAULT_URL" ]]; then
    protocols='=http,https'
  fi
  curl --silent --show-error --fail --location --proto "$protocols" --proto-redir "$protocols" \
    --connect-timeout "$CONNECT_S" --speed-limit 1 --speed-time "$STALL_S" --max-time 3600 \
    --continue-at - --output "$2" -- "$1"
}

# expected_digest RELEASE CHECKSUMS ARCHIVE: prints the archive's digest from the release's checksums file.
expected_digest() {
  local release=$1 checksums=$2 archive=$3 file found
  file=$DOWNLOADS/$checksums
  rm -f -- "$file"
  if ! fetch "$URL/$release/$checksums" "$file" 2>"$file.log"; then
    fail "$checksums" "no answer from $URL ($(tail -n 1 -- "$file.log"))" 'the checksums of the release' \
      'check the network, or set MIRLAB_TOOLCHAIN=registry'
  fi
  found=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$file")
  if [[ ! $found =~ ^[0-9a-f]{64}$ ]]; then
    fail "$archive" "${found:-no digest} in $checksums" 'one SHA-256 for it' 'set MIRLAB_TOOLCHAIN=registry'
  fi
  printf '%s\n' "$found"
}

sha256() {
  sha256sum -- "$1" | cut -d ' ' -f 1
}

# download RELEASE CHECKSUMS ARCHIVE: puts the verified archive in $DOWNLOADS.
download() {
  local release=$1 checksums=$2 archive=$3 expected partial actual attempt
  expected=$(expected_digest "$release" "$checksums" "$archive")
  partial=$DOWNLOADS/$archive.partial
  say "downloading $archive ..."
  for attempt in resumed fresh; do
    if [[ -f $partial && $(sha256 "$partial") == "$expected" ]]; then
      mv -f -- "$partial" "$DOWNLOADS/$archive"
      return
    fi
    if [[ $attempt == resumed && ! -s $partial ]]; then
      continue
    fi
    # The partial file may belong to another file, or the server may not resume: then once more from the start.
    [[ $attempt == resumed ]] || rm -f -- "$partial"
    if ! fetch "$URL/$release/$archive" "$partial" 2>"$partial.log"; then
      [[ $attempt == fresh ]] || continue
      fail "$archive" "an unfinished download ($(tail -n 1 -- "$partial.log"))" 'the whole file' \
        'run it again, it resumes; or set MIRLAB_TOOLCHAIN=registry'
    fi
  done
  actual=$(sha256 "$partial")
  if [[ $actual == "$expected" ]]; then
    mv -f -- "$partial" "$DOWNLOADS/$archive"
    return
  fi
  mkdir -p -- "$QUARANTINE"
  mv -f -- "$partial" "$QUARANTINE/$archive.$actual"
  fail "$archive" "SHA-256 $actual" "$expected" \
    'run it again; if it fails again, report it to the vendor and set MIRLAB_TOOLCHAIN=registry' "$QUARANTINE/$archive.$actual"
}

# unpack ARCHIVE DIR MEMBER...: writes the content of these members to files named here, so that no other
# path in the archive, and no link, reaches the disk.
unpack() {
  local archive=$1 dir=$2 member file
  shift 2
  for member; do
    file=$dir/${member##*/}
    case $archive in
      *.zip) unzip_member "$archive" "$member" ;;
      *) tar --extract --gzip --to-stdout --file "$archive" -- "$member" ;;
    esac >"$file" || fail "${archive##*/}" "no $member in it" 'the layout of the release' 'set MIRLAB_TOOLCHAIN=registry'
    if [[ ! -s $file ]]; then
      fail "${archive##*/}" "$member empty or a link" 'a regular file' 'set MIRLAB_TOOLCHAIN=registry'
    fi
    chmod 0755 -- "$file"
  done
}

# unzip_member ARCHIVE MEMBER: to stdout, by unzip or python3.
unzip_member() {
  if command -v unzip >/dev/null; then
    unzip -p -- "$1" "$2"
  elif command -v python3 >/dev/null; then
    python3 -c 'import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as member:
    shutil.copyfileobj(member, sys.stdout.buffer)' "$1" "$2"
  else
    fail unzip 'neither unzip nor python3' 'one of them' 'apt-get install unzip'
  fi
}

# obtain NAME RELEASE CHECKSUMS ARCHIVE MEMBER...: puts the members in $PARTS/NAME, unless it exists.
obtain() {
  local name=$1 release=$2 checksums=$3 archive=$4 temp
  shift 4
  if [[ -d $PARTS/$name ]]; then
    return
  fi
  download "$release" "$checksums" "$archive"
  temp=$(mktemp -d -- "$PARTS/.unpacking-XXXXXX")
  unpack "$DOWNLOADS/$archive" "$temp" "$@"
  chmod 0755 -- "$temp"
  publish "$temp" "$PARTS/$name"
  rm -f -- "$DOWNLOADS/$archive"
}

command -v curl >/dev/null || fail curl 'none on PATH' 'curl for downloads' 'apt-get install curl ca-certificates'
mkdir -p -- "$PARTS" "$DOWNLOADS"
find "$PARTS" -maxdepth 1 -name '.unpacking-*' -exec rm -rf -- {} +

case ${1-} in
  engine)
    name=pulumi-v$PULUMI_VERSION-linux-$CLI_ARCH
    obtain "$name" "pulumi/pulumi/releases/download/v$PULUMI_VERSION" "pulumi-$PULUMI_VERSION-checksums.txt" \
      "$name.tar.gz" pulumi/pulumi pulumi/pulumi-language-nodejs pulumi/pulumi-resource-pulumi-nodejs
    printf '%s\n' "$PARTS/$name"
    ;;
  plugins)
    command=pulumi-resource-command-v$COMMAND_VERSION-linux-$GO_ARCH
    obtain "$command" "pulumi/pulumi-command/releases/download/v$COMMAND_VERSION" \
      "pulumi-command_${COMMAND_VERSION}_checksums.txt" "$command.tar.gz" pulumi-resource-command
    bridge=pulumi-resource-terraform-provider-v$BRIDGE_VERSION-linux-$GO_ARCH
    obtain "$bridge" "pulumi/pulumi-terraform-provider/releases/download/v$BRIDGE_VERSION" \
      "pulumi-terraform-provider_${BRIDGE_VERSION}_checksums.txt" "$bridge.tar.gz" pulumi-resource-terraform-provider
    libvirt=terraform-provider-libvirt_${LIBVIRT_PROVIDER_VERSION}_linux_$GO_ARCH
    member=terraform-provider-libvirt_v$LIBVIRT_PROVIDER_VERSION
    obtain "$libvirt" "dmacvicar/terraform-provider-libvirt/releases/download/v$LIBVIRT_PROVIDER_VERSION" \
      "terraform-provider-libvirt_${LIBVIRT_PROVIDER_VERSION}_SHA256SUMS" "$libvirt.zip" "$member"
    printf 'command %s\n' "$PARTS/$command/pulumi-resource-command"
    printf 'terraform-provider %s\n' "$PARTS/$bridge/pulumi-resource-terraform-provider"
    printf 'libvirt %s\n' "$PARTS/$libvirt/$member"
    ;;
  *)
    fail vendor.sh "${1:-nothing}" 'engine or plugins' 'call it from toolchain/ensure.sh'
    ;;
esac
