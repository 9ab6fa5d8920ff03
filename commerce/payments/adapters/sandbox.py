"""The sandbox bank as the shop sees it (`commerce/payments/sandbox`). A real firm is asked the same way."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from commerce.payments.adapters.http import Told, exchange, new_session
from commerce.payments.provider import (
    Bill,
    FirmRefused,
    FirmSilent,
    Forged,
    Looked,
    Notice,
    PaymentPage,
    RefundMade,
    RefundWish,
)
from commerce.payments.signatures import HEADER, sign, why_wrong

OUTCOMES: Final = ("succeeded", "failed", "unknown")


class SandboxBank:
    """Speaks to one sandbox bank; make it inside a running loop, and close it."""

    def __init__(self, url: str, secret: bytes) -> None:
        self._url, self._secret = url.rstrip("/"), secret
        self._session = new_session()

    @property
    def name(self) -> str:
        return "sandbox"

    async def open_page(self, bill: Bill) -> PaymentPage | FirmRefused | FirmSilent:
        asked = {
            "payment": bill.payment, "order": bill.order, "amount": bill.amount, "currency": bill.currency,
            "payee": bill.payee, "return_url": bill.return_url,
        }  # fmt: skip
        told = await self._ask("POST", "/v1/payments", asked)
        if not isinstance(told, Told):
            return told
        try:
            return PaymentPage(told.body["ref"], f"{told.body['url']}?lang={bill.language}", told.transcript)
        except (KeyError, TypeError):
            return FirmSilent("an answer without ref and url", told.transcript)

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Notice | Forged | None:
        wrong = why_wrong(self._secret, headers.get(HEADER, ""), body, now_s)
        if wrong is not None:
            return Forged(wrong)
        try:
            return _notice(json.loads(body))
        except (ValueError, KeyError, TypeError):
            return Forged("signed, but not a notice")

    async def look_up(self, ref: str) -> Looked | FirmRefused | FirmSilent:
        told = await self._ask("GET", f"/v1/payments/{quote(ref, safe='')}", None)
        if not isinstance(told, Told):
            return told
        try:
            notice = None if told.body["outcome"] is None else _notice(told.body)
        except (ValueError, KeyError, TypeError):
            return FirmSilent("an answer that is no payment", told.transcript)
        return Looked(notice, told.transcript)

    async def refund(self, wish: RefundWish) -> RefundMade | FirmRefused | FirmSilent:
        asked = {"key": wish.key, "ref": wish.ref, "amount": wish.amount}
        told = await self._ask("POST", "/v1/refunds", asked)
        if not isinstance(told, Told):
            return told
        try:
            return RefundMade(str(told.body["refund"]), told.transcript)
        except (KeyError, TypeError):
            return FirmSilent("an answer without a refund", told.transcript)

    async def close(self) -> None:
        await self._session.close()

    async def _ask(
        self, method: str, path: str, asked: dict[str, Any] | None
    ) -> Told | FirmRefused | FirmSilent:
        body = b"" if asked is None else json.dumps(asked, ensure_ascii=False).encode()
        said = f"{method} {path}\n".encode() + body
        headers = {HEADER: sign(self._secret, said, time.time()), "Content-Type": "application/json"}
        return await exchange(self._session, method, self._url + path, body, headers)


def _notice(said: Any) -> Notice:
    outcome = said["outcome"]
    if outcome not in OUTCOMES or type(said["amount"]) is not int:
        raise ValueError("not a notice")
    texts = {name: said[name] for name in ("ref", "payment", "order", "currency")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("a field is no text")
    return Notice(**texts, amount=said["amount"], outcome=outcome)
