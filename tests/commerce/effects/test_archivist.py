"""The archivist over a real log: crashes between its steps, others at work, logs not to be believed."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import text

from commerce.books import Books
from commerce.books.archive import Archived, Overtaken, archived_to
from commerce.books.tables import orders
from commerce.books.verify import verify
from commerce.effects.archivist import SNAPSHOT_COMMITS, SNAPSHOT_LEAST_BYTES, Archivist, Diverged
from commerce.live.cursor import Cursor, slowest
from commerce.live.log import Log, encode
from commerce.live.snapshot import Snapshots
from commerce.live.valkey import open_redis, open_wire
from commerce.show import commands as c
from commerce.show.commit import Commit
from commerce.show.events import CommandRefused
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import order, payment
from tests.commerce.stocked import SHOW, an_evening, open_shop, stock_books
from tests.servers import Server


@dataclass
class Room:
    """A show on a real server, its books, and archivists that can be begun again."""

    server: Server
    books: Books
    desk: DeskInHand = field(default_factory=lambda: DeskInHand(SHOW))
    written: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.redis = open_redis(self.server.url)
        self.wire = open_wire(self.server.url)

    async def write(self) -> None:
        """Append what the desk decided since."""
        for commit in self.desk.commits[self.written :]:
            await Log(self.wire).append(SHOW, commit)
        self.written = len(self.desk.commits)

    async def archivist(self) -> Archivist:
        keeper = Archivist(
            SHOW,
            self.books,
            self.wire,
            Cursor(self.redis, SHOW, "archivist"),
            slowest=lambda show: slowest(self.redis, show),
            clock=lambda: self.seconds,
        )
        await keeper.begin()
        return keeper

    async def read_on(self, keeper: Archivist) -> None:
        await keeper.archive(await Log(self.wire).read(SHOW, keeper.at.version, 1_000))

    async def at(self) -> Archived:
        async with self.books.read() as tx:
            return await archived_to(tx, SHOW)


@pytest.fixture
async def room(valkey: Server, sqlite_books: Books) -> AsyncIterator[Room]:
    made = Room(valkey, sqlite_books)
    open_shop(made.desk, await stock_books(sqlite_books, 20))
    an_evening(made.desk, random.Random(4))
    await made.write()
    yield made
    await made.wire.aclose()
    await made.redis.aclose()


async def test_a_crash_between_books_and_cursor_books_nothing_twice(room: Room) -> None:
    first = await room.archivist()
    await room.read_on(first)
    await room.redis.delete(f"{{{SHOW}}}:cursor:archivist")  # as if it had never moved
    again = await room.archivist()
    assert again.at == await room.at()
    await again.archive(await Log(room.wire).read(SHOW, 0, 1_000))
    assert await verify(room.books, room.wire) == []


async def test_of_two_archivists_one_is_overtaken_and_nothing_is_booked_twice(room: Room) -> None:
    one, other = await room.archivist(), await room.archivist()
    await room.read_on(one)
    with pytest.raises(Overtaken):
        await room.read_on(other)
    assert await verify(room.books, room.wire) == []


async def test_snapshots_let_the_log_be_trimmed_only_behind_all_who_read_it(room: Room) -> None:
    slow = Cursor(room.redis, SHOW, "mail")
    await slow.read()
    keeper = await room.archivist()
    await room.read_on(keeper)
    room.seconds += 61
    await keeper.keep_snapshot()
    assert (await Snapshots(room.wire).newest(SHOW)).version == room.desk.state.version
    for _ in range(2):
        room.desk.ask(c.UnpinOffer())
        await room.write()
        await room.read_on(keeper)
        room.seconds += 61
        await keeper.keep_snapshot()
    assert await room.wire.length(f"{{{SHOW}}}:log") == len(room.desk.commits)
    await slow.move(room.desk.state.version)
    room.desk.ask(c.UnpinOffer())
    await room.write()
    await room.read_on(keeper)
    room.seconds += 61
    await keeper.keep_snapshot()
    assert await room.wire.length(f"{{{SHOW}}}:log") < 3
    assert await verify(room.books, room.wire) == []
    assert (await room.archivist()).at.version == room.desk.state.version


async def test_a_quiet_show_is_not_snapshotted_for_every_commit(room: Room) -> None:
    keeper = await room.archivist()
    await room.read_on(keeper)
    assert room.desk.state.version < SNAPSHOT_COMMITS
    await keeper.keep_snapshot()
    assert (await Snapshots(room.wire).newest(SHOW)).version == 0


async def test_snapshots_keep_pace_with_the_log_and_are_no_more_than_twice_its_size(room: Room) -> None:
    keeper = await room.archivist()
    work = asyncio.create_task(keeper.run())
    rng, state, kept = random.Random(1), room.desk.state, [(0, 0)]
    version, by, total = state.version, state.by, 0
    log = {0: 0, version: 0}
    while version < state.version + 500:
        for _ in range(20):
            version += 1
            commit = Commit(version, by, by, state.at + version, "1-1", refusals(rng, 60))
            total += len(encode(commit)["events"])
            log[version] = total
            await Log(room.wire).append(SHOW, commit)
        async with asyncio.timeout(60):
            while keeper.at.version < version or keeper.behind:  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.01)
        fields = await room.wire.fields(f"{{{SHOW}}}:snapshot")
        newest = (int(fields["version"]), len(fields["state"])) if fields else (0, 0)
        if newest != kept[-1]:
            kept.append(newest)
        unfolded = total - log.get(newest[0], 0)
        assert unfolded <= max(SNAPSHOT_LEAST_BYTES, newest[1]) + total - log[version - 20]
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert 2 < len(kept) < 8
    assert sum(size for _, size in kept) < 2 * total
    assert (await Snapshots(room.wire).load(SHOW)).version == version


def refusals(rng: random.Random, count: int) -> tuple[CommandRefused, ...]:
    """What a sold-out offer tells a crowd."""
    body = {"code": "SoldOut", "offer": "single", "available": 0}
    names = [f"{rng.getrandbits(64):016x}" for _ in range(count)]
    return tuple([CommandRefused(f"buyer:{name}", name, name, "PlaceOrder", body) for name in names])


async def test_a_log_older_than_the_books_stops_the_archivist(room: Room) -> None:
    await room.read_on(await room.archivist())
    await room.redis.delete(f"{{{SHOW}}}:log")
    for commit in room.desk.commits[:5]:
        await Log(room.wire).append(SHOW, commit)
    with pytest.raises(Diverged):
        await room.archivist()
    assert any("ends before" in found.what for found in await verify(room.books, room.wire))


async def test_another_desks_log_is_not_taken_for_the_sequel(room: Room) -> None:
    await room.read_on(await room.archivist())
    await room.redis.delete(f"{{{SHOW}}}:log")
    for commit in room.desk.commits:
        alien = commit._replace(by="00000000000000ff", prev_by=commit.prev_by and "00000000000000ff")
        await Log(room.wire).append(SHOW, alien)
    with pytest.raises(Diverged):
        await room.archivist()


AS_IT_IS = ", ".join(column.name for column in orders.c if column.name != "id")
ANOTHER = f"INSERT INTO orders (id, {AS_IT_IS}) SELECT"


@pytest.mark.parametrize(
    ("tampering", "what"),
    [
        ("UPDATE orders SET buyer_id = 'zoe' WHERE id = 'or-x'", "order or-x: differs from the log"),
        ("UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = 'or-x'", "order or-x: differs"),
        ("UPDATE allotments SET returned = returned - 1 WHERE returned > 0", "allotment al-"),
        ("UPDATE archived SET written_by = 'x'", "log of show-1: names another writer"),
        (f"{ANOTHER} 'or-y', {AS_IT_IS} FROM orders", "order or-y: is booked, but cancelled in the log"),
        (f"{ANOTHER} 'or-z', {AS_IT_IS} FROM orders", "order or-z: is booked, but not in the log"),
        (
            "UPDATE stock_moves SET units = 3 WHERE target = 'sold'",
            "stock scarf of show-1: sold 1 in the log",
        ),
        ("DELETE FROM allotments", "allotment al-"),
    ],
)
async def test_what_the_log_knows_better_is_named(
    valkey: Server, sqlite_books: Books, tampering: str, what: str
) -> None:
    room = Room(valkey, sqlite_books)
    open_shop(room.desk, await stock_books(sqlite_books, 20))
    room.desk.ask(order("or-x"))
    room.desk.ask(payment("or-x"))
    room.desk.ask(order("or-y", "bob"))
    room.desk.ask(c.CancelOrder("or-y"))
    room.desk.ask(c.CloseShow())
    room.desk.wait(1)
    await room.write()
    await room.read_on(await room.archivist())
    assert await verify(room.books, room.wire) == []
    async with room.books.begin() as tx:
        assert (await tx.execute(text(tampering))).rowcount
    found = [f"{difference.where}: {difference.what}" for difference in await verify(room.books, room.wire)]
    assert any(line.startswith(what) for line in found), found
    await room.wire.aclose()
    await room.redis.aclose()


async def test_an_order_missing_from_the_books_is_named(room: Room) -> None:
    keeper = await room.archivist()
    await keeper.archive(await Log(room.wire).read(SHOW, 0, 4))
    async with room.books.begin() as tx:
        newest = room.desk.commits[-1]
        values = {"version": newest.version, "by": newest.by, "show": SHOW}
        await tx.execute(
            text("UPDATE archived SET version = :version, written_by = :by WHERE show_id = :show"), values
        )
    found = await verify(room.books, room.wire)
    assert any(difference.what == "is paid in the log and not booked" for difference in found)


async def test_without_books_to_compare_there_is_one_sentence(tmp_path: Path) -> None:
    told = {**os.environ, "VAR_DIR": str(tmp_path), "REDIS_URL": f"unix://{tmp_path}/s"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "commerce.books.verify", env=told, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert said.decode().startswith("Cannot compare: ")
    assert said.count(b"\n") == 1
