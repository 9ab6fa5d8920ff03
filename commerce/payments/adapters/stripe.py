"""Stripe Checkout, through Stripe's own client: hosted page, signed events, refunds under idempotency keys.

What matters of Stripe here: an amount is in minor units as ISO 4217 counts them; a session is `paid` or not
when it completes; some ways to pay decide later (`async_payment_*`); a session that nobody paid expires.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

import aiohttp
import stripe

from commerce.payments.adapters.http import MOST_ANSWER_BYTES, new_session
from commerce.payments.provider import (
    Bill,
    FirmRefused,
    FirmSilent,
    Forged,
    Looked,
    Notice,
    Outcome,
    PaymentPage,
    RefundMade,
    RefundWish,
    Transcript,
)

SIGNATURE: Final = "Stripe-Signature"
TOLERANCE_SECONDS: Final = 300
STAMP: Final = re.compile(r"(?:^|,)\s*t=(\d{1,12})(?:,|$)")
OF_INTEREST: Final = frozenset(
    f"checkout.session.{what}"
    for what in ("completed", "async_payment_succeeded", "async_payment_failed", "expired")
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """An account's API key and the signing secret of its webhook endpoint."""

    api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    origin: str = "https://api.stripe.com"


class Stripe:
    """One Stripe account; make it inside a running loop, and close it."""

    def __init__(self, account: StripeAccount) -> None:
        stripe.enable_telemetry = False  # it would write a file at home and describe our machine to them
        self._secret = account.webhook_secret
        self._wire = _Wire()
        self._client = stripe.StripeClient(
            account.api_key,
            http_client=self._wire,
            base_addresses={"api": account.origin},
            max_network_retries=0,  # who asks again is the shop, with the same key
        )

    @property
    def name(self) -> str:
        return "stripe"

    async def open_page(self, bill: Bill) -> PaymentPage | FirmRefused | FirmSilent:
        metadata = {"payment": bill.payment, "order": bill.order}
        product = {"name": f"{bill.payee} · {bill.order}"}
        price = {"currency": bill.currency.lower(), "unit_amount": bill.amount, "product_data": product}
        params: Any = {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "client_reference_id": bill.order,
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
            "success_url": bill.return_url,
            "cancel_url": bill.return_url,
            "locale": bill.language if bill.language in ("en", "zh", "ru") else "auto",
        }
        sessions = self._client.v1.checkout.sessions
        made, said = await _ask(sessions.create_async(params, {"idempotency_key": bill.payment}))
        if isinstance(made, FirmRefused | FirmSilent):
            return made
        return (
            PaymentPage(made.id, made.url, said) if made.url else FirmSilent("a session without a page", said)
        )

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Notice | Forged | None:
        header = headers.get(SIGNATURE) or headers.get(SIGNATURE.lower()) or ""
        try:
            stripe.WebhookSignature.verify_header(body, header, self._secret)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            return Forged("wrong signature")
        stamp = STAMP.search(header)
        if stamp is None or abs(now_s - int(stamp[1])) > TOLERANCE_SECONDS:
            return Forged("outside the tolerance of time")
        try:
            event = json.loads(body)
            if event["type"] not in OF_INTEREST:
                return None
            return _notice(event["data"]["object"], event["type"])
        except (ValueError, KeyError, TypeError):
            return Forged("signed, but not a session of ours")

    async def look_up(self, ref: str) -> Looked | FirmRefused | FirmSilent:
        session, said = await _ask(self._client.v1.checkout.sessions.retrieve_async(ref))
        if isinstance(session, FirmRefused | FirmSilent):
            return session
        try:
            return Looked(_notice(json.loads(said.response), "looked up"), said)
        except (ValueError, KeyError, TypeError):
            return FirmSilent("an answer that is no session of ours", said)

    async def refund(self, wish: RefundWish) -> RefundMade | FirmRefused | FirmSilent:
        session, said = await _ask(self._client.v1.checkout.sessions.retrieve_async(wish.ref))
        if isinstance(session, FirmRefused | FirmSilent):
            return session
        intent = json.loads(said.response).get("payment_intent")
        if not isinstance(intent, str):
            return FirmRefused("nothing_was_paid", said)
        params: Any = {"payment_intent": intent, "amount": wish.amount}
        made, said = await _ask(self._client.v1.refunds.create_async(params, {"idempotency_key": wish.key}))
        if isinstance(made, FirmRefused | FirmSilent):
            return made
        if made.status in ("failed", "canceled"):
            return FirmRefused(f"refund_{made.status}", said)
        return RefundMade(made.id, said)

    async def close(self) -> None:
        await self._wire.close_async()


def _notice(session: Mapping[str, Any], occasion: str) -> Notice | None:
    """The session as a notice; None while it is open. Raises KeyError, TypeError, ValueError."""
    outcome = _outcome(session, occasion)
    if outcome is None:
        return None
    texts = (session["id"], session["metadata"]["payment"], session["client_reference_id"])
    amount, currency = session["amount_total"], session["currency"]
    if not all(isinstance(text, str) for text in (*texts, currency)) or type(amount) is not int:
        raise TypeError("a field is of another kind")
    return Notice(*texts, amount, currency.upper(), outcome)


def _outcome(session: Mapping[str, Any], occasion: str) -> Outcome | None:
    if session["payment_status"] == "paid":
        return "succeeded"
    if occasion.endswith("async_payment_failed") or session["status"] == "expired":
        return "failed"
    return "unknown" if session["status"] == "complete" else None


# -- asking ------------------------------------------------------------------------------------------

_heard: ContextVar[Transcript] = ContextVar("stripe_heard")


async def _ask(asking: Awaitable[T]) -> tuple[T | FirmRefused | FirmSilent, Transcript]:
    """Ask, and say with it what went over the wire; errors of the client become values."""
    _heard.set(Transcript(b"", b""))
    try:
        answer = await asking
    except (stripe.InvalidRequestError, stripe.CardError, stripe.IdempotencyError) as no:
        return FirmRefused(no.code or type(no).__name__, _heard.get()), _heard.get()
    except stripe.StripeError as trouble:  # rate limit, 5xx, no connection; a wrong key is ours to mend
        return FirmSilent(type(trouble).__name__, _heard.get()), _heard.get()
    return answer, _heard.get()


class _NoConnection(stripe.APIConnectionError):
    def __init__(self, why: str) -> None:
        super().__init__(why, should_retry=False)  # type: ignore[no-untyped-call]  # stripe left it untyped


class _Wire(stripe.HTTPClient):
    """Stripe's client over our HTTP; keeps what went over the wire but the headers (they hold the key)."""

    name = "silkcast"

    def __init__(self) -> None:
        super().__init__()
        self._session = new_session()

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        body = post_data.encode() if isinstance(post_data, str) else cast("bytes | None", post_data)
        said = f"{method.upper()} {url}\n\n".encode() + (body or b"")
        _heard.set(Transcript(said, b""))
        try:
            async with self._session.request(
                method, url, data=body, headers=dict(headers), allow_redirects=False
            ) as answer:
                raw = await answer.content.read(MOST_ANSWER_BYTES)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _NoConnection(type(error).__name__) from error
        _heard.set(Transcript(said, raw))
        return raw, answer.status, answer.headers

    def sleep_async(self, secs: float) -> Awaitable[None]:
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        await self._session.close()
