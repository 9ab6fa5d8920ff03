"""Real processes die at bad moments; what was acknowledged stands, and the next desk goes on soon."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commerce.live.inbox import Accepted, Refused
from tests.commerce.desk.processes import Crowd, Desks, another_front, audited, front, holder, opened
from tests.servers import Server

CALLERS = 64
PLENTY = 1_000_000
TAKE_OVER_SECONDS = 3.0


@pytest.fixture
def lone_valkey(short_dir: Path) -> Iterator[Server]:
    """An embedded Valkey for one test alone."""
    server = Server("valkey", short_dir).start()
    yield server
    server.stop()


@pytest.fixture
def desks(request: pytest.FixtureRequest, free_port: Callable[[], int]) -> Iterator[Desks]:
    name = "own_server" if "own_server" in request.fixturenames else "lone_valkey"
    desks = Desks(request.getfixturevalue(name).url, free_port)
    yield desks
    desks.stop()


async def test_orders_are_placed_until_the_stock_is_gone(own_server: Server, desks: Desks) -> None:
    desks.start()
    async with front(own_server.url) as inbox:
        await opened(inbox, 100)
        crowd = Crowd(inbox, 16)
        await crowd.told(200)
        await crowd.finish()
        await audited(own_server.url, crowd, 100)
    assert sum(isinstance(answer, Accepted) for answer in crowd.journal.values()) == 100
    assert {answer.refusal.code for answer in crowd.journal.values() if isinstance(answer, Refused)} == {
        "SoldOut"
    }


async def test_a_killed_desk_is_followed_by_another_and_nothing_is_lost(
    lone_valkey: Server, desks: Desks
) -> None:
    running = desks.start()
    async with front(lone_valkey.url) as inbox:
        await opened(inbox, PLENTY)
        crowd = Crowd(inbox, CALLERS)
        silences = []
        for _ in range(3):
            await crowd.told(200)
            standby = await desks.started()
            running.kill()
            crowd.told_at[:] = [time.monotonic()]
            running = standby
            await crowd.told(200)
            silences.append(crowd.longest_silence)
        await crowd.finish()
        await audited(lone_valkey.url, crowd, PLENTY)
        print(f"take-overs: {silences}")
        assert min(silences) < TAKE_OVER_SECONDS  # of a desk, and not of a machine that is busy elsewhere


async def test_a_killed_server_keeps_what_it_acknowledged(own_server: Server, desks: Desks) -> None:
    desks.start()
    async with front(own_server.url) as inbox:
        await opened(inbox, PLENTY)
        crowd = Crowd(inbox, CALLERS)
        for _ in range(3):
            await crowd.told(300)
            own_server.kill()
            own_server.start()
        await crowd.told(300)
        await crowd.finish()
        await audited(own_server.url, crowd, PLENTY)


async def test_a_desk_that_slept_past_its_lease_is_fenced(lone_valkey: Server, desks: Desks) -> None:
    first = desks.start()
    async with front(lone_valkey.url) as inbox:
        await opened(inbox, PLENTY)
        crowd = Crowd(inbox, CALLERS)
        await crowd.told(200)
        asleep = await holder(lone_valkey.url)
        first.send_signal(signal.SIGSTOP)
        desks.start()
        await crowd.told(200)
        assert await holder(lone_valkey.url) not in (asleep, None)
        first.send_signal(signal.SIGCONT)
        await crowd.told(200)
        await crowd.finish()
        await audited(lone_valkey.url, crowd, PLENTY)
        assert first.poll() is None, "it lives on and waits for its turn"


async def test_a_server_that_stood_still_goes_on_and_loses_nothing(lone_valkey: Server, desks: Desks) -> None:
    desks.start()
    async with front(lone_valkey.url) as inbox:
        await opened(inbox, PLENTY)
        crowd = Crowd(inbox, CALLERS)
        await crowd.told(100)
        assert lone_valkey.process is not None
        lone_valkey.process.send_signal(signal.SIGSTOP)
        try:
            await crowd.rests()
        finally:
            lone_valkey.process.send_signal(signal.SIGCONT)
        await crowd.told(200)
        await crowd.finish()
        await audited(lone_valkey.url, crowd, PLENTY)


async def test_a_killed_front_takes_nobody_with_it(lone_valkey: Server, desks: Desks) -> None:
    desks.start()
    async with front(lone_valkey.url) as inbox:
        await opened(inbox, PLENTY)
        other = another_front(lone_valkey.url, 50, 60)
        crowd = Crowd(inbox, CALLERS)
        async with asyncio.timeout(60):
            while not (await audited(lone_valkey.url, crowd, PLENTY)).refusals:
                await crowd.told(10)  # until the other front is at work: each of its refusals is committed
        other.kill()
        await asyncio.to_thread(other.wait)
        await crowd.told(400)
        await crowd.finish()
        await audited(lone_valkey.url, crowd, PLENTY)


async def test_a_server_without_memory_takes_nothing_and_goes_on_when_it_has_some(
    lone_valkey: Server, desks: Desks
) -> None:
    desks.start()
    async with front(lone_valkey.url) as inbox:
        await opened(inbox, PLENTY)
        crowd = Crowd(inbox, CALLERS)
        await crowd.told(100)
        lone_valkey.command("CONFIG", "SET", "maxmemory", "100kb")
        await crowd.rests()
        lone_valkey.command("CONFIG", "SET", "maxmemory", "0")
        await crowd.told(100)
        await crowd.finish()
        await audited(lone_valkey.url, crowd, PLENTY)


async def test_a_full_disk_ends_the_server_and_loses_nothing(lone_valkey: Server, desks: Desks) -> None:
    desks.start()
    async with front(lone_valkey.url) as inbox:
        await opened(inbox, PLENTY)
        crowd = Crowd(inbox, CALLERS)
        await crowd.told(100)
        assert lone_valkey.process is not None
        # The append-only file may not grow beyond this: the next write finds the disk full.
        resource.prlimit(lone_valkey.process.pid, resource.RLIMIT_FSIZE, (200_000, 200_000))
        with contextlib.suppress(AssertionError):
            await crowd.told(100_000, within_seconds=3)
        assert lone_valkey.process.poll() is not None, "a server that cannot write must not go on"
        lone_valkey.start()
        await crowd.told(100)
        await crowd.finish()
        await audited(lone_valkey.url, crowd, PLENTY)


async def test_a_desk_that_ends_in_order_hands_over_at_once(lone_valkey: Server, desks: Desks) -> None:
    first = desks.start()
    async with front(lone_valkey.url) as inbox:
        await opened(inbox, PLENTY)
        crowd = Crowd(inbox, CALLERS)
        await crowd.told(100)
        await desks.started()
        before = await holder(lone_valkey.url)
        first.terminate()
        assert await asyncio.to_thread(first.wait, 60) == 0
        assert await holder(lone_valkey.url) != before, "its lease has to run out before another may decide"
        await crowd.told(100)
        await crowd.finish()
        await audited(lone_valkey.url, crowd, PLENTY)


async def test_a_server_that_may_lose_data_is_refused(short_dir: Path, free_port: Callable[[], int]) -> None:
    loose = Server("valkey", short_dir, ("--appendfsync", "everysec")).start()
    desks = Desks(loose.url, free_port)
    try:
        assert desks.start().wait(60) == 1
        accepting = desks.start(ACCEPT_DATA_LOSS="1")
        async with front(loose.url) as inbox:
            await opened(inbox, 1)
        assert accepting.poll() is None
    finally:
        desks.stop()
        loose.stop()
