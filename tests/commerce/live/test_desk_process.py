"""A desk process, a real server and fronts: what one sees from outside, also when something is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from commerce.live.inbox import Accepted, Inbox, Refused
from commerce.live.roster import Roster
from commerce.live.snapshot import Snapshots
from commerce.live.valkey import open_redis, open_wire
from commerce.show.refusals import SoldOut
from tests.commerce.shop import opening, order
from tests.servers import Server


class Desks:
    """Desk processes on one server."""

    def __init__(self, url: str, port: Callable[[], int]) -> None:
        self.url, self.port, self.all = url, port, list[subprocess.Popen[bytes]]()

    def start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "REDIS_URL": self.url, "DESK_HTTP": f"127.0.0.1:{self.port()}"}
        process = subprocess.Popen(
            [sys.executable, "-m", "commerce.desk"], env=environment, stderr=subprocess.PIPE
        )
        self.all.append(process)
        return process

    def stop(self) -> None:
        for process in self.all:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.all:
            process.communicate(timeout=10)


@pytest.fixture
def desks(own_server: Server, free_port: Callable[[], int]) -> Iterator[Desks]:
    desks = Desks(own_server.url, free_port)
    yield desks
    desks.stop()


@asynccontextmanager
async def front(url: str) -> AsyncIterator[Inbox]:
    redis = open_redis(url)
    inbox = Inbox(lambda: open_wire(url), Roster(redis))
    yield inbox
    await inbox.aclose()
    await redis.aclose()


async def test_orders_are_placed_until_the_stock_is_gone(own_server: Server, desks: Desks) -> None:
    desks.start()
    async with front(own_server.url) as inbox:
        for number, command in enumerate(opening(3)):
            assert isinstance(await inbox.ask("s1", command, actor="host", key=str(number)), Accepted)
        answers = await asyncio.gather(
            *(inbox.ask("s1", order(f"o{n}", f"b{n}"), actor=f"b{n}", key="k") for n in range(5))
        )
    assert [type(answer) for answer in answers] == [Accepted] * 3 + [Refused] * 2
    assert answers[3].refusal == SoldOut("single", 0)
    wire = open_wire(own_server.url)
    state = await Snapshots(wire).load("s1")
    await wire.aclose()
    assert sorted(state.orders) == ["o0", "o1", "o2"]
