"""What was never answered is asked again: grants no log has, payments nobody decided, refunds."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import text

from commerce.books import Books
from commerce.books.checks import differences
from commerce.books.payments import find_payment, note_page, undecided_payments
from commerce.books.refunds import due_refunds, refunds_of_order
from commerce.books.stock import SHELF, find_allotment, units_at
from commerce.effects.reconcile import ask_about_payments, resend_allotments
from commerce.effects.refunding import make_due_refunds
from commerce.live.envelope import Accepted, Answer, Refused
from commerce.live.inbox import NoAnswer
from commerce.payments.intake import Told
from commerce.payments.provider import (
    Bill,
    FirmRefused,
    FirmSilent,
    PaymentPage,
    RefundMade,
    RefundWish,
    Transcript,
)
from commerce.show import commands as c
from commerce.show import refusals
from tests.commerce.desk_in_hand import MIDNIGHT_MS, DeskInHand
from tests.commerce.payments.houses import BILL, Firm, sandbox
from tests.commerce.shop import HOLD_SECONDS, opening, order, payment
from tests.commerce.stocked import SHELF_UNITS, SHOW, Clerk, open_shop, open_try, stock_books

LATER_MS = MIDNIGHT_MS + 60_000


@dataclass
class DeskLine:
    """An inbox with a desk behind it, which may lose the answer after it has decided."""

    desk: DeskInHand
    loses_answers: int = 0

    async def ask(self, show: str, command: c.Command, *, actor: str, key: str) -> Answer:
        reply = self.desk.ask(command, actor, key)
        if self.loses_answers:
            self.loses_answers -= 1
            raise NoAnswer(show)
        if reply.accepted:
            return Accepted(reply.version, reply.body)
        return Refused(reply.version, refusals.from_wire(reply.body))


async def test_a_grant_whose_sender_died_reaches_the_log_once(sqlite_books: Books) -> None:
    granted = await stock_books(sqlite_books, 10)
    desk = DeskInHand(SHOW)
    desk.ask(opening()[0])
    clerk = await Clerk.at_work(sqlite_books)
    await clerk.book(desk.commits)
    line = DeskLine(desk, loses_answers=1)
    for _ in range(3):
        assert await resend_allotments(sqlite_books, line, LATER_MS) == 1  # type: ignore[arg-type]  # asks alike
    assert desk.state.pools["scarf"].allotted == 10
    await clerk.book(desk.commits)
    assert await resend_allotments(sqlite_books, line, LATER_MS) == 0  # type: ignore[arg-type]  # asks alike
    async with sqlite_books.read() as tx:
        found = await find_allotment(tx, granted.id)
        assert found is not None
        assert found.state == "archived"
        assert await differences(tx) == []


async def test_a_grant_that_came_too_late_goes_back_once_the_end_is_archived(sqlite_books: Books) -> None:
    granted = await stock_books(sqlite_books, 10)
    desk = DeskInHand(SHOW)
    desk.ask(opening()[0])
    desk.ask(c.CloseShow())
    clerk = await Clerk.at_work(sqlite_books)
    await clerk.book(desk.commits)
    line = DeskLine(desk)
    await resend_allotments(sqlite_books, line, LATER_MS)  # type: ignore[arg-type]  # asks alike
    async with sqlite_books.read() as tx:
        assert await units_at(tx, "scarf", SHELF) == SHELF_UNITS - 10  # refused, but that proves nothing yet
    desk.wait(HOLD_SECONDS)
    await clerk.book(desk.commits)
    assert desk.state.stage == "closed"
    await resend_allotments(sqlite_books, line, LATER_MS)  # type: ignore[arg-type]  # asks alike
    async with sqlite_books.read() as tx:
        assert await units_at(tx, "scarf", SHELF) == SHELF_UNITS
        found = await find_allotment(tx, granted.id)
        assert found is not None
        assert found.state == "withdrawn"
        assert await differences(tx) == []


async def test_a_grant_for_a_show_not_yet_open_waits(sqlite_books: Books) -> None:
    await stock_books(sqlite_books, 10)
    desk = DeskInHand(SHOW)
    await resend_allotments(sqlite_books, DeskLine(desk), LATER_MS)  # type: ignore[arg-type]  # asks alike
    assert desk.commits == []


@dataclass
class Till:
    """A desk that takes the firm's word, and a bank that took money without a word."""

    books: Books
    firm: Firm
    desk: DeskInHand
    ref: str
    url: str
    told: list[Told] = field(default_factory=list)

    async def tell(self, told: Told) -> Literal["accepted", "no_answer"]:
        self.told.append(told)
        word = payment(told.order, told.payment, told.amount, told.outcome)
        assert self.desk.ask(word, key=told.key).accepted
        return "accepted"

    async def ask(self, after_seconds: float) -> int:
        now_ms = MIDNIGHT_MS + int(after_seconds * 1_000)
        return await ask_about_payments(self.books, {"sandbox": self.firm.provider}, self.tell, now_ms)

    async def state(self) -> str:
        async with self.books.read() as tx:
            found = await find_payment(tx, "sandbox", "pa-1")
            assert found is not None
            return found.state


@pytest.fixture
async def till(sqlite_books: Books, tmp_path: Path) -> AsyncIterator[Till]:
    async with sandbox(tmp_path) as firm:
        desk = DeskInHand(SHOW)
        open_shop(desk, await stock_books(sqlite_books, 10))
        desk.ask(order("or-1"))
        bill = Bill("pa-1", "or-1", 1_000, "CNY", BILL.payee, BILL.return_url)
        page = await firm.provider.open_page(bill)
        assert isinstance(page, PaymentPage)
        await open_try(sqlite_books, "or-1", "pa-1", 1_000)
        async with sqlite_books.begin() as tx:
            await note_page(tx, "pa-1", page.ref, page.url, MIDNIGHT_MS)
        yield Till(sqlite_books, firm, desk, page.ref, page.url)


async def press(till: Till, choice: str) -> None:
    await {"pay": till.firm.pay, "decline": till.firm.decline}[choice](till.url)


@pytest.mark.parametrize(("choice", "state"), [("pay", "succeeded"), ("decline", "failed")])
async def test_a_payment_whose_webhook_got_lost_is_found_by_asking(
    till: Till, choice: str, state: str
) -> None:
    assert await till.ask(31) == 0
    assert await till.state() == "open"
    await press(till, choice)
    assert await till.ask(60) == 1
    assert await till.state() == state
    assert till.desk.state.orders["or-1"].state == ("paid" if choice == "pay" else "awaiting_payment")
    assert await till.ask(3_600) == 0


async def test_a_firm_is_asked_the_more_seldom_the_older_a_payment_is(till: Till) -> None:
    asked = []
    for second in range(0, 4_000, 5):
        async with till.books.read() as tx:
            waiting = await undecided_payments(tx, MIDNIGHT_MS + second * 1_000, 9)
        if waiting:
            asked.append(second)
            await till.ask(second)
    assert asked[0] == 30
    assert 10 < len(asked) < 40
    pauses = [after - before for before, after in itertools.pairwise(asked)]
    assert pauses[-1] > 5 * pauses[0]


class Moody:
    """A firm whose answers to refunds are laid out beforehand; remembers the keys it was asked under."""

    name = "sandbox"

    def __init__(self, *answers: RefundMade | FirmRefused | FirmSilent) -> None:
        self.answers, self.keys = list(answers), list[str]()

    async def refund(self, wish: RefundWish) -> RefundMade | FirmRefused | FirmSilent:
        self.keys.append(wish.key)
        return self.answers.pop(0)


SAID = Transcript(b"asked", b"answered")


async def owing(books: Books) -> None:
    """A show in which money came for a cancelled order."""
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(books, 10))
    desk.ask(order("or-1"))
    desk.ask(c.CancelOrder("or-1"))
    await open_try(books, "or-1", "pa-1", 1_000, "ref-1")
    desk.ask(payment("or-1", "pa-1"))
    await (await Clerk.at_work(books)).book(desk.commits)


async def test_a_refund_is_asked_under_one_key_until_it_is_made(sqlite_books: Books) -> None:
    await owing(sqlite_books)
    firm = Moody(FirmSilent("away", replace(SAID)), FirmSilent("away"), RefundMade("sr-1", SAID))
    for second, expected in ((0, 0), (1, 0), (3, 0), (6, 0), (8, 1), (9, 0)):
        now_ms = LATER_MS + second * 1_000
        made = await make_due_refunds(sqlite_books, {"sandbox": firm}, now_ms)  # type: ignore[dict-item]  # refunds alone
        assert made == expected
    assert len(set(firm.keys)) == 1
    assert len(firm.keys) == 3
    async with sqlite_books.read() as tx:
        (refund,) = await refunds_of_order(tx, "or-1")
        assert (refund.state, refund.tries) == ("made", 3)
        assert await differences(tx) == []
        assert await tx.scalar(text("SELECT count(*) FROM payment_messages WHERE kind = 'refund'")) == 2


async def test_a_refund_the_firm_refuses_stays_owed_and_is_not_asked_again(sqlite_books: Books) -> None:
    await owing(sqlite_books)
    firm = Moody(FirmRefused("closed_account", SAID))
    for _ in range(2):
        await make_due_refunds(sqlite_books, {"sandbox": firm}, LATER_MS)  # type: ignore[dict-item]  # refunds alone
    assert len(firm.keys) == 1
    async with sqlite_books.read() as tx:
        assert [refund.state for refund in await refunds_of_order(tx, "or-1")] == ["refused"]
        assert await due_refunds(tx, int(time.time() * 1_000) + 10**12, 9) == []
        assert await differences(tx) == []


async def test_a_refund_of_a_firm_we_no_longer_know_waits(sqlite_books: Books) -> None:
    await owing(sqlite_books)
    assert await make_due_refunds(sqlite_books, {}, LATER_MS) == 0
    async with sqlite_books.begin() as tx:
        assert [refund.state for refund in await refunds_of_order(tx, "or-1")] == ["due"]
