"""What the live state keeps besides the log: snapshots, cursors, carts, talk, the stage, and the roster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest
from redis.asyncio import Redis

from commerce.live import keys
from commerce.live.cart import CartLine, Carts
from commerce.live.cursor import Cursor, slowest
from commerce.live.log import Log, Trimmed, encode
from commerce.live.roster import Roster
from commerce.live.snapshot import Snapshots
from commerce.live.stage import Audience, Stages, price_text, same_picture, stage_of
from commerce.live.talk import Talk
from commerce.live.valkey import ValkeyWire, open_redis
from commerce.live.wire import Broken
from commerce.show import commands as c
from commerce.show.events import to_wire as to_wire_event
from commerce.show.freeze import freeze
from streaming.contract import (
    FACTS_KEY,
    RELAYS_KEY,
    STAGE_WISHES_KEY,
    AudienceCounted,
    Card,
    RelayEntry,
    RelayId,
    ShowId,
    to_wire,
)
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import TITLE, opening, order
from tests.commerce.show.golden import LOGS
from tests.servers import Server

SHOW = "show-1"


@pytest.fixture
async def redis(server: Server) -> AsyncIterator[Redis]:
    client = open_redis(server.url)
    yield client
    await client.aclose()


def evening(orders: int = 3) -> DeskInHand:
    desk = DeskInHand(SHOW)
    for command in opening():
        desk.ask(command, "host")
    for number in range(orders):
        desk.ask(order(f"o{number}"), f"b{number}")
    return desk


async def written(redis: Redis, desk: DeskInHand) -> Log:
    log = Log(ValkeyWire(redis))
    for commit in desk.commits:
        await log.append(SHOW, commit)
    return log


async def test_a_log_is_read_as_it_was_written(redis: Redis) -> None:
    desk = evening()
    log = await written(redis, desk)
    assert await log.read(SHOW, 0) == desk.commits
    assert await log.top(SHOW) == len(desk.commits)
    assert await log.commit(SHOW, 2) == desk.commits[1]
    assert await log.commit(SHOW, 99) is None
    assert freeze(await Snapshots(ValkeyWire(redis)).load(SHOW)) == freeze(desk.state)


async def test_a_follower_sees_every_commit_once_also_those_that_come_later(redis: Redis) -> None:
    desk = evening(1)
    log = await written(redis, desk)
    last, seen = len(desk.commits), []
    async for commit in log.follow(SHOW, 2):
        seen.append(commit.version)
        if commit.version == last:
            desk.ask(order("later"), "cyd")
            await log.append(SHOW, desk.commits[-1])
        if commit.version > last:
            break
    assert seen == list(range(3, last + 2))


async def test_a_reader_behind_a_trimmed_log_is_told(redis: Redis) -> None:
    desk = evening()
    log = await written(redis, desk)
    snapshots = Snapshots(ValkeyWire(redis))
    await snapshots.write(desk.state)
    assert await snapshots.trim(SHOW, 99) == 0, "one snapshot is not enough to forget the log"
    await snapshots.write(desk.state)
    assert await snapshots.trim(SHOW, 4) == 4
    with pytest.raises(Trimmed):
        await log.read(SHOW, 0)
    assert [commit.version for commit in await log.read(SHOW, 4)] == [5, 6, 7]


async def test_a_torn_snapshot_is_as_good_as_none(redis: Redis) -> None:
    desk = evening()
    await written(redis, desk)
    snapshots = Snapshots(ValkeyWire(redis))
    await snapshots.write(desk.state)
    await redis.hset(keys.snapshot(SHOW), "state", b"torn")
    assert (await snapshots.newest(SHOW)).version == 0
    assert freeze(await snapshots.load(SHOW)) == freeze(desk.state)


async def test_a_torn_snapshot_never_pushes_out_the_sound_one_before_it(redis: Redis) -> None:
    desk = evening()
    await written(redis, desk)
    snapshots = Snapshots(ValkeyWire(redis))
    for _ in range(2):
        await snapshots.write(desk.state)
        await redis.hset(keys.snapshot(SHOW), "hash", b"torn")
    await snapshots.write(desk.state)
    await redis.hset(keys.snapshot(SHOW), "hash", b"torn")
    await snapshots.write(desk.state)
    await redis.hset(keys.snapshot(SHOW), "hash", b"torn")
    assert await snapshots.trim(SHOW, 99) == 0, "nothing is forgotten without a sound snapshot"
    assert freeze(await snapshots.load(SHOW)) == freeze(desk.state)


async def test_a_snapshot_of_another_schema_is_folded_again(redis: Redis) -> None:
    desk = evening()
    await written(redis, desk)
    snapshots = Snapshots(ValkeyWire(redis))
    await snapshots.write(desk.state)
    await redis.hset(keys.snapshot(SHOW), "schema", b"999")
    assert (await snapshots.newest(SHOW)).version == 0


async def test_a_front_keeps_no_outcomes_and_writes_no_snapshot(redis: Redis) -> None:
    await written(redis, evening())
    snapshots = Snapshots(ValkeyWire(redis))
    state = await snapshots.load(SHOW, remembers=False)
    assert state.outcomes == {}
    with pytest.raises(ValueError, match="outcomes"):
        await snapshots.write(state)


async def test_the_log_waits_for_its_slowest_effect(redis: Redis) -> None:
    assert await slowest(redis, SHOW) is None
    fast, slow = Cursor(redis, SHOW, "mail"), Cursor(redis, SHOW, "archivist")
    assert (await fast.read(), await slow.read()) == (0, 0)
    await fast.move(9)
    assert await slowest(redis, SHOW) == 0
    await slow.move(4)
    assert await slowest(redis, SHOW) == 4
    assert await Cursor(redis, SHOW, "mail").read() == 9


async def test_a_cart_is_kept_and_emptied(redis: Redis) -> None:
    carts = Carts(redis)
    assert await carts.read(SHOW, "ann") == []
    await carts.write(SHOW, "ann", [CartLine("single", 2)])
    assert await carts.read(SHOW, "ann") == [CartLine("single", 2)]
    assert await carts.read(SHOW, "bob") == []
    await carts.write(SHOW, "ann", [])
    assert await redis.exists(keys.cart(SHOW, "ann")) == 0
    with pytest.raises(ValueError, match="50"):
        await carts.write(SHOW, "ann", [CartLine(str(n), 1) for n in range(51)])


async def test_hearts_are_summed_and_heard(redis: Redis, server: Server) -> None:
    listener = open_redis(server.url)
    talk, ears = Talk(redis), Talk(listener)

    async def hear() -> tuple[str, str, int]:
        async for said in ears.follow(SHOW, "0-0"):
            if said[2] == 12:
                return said
        raise AssertionError

    hearing = asyncio.create_task(hear())
    assert await talk.send_hearts(SHOW, 5) == 5
    assert await talk.send_hearts(SHOW, 7) == 12
    assert (await asyncio.wait_for(hearing, 30))[1] == "hearts"
    assert await talk.hearts(SHOW) == 12
    await listener.aclose()


async def test_the_roster_names_the_shows_to_run(redis: Redis) -> None:
    roster = Roster(redis)
    await roster.add("a")
    await roster.add("b")
    await roster.add("a")
    await roster.remove("b")
    assert await roster.shows() == {"a"}


async def test_a_server_that_is_gone_breaks_the_small_things_too(own_server: Server) -> None:
    client = open_redis(own_server.url)
    own_server.kill()
    for call in (
        Roster(client).add("a"),
        Roster(client).remove("a"),
        Roster(client).shows(),
        Cursor(client, SHOW, "x").read(),
        Cursor(client, SHOW, "x").move(1),
        slowest(client, SHOW),
    ):
        with pytest.raises(Broken):
            await call
    await client.aclose()


# -- the stage -----------------------------------------------------------------------------------------


def test_the_stage_shows_the_feed_on_air_and_the_pinned_offer() -> None:
    desk = evening(0)
    assert stage_of(desk.state).on_air is False
    desk.ask(c.PutOnAir("studio-1"), "host")
    desk.ask(c.PinOffer("single", 5), "host")
    stage = stage_of(desk.state)
    assert (stage.on_air, stage.studio, stage.version) == (True, "studio-1", desk.state.version)
    assert stage.cards == (Card(TITLE["en"], "10.00 CNY", "scarf.svg"),)
    desk.ask(order("o1"), "ann")
    assert same_picture(stage, stage_of(desk.state))
    desk.ask(c.RepriceOffer("single", 999), "host")
    assert not same_picture(stage, stage_of(desk.state))
    desk.ask(c.UnpinOffer(), "host")
    assert stage_of(desk.state).cards == ()


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1_250, "CNY", "12.50 CNY"),
        (5, "RUB", "0.05 RUB"),
        (1_250, "JPY", "1250 JPY"),
        (1_250, "KWD", "1.250 KWD"),
    ],
)
def test_a_price_is_written_with_the_digits_of_its_currency(amount: int, currency: str, text: str) -> None:
    assert price_text(amount, currency) == text


async def test_a_newer_stage_is_never_overwritten_by_an_older_one(redis: Redis) -> None:
    desk = evening(0)
    older = stage_of(desk.state)
    desk.ask(c.PutOnAir("studio-1"), "host")
    newer = stage_of(desk.state)
    stages = Stages(redis)
    assert await stages.read(SHOW) is None
    assert await stages.write(newer) is True
    assert await stages.write(older) is False
    written = await stages.read(SHOW)
    assert written is not None
    assert replace(written, since_ms=0) == newer
    assert written.since_ms > 0
    assert await redis.xlen(STAGE_WISHES_KEY) == 1
    desk.ask(c.PutOnAir("studio-2"), "host")
    await stages.write(stage_of(desk.state))
    again = await stages.read(SHOW)
    assert again is not None
    assert (again.studio, again.since_ms) == ("studio-2", written.since_ms)  # it has been on air since then


async def test_the_audience_is_the_sum_over_relays(redis: Redis) -> None:
    facts = [
        AudienceCounted(ShowId(SHOW), RelayId("r1"), 10, 1_000),
        AudienceCounted(ShowId(SHOW), RelayId("r2"), 5, 1_000),
        AudienceCounted(ShowId(SHOW), RelayId("r1"), 8, 2_000),
        AudienceCounted(ShowId(SHOW), RelayId("r2"), 99, 500),
    ]
    await redis.xadd(FACTS_KEY, {"fact": b"illegible"})
    for fact in facts:
        await redis.xadd(FACTS_KEY, {"fact": msgspec.msgpack.encode(to_wire(fact))})
    audience, sums = Audience(), []
    async for _, fact in Stages(redis).facts("0-0"):
        assert isinstance(fact, AudienceCounted)
        sums.append(audience.counted(fact.show, fact.relay, fact.viewers, fact.at_ms))
        if len(sums) == len(facts):
            break
    assert sums == [10, 15, 13, 13]
    audience.forget_relay("r1")
    assert audience.viewers(SHOW) == 5


async def test_a_relay_that_was_not_seen_for_three_seconds_is_dead(redis: Redis) -> None:
    for name, seen in (("old", 1_000), ("new", 4_000)):
        entry = RelayEntry(RelayId(name), f"http://{name}", seen, 0, 0.0)
        await redis.hset(RELAYS_KEY, name, msgspec.msgpack.encode(to_wire(entry)))
    assert [entry.relay for entry in await Stages(redis).relays(4_500)] == ["new"]


@pytest.mark.parametrize("name", ["evening", "sold-out"])
def test_every_event_is_written_as_the_page_says(name: str) -> None:
    """What is packed in one go must be, byte for byte, the `[type, schema, body]` of docs/event-log.md."""
    for commit in LOGS[name]().commits:
        packed = encode(commit)["events"]
        assert packed == msgspec.msgpack.encode([to_wire_event(event) for event in commit.events])
