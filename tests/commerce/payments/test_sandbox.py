"""The sandbox bank's own ways: its page, and the troubles that one can rehearse with it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from commerce.books.money import written
from commerce.payments.adapters.sandbox import SandboxBank
from commerce.payments.provider import FirmRefused, Looked, Notice, PaymentPage
from commerce.payments.sandbox.till import MOST_TRIES, Conflict, Till
from commerce.payments.sandbox.words import WORDS, choose_language
from tests.commerce.payments.houses import BILL, Firm, sandbox
from tests.commerce.payments.paying import choose

ASKED = {
    "payment": "pa-1", "order": "or-1", "amount": 100, "currency": "CNY", "payee": "A", "return_url": "http://x/",
}  # fmt: skip
NOON_MS = 1_800_000_000_000


async def page_of(firm: Firm) -> str:
    page = await firm.provider.open_page(BILL)
    assert isinstance(page, PaymentPage)
    assert isinstance(firm.provider, SandboxBank)
    return firm.provider._url + page.url[page.url.index("/pay/") :]


async def outcomes(firm: Firm, count: int) -> list[str]:
    await firm.ear.wait_for(count)
    notices = [firm.provider.read_webhook(headers, body, time.time()) for headers, body in firm.ear.heard]
    assert all(isinstance(notice, Notice) for notice in notices)
    return [notice.outcome for notice in notices if isinstance(notice, Notice)]


async def test_the_page_says_sum_and_payee_in_three_languages_and_runs_no_script(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as firm, aiohttp.ClientSession() as person:
        url = await page_of(firm)
        for language, words in (("zh", "支付 ¥99.60"), ("ru", "Оплатить 99,60 ¥"), ("en", "Pay ¥99.60")):
            async with person.get(url.split("?")[0] + f"?lang={language}") as answer:
                text = await answer.text()
                assert words in text.replace("\N{NO-BREAK SPACE}", " ")
                assert f'<html lang="{language}">' in text
                assert "Silk House" in text
                assert "<script" not in text
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_what_the_shop_names_is_shown_as_text(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as firm, aiohttp.ClientSession() as person:
        bill = replace(BILL, payee='<img src=x onerror="alert(1)">')
        page = await firm.provider.open_page(bill)
        assert isinstance(page, PaymentPage)
        url = firm.provider._url + page.url[page.url.index("/pay/") :]  # type: ignore[attr-defined]  # a SandboxBank
        async with person.get(url) as answer:
            assert "<img" not in await answer.text()


async def test_paying_leads_back_to_the_shop_and_a_second_press_changes_nothing(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as firm:
        url = await page_of(firm)
        assert await choose(url, "pay") == (303, BILL.return_url)
        assert await choose(url, "decline") == (303, BILL.return_url)
        assert await outcomes(firm, 1) == ["succeeded"]


@pytest.mark.parametrize(
    ("choice", "manner", "said"),
    [
        ("pay", "twice", ["succeeded", "succeeded"]),
        ("pay", "unordered", ["succeeded", "unknown"]),
        ("later", "once", ["unknown", "succeeded"]),
        ("decline", "late", ["failed"]),
    ],
)
async def test_the_bank_can_be_troublesome(tmp_path: Path, choice: str, manner: str, said: list[str]) -> None:
    async with sandbox(tmp_path) as firm:
        await choose(await page_of(firm), choice, manner)
        assert await outcomes(firm, len(said)) == said


async def test_a_bank_that_never_answers_still_took_the_money(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as firm:
        page = await firm.provider.open_page(BILL)
        assert isinstance(page, PaymentPage)
        await choose(await page_of(firm), "never")
        looked = await firm.provider.look_up(page.ref)
        assert isinstance(looked, Looked)
        assert looked.notice is not None
        assert looked.notice.outcome == "succeeded"
        assert firm.ear.heard == []


async def test_a_word_that_meets_no_2xx_is_said_again(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as firm:
        firm.ear.answers = [503]
        await choose(await page_of(firm), "pay")
        assert await outcomes(firm, 2) == ["succeeded", "succeeded"]
        first, second = (json.loads(body)["id"] for _, body in firm.ear.heard)
        assert first == second


async def test_a_request_that_the_shop_did_not_sign_is_refused(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as firm, aiohttp.ClientSession() as stranger:
        assert isinstance(firm.provider, SandboxBank)
        async with stranger.post(f"{firm.provider._url}/v1/payments", json=ASKED) as answer:
            assert answer.status == 401
        other = SandboxBank(firm.provider._url, bytes(32))
        refused = await other.open_page(BILL)
        assert isinstance(refused, FirmRefused)
        assert refused.code == "http_401"
        await other.close()


def test_a_killed_bank_says_after_its_return_what_it_had_to_say(tmp_path: Path) -> None:
    till = Till(tmp_path / "bank.sqlite")
    entry = till.open(ASKED)
    till.choose(entry.ref, "pay", "once", now_ms=NOON_MS, late_ms=0)
    till.close()
    again = Till(tmp_path / "bank.sqlite")
    assert [json.loads(word.body)["outcome"] for word in again.due(NOON_MS, 9)] == ["succeeded"]
    again.close()


def test_a_word_is_given_up_after_its_tries(tmp_path: Path) -> None:
    till = Till(tmp_path / "bank.sqlite")
    till.choose(till.open(ASKED).ref, "pay", "once", now_ms=NOON_MS, late_ms=0)
    now, tries = NOON_MS, 0
    while words := till.due(now, 1):
        tries += 1
        till.unheard(words[0], now)
        now = till.next_due() or now
    assert tries == MOST_TRIES
    till.close()


def test_another_request_under_a_used_key_is_a_conflict(tmp_path: Path) -> None:
    till = Till(tmp_path / "bank.sqlite")
    ref = till.open(ASKED).ref
    with pytest.raises(Conflict):
        till.open({**ASKED, "amount": 101})
    till.choose(ref, "never", "once", now_ms=NOON_MS, late_ms=0)
    till.refund("re-1", ref, 60, NOON_MS)
    with pytest.raises(Conflict):
        till.refund("re-1", ref, 61, NOON_MS)
    with pytest.raises(Conflict):
        till.refund("re-2", ref, 41, NOON_MS)
    till.close()


def test_every_word_is_said_in_every_language() -> None:
    assert {frozenset(said) for said in WORDS.values()} == {frozenset({"en", "zh", "ru"})}


@pytest.mark.parametrize(
    ("asked", "accept", "chosen"),
    [
        ("zh", "ru", "zh"),
        (None, "de-DE,ru;q=0.8,en;q=0.9", "en"),
        (None, "zh-Hans-CN", "zh"),
        ("xx", "ru;q=0,zh;q=nonsense", "en"),
        (None, "", "en"),
    ],
)
def test_the_language_is_the_wish_or_the_browsers_best(asked: str | None, accept: str, chosen: str) -> None:
    assert choose_language(asked, accept) == chosen


@pytest.mark.parametrize(
    ("amount", "currency", "language", "paper"),
    [
        (9_960, "CNY", "en", "¥99.60"),
        (123_456_789, "RUB", "ru", "1 234 567,89 ₽"),
        (5, "UZS", "en", "UZS 0.05"),
        (5, "UZS", "ru", "0,05 UZS"),
    ],
)
def test_sums_are_written_as_people_write_them(amount: int, currency: str, language: str, paper: str) -> None:
    said = written(amount, currency, language)
    assert said.replace("\N{NO-BREAK SPACE}", " ") == paper
