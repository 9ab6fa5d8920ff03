"""A flash sale that is killed again and again: is anything oversold, lost or doubled?

    python -m benchmarks.flash [--attempts N] [--http N] [--json]

10,000 units of one SKU as singles (two a buyer), pairs and a capped offer; 10,000 buyers in other processes,
some over HTTP; holds of 10 s that half of the buyers never pay, so that stock comes back and is sold again.
The desk and the server are each killed (SIGKILL) three times, while at least 1,000 attempts wait for an
answer. Then a separate script (benchmarks/rig/audit.py) holds the buyers' journals against log and books.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

from benchmarks.rig.shop import TITLE, end, folder, free_port, open_show, start_desk, wait_for_socket
from commerce.books import catalogue, open_books, schedule
from commerce.books.archive import archived_to
from commerce.books.stock import NotEnoughStock, grant
from commerce.live import server
from commerce.live.cursor import Cursor
from commerce.live.log import Log
from commerce.live.snapshot import Snapshots
from commerce.live.valkey import open_redis, open_wire
from commerce.show import commands as c
from commerce.show.language import SkuLine

SHOW, MERCHANT = "flash", "mr-flash"
UNITS, BUYERS, HTTP_BUYERS = 10_000, 10_000, 1_000
HOLD_SECONDS = 10
KILLS = ("desk", "server") * 3
IN_FLIGHT = 1_000
STAMPEDES = 2
FINISH_SECONDS = 180
LOOK_SECONDS = 0.02


class Crowds:
    """The buyers' processes, and what they last said."""

    def __init__(self) -> None:
        self.said: list[dict[str, int]] = []
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, command: list[str]) -> None:
        process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True)
        place = len(self.said)
        self.said.append({"waiting": 0, "done": 0})
        self.processes.append(process)
        assert process.stdout is not None
        threading.Thread(target=self._listen, args=(place, process.stdout), daemon=True).start()

    def _listen(self, place: int, lines: IO[str]) -> None:
        for line in lines:
            self.said[place] = json.loads(line)

    def total(self, what: str) -> int:
        return sum(one[what] for one in self.said)

    def running(self) -> bool:
        for process in self.processes:
            if process.poll() not in (None, 0):
                raise RuntimeError(f"{process.args} ended with {process.returncode}")
        return any(process.poll() is None for process in self.processes)


class Shop:
    """Everything that is killed and comes back: the server, two desks, a front and the effects."""

    def __init__(self, place: Path, stack: ExitStack) -> None:
        self.place, self.url = place, server.default_url(place)
        self.kills: dict[str, int] = {"desk": 0, "server": 0}
        self.waiting_at_kills: list[int] = []
        self._server = self._start_server()
        stack.callback(lambda: end(self._server))
        self._desks = [start_desk(self.url), start_desk(self.url)]
        stack.callback(lambda: [end(desk) for desk in self._desks])
        self.http = free_port()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "VAR_DIR": str(self.place),
            "REDIS_URL": self.url,
            "RATE_LIMITS": "0",
            "SHOP_HTTP": f"127.0.0.1:{self.http}",
            "EFFECTS_HTTP": f"127.0.0.1:{free_port()}",
        }

    def _start_server(self) -> subprocess.Popen[bytes]:
        started = server.start(self.place / "valkey", output=subprocess.DEVNULL)
        wait_for_socket(self.place / "valkey" / "s", 60)
        return started

    def start(self, module: str, stack: ExitStack) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", module], env=self.environment, stderr=subprocess.DEVNULL
        )
        stack.callback(lambda: end(process))

    def kill(self, what: str, waiting: int) -> None:
        """kill -9; what the supervisor would start again is started again."""
        self.kills[what] += 1
        self.waiting_at_kills.append(waiting)
        if what == "server":
            self._server.kill()
            self._server.wait()
            self._server = self._start_server()
        else:
            self._desks[0].kill()  # the older one has the lease
            self._desks[0].wait()
            self._desks = [self._desks[1], start_desk(self.url)]


async def lay_books(place: Path) -> c.AllotStock:
    """A merchant with the goods, a planned show, and the stock granted to it."""
    now_ms = time.time_ns() // 1_000_000
    books = await open_books(f"sqlite+aiosqlite:///{place}/books.sqlite", place / "keys/persons.key")
    async with books.begin() as tx:
        await catalogue.add_merchant(tx, catalogue.Merchant(MERCHANT, {"en": "Flash"}), now_ms)
        goods = catalogue.Product(
            "scarf", MERCHANT, TITLE, None, 1_000, "CNY", UNITS, "6214100000", "UZ", "1", "piece"
        )
        await catalogue.add_product(tx, goods, now_ms)
        plan = schedule.Plan(TITLE, now_ms, "UTC", "CNY", HOLD_SECONDS, show=SHOW, standing=True)
        await schedule.schedule_show(tx, MERCHANT, plan, now_ms)
        granted = await grant(tx, SHOW, {"scarf": UNITS}, "opening", now_ms)
        if isinstance(granted, NotEnoughStock):
            raise TypeError(granted)
    await books.close()
    return c.AllotStock(granted[0].id, granted[0].sku, granted[0].units)


async def keep_the_whole_log(url: str) -> None:
    """An effect that never moves on: the log is not trimmed, so that it can be read to the letter."""
    redis = open_redis(url)
    await Cursor(redis, SHOW, "audit").read()
    await redis.aclose()


async def settled(shop: Shop) -> None:
    """Until the show is closed and the books have reached the end of its log."""
    books = await open_books(
        f"sqlite+aiosqlite:///{shop.place}/books.sqlite", shop.place / "keys/persons.key"
    )
    wire = open_wire(shop.url)
    deadline = time.monotonic() + FINISH_SECONDS
    while time.monotonic() < deadline:
        with suppress(ConnectionError):
            state = await Snapshots(wire).load(SHOW, remembers=False)
            async with books.read() as tx:
                reached = await archived_to(tx, SHOW)
            if state.stage == "closed" and reached.version >= await Log(wire).top(SHOW):
                break
        await asyncio.sleep(1)
    else:
        raise TimeoutError("the show did not close, or the books did not follow")
    await wire.aclose()
    await books.close()


class Watch:
    """How long nobody was answered, the longest time since each kill."""

    def __init__(self, crowds: Crowds) -> None:
        self._crowds, self._done, self._since = crowds, 0, time.monotonic()
        self.pauses: list[float] = []

    def look(self) -> bool:
        """Whether the crowds are still buying."""
        now, done = time.monotonic(), self._crowds.total("done")
        if self.pauses:
            self.pauses[-1] = max(self.pauses[-1], now - self._since)
        if done != self._done:
            self._done, self._since = done, now
        time.sleep(LOOK_SECONDS)
        return self._crowds.running()


def storm(shop: Shop, crowds: Crowds, attempts: int) -> list[float]:
    """Kill what is next whenever another share of the attempts is done and enough of them wait.

    Returns the longest pause after each kill, in seconds.
    """
    steps = [attempts * (n + 1) // (len(KILLS) + 2) for n in range(len(KILLS))]
    watch = Watch(crowds)
    for what, step in zip(KILLS, steps, strict=True):
        while watch.look() and not (crowds.total("done") >= step and crowds.total("waiting") >= IN_FLIGHT):
            pass
        if crowds.running():
            shop.kill(what, crowds.total("waiting"))
            watch.pauses.append(0.0)
    while watch.look():
        pass
    return [round(pause, 1) for pause in watch.pauses]


def measure(attempts: int, http_attempts: int) -> dict[str, Any]:
    with ExitStack() as stack:
        place = stack.enter_context(folder())
        allot = asyncio.run(lay_books(place))
        shop = Shop(place, stack)
        asyncio.run(keep_the_whole_log(shop.url))
        opening: list[c.Command] = [
            c.OpenShow(TITLE, "CNY", HOLD_SECONDS, MERCHANT, True),
            allot,
            c.AddOffer("single", TITLE, None, (SkuLine("scarf", 1),), 1_000, limit=2),
            c.AddOffer("pair", TITLE, None, (SkuLine("scarf", 2),), 1_800),
            c.AddOffer("rare", TITLE, None, (SkuLine("scarf", 1),), 500, cap=500),
        ]
        open_show(shop.url, SHOW, opening)
        shop.start("commerce", stack)
        shop.start("commerce.effects", stack)
        journals = place / "journals"
        journals.mkdir()
        crowds = Crowds()
        stack.callback(lambda: [process.kill() for process in crowds.processes])
        direct, buyers = attempts - http_attempts, (BUYERS - HTTP_BUYERS) // STAMPEDES
        began = time.monotonic()
        for n in range(STAMPEDES):
            given = [shop.url, SHOW, f"s{n}", str(buyers), str(direct // STAMPEDES), str(journals / f"s{n}")]
            crowds.start(["benchmarks.rig.stampede", *given])
        given = [str(shop.http), SHOW, "h", str(HTTP_BUYERS), str(http_attempts), str(journals / "h")]
        crowds.start(["benchmarks.rig.stampede_http", *given])
        pauses = storm(shop, crowds, attempts)
        took = time.monotonic() - began
        open_show(shop.url, SHOW, [c.CloseShow()])
        asyncio.run(settled(shop))
        settled_after = time.monotonic() - began - took
        told = audited(shop, journals)
    return {"bench": "flash", **told, **kills_of(shop), "longest_pause_s_after_kill": pauses} | {
        "http_attempts": http_attempts,
        "attempts_per_s": round(told["attempts"] / took),
        "seconds": round(took, 1),
        "settled_after_s": round(settled_after, 1),  # closed, and the books at the end of the log
    }


def audited(shop: Shop, journals: Path) -> dict[str, int]:
    """What the separate script finds."""
    command = [sys.executable, "-m", "benchmarks.rig.audit", shop.url, SHOW, str(UNITS)]
    command += [str(journals), str(shop.place / "books.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, int] = json.loads(done.stdout)
    return told


def kills_of(shop: Shop) -> dict[str, Any]:
    return {
        "kills": sum(shop.kills.values()),
        "kills_of": shop.kills,
        "waiting_at_kills": shop.waiting_at_kills,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flash")
    parser.add_argument("--attempts", type=int, default=1_000_000, help="in all")
    parser.add_argument("--http", type=int, default=50_000, help="of them over HTTP")
    parser.add_argument("--json", action="store_true", help="one JSON line alone")
    asked = parser.parse_args()
    told = measure(asked.attempts, asked.http)
    if not asked.json:
        for name, value in told.items():
            print(f"{name:18} {value}")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
