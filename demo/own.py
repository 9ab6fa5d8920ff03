"""A demo of one's own, on ports that are free and in a folder that goes away; for smoke, tests, pictures."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from demo.free import free_port
from demo.paper import FILE
from demo.procfile import ROOT
from demo.settings import QUIET, Refusal

UP_SECONDS: Final = 150.0
DOWN_SECONDS: Final = 60.0
PORTS: Final = ("SHOP_HTTP", "RELAY_HTTP", "RELAY_UDP", "BANK_HTTP", "SHOP_HTTPS", "RELAY_HTTPS", *QUIET)


@contextmanager
def own_demo(extra: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """Start `python -m demo`, give the content of its demo.json, end it by Ctrl-C. Raises Refusal."""
    folder = Path(tempfile.mkdtemp(prefix="sc-"))
    environ = {**os.environ, **addresses(), "VAR_DIR": str(folder), **(extra or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _sheet_of(process, folder)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=DOWN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def running_demo(folder: Path) -> dict[str, Any] | None:
    """The demo that runs already in this checkout, if its shop answers."""
    try:
        sheet: dict[str, Any] = json.loads((folder / FILE).read_text())
        host, _, port = sheet["api"].rpartition("//")[2].rpartition(":")
        socket.create_connection((host, int(port)), timeout=2).close()
    except (OSError, ValueError, KeyError):
        return None
    return sheet


def addresses() -> dict[str, str]:
    """A free port on loopback for every address that a demo needs."""
    return {name: f"127.0.0.1:{free_port()}" for name in PORTS}


def _sheet_of(process: subprocess.Popen[str], folder: Path) -> dict[str, Any]:
    deadline = time.monotonic() + UP_SECONDS
    while not (folder / FILE).exists():
        if process.poll() is not None:
            words = process.stderr.read().strip() if process.stderr else ""
            raise Refusal(f"The demo did not start: {words or 'it said nothing'}")
        if time.monotonic() > deadline:
            raise Refusal(f"The demo did not come up within {UP_SECONDS:g} s.")
        time.sleep(0.05)
    sheet: dict[str, Any] = json.loads((folder / FILE).read_text())
    return sheet
