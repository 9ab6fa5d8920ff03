"""Bundles the npm clients for a browser; installs them first where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"


def install() -> None:
    """`npm ci` from the lock file. Skips the test, saying so, where npm or its registry is not."""
    stamp = MODULES / ".lock-of-this-install"
    lock = (HERE / "package-lock.json").read_bytes()
    if stamp.is_file() and stamp.read_bytes() == lock:
        return
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm on this machine: the clients of npm cannot be tried")
    try:
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-progress"],
            check=False, cwd=HERE, capture_output=True, text=True, timeout=150,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not install the clients within 150 s: is its registry there?")
    if done.returncode:
        pytest.skip(f"npm could not install the clients: {done.stderr.strip().splitlines()[-1:]}")
    stamp.write_bytes(lock)


def bundle(client: str, folder: Path) -> str:
    """The client's page script as one classic script."""
    install()
    made = folder / f"{client}.js"
    subprocess.run(
        [
            str(MODULES / ".bin" / "esbuild"), str(HERE / "clients" / f"{client}.js"), "--bundle",
            "--format=iife", "--log-level=error", f"--outfile={made}",
        ],
        check=True, cwd=HERE, timeout=60, env=os.environ,
    )  # fmt: skip
    return made.read_text()
