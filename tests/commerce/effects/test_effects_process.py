"""The effects process over a real log, a real database and a real bank: what is left when it is killed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from commerce.books import Books
from commerce.books.archive import archived_to
from commerce.books.refunds import refunds_of_order
from commerce.books.tables import orders
from commerce.books.verify import verify
from commerce.live.log import Log
from commerce.live.roster import Roster
from commerce.live.snapshot import Snapshots
from commerce.live.stage import Stages
from commerce.live.valkey import open_redis, open_wire
from commerce.payments.adapters.sandbox import SandboxBank
from commerce.payments.firms import open_firms
from commerce.payments.provider import Bill, Looked, PaymentPage
from commerce.payments.settings import FirmSettings
from commerce.settings import read
from commerce.show import commands as c
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.effects.processes import Processes, until
from tests.commerce.payments.paying import choose
from tests.commerce.shop import HOLD_SECONDS, order, payment
from tests.commerce.stocked import SHOW, an_evening, open_shop, open_try, stock_books
from tests.servers import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def processes(valkey: Server, short_dir: Path, free_port: Callable[[], int]) -> Iterator[Processes]:
    started = Processes(valkey.url, short_dir, free_port)
    yield started
    started.stop()


async def put_into_log(url: str, desk: DeskInHand, after: int = 0) -> None:
    """Write the desk's commits beyond a version as a desk process would, and the show on the roster."""
    redis, wire = open_redis(url), open_wire(url)
    await Roster(redis).add(SHOW)
    for commit in desk.commits[after:]:
        await Log(wire).append(SHOW, commit)
    await wire.aclose()
    await redis.aclose()


async def test_an_evening_is_booked_though_the_archivist_is_killed_again_and_again(
    valkey: Server, processes: Processes, books_beside: Books
) -> None:
    rng = random.Random(11)
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(books_beside, 60))
    an_evening(desk, rng, steps=300)
    await put_into_log(valkey.url, desk)

    async def booked() -> int:
        async with books_beside.read() as tx:
            return (await archived_to(tx, SHOW)).version

    for kill in range(4):
        process = processes.start("commerce.effects")
        before = await booked()
        await asyncio.sleep(0.5 + 0.3 * kill + rng.random() / 2)
        process.kill()
        process.wait()
        assert await booked() >= before
    processes.start("commerce.effects")

    async def all_booked() -> bool:
        return await booked() == desk.state.version

    await until(all_booked)
    wire = open_wire(valkey.url)
    assert await verify(books_beside, wire) == []
    async with books_beside.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(orders)) == desk.state.paid

    async def trimmed() -> bool:
        return (await Snapshots(wire).newest(SHOW)).version == desk.state.version

    await until(trimmed)
    await wire.aclose()


async def test_the_stage_follows_the_log(valkey: Server, processes: Processes, books_beside: Books) -> None:
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(books_beside, 5))
    await put_into_log(valkey.url, desk)
    processes.start("commerce.effects")
    redis = open_redis(valkey.url)
    stages = Stages(redis)

    async def wished(on_air: bool, cards: int) -> bool:
        stage = await stages.read(SHOW)
        return stage is not None and (stage.on_air, len(stage.cards)) == (on_air, cards)

    await until(lambda: wished(False, 0))
    known = len(desk.commits)
    desk.ask(c.PutOnAir("studio-1"))
    desk.ask(c.PinOffer("single", 90_000))
    await put_into_log(valkey.url, desk, known)
    await until(lambda: wished(True, 1))
    await redis.aclose()


async def test_money_for_a_lapsed_order_comes_back_from_the_bank(
    valkey: Server, processes: Processes, books_beside: Books, short_dir: Path
) -> None:
    processes.start("commerce.payments.sandbox")
    firms = await open_firms(read(FirmSettings, processes.environment))
    bank = firms["sandbox"]
    assert isinstance(bank, SandboxBank)
    bill = Bill("pa-1", "or-1", 1_000, "CNY", "Silk House", "http://127.0.0.1:1/orders/or-1")
    pages: list[PaymentPage] = []

    async def opened() -> bool:
        page = await bank.open_page(bill)
        if isinstance(page, PaymentPage):
            pages.append(page)
        return bool(pages)

    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(books_beside, 1))
    desk.ask(order("or-1", "ann"))
    desk.wait(HOLD_SECONDS + 1)
    desk.ask(order("or-2", "bob"))
    await until(opened)
    await open_try(books_beside, "or-1", "pa-1", 1_000, pages[0].ref)
    await choose(pages[0].url, "never")
    desk.ask(payment("or-1", "pa-1"))
    await put_into_log(valkey.url, desk)
    processes.start("commerce.effects")

    async def refunded() -> bool:
        async with books_beside.read() as tx:
            return [refund.state for refund in await refunds_of_order(tx, "or-1")] == ["made"]

    await until(refunded)
    looked = await bank.look_up(pages[0].ref)
    assert isinstance(looked, Looked)
    assert b'"outcome": "succeeded"' in looked.transcript.response
    wire = open_wire(valkey.url)
    assert await verify(books_beside, wire) == []
    await wire.aclose()
    await bank.close()
