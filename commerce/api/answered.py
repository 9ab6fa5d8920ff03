"""What the shop answers, one struct each; `openapi.py` reads the shapes from here."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from commerce.api.kinds import Given, Words
from commerce.show.language import Codec

Role = Literal["host", "merchant", "operator"]


class Merchant(Given):
    id: str
    name: Words


class Show(Given):
    id: str
    title: Words
    state: Literal["scheduled", "opened", "closing", "closed"]
    on_air: bool
    starts_at: int
    time_zone: str
    currency: str
    merchant: Merchant
    hold_seconds: int | UnsetType = UNSET  # the merchant's view alone
    studio: str | UnsetType | None = UNSET
    codec: Codec | UnsetType = UNSET


class Shows(Given):
    shows: list[Show]


class Buyer(Given):
    buyer: str
    token: str
    expires_at: int


class Account(Given):
    id: str
    name: str
    role: Role
    merchant: str | None


class Session(Given):
    token: str
    account: Account
    expires_at: int


class SessionFacts(Given):
    account: Account
    warnings: list[str]  # what an operator must know, such as a store that may lose data


class Rotated(Given):
    token: str
    expires_at: int


class Seat(Given):
    """`whep`: where the player sends its offer, with `token` as bearer."""

    whep: str
    token: str
    ice: list[dict[str, Any]]
    expires_at: int


class Amounts(Given):
    goods: int
    freight: int
    tax: int
    discount: int
    total: int
    currency: str


class CartLine(Given):
    offer: str
    quantity: int
    price: int


class Cart(Given):
    lines: list[CartLine]
    amounts: Amounts


class OrderLine(Given):
    offer: str
    title: Words
    image: str | None
    quantity: int
    price: int
    returned: int | UnsetType = UNSET  # pieces that came back, once the order was paid


class Contact(Given):
    name: str
    phone: str
    address: str
    email: str | UnsetType = UNSET  # where they gave one


class Refund(Given):
    """Money on its way back: `due` until the firm took it on, then `made`; `refused`: being looked at."""

    amount: int
    currency: str
    state: Literal["due", "made", "refused"]
    created_at: int
    changed_at: int


class ReturnLine(Given):
    line: int
    pieces: int


class Return(Given):
    lines: list[ReturnLine]
    reason: str
    state: Literal["asked", "received", "declined"]
    asked_at: int
    changed_at: int


class Order(Given):
    id: str
    show: str
    state: str
    lines: list[OrderLine]
    amounts: Amounts
    held_until: int | None
    placed_at: int
    version: int
    contact: Contact | None = None  # null once the person is erased
    pay_url: str | UnsetType = UNSET  # while the order awaits payment
    refunded: int | UnsetType = UNSET  # once it was paid
    refunds: list[Refund] | UnsetType = UNSET
    returns: list[Return] | UnsetType = UNSET


class OrderStep(Given):
    version: int
    state: str
    actor: str
    reason: str
    at: int


class PaymentTry(Given):
    id: str
    provider: str
    state: str
    amount: int
    currency: str
    created_at: int


class OrderFile(Given):
    """An order with all that happened to it, for its merchant."""

    order: Order
    refunded: int
    changes: list[OrderStep]
    refunds: list[Refund]
    returns: list[Return]
    payments: list[PaymentTry]


class Erasure(Given):
    """`erased`: false when the person had been erased before, or never gave a contact."""

    person: str
    erased: bool


class ContactRead(Given):
    id: int
    contact: str
    person: str
    reader: str
    purpose: str
    at: int


class ContactReads(Given):
    reads: list[ContactRead]
    next: int | None = None


class PaymentMessage(Given):
    """One exchange with a firm; `encoding` says how its bytes stand in `request` and `response`."""

    payment: str
    provider: str
    kind: str
    at: int
    verdict: str | None
    request: str
    response: str
    encoding: str


class PaymentMessages(Given):
    messages: list[PaymentMessage]


class Orders(Given):
    orders: list[Order]
    next: str | None = None


class Payment(Given):
    pay_url: str


class Decided(Given):
    version: int


class Studio(Given):
    id: str
    name: str


class Studios(Given):
    studios: list[Studio]


class Pairing(Given):
    """An agent that may publish for a studio; `renewed_at` is when it last asked for a token."""

    id: str
    agent: str
    paired_at: int
    renewed_at: int


class PairedStudio(Given):
    id: str
    name: str
    pairings: list[Pairing]


class PairedStudios(Given):
    studios: list[PairedStudio]


class StudioToken(Given):
    """`whip`: where the studio publishes, with `token` as bearer."""

    whip: str
    token: str
    expires_at: int


class RundownLine(Given):
    sku: str
    units: int


class RundownOffer(Given):
    offer: str
    title: Words
    image: str | None
    lines: list[RundownLine]
    price: int
    before: int | None
    cap: int | None
    limit: int | None
    allot: dict[str, int]


class Rundown(Given):
    offers: list[RundownOffer]


class Product(Given):
    sku: str
    title: Words
    image: str | None
    price: int
    currency: str
    stock: int
    hs_code: str
    origin: str
    net_quantity: str  # a decimal, as on the label
    net_unit: str


class Products(Given):
    products: list[Product]


class Status(Given):
    """What an operator sees of this front process."""

    warnings: list[str]
    shows: list[dict[str, Any]]
    relays: list[dict[str, Any]]
    clients: int


class Health(Given):
    ok: bool
    problems: list[str]


class ProblemShape(Given):
    """RFC 9457; further fields belong to the code."""

    type: str
    title: str
    status: int
    code: str
    detail: str
