"""Whatever the firm: its word comes late, twice, out of order, early or never, and the books end the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from commerce.books import Books
from commerce.books.checks import differences
from commerce.books.payments import Payment, find_payment, note_page, open_payment
from commerce.books.refunds import refunds_of_order
from commerce.effects.reconcile import ask_about_payments
from commerce.effects.refunding import make_due_refunds
from commerce.payments.intake import (
    DeskRefused,
    Heard,
    NoticeDiffers,
    Taken,
    Told,
    Verdict,
    take_notice,
    take_webhook,
)
from commerce.payments.provider import Forged, Notice, PaymentPage, Transcript
from commerce.show import commands as c
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.payments.houses import BILL, Firm
from tests.commerce.payments.test_conformance import FIRMS
from tests.commerce.shop import HOLD_SECONDS, order
from tests.commerce.stocked import MERCHANT, SHOW, Clerk, open_shop, stock_books

OUR_BILL = replace(BILL, payment="pa-1", order="or-1", amount=1_000, currency="CNY")


@dataclass
class Counter:
    """An order that awaits payment, a desk, and a page of the firm to pay on."""

    books: Books
    firm: Firm
    desk: DeskInHand
    page: PaymentPage

    async def tell(self, told: Told) -> Literal["accepted", "no_answer"] | DeskRefused:
        word = c.RecordPayment(
            told.order, told.payment, told.provider, told.amount, told.currency, told.outcome
        )
        reply = self.desk.ask(word, actor=f"firm:{told.provider}", key=told.key)
        return "accepted" if reply.accepted else DeskRefused(reply.body["code"])

    async def word(self) -> tuple[Any, bytes]:
        """The firm's webhook about the payment, as it came."""
        await self.firm.pay(self.page.url)
        await self.firm.ear.wait_for(1)
        return self.firm.ear.heard[0]

    async def hear(self, word: tuple[Any, bytes], at_s: float | None = None) -> Verdict:
        now_ms = int((time.time() if at_s is None else at_s) * 1000)
        provider = self.firm.provider
        return await take_webhook(self.books, provider, *word, now_ms=now_ms, tell_desk=self.tell)

    async def said(self, notice: Notice) -> Verdict:
        heard = Heard(self.firm.provider.name, "query", Transcript(repr(notice).encode(), b""))
        return await take_notice(self.books, heard, notice, int(time.time() * 1000), self.tell)

    async def ends(self) -> tuple[str, str]:
        """The states of payment and order."""
        async with self.books.read() as tx:
            found = await find_payment(tx, self.firm.provider.name, "pa-1")
            assert found is not None
            assert await differences(tx) == []
        return found.state, self.desk.state.orders["or-1"].state


@pytest.fixture(params=FIRMS)
async def counter(
    request: pytest.FixtureRequest, sqlite_books: Books, tmp_path: Path
) -> AsyncIterator[Counter]:
    async with FIRMS[request.param](tmp_path) as firm:
        desk = DeskInHand(SHOW)
        open_shop(desk, await stock_books(sqlite_books, 1))
        desk.ask(order("or-1", "ann"))
        page = await firm.provider.open_page(OUR_BILL)
        assert isinstance(page, PaymentPage)
        lately = int(time.time() * 1000) - 60_000
        async with sqlite_books.begin() as tx:
            await open_payment(
                tx,
                Payment(
                    "pa-1",
                    firm.provider.name,
                    None,
                    "or-1",
                    SHOW,
                    MERCHANT,
                    1_000,
                    "CNY",
                    "open",
                    None,
                    lately,
                ),
            )
            await note_page(tx, "pa-1", page.ref, page.url, lately)
        yield Counter(sqlite_books, firm, desk, page)


async def test_a_word_that_comes_again_and_again_pays_once(counter: Counter) -> None:
    word = await counter.word()
    assert await counter.hear(word) == Taken("recorded")
    again = await asyncio.gather(*[counter.hear(word) for _ in range(3)])
    assert again == [Taken("known")] * 3
    assert await counter.ends() == ("succeeded", "paid")


async def test_a_word_replayed_a_day_later_is_not_believed(counter: Counter) -> None:
    word = await counter.word()
    assert isinstance(await counter.hear(word, time.time() + 86_400), Forged)
    assert await counter.ends() == ("open", "awaiting_payment")


@pytest.mark.parametrize("later", ["failed", "unknown"])
async def test_a_word_that_was_overtaken_takes_nothing_back(
    counter: Counter, later: Literal["failed", "unknown"]
) -> None:
    word = await counter.word()
    await counter.hear(word)
    notice = counter.firm.provider.read_webhook(*word, time.time())
    assert isinstance(notice, Notice)
    assert await counter.said(replace(notice, outcome=later)) == Taken("known")
    assert await counter.ends() == ("succeeded", "paid")


async def test_a_payment_that_is_unknown_first_is_paid_when_the_word_comes(counter: Counter) -> None:
    word = await counter.word()
    notice = counter.firm.provider.read_webhook(*word, time.time())
    assert isinstance(notice, Notice)
    assert await counter.said(replace(notice, outcome="unknown")) == Taken("recorded")
    assert await counter.ends() == ("unknown", "awaiting_payment")
    assert await counter.hear(word) == Taken("recorded")
    assert await counter.ends() == ("succeeded", "paid")


async def test_a_word_that_comes_before_the_books_know_the_page_is_taken(counter: Counter) -> None:
    async with counter.books.begin() as tx:
        await tx.exec_driver_sql("UPDATE payments SET provider_ref = NULL, pay_url = NULL")
    assert await counter.hear(await counter.word()) == Taken("recorded")
    assert await counter.ends() == ("succeeded", "paid")


async def test_a_word_that_comes_after_the_goods_are_gone_brings_the_money_back_once(
    counter: Counter,
) -> None:
    counter.desk.wait(HOLD_SECONDS + 1)
    counter.desk.ask(order("or-2", "bob"))
    assert await counter.hear(await counter.word()) == Taken("recorded")
    await (await Clerk.at_work(counter.books)).book(counter.desk.commits)
    firms = {counter.firm.provider.name: counter.firm.provider}
    now_ms = int(time.time() * 1000)
    assert [await make_due_refunds(counter.books, firms, now_ms) for _ in range(3)] == [1, 0, 0]
    async with counter.books.read() as tx:
        assert [(one.state, one.amount) for one in await refunds_of_order(tx, "or-1")] == [("made", 1_000)]
    assert await counter.ends() == ("succeeded", "lapsed")


@pytest.mark.parametrize("pays", [True, False])
async def test_a_word_that_never_comes_is_asked_for(counter: Counter, pays: bool) -> None:
    await (counter.firm.pay if pays else counter.firm.decline)(counter.page.url)
    firms = {counter.firm.provider.name: counter.firm.provider}
    now_ms = int(time.time() * 1000)
    assert await ask_about_payments(counter.books, firms, counter.tell, now_ms) == 1
    ends = ("succeeded", "paid") if pays else ("failed", "awaiting_payment")
    assert await counter.ends() == ends
    if pays:
        assert await counter.hear(await counter.word()) == Taken("known")


@pytest.mark.parametrize(
    ("name", "value"),
    [("amount", 999), ("amount", 100_000), ("currency", "USD"), ("order", "or-2"), ("ref", "x")],
)
async def test_a_word_about_another_sum_or_order_changes_nothing(
    counter: Counter, name: str, value: Any
) -> None:
    notice = counter.firm.provider.read_webhook(*await counter.word(), time.time())
    assert isinstance(notice, Notice)
    changed: dict[str, Any] = {name: value}
    assert await counter.said(replace(notice, **changed)) == NoticeDiffers("pa-1", name)
    assert await counter.ends() == ("open", "awaiting_payment")
