"""Under what conditions a figure was taken: they go into the result beside it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .frames import FRAMES_PER_SECOND, PACED_SECONDS, PACKETS_PER_FRAME, PAYLOAD_BYTES
from .servers import CLIENTS_CORE, NICE, SERVER_CORE


def conditions() -> dict[str, Any]:
    """Machine, kernel, peers, load, and the stream."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "janus": _janus(),
        "server_core": SERVER_CORE,
        "clients_core": CLIENTS_CORE,
        "nice": NICE or "0",
        "load_1min": round(os.getloadavg()[0], 2),
        "stream": f"{FRAMES_PER_SECOND} frames/s x {PACKETS_PER_FRAME} packets x {PAYLOAD_BYTES} B payload",
        "paced_ms": PACED_SECONDS * 1000,
        "sinks": "loopback UDP, RTP dropped and counted by a BPF filter",
        "viewer_speaks": "RR+REMB each second, consent check twice in 5 s",
        "profile": "AEAD_AES_128_GCM",
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _janus() -> str | None:
    if not shutil.which("dpkg-query"):
        return None
    asked = ["dpkg-query", "-W", "-f", "${Version}", "janus"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout or None
