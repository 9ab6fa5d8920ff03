#!/usr/bin/env bash
# Installs what benchmarks compare with: every folder of benchmarks/peers that says how.
set -euo pipefail
cd "$(dirname "$0")/peers"
for peer in */; do
  if [ -f "$peer/package-lock.json" ]; then (cd "$peer" && npm ci --no-audit --no-fund --silent); fi
  if [ -x "$peer/setup.sh" ]; then "$peer/setup.sh"; fi
done
