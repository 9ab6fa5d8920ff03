"""What is peculiar to Stripe and to WeChat Pay."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from commerce.payments.adapters.stripe import Stripe
from commerce.payments.adapters.wechatpay import WechatPay
from commerce.payments.provider import FirmRefused, FirmSilent, Forged, PaymentPage, RefundWish
from tests.commerce.payments.houses import BILL, ear_at_work
from tests.commerce.payments.stripe_house import API_KEY, StripeHouse, stripe_firm
from tests.commerce.payments.wechat_house import account, wechat_firm


async def test_what_is_kept_of_an_exchange_holds_no_key(tmp_path: Path) -> None:
    async with stripe_firm(tmp_path) as firm:
        page = await firm.provider.open_page(BILL)
        assert isinstance(page, PaymentPage)
        assert b"client_reference_id=or-1" in page.transcript.request
        assert API_KEY.encode() not in page.transcript.request + page.transcript.response
    async with wechat_firm(tmp_path) as firm:
        page = await firm.provider.open_page(BILL)
        assert isinstance(page, PaymentPage)
        assert b"WECHATPAY2" not in page.transcript.request


async def test_stripe_under_a_used_key_refuses_another_bill(tmp_path: Path) -> None:
    async with stripe_firm(tmp_path) as firm:
        await firm.provider.open_page(BILL)
        assert isinstance(await firm.provider.open_page(replace(BILL, amount=1)), FirmRefused)


async def test_stripe_without_payment_has_nothing_to_refund(tmp_path: Path) -> None:
    async with stripe_firm(tmp_path) as firm:
        page = await firm.provider.open_page(BILL)
        assert isinstance(page, PaymentPage)
        refused = await firm.provider.refund(RefundWish("re-1", page.ref, 1, "CNY", 1))
        assert isinstance(refused, FirmRefused)
        assert refused.code == "nothing_was_paid"


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [
        ("checkout.session.completed", "unpaid", "unknown"),
        ("checkout.session.async_payment_succeeded", "paid", "succeeded"),
        ("checkout.session.async_payment_failed", "unpaid", "failed"),
        ("customer.created", "unpaid", None),
    ],
)
async def test_stripe_ways_that_decide_later(kind: str, status: str, outcome: str | None) -> None:
    session = {
        "id": "cs_1", "status": "complete", "payment_status": status, "amount_total": 5, "currency": "cny",
        "client_reference_id": "or-1", "metadata": {"payment": "pa-1"},
    }  # fmt: skip
    async with ear_at_work() as (ear, hook):
        await StripeHouse(hook).say({"object": "event", "type": kind, "data": {"object": session}})
        headers, body = ear.heard[0]
    async with stripe_firm(Path()) as firm:
        notice = firm.provider.read_webhook(headers, body, time.time())
        assert not isinstance(notice, Forged)
        assert (notice.outcome if notice else None) == outcome


async def test_stripe_with_a_wrong_key_is_trouble_not_refusal(tmp_path: Path) -> None:
    async with stripe_firm(tmp_path) as firm:
        assert isinstance(firm.provider, Stripe)
        firm.provider._client._requestor._options.api_key = "sk_test_other"  # a key that was rolled
        assert isinstance(await firm.provider.open_page(BILL), FirmSilent)


async def test_a_wechat_answer_that_wechat_did_not_sign_is_not_believed(tmp_path: Path) -> None:
    async with wechat_firm(tmp_path) as firm:
        assert isinstance(firm.provider, WechatPay)
        known = firm.provider._account
        mistaken = WechatPay(
            replace(known, platform_key=account("x", "y").platform_key, platform_key_id="OTHER")
        )
        silent = await mistaken.open_page(BILL)
        assert isinstance(silent, FirmSilent)
        assert "another key" in silent.why
        await mistaken.close()


async def test_a_wechat_notice_to_another_merchant_is_not_ours(tmp_path: Path) -> None:
    async with wechat_firm(tmp_path) as firm:
        page = await firm.provider.open_page(BILL)
        assert isinstance(page, PaymentPage)
        await firm.pay(page.url)
        await firm.ear.wait_for(1)
        headers, body = firm.ear.heard[0]
        assert isinstance(firm.provider, WechatPay)
        other = WechatPay(replace(firm.provider._account, mchid="1"))
        other_key = WechatPay(replace(firm.provider._account, apiv3_key="x" * 32))
        assert isinstance(other.read_webhook(headers, body, time.time()), Forged)
        assert isinstance(other_key.read_webhook(headers, body, time.time()), Forged)
        await other.close()
        await other_key.close()


async def test_a_wechat_page_leads_back_to_the_shop_and_asks_in_fen(tmp_path: Path) -> None:
    async with wechat_firm(tmp_path) as firm:
        page = await firm.provider.open_page(BILL)
        assert isinstance(page, PaymentPage)
        assert page.url.endswith("&redirect_url=http%3A%2F%2F127.0.0.1%3A1%2Forders%2For-1")
        asked = json.loads(page.transcript.request.partition(b"\n\n")[2])
        assert asked["amount"] == {"total": 9_960, "currency": "CNY"}
