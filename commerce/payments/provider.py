"""What the shop asks of a payment firm, whoever it is. Real firms and the sandbox pass one conformance test.

An adapter knows one firm's HTTP and signatures. It never touches the books, never decides what a payment
means for an order, and keeps every byte it sent and got in a `Transcript` for whoever stores them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

Outcome: TypeAlias = Literal["succeeded", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Transcript:
    """One exchange, byte for byte: customs may ask for it (GACC 2018 No. 165). Holds no secret."""

    request: bytes
    response: bytes


@dataclass(frozen=True, slots=True)
class Bill:
    """What is to be paid. `payment` is our id of this try and the firm's idempotency key."""

    payment: str
    order: str
    amount: int  # minor units
    currency: str
    payee: str  # the merchant, as the payer reads it
    return_url: str  # where the browser goes afterwards
    language: str = "en"
    payer_ip: str = "127.0.0.1"  # some firms want to know it


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """The firm's page for this bill and the firm's own id of the payment."""

    ref: str
    url: str
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class Notice:
    """What a firm says of a payment. `ref` is its id, `payment` and `order` are ours as it echoes them."""

    ref: str
    payment: str
    order: str
    amount: int
    currency: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RefundWish:
    """Give `amount` of a payment back. `key` is the firm's idempotency key: the same key, one refund."""

    key: str
    ref: str
    amount: int
    currency: str
    paid: int  # what the payment was: some firms ask for it


@dataclass(frozen=True, slots=True)
class RefundMade:
    """The firm has taken the refund on; `ref` is its id of it."""

    ref: str
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class Looked:
    """The firm's present word on a payment; `notice` is None while nothing is decided."""

    notice: Notice | None
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class Forged:
    """A webhook that the firm did not sign like this, now. `why` is for the log, not for the sender."""

    why: str


@dataclass(frozen=True, slots=True)
class FirmRefused:
    """The firm understood and said no; asking again will not help."""

    code: str
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class FirmSilent:
    """No answer, or one that says try later. It may have happened: ask again with the same key."""

    why: str
    transcript: Transcript = field(default=Transcript(b"", b""))


@runtime_checkable
class Provider(Protocol):
    """A payment firm."""

    @property
    def name(self) -> str:
        """The word in `POST /api/webhooks/{provider}` and in the books."""

    async def open_page(self, bill: Bill) -> PaymentPage | FirmRefused | FirmSilent:
        """Have the firm make a page on which this bill can be paid; repeatable with the same payment id."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Notice | Forged | None:
        """Verify the raw bytes, then read them. None: signed, but of no interest to us.

        `headers` are case-insensitive (or lower-case); `now_s` is Unix time.
        """

    async def look_up(self, ref: str) -> Looked | FirmRefused | FirmSilent:
        """Ask what became of a payment: for one whose webhook never came."""

    async def refund(self, wish: RefundWish) -> RefundMade | FirmRefused | FirmSilent:
        """Give money back; the same key twice is one refund."""

    async def close(self) -> None:
        """Let connections go."""
