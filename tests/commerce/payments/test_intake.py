"""A firm's word comes early, late, twice, out of order, for another amount: the books end the same."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from sqlalchemy import select

from commerce.books import Books
from commerce.books.checks import differences
from commerce.books.payments import find_payment, messages_of
from commerce.books.refunds import refunds_of_order
from commerce.books.schedule import note_show
from commerce.books.tables import payment_messages
from commerce.payments.adapters.sandbox import SandboxBank
from commerce.payments.intake import (
    DeskRefused,
    NoticeDiffers,
    NotYet,
    Taken,
    Told,
    UnknownPayment,
    Verdict,
    take_webhook,
)
from commerce.payments.provider import Forged
from commerce.payments.signatures import HEADER, sign
from commerce.show import commands as c
from tests.commerce.desk_in_hand import MIDNIGHT_MS, DeskInHand
from tests.commerce.payments.houses import SECRET
from tests.commerce.shop import order
from tests.commerce.stocked import SHOW, Clerk, open_shop, open_try, stock_books

NOW_MS = MIDNIGHT_MS
WORD = {
    "id": "ev-1", "said_at": NOW_MS, "ref": "ref-1", "payment": "pa-1", "order": "or-1", "amount": 1_000,
    "currency": "CNY", "outcome": "succeeded",
}  # fmt: skip


@dataclass
class Counter:
    """A shop's counter: an order that awaits payment, and a desk that takes the firm's word or is away."""

    books: Books
    bank: SandboxBank
    desk: DeskInHand = field(default_factory=lambda: DeskInHand(SHOW))
    away: bool = False
    told: list[Told] = field(default_factory=list)

    async def tell(self, told: Told) -> Literal["accepted", "no_answer"] | DeskRefused:
        if self.away:
            return "no_answer"
        self.told.append(told)
        command = c.RecordPayment(
            told.order, told.payment, told.provider, told.amount, told.currency, told.outcome
        )
        reply = self.desk.ask(command, actor="firm:sandbox", key=told.key)
        return "accepted" if reply.accepted else DeskRefused(reply.body["code"])

    async def hear(self, word: dict[str, Any], at_ms: int = NOW_MS, secret: bytes = SECRET) -> Verdict:
        body = json.dumps(word).encode()
        headers = {HEADER: sign(secret, body, at_ms / 1000)}
        return await take_webhook(self.books, self.bank, headers, body, now_ms=NOW_MS, tell_desk=self.tell)

    async def state(self, payment: str = "pa-1") -> str:
        async with self.books.read() as tx:
            found = await find_payment(tx, "sandbox", payment)
            assert found is not None
            return found.state


@pytest.fixture
async def counter(sqlite_books: Books) -> Any:
    bank = SandboxBank("http://127.0.0.1:9", SECRET)
    made = Counter(sqlite_books, bank)
    open_shop(made.desk, await stock_books(sqlite_books, 10))
    made.desk.ask(order("or-1", "ann"))
    await open_try(sqlite_books, "or-1", "pa-1", 1_000, "ref-1")
    yield made
    await bank.close()


async def test_a_payment_is_recorded_once_however_often_it_is_said(counter: Counter) -> None:
    assert await counter.hear(WORD) == Taken("recorded")
    for number in range(3):
        assert await counter.hear({**WORD, "id": f"ev-{number}"}) == Taken("known")
    assert counter.desk.state.orders["or-1"].state == "paid"
    assert len(counter.told) == 1


async def test_nothing_is_believed_before_the_desk_has_committed(counter: Counter) -> None:
    counter.away = True
    assert await counter.hear(WORD) == NotYet()
    assert await counter.state() == "open"
    counter.away = False
    assert await counter.hear(WORD) == Taken("recorded")


@pytest.mark.parametrize(
    ("field_name", "value"),
    [("amount", 999), ("amount", 1_001), ("currency", "USD"), ("order", "or-2"), ("ref", "ref-2")],
)
async def test_a_word_about_something_else_changes_nothing(
    counter: Counter, field_name: str, value: object
) -> None:
    assert await counter.hear({**WORD, field_name: value}) == NoticeDiffers("pa-1", field_name)
    assert (await counter.state(), counter.told) == ("open", [])
    async with counter.books.read() as tx:
        (kept,) = await messages_of(tx, counter.books.keyring, "pa-1")
        sealed = await tx.scalar(select(payment_messages.c.request))
    assert (kept.verdict, json.loads(kept.request)[field_name]) == ("NoticeDiffers", value)
    assert sealed is not None
    assert kept.request not in sealed


async def test_a_word_about_a_payment_that_nobody_opened_is_not_taken(counter: Counter) -> None:
    assert await counter.hear({**WORD, "payment": "pa-9"}) == UnknownPayment("pa-9")


@pytest.mark.parametrize("attack", ["other secret", "old", "future", "no header", "not a notice"])
async def test_a_forged_word_is_not_even_read(counter: Counter, attack: str) -> None:
    body = json.dumps(WORD).encode()
    at_s = NOW_MS / 1000
    headers = {
        "other secret": {HEADER: sign(bytes(32), body, at_s)},
        "old": {HEADER: sign(SECRET, body, at_s - 301)},
        "future": {HEADER: sign(SECRET, body, at_s + 301)},
        "no header": {},
        "not a notice": {HEADER: sign(SECRET, b"[]", at_s)},
    }[attack]
    said = b"[]" if attack == "not a notice" else body
    verdict = await take_webhook(
        counter.books, counter.bank, headers, said, now_ms=NOW_MS, tell_desk=counter.tell
    )
    assert isinstance(verdict, Forged)
    assert (await counter.state(), counter.told) == ("open", [])


@pytest.mark.parametrize("said", list(itertools.permutations(["unknown", "failed", "succeeded"])))
async def test_words_in_any_order_end_paid(counter: Counter, said: tuple[str, ...]) -> None:
    for outcome in said:
        assert isinstance(await counter.hear({**WORD, "outcome": outcome, "id": outcome}), Taken)
    assert (await counter.state(), counter.desk.state.orders["or-1"].state) == ("succeeded", "paid")


async def test_money_after_the_end_of_the_show_is_given_back_by_the_books(counter: Counter) -> None:
    counter.desk.ask(c.CloseShow())
    counter.desk.wait(1_000)
    clerk = await Clerk.at_work(counter.books)
    await clerk.book(counter.desk.commits)
    assert await counter.hear(WORD) == Taken("refund_due")
    assert await counter.hear({**WORD, "id": "again"}) == Taken("known")
    assert counter.told == []
    async with counter.books.read() as tx:
        owed = await refunds_of_order(tx, "or-1")
        assert [(refund.amount, refund.reason) for refund in owed] == [(1_000, "closed")]
        assert await differences(tx) == []


async def test_an_end_that_overtakes_the_archivist_gives_the_money_back_once(counter: Counter) -> None:
    """The desk recorded RefundDue after the end, the answer was lost, and the firm says it again."""
    counter.desk.ask(c.CloseShow())
    counter.desk.wait(1_000)
    closed = len(counter.desk.commits)
    told = Told(SHOW, "pa-1/succeeded", "or-1", "pa-1", "sandbox", 1_000, "CNY", "succeeded")
    assert await counter.tell(told) == "accepted"
    clerk = await Clerk.at_work(counter.books)
    await clerk.book(counter.desk.commits[:closed])
    assert await counter.hear(WORD) == Taken("refund_due")
    await clerk.book(counter.desk.commits[closed:])
    async with counter.books.read() as tx:
        assert len(await refunds_of_order(tx, "or-1")) == 1
        assert await differences(tx) == []


async def test_a_desk_that_knows_no_such_order_is_believed(counter: Counter) -> None:
    await open_try(counter.books, "or-7", "pa-7", 1_000, "ref-7")
    word = {**WORD, "payment": "pa-7", "order": "or-7", "ref": "ref-7"}
    assert await counter.hear(word) == NoticeDiffers("pa-7", "UnknownOrder")
    assert await counter.state("pa-7") == "open"


async def test_a_show_noted_as_closed_while_the_desk_is_away_does_not_lose_the_money(
    counter: Counter,
) -> None:
    counter.away = True
    assert await counter.hear(WORD) == NotYet()
    async with counter.books.begin() as tx:
        await note_show(tx, SHOW, state="closed", closed_at=NOW_MS)
    assert await counter.hear(WORD) == Taken("refund_due")


def test_a_signature_is_bound_to_its_time_and_body() -> None:
    assert sign(SECRET, b"a", 1) != sign(SECRET, b"a", 2)
    assert sign(SECRET, b"a", 1) != sign(SECRET, b"b", 1)
