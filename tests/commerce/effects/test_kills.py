"""Effects and bank are killed at every step and at random moments; money goes back once, all is booked."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import select

from commerce.books import Books
from commerce.books.aftersales import Act, refund_part
from commerce.books.ids import new_id
from commerce.books.orders import find_order
from commerce.books.payments import Payment, open_payment
from commerce.books.tables import orders, payments, refunds
from commerce.books.verify import verify
from commerce.live.inbox import Accepted, Busy, Inbox, NoAnswer, Refused
from commerce.live.roster import Roster
from commerce.live.valkey import open_redis, open_wire
from commerce.payments.adapters.sandbox import SandboxBank
from commerce.payments.firms import open_firms
from commerce.payments.provider import Bill, PaymentPage
from commerce.payments.settings import FirmSettings
from commerce.settings import read
from commerce.show import commands as c
from commerce.show.refusals import TooLate
from tests.commerce.books.test_aftersales import AMOUNTS, sold
from tests.commerce.effects.processes import Processes, until
from tests.commerce.payments.paying import choose
from tests.commerce.shop import opening, order
from tests.commerce.stocked import MERCHANT, SHOW, stock_books
from tests.servers import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
NOBODY = "http://127.0.0.1:9/api/webhooks/sandbox"  # the bank's words reach no one: the effects have to ask
ORDERS = 18
KILLS = 6


@pytest.fixture
def processes(valkey: Server, short_dir: Path, free_port: Callable[[], int]) -> Iterator[Processes]:
    started = Processes(valkey.url, short_dir, free_port)
    started.environment |= {
        "BANK_WEBHOOK_URL": NOBODY,
        "BANK_LATE_SECONDS": "1",
        "DESK_HTTP": f"127.0.0.1:{free_port()}",
    }
    yield started
    started.stop()


@pytest.fixture
async def bank(processes: Processes, books_beside: Books) -> AsyncIterator[SandboxBank]:
    """Our side of the bank; its process is started by the test."""
    firms = await open_firms(read(FirmSettings, processes.environment))
    found = firms["sandbox"]
    assert isinstance(found, SandboxBank)
    yield found
    await found.close()


async def page_of(bank: SandboxBank, payment: str, name: str, amount: int) -> PaymentPage:
    """The bank's page for a try, as soon as the bank is up."""
    bill = Bill(payment, name, amount, "CNY", "Silk House", f"http://127.0.0.1:1/orders/{name}")
    pages: list[PaymentPage] = []

    async def opened() -> bool:
        page = await bank.open_page(bill)
        if isinstance(page, PaymentPage):
            pages.append(page)
        return bool(pages)

    await until(opened)
    return pages[0]


def given_back(folder: Path) -> list[tuple[str, str, int]]:
    """What the bank gave back: our key, the payment, the amount."""
    till = sqlite3.connect(folder / "bank.sqlite")
    try:
        return till.execute(
            "SELECT key, payment, amount FROM refunds JOIN payments USING (ref) ORDER BY key"
        ).fetchall()
    finally:
        till.close()


async def owed(books: Books) -> list[tuple[str, str, int]]:
    """What the books say was given back."""
    async with books.read() as tx:
        made = select(refunds).where(refunds.c.state == "made").order_by(refunds.c.id)
        return [(row.id, row.payment_id, row.amount) for row in await tx.execute(made)]


async def test_a_refund_killed_at_any_step_reaches_the_bank_once(
    processes: Processes,
    books_beside: Books,
    bank: SandboxBank,
    short_dir: Path,
) -> None:
    await sold(books_beside)
    processes.start("commerce.payments.sandbox")
    page = await page_of(bank, "pa-1", "or-1", AMOUNTS.total)
    await choose(page.url, "never")
    async with books_beside.begin() as tx:
        await tx.execute(payments.update().values(provider_ref=page.ref))
    command = [sys.executable, "-m", "tests.commerce.effects.dying", str(short_dir), processes.bank]
    done = await asyncio.to_thread(
        subprocess.run, command, env=processes.environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    steps = int(done.stdout.split()[-1])
    assert steps > 10, "a refund has more steps than that"
    at_bank = await asyncio.to_thread(given_back, short_dir)
    assert at_bank == await owed(books_beside)
    assert len(at_bank) == steps + 1
    from commerce.books.checks import differences

    async with books_beside.read() as tx:
        assert await differences(tx) == []


class Fate:
    """Kills effects and bank in turn, at random moments, and starts them again."""

    def __init__(self, processes: Processes, seed: int) -> None:
        self.rng, self.processes, self.kills = random.Random(seed), processes, 0
        names = ("commerce.effects", "commerce.payments.sandbox")
        self.running = {name: processes.start(name) for name in names}

    async def strike(self, times: int) -> None:
        for number in range(times):
            await asyncio.sleep(0.4 + 1.6 * self.rng.random())
            name = sorted(self.running)[number % 2]
            self.running[name].send_signal(signal.SIGKILL)
            await asyncio.to_thread(self.running[name].wait)
            self.running[name] = self.processes.start(name)
            self.kills += 1


async def ask(inbox: Inbox, command: c.Command, key: str) -> None:
    """Until the desk has decided, whatever is being killed."""
    while True:
        try:
            answer = await inbox.ask(SHOW, command, actor="test", key=key)
        except (Busy, NoAnswer):
            continue
        if isinstance(answer, Refused) and isinstance(answer.refusal, TooLate):
            continue  # no decision: the desk was not there in time
        assert isinstance(answer, Accepted), answer
        return


async def place_and_pay(inbox: Inbox, books: Books, bank: SandboxBank, number: int) -> str:
    """An order whose payer takes one of three ways; the bank says a word to nobody."""
    name, payment = f"or-{number}", new_id("pa")
    await ask(inbox, order(name, f"buyer-{number}"), f"place-{number}")
    page = await page_of(bank, payment, name, 1_000)
    lately = int(time.time() * 1000) - 40_000  # old enough to be asked about at once
    async with books.begin() as tx:
        wanted = Payment(
            payment, "sandbox", page.ref, name, SHOW, MERCHANT, 1_000, "CNY", "open", None, lately
        )
        await open_payment(tx, wanted)
    way = ("never", "later", "decline")[number % 3]
    while True:
        try:
            await choose(page.url, way)
            return way
        except (OSError, aiohttp.ClientError):  # killed before, or in the middle of its answer
            await asyncio.sleep(0.1)


async def give_half_back(books: Books, name: str) -> bool:
    """Owe half the money, once the order is booked."""
    async with books.begin() as tx:
        booked = await find_order(tx, name)
        if booked is None:
            return False
        now = int(time.time() * 1000)
        await refund_part(tx, Act(MERCHANT, name, 1, "half", "ac-1", "", now), 500)
    return True


async def test_payments_and_refunds_come_out_right_though_effects_and_bank_are_killed_under_load(
    valkey: Server,
    processes: Processes,
    books_beside: Books,
    bank: SandboxBank,
    short_dir: Path,
) -> None:
    granted = await stock_books(books_beside, ORDERS)
    processes.start("commerce.desk")
    redis = open_redis(valkey.url)
    inbox = Inbox(lambda: open_wire(valkey.url), Roster(redis))
    fate = Fate(processes, seed=7)
    for number, command in enumerate(opening(ORDERS)):
        stock = c.AllotStock(granted.id, granted.sku, granted.units)
        await ask(inbox, stock if isinstance(command, c.AllotStock) else command, f"open-{number}")
    strikes = asyncio.create_task(fate.strike(KILLS))
    ways = await asyncio.gather(*[place_and_pay(inbox, books_beside, bank, n) for n in range(ORDERS)])
    expected = {f"or-{n}" for n, way in enumerate(ways) if way != "decline"}
    for name in sorted(expected):
        await until(lambda name=name: give_half_back(books_beside, name))  # type: ignore[misc]  # bound now
    await strikes

    async def settled() -> bool:
        async with books_beside.read() as tx:
            tries = [row.state for row in await tx.execute(select(payments.c.state))]
            due = [row.id for row in await tx.execute(select(refunds.c.id).where(refunds.c.state == "due"))]
        return not due and sorted(set(tries)) == ["failed", "succeeded"]

    await until(settled)
    assert fate.kills == KILLS
    async with books_beside.read() as tx:
        assert set(await tx.scalars(select(orders.c.id))) == expected
    at_bank = await asyncio.to_thread(given_back, short_dir)
    assert at_bank == await owed(books_beside)
    assert [amount for _, _, amount in at_bank] == [500] * len(expected)
    wire = open_wire(valkey.url)
    assert await verify(books_beside, wire) == []
    await wire.aclose()
    await inbox.aclose()
    await redis.aclose()


async def test_effects_told_to_end_do_so_though_another_writer_holds_the_books(
    valkey: Server,
    processes: Processes,
    books_beside: Books,
) -> None:
    await stock_books(books_beside, 5)
    effects = processes.start("commerce.effects")
    port = int(processes.environment["EFFECTS_HTTP"].rpartition(":")[2])

    async def up() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await until(up)
    async with books_beside.begin():
        effects.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(effects.wait, 60) == 0


def test_an_end_comes_though_a_thread_never_returns() -> None:
    program = (
        "import threading, time; from commerce.effects.ending import end_within;"
        "threading.Thread(target=time.sleep, args=(10_000,)).start(); end_within(0.2)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, env=dict(os.environ), check=False
    )
    assert (done.returncode, b"without waiting" in done.stderr) == (0, True)
