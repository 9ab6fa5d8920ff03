"""What buyers are told by mail: each thing once, in their language, to those who asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.errors import MessageError
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from commerce.books import Books
from commerce.books.mails import CLAIM_MS, NEWS_MS, Mail, due_mails
from commerce.books.persons import Contact, erase_person
from commerce.books.refunds import due_refunds
from commerce.books.tables import contact_reads
from commerce.effects.letter_words import WORDS
from commerce.effects.letters import letter, message_id
from commerce.effects.mailing import Mailer
from commerce.effects.refunding import make_due_refunds
from commerce.effects.settings import MailServer, MailSettings
from commerce.payments.provider import RefundMade, RefundWish, Transcript
from commerce.show import commands as c
from commerce.show.evolve import fold
from commerce.show.state import fresh
from tests.commerce.desk_in_hand import MIDNIGHT_MS
from tests.commerce.effects.post_office import post_office
from tests.commerce.effects.rounds import ANN, ORIGIN, SENDER, Round, begin_round
from tests.commerce.shop import HOLD_SECONDS, payment
from tests.commerce.stocked import SHOW


@pytest.fixture
async def turn(sqlite_books: Books) -> AsyncIterator[Round]:
    async with post_office() as office:
        yield await begin_round(sqlite_books, office)


class Firm:
    """Takes every refund on."""

    async def refund(self, wish: RefundWish) -> RefundMade:
        return RefundMade(f"ref-{wish.key}", Transcript(b"q", b"a"))


def subjects(box: list[EmailMessage]) -> list[str]:
    return [str(mail["Subject"]) for mail in box]


async def test_a_buyer_is_told_of_order_payment_lapse_and_money_that_comes_back(turn: Round) -> None:
    turn.buy("or-1", "ann")
    turn.buy("or-2", "bob")
    turn.desk.ask(payment("or-1"))
    turn.buy("or-3", "ann")
    turn.desk.wait(HOLD_SECONDS + 1)
    turn.desk.ask(c.CloseShow())
    turn.desk.wait(1)
    turn.desk.ask(payment("or-3", "pay-3"))
    await turn.book()
    assert await turn.mailer.send_due(turn.desk.now) == 5
    assert await turn.mailer.send_due(turn.desk.now) == 0
    assert subjects(turn.office.box) == [
        "Ваш заказ OR-1", "Оплачено: заказ OR-1", "Ваш заказ OR-3", "Не оплачено вовремя: заказ OR-3",
        "Деньги вернутся: заказ OR-3",
    ]  # fmt: skip
    placed = turn.office.box[0]
    assert (placed["To"], placed["Content-Language"]) == ("ann@example.org", "ru")
    text = placed.get_content()
    assert f"{ORIGIN}/orders/or-1" in text
    assert "Шёлковый шарф" in text
    assert "10,00\N{NO-BREAK SPACE}¥" in text
    async with turn.books.read() as tx:
        reads = [(row.reader, row.purpose) for row in await tx.execute(select(contact_reads))]
    assert reads[:2] == [("effects:mail", "placed"), ("effects:mail", "paid")]


async def test_a_refund_that_was_made_is_told_once(turn: Round) -> None:
    turn.buy("or-1", "ann")
    turn.desk.ask(payment("or-1"))
    await turn.book()
    await turn.mailer.send_due(turn.desk.now)
    from commerce.books.aftersales import Act, refund_part

    async with turn.books.begin() as tx:
        await tx.exec_driver_sql("UPDATE payments SET provider_ref = 'ref-1'")
        await refund_part(tx, Act("merchant-1", "or-1", 1, "k", "ac-1", "", turn.desk.now), 250)
    for _ in range(2):
        await make_due_refunds(turn.books, {"sandbox": Firm()}, turn.desk.now, mails=True)  # type: ignore[dict-item]  # refunds alone are asked
        await turn.mailer.send_due(turn.desk.now)
    async with turn.books.read() as tx:
        assert await due_refunds(tx, turn.desk.now, 9) == []
    assert subjects(turn.office.box)[2:] == ["Возврат денег: заказ OR-1"]
    assert "2,50" in turn.office.box[2].get_content()


async def test_a_mail_cut_off_after_the_server_took_it_comes_again_byte_for_byte(turn: Round) -> None:
    turn.buy("or-1", "ann")
    await turn.book()
    work = asyncio.create_task(turn.mailer.send_due(turn.desk.now))
    turn.office.on_mail = work.cancel
    with pytest.raises(asyncio.CancelledError):
        await work
    turn.office.on_mail = lambda: None
    assert await turn.mailer.send_due(turn.desk.now + CLAIM_MS - 1) == 0
    assert await turn.mailer.send_due(turn.desk.now + CLAIM_MS) == 1
    assert await turn.mailer.send_due(turn.desk.now + 9 * CLAIM_MS) == 0
    first, second = turn.office.raw
    assert first == second
    assert turn.office.box[0]["Message-ID"] == message_id(f"{SHOW}/{turn.booked}/0", SENDER)


async def test_two_who_send_at_once_send_each_mail_once(turn: Round) -> None:
    for number in range(6):
        turn.buy(f"or-{number}", "ann")
    await turn.book()
    sent = await asyncio.gather(*[turn.mailer.send_due(turn.desk.now) for _ in range(3)])
    assert sum(sent) == len(turn.office.box) == 6
    assert len({mail["Message-ID"] for mail in turn.office.box}) == 6


@pytest.mark.parametrize(
    ("answer", "state", "again"),
    [("550 no such person", "dropped", 0), ("450 come back", "due", 1), ("552 full", "dropped", 0)],
)
async def test_a_mailbox_that_is_gone_is_left_alone_and_a_full_one_asked_again(
    turn: Round, answer: str, state: str, again: int
) -> None:
    turn.office.says = {ANN.email: answer}
    turn.buy("or-1", "ann")
    await turn.book()
    assert await turn.mailer.send_due(turn.desk.now) == 0
    assert await turn.states() == [("placed", state)]
    turn.office.says = {}
    assert await turn.mailer.send_due(turn.desk.now + 31_000) == again


async def test_old_news_is_told_to_nobody(turn: Round) -> None:
    turn.office.says = {ANN.email: "450 come back"}
    turn.buy("or-1", "ann")
    await turn.book()
    assert await turn.mailer.send_due(turn.desk.now + NEWS_MS) == 0
    assert await turn.states() == [("placed", "dropped")]


async def test_a_server_that_is_away_loses_nothing(turn: Round) -> None:
    turn.buy("or-1", "ann")
    await turn.book()
    where = MailServer("127.0.0.1", 9, "none")
    wanted = MailSettings(
        server=where, sender=SENDER, user="", password_file=None, ca_file=None, public_url=ORIGIN
    )
    assert await Mailer(turn.books, wanted).send_due(turn.desk.now) == 0
    assert await turn.mailer.send_due(turn.desk.now) == 1


async def test_who_was_erased_meanwhile_gets_no_mail(turn: Round) -> None:
    turn.buy("or-1", "ann")
    await turn.book()
    await erase_person(turn.books, "ann", turn.desk.now)
    assert await turn.mailer.send_due(turn.desk.now) == 0
    assert (await turn.states(), turn.office.box) == ([("placed", "dropped")], [])


async def test_a_booking_made_again_writes_no_second_mail(turn: Round) -> None:
    turn.buy("or-1", "ann")
    await turn.book()
    turn.booked = 0
    state = fresh(SHOW)
    for commit in turn.desk.commits:
        fold(state, commit)
    from commerce.books.mails import queue_mails
    from commerce.effects.postbag import mails_of

    async with turn.books.begin() as tx:
        assert await queue_mails(tx, mails_of(state, turn.desk.commits)) == 0
        assert len(await due_mails(tx, turn.desk.now, 9)) == 1


@pytest.mark.parametrize("email", ["a@b.example\nBcc: x@y.example", "a@b.example\r\n\r\nhello", "a b@c", "@"])
def test_no_line_end_gets_into_a_header(email: str) -> None:
    mail = Mail("k", "paid", "or-1", "ct-1", {"lines": [], "total": 1, "currency": "CNY"}, MIDNIGHT_MS)
    with pytest.raises((ValueError, MessageError)):
        letter(mail, Contact("x", "1", "y", email), SENDER, ORIGIN).as_bytes()


def test_titles_of_goods_stay_in_the_body() -> None:
    evil = {"title": {"en": "x\r\nBcc: all@example.org\r\n\r\n."}, "price": 1, "quantity": 1}
    mail = Mail("k", "paid", "or-1", "ct-1", {"lines": [evil], "total": 1, "currency": "CNY"}, MIDNIGHT_MS)
    raw = letter(mail, Contact("x", "1", "y", "a@b.example"), SENDER, ORIGIN).as_bytes()
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"Bcc" not in head
    assert b"Bcc" not in body  # the body is base64


def test_every_letter_is_written_in_every_language() -> None:
    assert {frozenset(said) for said in WORDS.values()} == {frozenset({"en", "zh", "ru"})}
