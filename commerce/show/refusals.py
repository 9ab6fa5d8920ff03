"""Why a show says no: values with a name, a sentence and fields; never exceptions.

The name is the `code` of the log and of problem+json; the fields stand beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Refusal:
    """The base of all refusals; `code` is the class name."""

    @property
    def code(self) -> str:
        return type(self).__name__

    @property
    def detail(self) -> str:
        """One sentence for a log or a problem document; pages have their own words for people."""
        return (type(self).__doc__ or "").strip()


@dataclass(frozen=True, slots=True)
class AlreadyOpen(Refusal):
    """The show was opened before."""


@dataclass(frozen=True, slots=True)
class ShowNotOpen(Refusal):
    """The show does not take orders now."""

    state: str


@dataclass(frozen=True, slots=True)
class ShowOver(Refusal):
    """The show is closing or closed."""


@dataclass(frozen=True, slots=True)
class OfferExists(Refusal):
    """There is an offer of this id already."""

    offer: str


@dataclass(frozen=True, slots=True)
class TooManyOffers(Refusal):
    """The show has as many offers as a show may have."""

    most: int


@dataclass(frozen=True, slots=True)
class UnknownOffer(Refusal):
    """The show has no such offer, or the rundown names the wrong ones."""

    offer: str


@dataclass(frozen=True, slots=True)
class OfferGone(Refusal):
    """The offer was withdrawn."""

    offer: str


@dataclass(frozen=True, slots=True)
class NothingPinned(Refusal):
    """No offer is on screen."""


@dataclass(frozen=True, slots=True)
class SoldOut(Refusal):
    """There are not so many left; `available` pieces of the offer are."""

    offer: str
    available: int


@dataclass(frozen=True, slots=True)
class OverLimit(Refusal):
    """The buyer would have more of the offer than each may have."""

    offer: str
    limit: int
    owned: int


@dataclass(frozen=True, slots=True)
class PriceChanged(Refusal):
    """The offer costs `price` now, not what the buyer saw."""

    offer: str
    price: int


@dataclass(frozen=True, slots=True)
class WrongTotal(Refusal):
    """The amounts do not add up; `total` is what they come to."""

    total: int


@dataclass(frozen=True, slots=True)
class TooManyLines(Refusal):
    """The order has more lines than an order may have."""

    most: int


@dataclass(frozen=True, slots=True)
class OrderExists(Refusal):
    """There is an order of this id already, placed under another key."""

    order: str


@dataclass(frozen=True, slots=True)
class UnknownOrder(Refusal):
    """The show has no such order."""

    order: str


@dataclass(frozen=True, slots=True)
class NotYours(Refusal):
    """The order is another buyer's."""

    order: str


@dataclass(frozen=True, slots=True)
class OrderIsPaid(Refusal):
    """The order is paid; to give it back is a matter for the books."""

    order: str

    @property
    def code(self) -> str:
        return "OrderPaid"  # the name in the seam; the event of that name lives in events.py


@dataclass(frozen=True, slots=True)
class OrderOver(Refusal):
    """The order has lapsed or was cancelled before."""

    order: str
    state: str


@dataclass(frozen=True, slots=True)
class AmountDiffers(Refusal):
    """The payment is not of the order's amount and currency."""

    order: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class TooLate(Refusal):
    """The command came after its deadline; nothing was done."""


@dataclass(frozen=True, slots=True)
class Undecided(Refusal):
    """A rule broke over this command, a fault of the shop's; nothing was done."""


@dataclass(frozen=True, slots=True)
class KeyReused(Refusal):
    """The key was used before with another body."""


@dataclass(frozen=True, slots=True)
class Misshapen(Refusal):
    """The command is malformed; `why` names the field."""

    why: str

    @property
    def code(self) -> str:
        return "Malformed"


_KINDS: Final[dict[str, type[Refusal]]] = {
    kind.__name__: kind
    for kind in (
        AlreadyOpen,
        ShowNotOpen,
        ShowOver,
        OfferExists,
        TooManyOffers,
        UnknownOffer,
        OfferGone,
        NothingPinned,
        SoldOut,
        OverLimit,
        PriceChanged,
        WrongTotal,
        TooManyLines,
        OrderExists,
        UnknownOrder,
        NotYours,
        OrderOver,
        AmountDiffers,
        TooLate,
        Undecided,
        KeyReused,
    )
} | {"OrderPaid": OrderIsPaid, "Malformed": Misshapen}
CODES: Final = tuple(sorted(_KINDS))


def to_wire(refusal: Refusal) -> dict[str, Any]:
    """A plain map: `code` and the refusal's fields."""
    body: dict[str, Any] = {"code": refusal.code}
    for field in fields(refusal):
        body[field.name] = getattr(refusal, field.name)
    return body


def from_wire(wire: dict[str, Any]) -> Refusal:
    """Read a refusal from the log. Raises ValueError when its code is unknown or a field is missing."""
    values = dict(wire)
    kind = _KINDS.get(values.pop("code", ""))
    if kind is None:
        raise ValueError(f"unknown refusal {wire.get('code')!r}")
    try:
        return kind(**values)
    except TypeError as wrong:
        raise ValueError(f"not a {kind.__name__}: {wrong}") from None
