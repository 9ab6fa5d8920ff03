"""What happened in a show (past tense), as values; how they are written and how old ones are lifted.

An event in the log is `[type, schema, body]`. The body of a schema never changes; when an event needs
another shape its schema number rises and an upcaster here lifts the older bodies. What the log says
stays said: a golden log is never edited.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final, TypeAlias

from commerce.show.language import Codec, OrderLine, SkuLine, Title


class UnknownEvent(ValueError):
    """The log holds an event that this program is too old to read."""


@dataclass(frozen=True, slots=True)
class ShowOpened:
    title: Title
    currency: str
    hold_seconds: int
    merchant: str
    standing: bool
    opened_at: int


@dataclass(frozen=True, slots=True)
class CodecChosen:
    """With `ShowOpened`, where the picture is not sent in the usual one."""

    codec: Codec


@dataclass(frozen=True, slots=True)
class StockAllotted:
    allotment: str
    sku: str
    units: int


@dataclass(frozen=True, slots=True)
class OfferAdded:
    offer: str
    title: Title
    image: str | None
    lines: tuple[SkuLine, ...]
    price: int
    before: int | None
    cap: int | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class OfferRepriced:
    offer: str
    price: int


@dataclass(frozen=True, slots=True)
class OfferWithdrawn:
    offer: str


@dataclass(frozen=True, slots=True)
class RundownArranged:
    offers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferPinned:
    offer: str
    pts_90khz: int | None
    pinned_at: int


@dataclass(frozen=True, slots=True)
class OfferUnpinned:
    offer: str


@dataclass(frozen=True, slots=True)
class FeedPutOnAir:
    studio: str


@dataclass(frozen=True, slots=True)
class FeedTakenOffAir:
    studio: str


@dataclass(slots=True)  # not frozen: see DECISIONS.md
class OrderPlaced:
    """Stock is kept for the order until `held_until` (Unix ms)."""

    order: str
    buyer: str
    contact: str
    lines: tuple[OrderLine, ...]
    goods: int
    freight: int
    tax: int
    discount: int
    total: int
    placed_at: int
    held_until: int


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    order: str


@dataclass(frozen=True, slots=True)
class OrderLapsed:
    order: str


@dataclass(frozen=True, slots=True)
class OrderReheld:
    """A payment came after the lapse and the stock was still there; OrderPaid follows."""

    order: str


@dataclass(frozen=True, slots=True)
class OrderPaid:
    order: str
    payment: str
    provider: str
    amount: int
    paid_at: int


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    order: str
    payment: str
    provider: str


@dataclass(frozen=True, slots=True)
class PaymentUnknown:
    order: str
    payment: str
    provider: str


@dataclass(frozen=True, slots=True)
class RefundDue:
    """Money came for which no goods are kept. `reason`: lapsed, cancelled, paid_twice or closed."""

    order: str
    payment: str
    provider: str
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class HoldsExtended:
    """The shop was away for `ms`; every order that awaits payment is held so much longer."""

    ms: int


@dataclass(frozen=True, slots=True)
class ShowClosing:
    closing_at: int


@dataclass(frozen=True, slots=True)
class StockReturned:
    allotment: str
    sku: str
    units: int


@dataclass(frozen=True, slots=True)
class ShowClosed:
    closed_at: int


@dataclass(slots=True)  # not frozen: see DECISIONS.md
class CommandAccepted:
    """A command took effect; `result` is what its sender is told (small, plain values)."""

    actor: str
    key: str
    fingerprint: str
    command: str
    result: dict[str, Any]


@dataclass(slots=True)  # not frozen: see DECISIONS.md
class CommandRefused:
    """A command was refused; `refusal` as commerce.show.refusals.to_wire made it."""

    actor: str
    key: str
    fingerprint: str
    command: str
    refusal: dict[str, Any]


Event: TypeAlias = (
    ShowOpened
    | CodecChosen
    | StockAllotted
    | OfferAdded
    | OfferRepriced
    | OfferWithdrawn
    | RundownArranged
    | OfferPinned
    | OfferUnpinned
    | FeedPutOnAir
    | FeedTakenOffAir
    | OrderPlaced
    | OrderCancelled
    | OrderLapsed
    | OrderReheld
    | OrderPaid
    | PaymentFailed
    | PaymentUnknown
    | RefundDue
    | HoldsExtended
    | ShowClosing
    | StockReturned
    | ShowClosed
    | CommandAccepted
    | CommandRefused
)
WireEvent: TypeAlias = list[Any]  # [type, schema, body]

# -- the wire --------------------------------------------------------------------------------------

SCHEMAS: Final[dict[type[Any], int]] = dict.fromkeys(
    (
        ShowOpened,
        CodecChosen,
        StockAllotted,
        OfferAdded,
        OfferRepriced,
        OfferWithdrawn,
        RundownArranged,
        OfferPinned,
        OfferUnpinned,
        FeedPutOnAir,
        FeedTakenOffAir,
        OrderPlaced,
        OrderCancelled,
        OrderLapsed,
        OrderReheld,
        OrderPaid,
        PaymentFailed,
        PaymentUnknown,
        RefundDue,
        HoldsExtended,
        ShowClosing,
        StockReturned,
        ShowClosed,
        CommandAccepted,
        CommandRefused,
    ),
    1,
)
# (type, schema) -> the body of the next schema. Empty until an event changes for the first time.
Upcasters: TypeAlias = dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]]
UPCASTERS: Final[Upcasters] = {}

_KINDS: Final = {kind.__name__: kind for kind in SCHEMAS}
_NAMES: Final = {kind: tuple(field.name for field in fields(kind)) for kind in SCHEMAS}
_GETTERS: Final = {kind: attrgetter(*names) for kind, names in _NAMES.items() if len(names) > 1}
OUTCOMES: Final = frozenset({"CommandAccepted", "CommandRefused"})


def to_wire(event: Event) -> WireEvent:
    """`[type, schema, body]` of plain values, fit for msgpack and for JSON."""
    if isinstance(event, OrderPlaced):
        return placed_to_wire(event)
    kind = type(event)
    names, getter = _NAMES[kind], _GETTERS.get(kind)
    values = getter(event) if getter else (getattr(event, names[0]),)
    body: dict[str, Any] = dict(zip(names, values, strict=True))
    if kind is OfferAdded:
        body["lines"] = [line._asdict() for line in body["lines"]]
    elif kind is RundownArranged:
        body["offers"] = list(body["offers"])
    return [kind.__name__, SCHEMAS[kind], body]


def placed_to_wire(event: OrderPlaced) -> WireEvent:
    """`to_wire` of the event that is written by the thousand, spelt out."""
    lines = [{"offer": offer, "quantity": quantity, "price": price} for offer, quantity, price in event.lines]
    body = {
        "order": event.order,
        "buyer": event.buyer,
        "contact": event.contact,
        "lines": lines,
        "goods": event.goods,
        "freight": event.freight,
        "tax": event.tax,
        "discount": event.discount,
        "total": event.total,
        "placed_at": event.placed_at,
        "held_until": event.held_until,
    }
    return ["OrderPlaced", SCHEMAS[OrderPlaced], body]


def _placed(body: dict[str, Any]) -> OrderPlaced:
    """The event that comes by the thousand, without detours."""
    try:
        lines = tuple([OrderLine(line["offer"], line["quantity"], line["price"]) for line in body["lines"]])
        placed = OrderPlaced(
            body["order"],
            body["buyer"],
            body["contact"],
            lines,
            body["goods"],
            body["freight"],
            body["tax"],
            body["discount"],
            body["total"],
            body["placed_at"],
            body["held_until"],
        )
    except KeyError as lacking:
        raise UnknownEvent(f"OrderPlaced: lacks {lacking}") from None
    if len(body) != len(_NAMES[OrderPlaced]):
        raise UnknownEvent("OrderPlaced: has a field that this program does not know")
    return placed


def _refused(body: dict[str, Any]) -> CommandRefused:
    """What a flash sale says most often, without detours."""
    try:
        refused = CommandRefused(
            body["actor"], body["key"], body["fingerprint"], body["command"], body["refusal"]
        )
    except KeyError as lacking:
        raise UnknownEvent(f"CommandRefused: lacks {lacking}") from None
    if len(body) != len(_NAMES[CommandRefused]):
        raise UnknownEvent("CommandRefused: has a field that this program does not know")
    return refused


def from_wire(wire: WireEvent, upcasters: Upcasters = UPCASTERS) -> Event:
    """Read an event of any schema so far. Raises UnknownEvent when it is newer than this program."""
    name, schema, body = wire
    kind = _KINDS.get(name)
    if kind is None:
        raise UnknownEvent(f"event {name!r}")
    while schema < SCHEMAS[kind]:
        body, schema = upcasters[name, schema](body), schema + 1
    if schema > SCHEMAS[kind]:
        raise UnknownEvent(f"{name} of schema {schema}; this program knows {SCHEMAS[kind]}")
    if kind is OrderPlaced:
        return _placed(body)
    if kind is CommandRefused:
        return _refused(body)
    if kind is OfferAdded:
        body = {**body, "lines": tuple(SkuLine(line["sku"], line["units"]) for line in body["lines"])}
    elif kind is RundownArranged:
        body = {**body, "offers": tuple(body["offers"])}
    try:
        event: Event = kind(**body)
    except TypeError as wrong:
        raise UnknownEvent(f"{name}: {wrong}") from None
    return event
