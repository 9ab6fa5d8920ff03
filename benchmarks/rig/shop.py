"""A shop for benchmarks: a durable server, a desk process, a show with stock; all in a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commerce.live import server
from commerce.live.inbox import Accepted, Inbox, NoAnswer
from commerce.live.roster import Roster
from commerce.live.valkey import open_redis, open_wire
from commerce.show import commands as c
from commerce.show.language import SkuLine

TITLE = {"en": "Silk scarf"}
PRICE = 1_000
PLENTY = 1_000_000_000


@contextmanager
def folder() -> Iterator[Path]:
    """A folder with a path short enough for a unix socket."""
    place = Path(tempfile.mkdtemp(prefix="sc-bench-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def durable_server(place: Path) -> Iterator[str]:
    """The shop's server with `appendfsync always`; its URL."""
    process = server.start(place / "valkey", output=subprocess.DEVNULL)
    try:
        wait_for_socket(place / "valkey" / "s")
        yield f"unix://{place / 'valkey' / 's'}"
    finally:
        end(process)


def wait_for_socket(path: Path, within_seconds: float = 10.0) -> None:
    """Return when something answers PING on the unix socket."""
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(path))
            wire.sendall(b"PING\r\n")
            if wire.recv(64).startswith(b"+PONG"):
                return
        time.sleep(0.01)
    raise TimeoutError(f"nothing answers on {path}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_desk(url: str) -> subprocess.Popen[bytes]:
    """A desk process, as the Procfile starts it."""
    environment = {**os.environ, "REDIS_URL": url, "DESK_HTTP": f"127.0.0.1:{free_port()}"}
    return subprocess.Popen(
        [sys.executable, "-m", "commerce.desk"], env=environment, stderr=subprocess.DEVNULL
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and wait; SIGKILL when it does not end."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        print(f"{process.args} had to be killed", file=sys.stderr)
        process.kill()
        process.wait()


async def ask_until_told(inbox: Inbox, show: str, command: c.Command, key: str) -> Accepted:
    """Ask again and again with the same key; the answer must be yes."""
    while True:
        try:
            answer = await inbox.ask(show, command, actor="host", key=key)
        except NoAnswer:
            continue
        if not isinstance(answer, Accepted):
            raise TypeError(f"{command} was refused: {answer.refusal}")
        return answer


async def _open(url: str, show: str, commands: list[c.Command]) -> None:
    redis = open_redis(url)
    inbox = Inbox(lambda: open_wire(url), Roster(redis))
    for number, command in enumerate(commands):
        await ask_until_told(inbox, show, command, f"{type(command).__name__}-{number}")
    await inbox.aclose()
    await redis.aclose()


def open_show(url: str, show: str, commands: list[c.Command] | None = None) -> None:
    """Open a show; by default with one offer and more stock than anybody buys."""
    plenty: list[c.Command] = [
        c.OpenShow(TITLE, "CNY", 3_600, "merchant"),
        c.AllotStock("grant", "scarf", PLENTY),
        c.AddOffer("scarf", TITLE, None, (SkuLine("scarf", 1),), PRICE),
    ]
    asyncio.run(_open(url, show, plenty if commands is None else commands))
