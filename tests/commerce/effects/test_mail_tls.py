"""Mail over TLS: handed over to the server that an authority vouches for, and to nobody else."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import trustme

from commerce.books import Books
from commerce.effects.mailing import Mailer
from commerce.effects.settings import MailServer, MailSettings
from commerce.settings import WrongSetting, read
from tests.commerce.effects.post_office import PostOffice, post_office
from tests.commerce.effects.rounds import ORIGIN, SENDER, Round, begin_round

HERE = "127.0.0.1"
Tls = Literal["tls", "starttls"]
both_ways = pytest.mark.parametrize("tls", ["tls", "starttls"])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def served_by(authority: trustme.CA, name: str = HERE) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


async def trusting(turn: Round, authority: trustme.CA, tls: Tls, folder: Path) -> Mailer:
    """A mailer that signs in with a password and trusts this authority."""
    return await asyncio.to_thread(_trusting, turn, authority, tls, folder)


def _trusting(turn: Round, authority: trustme.CA, tls: Tls, folder: Path) -> Mailer:
    authority.cert_pem.write_to_path(folder / "ca.pem")
    wanted = MailSettings(
        server=MailServer(HERE, turn.office.port, tls), sender=SENDER, user="shop",
        password_file=folder / "unread", ca_file=folder / "ca.pem", public_url=ORIGIN,
    )  # fmt: skip
    return Mailer(turn.books, wanted, "open sesame")


async def with_a_mail(books: Books, office: PostOffice) -> Round:
    turn = await begin_round(books, office)
    turn.buy("or-1", "ann")
    await turn.book()
    return turn


@both_ways
async def test_mail_and_password_go_to_a_server_with_the_right_certificate(
    sqlite_books: Books, authority: trustme.CA, tls: Tls, tmp_path: Path
) -> None:
    async with post_office(tls, served_by(authority)) as office:
        turn = await with_a_mail(sqlite_books, office)
        assert await (await trusting(turn, authority, tls, tmp_path)).send_due(turn.desk.now) == 1
    assert [str(mail["To"]) for mail in office.box] == ["ann@example.org"]
    assert office.heard == [(b"shop", b"open sesame")]
    assert await turn.states() == [("placed", "sent")]


@both_ways
@pytest.mark.parametrize("wrong", ["authority", "name"])
async def test_a_server_for_whom_nobody_vouches_hears_neither_mail_nor_password(
    sqlite_books: Books, authority: trustme.CA, tls: Tls, wrong: str, tmp_path: Path
) -> None:
    forged = served_by(trustme.CA()) if wrong == "authority" else served_by(authority, "elsewhere.example")
    async with post_office(tls, forged) as office:
        turn = await with_a_mail(sqlite_books, office)
        assert await (await trusting(turn, authority, tls, tmp_path)).send_due(turn.desk.now) == 0
    assert (office.box, office.heard) == ([], [])
    assert await turn.states() == [("placed", "due")]


async def test_who_takes_starttls_off_the_offer_hears_nothing(
    sqlite_books: Books, authority: trustme.CA, tmp_path: Path
) -> None:
    async with post_office("none") as office:
        turn = await with_a_mail(sqlite_books, office)
        mailer = await trusting(turn, authority, "starttls", tmp_path)
        assert await mailer.send_due(turn.desk.now) == 0
        assert (office.box, office.heard) == ([], [])
    assert await turn.states() == [("placed", "due")]


async def test_what_waited_for_a_certificate_is_sent_once_it_is_right(
    sqlite_books: Books, authority: trustme.CA, tmp_path: Path
) -> None:
    async with post_office("starttls", served_by(trustme.CA())) as office:
        turn = await with_a_mail(sqlite_books, office)
        assert await (await trusting(turn, authority, "starttls", tmp_path)).send_due(turn.desk.now) == 0
    async with post_office("starttls", served_by(authority)) as mended:
        moved = replace(turn, office=mended)
        assert await (await trusting(moved, authority, "starttls", tmp_path)).send_due(turn.desk.now) == 1
    assert len(mended.box) == 1


def test_a_password_goes_over_tls_alone() -> None:
    given = {"MAIL_FROM": SENDER, "SHOP_URL": ORIGIN, "MAIL_USER": "shop", "MAIL_PASSWORD_FILE": "/x"}
    for server in ("smtps://post.example", "smtp://post.example", "smtp+plain://localhost"):
        read(MailSettings, {**given, "MAIL_SERVER": server})
    with pytest.raises(WrongSetting, match="MAIL_PASSWORD_FILE"):
        read(MailSettings, {**given, "MAIL_SERVER": "smtp+plain://post.example"})
    with pytest.raises(WrongSetting, match="MAIL_CA_FILE"):
        read(MailSettings, {**given, "MAIL_SERVER": "smtps://post.example", "MAIL_CA_FILE": "/no/such"})
