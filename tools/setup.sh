#!/usr/bin/env bash
# Makes .venv from requirements.lock (every file checked by its hash) and builds the native twins in place.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "make setup: $1" >&2; exit 1; }
python=${PYTHON3:-python3}
command -v "$python" >/dev/null || say "there is no $python here; Python 3.11 or newer is needed."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  say "$("$python" --version) is too old; Python 3.11 or newer is needed (name it with PYTHON3=…)."

wanted=$(sha256sum requirements.lock | cut -d' ' -f1)
if [ "$(cat .venv/.ready 2>/dev/null)" != "$wanted" ]; then
  [ -x .venv/bin/python ] || "$python" -m venv .venv ||
    say "a virtual environment could not be made; on Debian install python3-venv."
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock >"$log" 2>&1 ||
    { tail -n 3 "$log" >&2; say "the packages of requirements.lock could not be installed (is the network there?)."; }
  echo "$wanted" >.venv/.ready
fi

# The native twins are a gain, never a need: without a compiler those in Python serve.
if [ -e setup.py ] && command -v "${CC:-cc}" >/dev/null; then
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  .venv/bin/python -W ignore setup.py -q build_ext --inplace >"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; echo "make setup: the native twins could not be built; those in Python serve." >&2; }
fi
