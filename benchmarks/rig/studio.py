"""The studio agent as a process: the drawn scene, with its clock strip, on air."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .servers import RelayServer, free_port

LIVE_SECONDS: Final = 20.0


@contextlib.contextmanager
def studio(place: Path, relay: RelayServer, **environment: str) -> Iterator[str]:
    """Publish until the end of the block; the address of its /healthz. Waits until it is live."""
    token, port = place / "studio.token", free_port()
    token.write_text(relay.publish_token)
    settings = {
        "STUDIO_WHIP": relay.whip,
        "STUDIO_TOKEN_FILE": str(token),
        "STUDIO_HTTP": f"127.0.0.1:{port}",
        "STUDIO_SOURCE": "scene",
    }
    log = place / "studio.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "studio_agent"]
        process = subprocess.Popen(command, env=os.environ | settings | environment, stderr=out, stdout=out)
    health = f"http://127.0.0.1:{port}/healthz"
    try:
        until = time.monotonic() + LIVE_SECONDS
        while state(health).get("state") != "live":
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError(f"the studio is not live: {log.read_text()[-1000:]}")
            time.sleep(0.05)
        yield health
    finally:
        process.terminate()
        process.wait(10)


def state(health: str) -> dict[str, Any]:
    """What the studio says of itself; empty while it does not answer."""
    try:
        with urllib.request.urlopen(health, timeout=2) as answer:
            said: dict[str, Any] = json.load(answer)
    except (urllib.error.URLError, OSError):
        return {}
    return said
