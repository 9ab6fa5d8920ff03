"""Servers under test, each a process of its own on a core of its own, and what it cost the OS.

CPU is what the kernel's scheduler says of all threads of the process (`/proc/PID/task/*/schedstat`),
so everything counts: STUN, RTCP, reports, HTTP, the sender's thread, soft interrupts in its name.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streaming.contract import (
    TOKEN_ALGORITHM,
    Role,
    ShowId,
    Stage,
    StudioId,
    TokenClaims,
    to_wire,
)

SERVER_CORE: Final = 1
CLIENTS_CORE: Final = 0
NICE: Final = os.environ.get("BENCH_NICE", "")
START_SECONDS: Final = 15.0
SHOW, STUDIO = ShowId("benchmark"), StudioId("studio")
PEERS: Final = Path(__file__).parents[1] / "peers"


def cpu_ns(pid: int) -> int:
    """CPU time of all threads of a process so far."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total


def memory_bytes(pid: int) -> int:
    """Memory that is the process' own."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    return 0


def on_core(core: int, command: list[str]) -> list[str]:
    """The command, pinned where the machine lets one; BENCH_NICE=-10 sets it before other work (root)."""
    cores = os.sched_getaffinity(0)
    pinned = core in cores and len(cores) > 1 and shutil.which("taskset")
    first = ["nice", "-n", NICE] if NICE else []
    return [*first, *(["taskset", "-c", str(core)] if pinned else []), *command]


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@dataclass(frozen=True, slots=True)
class RelayServer:
    """A running relay: its process, its URLs and tokens for them."""

    pid: int
    url: str
    udp_port: int
    publish_token: str
    view_token: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def whip(self) -> str:
        return f"{self.url}/whip/{STUDIO}"

    @property
    def whep(self) -> str:
        return f"{self.url}/whep/{SHOW}"

    def status(self) -> dict[str, Any]:
        """What the relay says of itself."""
        with urllib.request.urlopen(f"{self.url}/status", timeout=5) as answer:
            said: dict[str, Any] = json.load(answer)
        return said


@contextlib.contextmanager
def relay(place: Path, **environment: str) -> Iterator[RelayServer]:
    """Run a relay with one show on air; `place` holds its files."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    keys, stages = place / "public.json", place / "stages.json"
    keys.write_text(
        json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "b", "alg": "EdDSA", "x": x}]})
    )
    stages.write_text(json.dumps([to_wire(Stage(SHOW, 1, True, STUDIO))]))
    http, udp = free_port(), free_port(socket.SOCK_DGRAM)
    settings = {
        "RELAY_HTTP": f"127.0.0.1:{http}",
        "RELAY_UDP": f"127.0.0.1:{udp}",
        "TOKEN_KEYS_FILE": str(keys),
        "STAGES_FILE": str(stages),
        "RELAY_VIEWERS_MAX": "4000",
    }
    command = on_core(SERVER_CORE, [sys.executable, "-m", "streaming"])
    with _process(command, os.environ | settings | environment, place / "relay.log") as process:
        url = f"http://127.0.0.1:{http}"
        _wait_for(f"{url}/healthz", place / "relay.log")
        claims = {"publish": {"studio": STUDIO}, "view": {"show": SHOW}}
        yield RelayServer(
            process.pid,
            url,
            udp,
            _token(key, "publish", claims["publish"]),
            _token(key, "view", claims["view"]),
            settings | environment,
        )


@contextlib.contextmanager
def revived(server: RelayServer, place: Path) -> Iterator[RelayServer]:
    """A relay that was killed, started again on its ports; it has just begun and need not answer yet."""
    command = on_core(SERVER_CORE, [sys.executable, "-m", "streaming"])
    with _process(command, os.environ | server.settings, place / "again.log") as process:
        yield replace(server, pid=process.pid)


def _token(key: Ed25519PrivateKey, role: Role, of: dict[str, Any]) -> str:
    claims = TokenClaims(role, "benchmark", int(time.time()) + 7200, **of)
    return jwt.encode(claims.to_jwt(), key, algorithm=TOKEN_ALGORITHM, headers={"kid": "b"})


@dataclass(frozen=True, slots=True)
class JanusServer:
    """A running Janus with one mountpoint fed by plain RTP."""

    pid: int
    url: str
    rtp_port: int
    mountpoint: int = 1


@contextlib.contextmanager
def janus(place: Path) -> Iterator[JanusServer]:
    """Run Debian's Janus with the configuration in peers/janus, its ports filled in."""
    http, rtp = free_port(), free_port(socket.SOCK_DGRAM)
    folder = place / "janus"
    shutil.copytree(PEERS / "janus", folder, dirs_exist_ok=True)
    for file in folder.glob("*.jcfg"):
        file.write_text(
            file.read_text()
            .replace("@HTTP@", str(http))
            .replace("@RTP@", str(rtp))
            .replace("@HERE@", str(folder))
        )
    command = on_core(SERVER_CORE, ["janus", "-F", str(folder)])
    with _process(command, dict(os.environ), place / "janus.log") as process:
        _wait_for(f"http://127.0.0.1:{http}/janus/info", place / "janus.log")
        yield JanusServer(process.pid, f"http://127.0.0.1:{http}/janus", rtp)


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"{url} does not answer: {log.read_text(errors='replace')[-1000:]}")


class Told:
    """A client process that takes orders as JSON lines and answers each by one."""

    def __init__(self, module: str, core: int = CLIENTS_CORE) -> None:
        command = on_core(core, [sys.executable, "-m", module])
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, **order: Any) -> None:
        """Give an order and do not wait."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The answer to the oldest order."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a client process ended")
        said: dict[str, Any] = json.loads(line)
        return said

    def do(self, **order: Any) -> dict[str, Any]:
        """Give an order and wait for its answer."""
        self.say(**order)
        return self.hear()

    def __enter__(self) -> Told:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.say(end=True)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
