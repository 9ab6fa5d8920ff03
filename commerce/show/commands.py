"""What one can ask of a show (imperative), as values; and how they travel.

Fields are those of docs/event-log.md. Ids are made by whoever asks. `from_wire` is the gate: what it
lets pass has the right types and sane sizes, so `decide` need not look again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from commerce.show import gate
from commerce.show.gate import Malformed
from commerce.show.language import (
    MAX_AMOUNT,
    MAX_HOLD_SECONDS,
    MAX_LINES,
    MAX_UNITS,
    USUAL_CODEC,
    Codec,
    OrderLine,
    PaymentOutcome,
    SkuLine,
    Title,
)

__all__ = ["Command", "Malformed", "check", "fingerprint", "from_wire", "to_wire"]


@dataclass(frozen=True, slots=True)
class OpenShow:
    """Begin to sell. `merchant` is an id; a standing show has no broadcast; `codec` is its picture's."""

    title: Title
    currency: str  # ISO 4217
    hold_seconds: int
    merchant: str
    standing: bool = False
    codec: Codec = USUAL_CODEC


@dataclass(frozen=True, slots=True)
class AllotStock:
    """Grant units of a SKU to the show; idempotent by `allotment`, so a reconciler may repeat it."""

    allotment: str
    sku: str
    units: int


@dataclass(frozen=True, slots=True)
class AddOffer:
    """A new offer at the end of the rundown. `cap` limits the show, `limit` each buyer."""

    offer: str
    title: Title
    image: str | None
    lines: tuple[SkuLine, ...]
    price: int
    before: int | None = None  # struck-through price
    cap: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class RepriceOffer:
    offer: str
    price: int


@dataclass(frozen=True, slots=True)
class WithdrawOffer:
    offer: str


@dataclass(frozen=True, slots=True)
class ArrangeRundown:
    """The order of offers; names every offer of the show that is not withdrawn, once."""

    offers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PinOffer:
    """Show the offer over the picture from this program time on (90 kHz, mod 2**32)."""

    offer: str
    pts_90khz: int | None = None


@dataclass(frozen=True, slots=True)
class UnpinOffer:
    pass


@dataclass(frozen=True, slots=True)
class PutOnAir:
    studio: str


@dataclass(frozen=True, slots=True)
class TakeOffAir:
    pass


class PlaceOrder(NamedTuple):  # and no dataclass as the others: see DECISIONS.md
    """Promise to buy. Line prices are those the buyer saw; `contact` is a key into the books."""

    order: str
    buyer: str
    contact: str
    lines: tuple[OrderLine, ...]
    freight: int
    tax: int
    discount: int
    total: int


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Take an unpaid order back. `buyer` is who asks; None when staff does."""

    order: str
    buyer: str | None = None


@dataclass(frozen=True, slots=True)
class RecordPayment:
    """What a payment firm said of one payment; idempotent by `payment` and `outcome`."""

    order: str
    payment: str
    provider: str
    amount: int
    currency: str
    outcome: PaymentOutcome


@dataclass(frozen=True, slots=True)
class CloseShow:
    pass


Command: TypeAlias = (
    OpenShow
    | AllotStock
    | AddOffer
    | RepriceOffer
    | WithdrawOffer
    | ArrangeRundown
    | PinOffer
    | UnpinOffer
    | PutOnAir
    | TakeOffAir
    | PlaceOrder
    | CancelOrder
    | RecordPayment
    | CloseShow
)

# -- the gate --------------------------------------------------------------------------------------

_CHECKS: Final[dict[type[Any], dict[str, Callable[[Any], Any]]]] = {
    OpenShow: {
        "title": gate.title,
        "currency": gate.currency,
        "hold_seconds": gate.whole(1, MAX_HOLD_SECONDS),
        "merchant": gate.an_id,
        "standing": gate.truth,
        "codec": gate.codec,
    },
    AllotStock: {"allotment": gate.an_id, "sku": gate.an_id, "units": gate.units},
    AddOffer: {
        "offer": gate.an_id,
        "title": gate.title,
        "image": gate.or_none(gate.text),
        "lines": gate.sku_lines,
        "price": gate.amount,
        "before": gate.or_none(gate.amount),
        "cap": gate.or_none(gate.whole(0, MAX_UNITS)),
        "limit": gate.or_none(gate.units),
    },
    RepriceOffer: {"offer": gate.an_id, "price": gate.amount},
    WithdrawOffer: {"offer": gate.an_id},
    ArrangeRundown: {"offers": gate.offers},
    PinOffer: {"offer": gate.an_id, "pts_90khz": gate.or_none(gate.whole(0, 0xFFFF_FFFF))},
    UnpinOffer: {},
    PutOnAir: {"studio": gate.an_id},
    TakeOffAir: {},
    PlaceOrder: {
        "order": gate.an_id,
        "buyer": gate.an_id,
        "contact": gate.an_id,
        "lines": gate.order_lines,
        "freight": gate.amount,
        "tax": gate.amount,
        "discount": gate.amount,
        "total": gate.amount,
    },
    CancelOrder: {"order": gate.an_id, "buyer": gate.or_none(gate.an_id)},
    RecordPayment: {
        "order": gate.an_id,
        "payment": gate.an_id,
        "provider": gate.an_id,
        "amount": gate.amount,
        "currency": gate.currency,
        "outcome": gate.outcome,
    },
    CloseShow: {},
}
_KINDS: Final = {kind.__name__: kind for kind in _CHECKS}
_NAMES: Final = {kind: tuple(checks) for kind, checks in _CHECKS.items()}


def to_wire(command: Command) -> tuple[str, dict[str, Any]]:
    """The command's name and its body of plain values (lists, maps, text, numbers)."""
    body: dict[str, Any] = {name: getattr(command, name) for name in _NAMES[type(command)]}
    if "lines" in body:
        body["lines"] = [line._asdict() for line in body["lines"]]
    elif "offers" in body:
        body["offers"] = list(body["offers"])
    elif body.get("codec") == USUAL_CODEC:  # left unsaid, as before there was a choice: the print stays
        del body["codec"]
    return type(command).__name__, body


def from_wire(name: str, body: object) -> Command:
    """Read a command. Absent optional fields take their default. Raises Malformed, naming the field.
    The body of PlaceOrder may also be a PlaceOrder of whose fields only the types are known to be right."""
    kind = _KINDS.get(name)
    if kind is PlaceOrder and type(body) is PlaceOrder:
        if _is_sane(body):
            return body
        body = to_wire(body)[1]
    if kind is None or type(body) is not dict:
        raise Malformed(f"{str(name)[:40]!r} is no command")
    values: dict[str, Any] = {}
    checks = _CHECKS[kind]
    for field, value in body.items():
        check = checks.get(field)
        if check is None:
            raise Malformed(f"{name} has no field {str(field)[:40]!r}")
        try:
            values[field] = check(value)
        except Malformed as wrong:
            raise Malformed(f"{name}.{field} {wrong}") from None
    try:
        command: Command = kind(**values)
    except TypeError:
        missing = sorted(set(checks) - set(values))
        raise Malformed(f"{name} lacks one of {', '.join(missing)}") from None
    return command


def check(command: Command) -> None:
    """Raise Malformed unless the command would pass the gate."""
    if not (type(command) is PlaceOrder and _is_typed(command) and _is_sane(command)):
        from_wire(*to_wire(command))


# The short way through the gate for the command that comes by the thousand: an order with nothing to object
# to. Whatever else there is goes the long way, which says what is wrong.


def _is_typed(order: PlaceOrder) -> bool:
    for offer, quantity, price in order.lines:
        if not (type(offer) is str and type(quantity) is type(price) is int):
            return False
    order_id, buyer, contact, _, freight, tax, discount, total = order
    return (
        type(order_id) is type(buyer) is type(contact) is str
        and type(freight) is type(tax) is type(discount) is type(total) is int
    )


def _is_sane(order: PlaceOrder) -> bool:
    order_id, buyer, contact, lines, freight, tax, discount, total = order
    if not 0 < len(lines) <= MAX_LINES:
        return False
    for offer, quantity, price in lines:
        if not (0 < quantity <= MAX_UNITS and 0 <= price <= MAX_AMOUNT and gate.ID.fullmatch(offer)):
            return False
    return (
        0 <= freight <= MAX_AMOUNT
        and 0 <= tax <= MAX_AMOUNT
        and 0 <= discount <= MAX_AMOUNT
        and 0 <= total <= MAX_AMOUNT
        and gate.THREE_IDS.fullmatch(f"{order_id} {buyer} {contact}") is not None
    )


def fingerprint(command: Command) -> str:
    """16 hex digits of the command without the ids that its sender makes anew for each try.

    The same key with another fingerprint is KeyReused. Who must tell two contacts apart passes a
    keyed digest of the request instead: a bare hash of a telephone number would be readable.
    """
    if isinstance(command, PlaceOrder):
        # No id has a space in it, so this is as clear as JSON, and made in a fifth of the time.
        _, buyer, _, lines, freight, tax, discount, total = command
        plain = f"PlaceOrder {buyer} {freight} {tax} {discount} {total}"
        for offer, quantity, price in lines:
            plain += f" {offer} {quantity} {price}"
    else:
        plain = json.dumps(to_wire(command), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(plain.encode(), digest_size=8).hexdigest()
