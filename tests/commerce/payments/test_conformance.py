"""What the shop may rely on, whichever payment firm it is: one test for all adapters and counterparts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from commerce.payments.adapters.sandbox import SandboxBank
from commerce.payments.adapters.stripe import Stripe, StripeAccount
from commerce.payments.adapters.wechatpay import WechatPay
from commerce.payments.provider import (
    FirmRefused,
    FirmSilent,
    Forged,
    Looked,
    Notice,
    PaymentPage,
    Provider,
    RefundMade,
    RefundWish,
)
from tests.commerce.payments import houses
from tests.commerce.payments.houses import BILL, Firm
from tests.commerce.payments.stripe_house import stripe_firm
from tests.commerce.payments.wechat_house import account, wechat_firm

NOWHERE: Final = "http://127.0.0.1:9"

FIRMS: Final[dict[str, Callable[[Path], AbstractAsyncContextManager[Firm]]]] = {
    "sandbox": houses.sandbox,
    "stripe": stripe_firm,
    "wechatpay": wechat_firm,
}


@pytest.fixture(params=FIRMS)
async def firm(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Firm]:
    async with FIRMS[request.param](tmp_path) as opened:
        yield opened


async def opened(firm: Firm) -> PaymentPage:
    page = await firm.provider.open_page(BILL)
    assert isinstance(page, PaymentPage)
    return page


def paid_notice(page: PaymentPage) -> Notice:
    return Notice(page.ref, BILL.payment, BILL.order, BILL.amount, BILL.currency, "succeeded")


async def test_the_protocol_is_kept(firm: Firm) -> None:
    assert isinstance(firm.provider, Provider)


async def test_the_same_payment_asked_twice_is_one_page(firm: Firm) -> None:
    first, second = await opened(firm), await opened(firm)
    assert first.ref == second.ref
    assert BILL.payment.encode() in first.transcript.request
    assert first.ref.encode() in first.transcript.response


async def test_a_paid_bill_is_told_by_a_webhook_that_verifies(firm: Firm) -> None:
    page = await opened(firm)
    await firm.pay(page.url)
    await firm.ear.wait_for(1)
    headers, body = firm.ear.heard[0]
    assert firm.provider.read_webhook(headers, body, time.time()) == paid_notice(page)


async def test_a_webhook_with_one_byte_changed_is_forged(firm: Firm) -> None:
    page = await opened(firm)
    await firm.pay(page.url)
    await firm.ear.wait_for(1)
    headers, body = firm.ear.heard[0]
    for place in range(0, len(body), 7):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert isinstance(firm.provider.read_webhook(headers, changed, time.time()), Forged)
    assert isinstance(firm.provider.read_webhook({}, body, time.time()), Forged)
    assert isinstance(firm.provider.read_webhook(headers, b"", time.time()), Forged)


@pytest.mark.parametrize("off_seconds", [-301, 301, 86_400])
async def test_a_webhook_played_outside_five_minutes_is_forged(firm: Firm, off_seconds: int) -> None:
    page = await opened(firm)
    await firm.pay(page.url)
    await firm.ear.wait_for(1)
    headers, body = firm.ear.heard[0]
    assert isinstance(firm.provider.read_webhook(headers, body, time.time() + off_seconds), Forged)


async def test_looking_up_says_what_the_webhook_said(firm: Firm) -> None:
    page = await opened(firm)
    before = await firm.provider.look_up(page.ref)
    assert isinstance(before, Looked)
    assert before.notice is None
    await firm.pay(page.url)
    after = await firm.provider.look_up(page.ref)
    assert isinstance(after, Looked)
    assert after.notice == paid_notice(page)


async def test_a_declined_bill_has_failed(firm: Firm) -> None:
    page = await opened(firm)
    await firm.decline(page.url)
    failed = replace(paid_notice(page), outcome="failed")
    if firm.tells_failures:
        await firm.ear.wait_for(1)
        headers, body = firm.ear.heard[0]
        assert firm.provider.read_webhook(headers, body, time.time()) == failed
    looked = await firm.provider.look_up(page.ref)
    assert isinstance(looked, Looked)
    assert looked.notice == failed


async def test_a_refund_asked_twice_is_made_once_and_never_beyond_the_payment(firm: Firm) -> None:
    page = await opened(firm)
    await firm.pay(page.url)
    wish = RefundWish("re-1", page.ref, 4_000, BILL.currency, BILL.amount)
    first, second = await firm.provider.refund(wish), await firm.provider.refund(wish)
    assert isinstance(first, RefundMade)
    assert isinstance(second, RefundMade)
    assert first.ref == second.ref
    rest = replace(wish, key="re-2", amount=BILL.amount - 4_000)
    assert isinstance(await firm.provider.refund(rest), RefundMade)
    assert isinstance(await firm.provider.refund(replace(wish, key="re-3", amount=1)), FirmRefused)


async def test_an_unknown_payment_is_refused_not_invented(firm: Firm) -> None:
    assert isinstance(await firm.provider.look_up("nothing-of-the-kind"), FirmRefused)


GONE: Final[dict[str, Callable[[], Provider]]] = {
    "sandbox": lambda: SandboxBank(NOWHERE, houses.SECRET),
    "stripe": lambda: Stripe(StripeAccount("sk_test", "whsec", NOWHERE)),
    "wechatpay": lambda: WechatPay(account(NOWHERE, NOWHERE)),
}


@pytest.mark.parametrize("name", GONE)
async def test_no_answer_is_silence_and_nothing_else(name: str) -> None:
    gone = GONE[name]()
    assert isinstance(await gone.open_page(BILL), FirmSilent)
    assert isinstance(await gone.look_up("x"), FirmSilent)
    assert isinstance(await gone.refund(RefundWish("re-1", "x", 1, "CNY", 1)), FirmSilent)
    await gone.close()
