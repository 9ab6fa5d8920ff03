"""Stages come in, facts go out, and the relay goes on when Redis does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgpack
from redis.asyncio import Redis

from streaming.api.sessions import KEYS
from streaming.bulletin import OTHERS_A_SECOND, REGISTER_SECONDS, Bulletin
from streaming.contract import (
    FACTS_KEY,
    RELAYS_KEY,
    STAGE_WISHES_KEY,
    AudienceCounted,
    ProgramStarted,
    RelayEntry,
    RelayId,
    ShowId,
    Stage,
    StudioId,
    from_wire,
    stage_key,
    to_wire,
)
from streaming.process import RelayProcess, start
from streaming.settings import read_settings
from tests.servers import Server
from tests.streaming.house import SHOW, STUDIO, House, publish, until, watch


@asynccontextmanager
async def relay_on(url: str, folder: Path) -> AsyncIterator[RelayProcess]:
    house = House(folder)
    settings = read_settings(
        {
            "RELAY_HTTP": "127.0.0.1:0",
            "RELAY_UDP": "127.0.0.1:0",
            "RELAY_ID": "r-test",
            "RELAY_SLATE": "0",
            "REDIS_URL": url,
            "TOKEN_KEYS_FILE": str(house.write_keys()),
        }
    )
    process = await start(settings)
    try:
        yield process
    finally:
        await process.stop()


async def wish(redis: Any, stage: Stage) -> None:
    await redis.set(stage_key(stage.show), msgpack.packb(to_wire(stage)))
    await redis.xadd(STAGE_WISHES_KEY, {"show": stage.show})


async def told(redis: Any, wanted: Callable[[Any], bool]) -> None:
    """Wait until such a fact stands in the stream."""
    async with asyncio.timeout(40):
        while not any(wanted(fact) for fact in await facts(redis)):  # noqa: ASYNC110 (a stream elsewhere)
            await asyncio.sleep(0.05)


async def facts(redis: Any) -> list[Any]:
    return [from_wire(msgpack.unpackb(fields[b"fact"])) for _, fields in await redis.xrange(FACTS_KEY)]


async def test_a_stage_that_was_there_and_one_that_comes_are_both_made(
    valkey: Server, tmp_path: Path
) -> None:
    redis: Any = Redis.from_url(valkey.url)
    await wish(redis, Stage(SHOW, 1, True, STUDIO))
    async with relay_on(valkey.url, tmp_path) as process:
        await until(lambda: SHOW in process.relay.shows.programs)
        await wish(redis, Stage(ShowId("sh-2"), 1, True, StudioId("st-2")))
        await until(lambda: "sh-2" in process.relay.shows.programs)
        await wish(redis, Stage(SHOW, 2, False, None))
        await until(lambda: SHOW not in process.relay.shows.programs)
    await redis.aclose()


async def test_a_hint_that_was_lost_costs_a_second_and_no_more(valkey: Server, tmp_path: Path) -> None:
    redis: Any = Redis.from_url(valkey.url)
    await wish(redis, Stage(SHOW, 1, True, STUDIO))
    async with relay_on(valkey.url, tmp_path) as process:
        await until(lambda: SHOW in process.relay.shows.programs)
        await redis.set(stage_key(SHOW), msgpack.packb(to_wire(Stage(SHOW, 2, False, None))))
        await until(lambda: SHOW not in process.relay.shows.programs, 4)
    await redis.aclose()


async def test_what_happens_is_told_and_the_relay_is_in_the_registry(valkey: Server, tmp_path: Path) -> None:
    redis: Any = Redis.from_url(valkey.url)
    await wish(redis, Stage(SHOW, 1, True, STUDIO))
    async with relay_on(valkey.url, tmp_path) as process:
        house = House(tmp_path)
        house.process = process
        house.write_keys()
        await until(lambda: SHOW in process.relay.shows.programs)
        await asyncio.to_thread(process.runner.app[KEYS].refresh)
        studio = await publish(house, width=320, height=180)
        await until(lambda: process.relay.shows.programs[SHOW].started)
        viewer = await watch(house)
        await until(lambda: process.relay.shows.viewers() == 1)
        await told(redis, lambda fact: isinstance(fact, AudienceCounted) and fact.viewers == 1)
        assert [f.studio for f in await facts(redis) if isinstance(f, ProgramStarted)] == [STUDIO]
        entry = from_wire(msgpack.unpackb(await redis.hget(RELAYS_KEY, "r-test")))
        assert isinstance(entry, RelayEntry)
        assert entry.url.startswith("http://127.0.0.1:")
        for peer in (viewer, studio):
            await peer.close()
    assert await redis.hget(RELAYS_KEY, "r-test") is None  # an orderly end: nobody is sent here any more
    await redis.aclose()


async def test_a_relay_lives_while_redis_is_away_and_tells_later(own_server: Server, tmp_path: Path) -> None:
    redis: Any = Redis.from_url(own_server.url)
    await wish(redis, Stage(SHOW, 1, True, STUDIO))
    async with relay_on(own_server.url, tmp_path) as process:
        await until(lambda: SHOW in process.relay.shows.programs)
        own_server.kill()
        process.relay.shows.say(ProgramStarted(SHOW, process.relay.id, STUDIO, 7))
        await until(lambda: process.bulletin is not None and not process.bulletin.reachable)
        assert SHOW in process.relay.shows.programs
        own_server.start()
        again: Any = Redis.from_url(own_server.url)
        await told(again, lambda fact: fact == ProgramStarted(SHOW, process.relay.id, STUDIO, 7))
        await again.aclose()
    await redis.aclose()


class Known:
    """A relay that has heard of so many shows, of which one is on air."""

    def __init__(self, shows: list[ShowId]) -> None:
        self.shows = self
        self.stages = {show: Stage(show, 1, show == SHOW, STUDIO) for show in shows}


async def test_a_relay_that_has_known_thousands_of_shows_reads_few_of_them_each_second() -> None:
    shows = [ShowId(f"sh-{n}") for n in range(1_000)]
    bulletin = Bulletin("redis://127.0.0.1:1", Known(shows), lambda: None)  # type: ignore[arg-type,return-value]  # what `due` looks at
    bulletin._shows = dict.fromkeys(shows)
    rounds = [bulletin.due() for _ in range(1_000 // OTHERS_A_SECOND + 1)]
    assert all(SHOW in due and len(due) <= OTHERS_A_SECOND + 1 for due in rounds)
    assert {show for due in rounds for show in due} == set(shows)


async def test_the_end_does_not_wait_for_a_redis_that_says_nothing(tmp_path: Path) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    # By itself redis-py tries for a minute.
    async with server, asyncio.timeout(25), relay_on(url, tmp_path):
        await asyncio.sleep(0.1)


async def test_a_stage_that_cannot_be_read_is_left_alone(valkey: Server, tmp_path: Path) -> None:
    redis: Any = Redis.from_url(valkey.url)
    await redis.set(stage_key(ShowId("sh-x")), b"\xc1 rubbish")
    await redis.xadd(STAGE_WISHES_KEY, {"show": "sh-x"})
    await wish(redis, Stage(SHOW, 1, True, STUDIO))
    async with relay_on(valkey.url, tmp_path) as process:
        await until(lambda: SHOW in process.relay.shows.programs)
        assert "sh-x" not in process.relay.shows.programs
    await redis.aclose()


async def test_an_entry_of_nonsense_does_not_end_the_reading(valkey: Server, tmp_path: Path) -> None:
    redis: Any = Redis.from_url(valkey.url)
    nonsense = to_wire(RelayEntry(RelayId("r-odd"), "http://odd", 1, 0, 0.0, ())) | {"relay": ["a", "list"]}
    await redis.hset(RELAYS_KEY, "r-odd", msgpack.packb(nonsense))
    async with relay_on(valkey.url, tmp_path) as process:
        await until(lambda: process.bulletin is not None and process.bulletin.reachable)
        await asyncio.sleep(2 * REGISTER_SECONDS)  # the registry has been read by then, and again
        await wish(redis, Stage(SHOW, 1, True, STUDIO))
        await until(lambda: SHOW in process.relay.shows.programs)
    await redis.hdel(RELAYS_KEY, "r-odd")
    await redis.aclose()
