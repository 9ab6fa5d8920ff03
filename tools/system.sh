#!/usr/bin/env bash
# Installs the Debian packages that setup, demo and tests need; does nothing when they are there.
# One sentence and exit 1 where it cannot: no apt, no rights, no network.
set -euo pipefail

# a program that proves the package → the package
declare -A wanted=(
  [chromium]=chromium          # plays and publishes in demo, smoke and browser tests
  [firefox-esr]=firefox-esr    # the other engine: plays and publishes in tests/interop
  [redis-server]=redis-server  # the second server that integration tests run on
  [node]=nodejs                # tests of web/ alone
  [npm]=npm                    # clients of other houses for the interop tests
  [ip]=iproute2                # network namespaces of the tests with dead relays
  [turnserver]=coturn          # the TURN server that browsers play through in tests
  [npm]=npm                    # fetches the foreign WHIP and WHEP clients of tests/interop
  [gcc]=gcc                    # the native fan-out; without it the Python twin serves
)
declare -A files=(
  [/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc]=fonts-noto-cjk
  [/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf]=fonts-dejavu-core
  [/usr/include/stdio.h]=libc6-dev
)
missing=()
for program in "${!wanted[@]}"; do
  command -v "$program" >/dev/null || missing+=("${wanted[$program]}")
done
for file in "${!files[@]}"; do
  [ -e "$file" ] || missing+=("${files[$file]}")
done
# venv without ensurepip makes no pip; the headers are for the native fan-out
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
python3 -c 'import sysconfig, os, sys; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
  2>/dev/null || missing+=(python3-dev)
# GStreamer's webrtcbin publishes in tests/interop; its binding belongs to Debian's own Python
/usr/bin/python3 -c 'import gi; gi.require_version("GstWebRTC", "1.0")' 2>/dev/null ||
  missing+=(python3-gi gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0)
for plugin in base:opus good:rtp bad:webrtc ugly:x264; do
  compgen -G "/usr/lib/*/gstreamer-1.0/libgst${plugin#*:}.so" >/dev/null || missing+=("gstreamer1.0-plugins-${plugin%:*}")
done
compgen -G '/usr/lib/*/gstreamer-1.0/libgstnice.so' >/dev/null || missing+=(gstreamer1.0-nice)
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null || missing+=(postgresql)
[ ${#missing[@]} -eq 0 ] && exit 0

packages=$(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')
say() { echo "make system: $1 these Debian packages are needed: ${packages% }" >&2; exit 1; }
command -v apt-get >/dev/null || say "there is no apt-get here; install by hand what corresponds:"
root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null && sudo -n true 2>/dev/null || say "only root may install packages, and sudo asks for a password;"
  root=(sudo -n)
fi
echo "make system: installing ${packages% }"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1; }
# A package starts its server when it is installed; the tests bring servers of their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee $policy >/dev/null
  "${root[@]}" chmod +x $policy
  trap '"${root[@]}" rm -f $policy; rm -f "$log"' EXIT
fi
# shellcheck disable=SC2086  # the list is words on purpose
apt install -y --no-install-recommends $packages ||
  { apt update && apt install -y --no-install-recommends $packages; } ||
  { tail -n 3 "$log" >&2; say "apt-get could not install (is the network there?);"; }
