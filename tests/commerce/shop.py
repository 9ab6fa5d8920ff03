"""A small shop for tests: commands that open a show with stock and offers, and orders on it."""

from __future__ import annotations

from commerce.show import commands as c
from commerce.show.language import OrderLine, PaymentOutcome, SkuLine

TITLE = {"en": "Silk scarf", "zh": "丝巾", "ru": "Шёлковый шарф"}
HOLD_SECONDS = 300


def opening(units: int = 10, *, limit: int | None = None, cap: int | None = None) -> list[c.Command]:
    """An open show with `units` of one SKU: an offer of one at 1000, a bundle of two and a capped one."""
    return [
        c.OpenShow(TITLE, "CNY", HOLD_SECONDS, "merchant-1"),
        c.AllotStock("grant-1", "scarf", units),
        c.AddOffer("single", TITLE, "scarf.svg", (SkuLine("scarf", 1),), 1_000, limit=limit, cap=cap),
        c.AddOffer("pair", TITLE, None, (SkuLine("scarf", 2),), 1_800),
    ]


def order(
    name: str, buyer: str = "ann", offer: str = "single", quantity: int = 1, price: int = 1_000
) -> c.PlaceOrder:
    """An order of one line without freight, tax or discount."""
    lines = (OrderLine(offer, quantity, price),)
    return c.PlaceOrder(name, buyer, f"contact-{buyer}", lines, 0, 0, 0, quantity * price)


def payment(
    order_id: str, name: str = "pay-1", amount: int = 1_000, outcome: PaymentOutcome = "succeeded"
) -> c.RecordPayment:
    """What the sandbox bank says of one payment."""
    return c.RecordPayment(order_id, name, "sandbox", amount, "CNY", outcome)
