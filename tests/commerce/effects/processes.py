"""Real processes of effects and bank for tests, and waiting for what they bring about."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

PATIENCE_SECONDS = 80


class Processes:
    """Effects and a bank on one server and one folder."""

    def __init__(self, url: str, folder: Path, port: Callable[[], int]) -> None:
        self.bank = f"http://127.0.0.1:{(bank := port())}"
        self.environment = {
            **os.environ,
            "VAR_DIR": str(folder),
            "REDIS_URL": url,
            "EFFECTS_HTTP": f"127.0.0.1:{port()}",
            "BANK_HTTP": f"127.0.0.1:{bank}",
            "BANK_URL": self.bank,
        }
        self.all: list[subprocess.Popen[bytes]] = []

    def start(self, module: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", module], env=self.environment, stderr=subprocess.DEVNULL
        )
        self.all.append(process)
        return process

    def stop(self) -> None:
        for process in self.all:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        # SIGTERM itself ends a process that was killed and started again a moment ago.
        assert {process.wait(30) for process in self.all} <= {0, -signal.SIGKILL, -signal.SIGTERM}


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await what():
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.05)
