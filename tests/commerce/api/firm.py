"""A payment firm in memory: pages by the payment's id, webhooks signed with a secret of ours."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

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
    Transcript,
)

SECRET = b"between the firm and the shop"
SIGNATURE = "X-Firm-Signature"


class MemoryFirm:
    """Keeps bills; `silent` makes it a firm that does not answer."""

    name = "sandbox"

    def __init__(self) -> None:
        self.bills: dict[str, Bill] = {}
        self.silent = False

    async def open_page(self, bill: Bill) -> PaymentPage | FirmRefused | FirmSilent:
        if self.silent:
            return FirmSilent("asleep")
        self.bills[bill.order] = bill
        return PaymentPage(f"ref-{bill.payment}", f"http://bank.test/{bill.payment}", Transcript(b"q", b"a"))

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Notice | Forged | None:
        if not hmac.compare_digest(headers.get(SIGNATURE, ""), sign(body)):
            return Forged("signature")
        told = json.loads(body)
        if abs(told.pop("at") - now_s) > 300:
            return Forged("time")
        return Notice(**told)

    async def look_up(self, ref: str) -> Looked | FirmRefused | FirmSilent:
        return Looked(None, Transcript(b"", b""))

    async def refund(self, wish: RefundWish) -> RefundMade | FirmRefused | FirmSilent:
        return RefundMade(f"refund-{wish.key}", Transcript(b"", b""))

    async def close(self) -> None:
        self.bills.clear()

    def word(self, bought: str, now_s: float, **changes: Any) -> tuple[bytes, dict[str, str]]:
        """A signed webhook about an order's bill: body and headers."""
        bill = self.bills[bought]
        told = {
            "ref": f"ref-{bill.payment}",
            "payment": bill.payment,
            "order": bill.order,
            "amount": bill.amount,
            "currency": bill.currency,
            "outcome": "succeeded",
            "at": now_s,
            **changes,
        }
        body = json.dumps(told).encode()
        return body, {SIGNATURE: sign(body)}


def sign(body: bytes) -> str:
    return hmac.new(SECRET, body, "sha256").hexdigest()
