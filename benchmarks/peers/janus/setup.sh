#!/usr/bin/env bash
# Installs Debian's Janus, which benchmarks.fanout compares with. Root or passwordless sudo.
set -euo pipefail
say() { echo "make bench-setup: $1" >&2; exit 1; }
command -v janus >/dev/null && exit 0
command -v apt-get >/dev/null || say "Janus is installed from Debian; without apt-get, put a janus 1.x on PATH."
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || say "needs root or passwordless sudo for: apt-get install janus"
  as_root=(sudo -n)
fi
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends janus
# The package starts a service of its own; benchmarks start Janus themselves.
if command -v systemctl >/dev/null; then "${as_root[@]}" systemctl disable --now janus 2>/dev/null || true; fi
