"""What the shop's path relies on in a server: real Valkey, real Redis and the one of the simulation alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvloop

from commerce.live.lean import open_lean_wire
from commerce.live.valkey import ValkeyWire, open_redis, open_wire
from commerce.live.wire import ALONE, Along, Broken, Outdated, Wire
from tests.conftest import server_of_kind
from tests.servers import Server
from tests.simulation.memory import Memory
from tests.simulation.world import Pause, World, WorldWire


class Steady(WorldWire):
    """The simulation's wire for a test that runs in asyncio: its pauses are short sleeps."""

    def __init__(self) -> None:
        super().__init__(World(0))
        self._world.server = Memory(lambda: time.time_ns() // 1_000_000)

    def __getattribute__(self, name: str) -> object:
        found = super().__getattribute__(name)
        if not asyncio.iscoroutinefunction(found) or name in ("_ask", "_begin"):
            return found

        async def drive(*given: object) -> object:
            body = found(*given)
            while True:
                try:
                    pause: Pause = body.send(None)
                except StopIteration as done:
                    return done.value
                if not (pause.ready is not None and pause.ready()):
                    await asyncio.sleep(max(0, pause.until_ms - self._world.time_ms) / 1_000)

        return drive


@pytest.fixture(params=["valkey", "redis", "lean", "simulation"])
async def wire(request: pytest.FixtureRequest, running_servers: dict[str, Server]) -> AsyncIterator[Wire]:
    if request.param == "simulation":
        yield Steady()
        return
    lean = request.param == "lean"
    kind = "valkey" if lean else request.param
    open_one = open_lean_wire if lean else open_wire
    real = open_one(server_of_kind(kind, running_servers).url)
    yield real
    await real.aclose()


async def test_an_explicit_id_at_or_below_the_top_is_refused(wire: Wire) -> None:
    await wire.append("{s}:log", "1-0", {"a": b"1"})
    await wire.append("{s}:log", "2-0", {"a": b"2"})
    for late in ("2-0", "1-0"):
        with pytest.raises(Outdated):
            await wire.append("{s}:log", late, {"a": b"x"})
    assert [entry.fields for entry in await wire.read("{s}:log", "0-0", 10)] == [{"a": b"1"}, {"a": b"2"}]


async def test_a_gap_is_accepted(wire: Wire) -> None:
    """Hence readers look for gaps themselves, and one append is in flight at most."""
    await wire.append("{s}:log", "1-0", {"a": b"1"})
    await wire.append("{s}:log", "5-0", {"a": b"5"})
    newest = await wire.newest("{s}:log")
    assert newest is not None
    assert newest.id == "5-0"
    assert await wire.entry("{s}:log", "3-0") is None


async def test_trimming_keeps_the_fence(wire: Wire) -> None:
    for number in range(1, 4):
        await wire.append("{s}:log", f"{number}-0", {"a": b"1"})
    await wire.trim("{s}:log", "4-0")
    assert await wire.length("{s}:log") == 0
    with pytest.raises(Outdated):
        await wire.append("{s}:log", "3-0", {"a": b"1"})
    await wire.append("{s}:log", "4-0", {"a": b"1"})


async def test_reading_goes_on_behind_an_id(wire: Wire) -> None:
    for number in range(1, 6):
        await wire.append("{s}:log", f"{number}-0", {"n": str(number).encode()})
    assert [entry.id for entry in await wire.read("{s}:log", "2-0", 2)] == ["3-0", "4-0"]
    assert [entry.id for entry in await wire.wait("{s}:log", "4-0", 9, 10)] == ["5-0"]
    assert await wire.wait("{s}:log", "5-0", 9, 10) == []
    assert await wire.read("{s}:nothing", "0-0", 9) == []


async def test_waiting_ends_when_something_comes(wire: Wire) -> None:
    knock = await wire.knock("{s}:inbox", [{"n": b"1"}])
    assert knock.length == 1
    assert abs(knock.now_ms - time.time() * 1_000) < 60_000
    first = await wire.wait("{s}:inbox", "0-0", 9, 500)
    assert [entry.fields for entry in first] == [{"n": b"1"}]
    await wire.knock("{s}:inbox", [{"n": b"2"}])
    second = await wire.wait("{s}:inbox", first[0].id, 9, 500)
    assert [entry.fields for entry in second] == [{"n": b"2"}]


async def test_letters_sent_at_once_stay_in_order(wire: Wire) -> None:
    knock = await wire.knock("{s}:inbox", [{"n": b"1"}, {"n": b"2"}, {"n": b"3"}])
    assert knock.length == 3
    assert [entry.fields["n"] for entry in await wire.read("{s}:inbox", "0-0", 9)] == [b"1", b"2", b"3"]


async def test_posts_go_to_many_streams(wire: Wire) -> None:
    await wire.post([("{s}:answers:a", b"1"), ("{s}:answers:b", b"2")], 100, 60_000)
    assert [e.fields for e in await wire.read("{s}:answers:a", "0-0", 9)] == [{"answers": b"1"}]
    assert [e.fields for e in await wire.read("{s}:answers:b", "0-0", 9)] == [{"answers": b"2"}]


async def test_what_goes_along_with_an_append_is_done_with_it(wire: Wire) -> None:
    for number in range(1, 4):
        await wire.knock("{s}:inbox", [{"n": str(number).encode()}])
    first = (await wire.read("{s}:inbox", "0-0", 1))[0].id
    second = (await wire.read("{s}:inbox", first, 1))[0].id
    along = Along(
        [("{s}:answers:a", b"1"), ("{s}:answers:b", b"2")],
        100,
        60_000,
        ("{s}:inbox", second),
        ("{s}:inbox", second, 9),
    )
    came = await wire.append("{s}:log", "1-0", {"a": b"1", "b": b"2"}, along)
    assert [entry.fields for entry in came] == [{"n": b"3"}]
    assert [entry.fields for entry in await wire.read("{s}:log", "0-0", 9)] == [{"a": b"1", "b": b"2"}]
    assert [entry.id for entry in await wire.read("{s}:inbox", "0-0", 9)] == [second, came[0].id]
    assert [e.fields for e in await wire.read("{s}:answers:a", "0-0", 9)] == [{"answers": b"1"}]
    assert [e.fields for e in await wire.read("{s}:answers:b", "0-0", 9)] == [{"answers": b"2"}]


async def test_nothing_goes_along_with_an_append_that_is_refused(wire: Wire) -> None:
    await wire.append("{s}:log", "2-0", {"a": b"1"})
    knock = await wire.knock("{s}:inbox", [{"n": b"1"}])
    along = Along([("{s}:answers:a", b"1")], 100, 60_000, ("{s}:inbox", f"{knock.now_ms + 1_000}-0"))
    for late in ("2-0", "1-0"):
        with pytest.raises(Outdated):
            await wire.append("{s}:log", late, {"a": b"x"}, along)
    assert await wire.read("{s}:answers:a", "0-0", 9) == []
    assert await wire.length("{s}:inbox") == 1


async def test_posts_expire_by_themselves(wire: Wire) -> None:
    await wire.post([("{s}:answers:a", b"1")], 100, 20)
    await asyncio.sleep(0.04)
    assert await wire.read("{s}:answers:a", "0-0", 9) == []


async def test_a_lease_has_one_holder(wire: Wire) -> None:
    assert await wire.left_ms("{s}:lease") == 0
    tenure = await wire.take_lease("{s}:lease", "{s}:alive", "one", 60_000)
    assert tenure is not None
    assert 30_000 < await wire.left_ms("{s}:lease") <= 60_000
    assert tenure.alive_ms == 0
    assert await wire.take_lease("{s}:lease", "{s}:alive", "two", 60_000) is None
    assert await wire.renew_lease("{s}:lease", "{s}:alive", "two", 60_000) is None
    assert await wire.get("{s}:lease") == b"one"
    await wire.leave_lease("{s}:lease", "two")
    renewed = await wire.renew_lease("{s}:lease", "{s}:alive", "one", 60_000)
    assert renewed is not None
    assert renewed >= tenure.now_ms
    await wire.leave_lease("{s}:lease", "one")
    after = await wire.take_lease("{s}:lease", "{s}:alive", "two", 60_000)
    assert after is not None
    assert after.alive_ms == renewed


async def test_a_lease_that_runs_longer_than_any_is_void(wire: Wire) -> None:
    """Taken before the server's clock was set back: nobody may have to wait until it is reached again."""
    assert await wire.take_lease("{s}:lease", "{s}:alive", "one", 60_000)
    assert await wire.take_lease("{s}:lease", "{s}:alive", "two", 2_000)
    assert await wire.get("{s}:lease") == b"two"


async def test_a_lease_that_never_runs_out_is_void(wire: Wire) -> None:
    """Somebody's hand, or a copied key: a standby asked a thousand times a second, and no desk ever began."""
    await wire.put("{s}:lease", b"one")
    assert await wire.left_ms("{s}:lease") == 0
    assert await wire.take_lease("{s}:lease", "{s}:alive", "two", 2_000)
    assert await wire.get("{s}:lease") == b"two"
    assert 0 < await wire.left_ms("{s}:lease") <= 2_000


async def test_a_lease_runs_out(wire: Wire) -> None:
    assert await wire.take_lease("{s}:lease", "{s}:alive", "one", 20)
    await asyncio.sleep(0.04)
    assert await wire.left_ms("{s}:lease") == 0
    assert await wire.renew_lease("{s}:lease", "{s}:alive", "one", 20) is None
    assert await wire.take_lease("{s}:lease", "{s}:alive", "two", 20)


async def test_the_snapshot_before_is_kept(wire: Wire) -> None:
    assert await wire.fields("{s}:snapshot") == {}
    newest, before = "{s}:snapshot", "{s}:snapshot:before"
    await wire.replace(newest, before, {"hash": b"one"}, b"")
    await wire.replace(newest, before, {"hash": b"two"}, b"one")
    assert await wire.fields(newest) == {"hash": b"two"}
    assert await wire.fields(before) == {"hash": b"one"}


async def test_a_snapshot_that_comes_late_replaces_no_other(wire: Wire) -> None:
    newest, before = "{s}:snapshot", "{s}:snapshot:before"
    await wire.replace(newest, before, {"hash": b"one"}, b"")
    await wire.replace(newest, before, {"hash": b"three"}, b"one")
    await wire.replace(newest, before, {"hash": b"two"}, b"one")
    assert await wire.fields(newest) == {"hash": b"three"}
    assert await wire.fields(before) == {"hash": b"one"}


async def test_strings_are_kept(wire: Wire) -> None:
    assert await wire.get("nothing") is None
    await wire.put("something", b"\x00\xff")
    assert await wire.get("something") == b"\x00\xff"


async def test_a_server_that_is_gone_is_broken(own_server: Server) -> None:
    wire = open_wire(own_server.url)
    assert await wire.now_ms() > 0
    own_server.kill()
    for call in (
        wire.now_ms(),
        wire.get("x"),
        wire.append("l", "1-0", {"a": b"1"}),
        wire.knock("i", [{"a": b"1"}]),
    ):
        with pytest.raises(Broken):
            await call
    own_server.start()
    assert await wire.now_ms() > 0
    await wire.aclose()


def test_a_connection_that_closes_in_the_turn_of_the_question_is_broken(own_server: Server) -> None:
    async def on_uvloop() -> None:
        redis = open_redis(own_server.url)
        wire = ValkeyWire(redis)
        await wire.put("kept", b"yes")
        pool: Any = redis.connection_pool
        (connection,) = pool._available_connections
        connection._writer.transport.abort()
        with pytest.raises(Broken):
            await wire.get("kept")
        assert await wire.get("kept") == b"yes"
        await wire.aclose()

    uvloop.run(on_uvloop())


async def test_who_finds_all_connections_in_use_waits_for_one(own_server: Server) -> None:
    redis = open_redis(own_server.url, connections=2)
    answers = await asyncio.gather(*(redis.incr("n") for _ in range(50)))
    assert sorted(answers) == list(range(1, 51))
    await redis.aclose()


async def test_who_asks_again_and_again_does_not_pass_those_who_wait(valkey: Server) -> None:
    """Of a crowd some waited in vain while others were served many times over."""
    redis = open_redis(valkey.url, connections=1)
    asked = 0

    async def ask_on() -> None:
        nonlocal asked
        for _ in range(100):
            await redis.incr("n")
            asked += 1

    async def ask_once() -> int:
        await asyncio.sleep(0)  # the other is first
        await redis.incr("n")
        return asked

    _, before = await asyncio.gather(ask_on(), ask_once())
    assert before <= 2
    await redis.aclose()


async def test_a_greeting_that_is_refused_leaves_no_connection_behind(valkey: Server) -> None:
    redis = open_redis(valkey.url)
    before = len(await redis.client_list())
    wire = open_lean_wire(f"{valkey.url}?password=wrong")
    for _ in range(5):
        with pytest.raises(Broken):
            await wire.wait("{s}:log", "0-0", 1, 1)
    async with asyncio.timeout(30):
        while len(await redis.client_list()) > before:  # noqa: ASYNC110  the server has no event of it
            await asyncio.sleep(0.01)
    await wire.aclose()
    await redis.aclose()


async def test_without_a_number_there_is_always_another_connection(valkey: Server) -> None:
    """redis-py stops at a hundred, fewer than an effects process has shows."""
    redis = open_redis(valkey.url)
    answers = await asyncio.gather(*(redis.incr("n") for _ in range(150)))
    assert len(answers) == 150
    await redis.aclose()


async def test_a_server_that_may_not_write_is_broken(own_server: Server) -> None:
    """Out of memory with noeviction: the write is refused, and nobody believes that it stands."""
    wire = open_wire(own_server.url)
    own_server.command("CONFIG", "SET", "maxmemory", "100kb")
    along = Along([("{s}:answers:a", b"1")], 100, 60_000, None, ("{s}:inbox", "0-0", 9))
    for goes in (ALONE, along):
        with pytest.raises(Broken, match="maxmemory"):
            await wire.append("{s}:log", "1-0", {"a": b"1"}, goes)
    own_server.command("CONFIG", "SET", "maxmemory", "0")
    await wire.append("{s}:log", "1-0", {"a": b"1"})
    await wire.aclose()
