"""A shop to measure: an embedded server, a desk and a front as processes of their own, an open show."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commerce.books import accounts, catalogue, open_books, schedule
from commerce.live import server
from commerce.live.inbox import Inbox
from commerce.live.roster import Roster
from commerce.live.valkey import open_redis, open_wire
from commerce.show import commands as c
from commerce.show.language import SkuLine

SHOW = "bench"
OFFER = "of-" + 61 * "b"  # so long that a pin makes an event of about 200 bytes
PRICE = 1_000
UNITS = 100_000_000
TITLE = {"en": "Silk scarf"}
START_SECONDS = 30.0


@dataclass(frozen=True)
class Place:
    """Where the shop of a benchmark lives."""

    folder: Path
    redis_url: str

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "VAR_DIR": str(self.folder), "REDIS_URL": self.redis_url, "RATE_LIMITS": "0"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    command: Sequence[str], environment: dict[str, str], **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """A child that is asked to end, and killed when it does not."""
    child = subprocess.Popen(command, env=environment, text=True, **options)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def lines_of(child: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """The JSON lines that a child says."""
    assert child.stdout is not None
    for line in child.stdout:
        yield json.loads(line)


@contextmanager
def open_place() -> Iterator[Place]:
    """Valkey, books and a desk, with one open show that has stock for ever."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sc-")))
        store = server.start(folder / "valkey")
        stack.callback(lambda: (store.terminate(), store.wait(10)))
        place = Place(folder, server.default_url(folder))
        stack.enter_context(
            process(
                [sys.executable, "-m", "commerce.desk"],
                {**place.environment, "DESK_HTTP": f"127.0.0.1:{free_port()}"},
                stderr=subprocess.DEVNULL,
            )
        )
        asyncio.run(lay(place))
        yield place


async def lay(place: Place) -> None:
    """The books of one merchant, and the show opened in the log."""
    now_ms = time.time_ns() // 1_000_000
    books = await open_books(
        f"sqlite+aiosqlite:///{place.folder}/books.sqlite", place.folder / "keys/persons.key"
    )
    async with books.begin() as tx:
        await catalogue.add_merchant(tx, catalogue.Merchant("mr-bench", {"en": "Bench"}), now_ms)
        plan = schedule.Plan(TITLE, now_ms, "UTC", "CNY", 600, show=SHOW, standing=True)
        await schedule.schedule_show(tx, "mr-bench", plan, now_ms)
        await accounts.add_account(
            tx, "host", "bench password", role="host", merchant="mr-bench", now_ms=now_ms
        )
    await books.close()
    redis = open_redis(place.redis_url)
    inbox = Inbox(lambda: open_wire(place.redis_url), Roster(redis))
    opening: list[c.Command] = [
        c.OpenShow(TITLE, "CNY", 600, "mr-bench", True),
        c.AllotStock("al-bench", "scarf", UNITS),
        c.AddOffer(OFFER, TITLE, None, (SkuLine("scarf", 1),), PRICE),
    ]
    async with asyncio.timeout(START_SECONDS):
        for number, command in enumerate(opening):
            await inbox.ask(SHOW, command, actor="bench", key=f"open-{number}")
    await inbox.aclose()
    await redis.aclose()


def cpu_us(pid: int) -> float:
    """CPU time of all threads of a process so far, from the OS (schedstat, ns)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue
    return total / 1_000
