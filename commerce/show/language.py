"""The nouns of a show's shop: ids, lines, amounts. Knows no time, no randomness, no storage.

Amounts are integers in minor units of the show's currency; times are Unix ms; ids are short
strings made outside the decision. Titles are maps of language to text. Lines are named tuples,
because a flash sale makes fifty thousand of them in a second.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

Title: TypeAlias = dict[str, str]
ShowStage: TypeAlias = Literal["scheduled", "opened", "closing", "closed"]
OrderState: TypeAlias = Literal["awaiting_payment", "paid", "lapsed", "cancelled"]
PaymentOutcome: TypeAlias = Literal["succeeded", "failed", "unknown"]
Codec: TypeAlias = Literal["H264", "VP8", "VP9", "AV1"]

CODECS: Final[tuple[Codec, ...]] = ("H264", "VP8", "VP9", "AV1")  # what a picture can be sent in
USUAL_CODEC: Final[Codec] = "H264"
MAX_ID_CHARS: Final = 64
MAX_LINES: Final = 50  # of one order or one offer
MAX_OFFERS: Final = 2_000  # of one show
MAX_UNITS: Final = 1_000_000_000
MAX_AMOUNT: Final = 1_000_000_000_000_000  # minor units; JavaScript still counts it exactly
MAX_TEXT_CHARS: Final = 500
MAX_HOLD_SECONDS: Final = 86_400


class SkuLine(NamedTuple):
    """So many units of a SKU in one piece of an offer; a bundle has several."""

    sku: str
    units: int


class OrderLine(NamedTuple):
    """So many pieces of an offer at the price that the buyer saw (minor units, each)."""

    offer: str
    quantity: int
    price: int


class Amounts(NamedTuple):
    """What an order costs, in minor units: total = goods + freight + tax - discount."""

    goods: int
    freight: int
    tax: int
    discount: int
    total: int
