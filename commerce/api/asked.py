"""The bodies and queries that callers send, one struct each. Rules of trade are not here."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from commerce.api.kinds import (
    LINE,
    AddressText,
    Asked,
    Code,
    Currency,
    Email,
    Id,
    Moment,
    Name,
    NewPassword,
    Password,
    Path,
    Phone,
    Price,
    Quantity,
    Secret,
    ShortCode,
    Sku,
    Texts,
    Ticks,
    TimeZone,
    Units,
)
from commerce.show.language import USUAL_CODEC, Codec


class SignIn(Asked):
    """Staff sign in; `code` is the one-time or recovery code of accounts with a second factor."""

    name: Name
    password: Password
    code: Code | None = None


class Reassurance(Asked):
    """The password again, before how one signs in is changed."""

    password: Password


class FactorReset(Asked):
    """`name`: who lost the second factor. Password, and code where there is one, are the operator's own."""

    name: Name
    password: Password
    code: Code | None = None


class Proof(Asked):
    """A one-time code, or a recovery code."""

    code: Code


class PasswordChange(Asked):
    """`code` is needed where there is a second factor."""

    password: Password
    new_password: NewPassword
    code: Code | None = None


class NewPairing(Asked):
    """`agent`: what the device calls itself, shown to whoever lets it in."""

    agent: Name


class DeviceCode(Asked):
    device_code: Secret


class Credential(Asked):
    credential: Secret


class UserCode(Asked):
    """As it was typed: small letters, blanks and hyphens do no harm."""

    user_code: ShortCode


class PairingChoice(Asked):
    """One of both: a `studio` of the merchant's, or the `name` of a new one."""

    user_code: ShortCode
    studio: Id | None = None
    name: Name | None = None

    def __post_init__(self) -> None:
        if (self.studio is None) == (self.name is None):
            raise ValueError("needs either studio or name")


class SeatWish(Asked):
    """`avoid`: the `whep` origin that just failed, so that another is tried first."""

    avoid: Annotated[str, Meta(max_length=200, pattern=r"^https?://[!-~]+(?![\s\S])")] | None = None


class CartLine(Asked):
    offer: Id
    quantity: Quantity


class CartWish(Asked):
    lines: Annotated[list[CartLine], Meta(max_length=50)]


class OrderLine(Asked):
    """`price` is what the buyer saw, for one."""

    offer: Id
    quantity: Quantity
    price: Price


class Contact(Asked):
    """`email`: where news of the order goes, in `language`; without one there is none."""

    name: Name
    phone: Phone
    address: AddressText
    email: Email | None = None
    language: Literal["en", "zh", "ru"] = "en"


class NewOrder(Asked):
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=50)]
    contact: Contact


class OfVersion(Asked):
    """`version` of the order that the change was decided on."""

    version: Annotated[int, Meta(ge=1, le=1_000_000)]


class OrderVersion(OfVersion):
    """`reason` is for the order's history."""

    reason: Annotated[str, Meta(max_length=200, pattern=LINE)] = ""


class Advance(OrderVersion, kw_only=True):
    """`state`: the next step of the order."""

    state: Literal["declared", "cleared", "shipped", "delivered"]


class PartRefund(OrderVersion, kw_only=True):
    """`amount` in minor units of the order's currency."""

    amount: Price


class ReturnLine(Asked):
    """`line`: its place in the order, from 0."""

    line: Annotated[int, Meta(ge=0, le=49)]
    pieces: Quantity


def demand_each_once(lines: list[ReturnLine]) -> None:
    """Raises ValueError when a line is named twice."""
    if len({one.line for one in lines}) != len(lines):
        raise ValueError("names a line twice")


class ReturnedGoods(OrderVersion, kw_only=True):
    """Goods that came back; `restock`: they can be sold again."""

    lines: Annotated[list[ReturnLine], Meta(min_length=1, max_length=50)]
    restock: bool = True

    def __post_init__(self) -> None:
        demand_each_once(self.lines)


class ReturnAsked(OfVersion, kw_only=True):
    """Goods that the buyer wants to send back, and why, in one of a few words."""

    lines: Annotated[list[ReturnLine], Meta(min_length=1, max_length=50)]
    reason: Literal["damaged", "wrong_goods", "not_as_shown", "changed_mind", "other"]

    def __post_init__(self) -> None:
        demand_each_once(self.lines)


class ContactRead(Asked):
    """`purpose`: why somebody has to see the contact in full."""

    purpose: Literal["parcel_label", "customs", "question_of_buyer", "court_or_authority"]


class Erase(Asked):
    """`even_under_way`: though a parcel has yet to arrive; for operators alone."""

    even_under_way: bool = False


class ReadsQuery(Asked):
    """`before`: the `next` of the page before."""

    before: Annotated[int, Meta(ge=1, le=2**53)] | None = None


class Hearts(Asked):
    count: Annotated[int, Meta(ge=1, le=50)]


class Nothing(Asked):
    """An empty object; no body at all is taken for it."""


class PutOnAir(Asked):
    studio: Id


class Pin(Asked):
    """`pts_90khz`: RTP timestamp of the host's picture when the key was pressed."""

    offer: Id
    pts_90khz: Ticks | None = None


class Reprice(Asked):
    offer: Id
    price: Price


class Withdraw(Asked):
    offer: Id


class Arrange(Asked):
    offers: Annotated[list[Id], Meta(max_length=200)]


class NewShow(Asked):
    title: Texts
    starts_at: Moment
    time_zone: TimeZone
    currency: Currency
    hold_seconds: Annotated[int, Meta(ge=30, le=3_600)] = 600
    studio: Id | None = None
    codec: Codec = USUAL_CODEC


class ShowChange(Asked):
    title: Texts | UnsetType = UNSET
    starts_at: Moment | UnsetType = UNSET
    time_zone: TimeZone | UnsetType = UNSET
    hold_seconds: Annotated[int, Meta(ge=30, le=3_600)] | UnsetType = UNSET
    studio: Id | UnsetType | None = UNSET
    codec: Codec | UnsetType = UNSET


class OfferLine(Asked):
    sku: Sku
    units: Annotated[int, Meta(ge=1, le=1_000)]


class OfferWish(Asked):
    """`offer` is null for a new one; `allot` grants stock of the house to the show, by SKU."""

    title: Texts
    lines: Annotated[list[OfferLine], Meta(min_length=1, max_length=20)]
    price: Price
    offer: Id | None = None
    image: Path | None = None
    before: Price | None = None
    cap: Units | None = None
    limit: Quantity | None = None
    allot: Annotated[dict[Sku, Annotated[int, Meta(ge=0, le=10_000_000)]], Meta(max_length=20)] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        if len({line.sku for line in self.lines}) != len(self.lines):
            raise ValueError("names a SKU twice")


class RundownWish(Asked):
    offers: Annotated[list[OfferWish], Meta(max_length=200)]

    def __post_init__(self) -> None:
        known = [offer.offer for offer in self.offers if offer.offer is not None]
        if len(set(known)) != len(known):
            raise ValueError("names an offer twice")


class NewProduct(Asked):
    sku: Sku
    title: Texts
    price: Price
    currency: Currency
    hs_code: Annotated[str, Meta(pattern=r"^[0-9]{6,10}(?![\s\S])", max_length=10)]
    origin: Annotated[str, Meta(pattern=r"^[A-Z]{2}(?![\s\S])", max_length=2)]
    net_quantity: Annotated[str, Meta(pattern=r"^[0-9]{1,8}(?:\.[0-9]{1,4})?(?![\s\S])", max_length=13)]
    net_unit: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{1,16}(?![\s\S])", max_length=16)]
    stock: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    image: Path | None = None


class EventsQuery(Asked):
    """`as=host` asks for the projection of staff."""

    view: Annotated[str, Meta(pattern=r"^(?:public|host)(?![\s\S])")] = field(name="as", default="public")


class MerchantQuery(Asked):
    """`merchant`: whose; operators have to say it, others need not."""

    merchant: Id | None = None


class TrailQuery(Asked):
    """`name`: of the account that acted; `before`: the `next` of the page before."""

    name: Name | None = None
    act: Annotated[str, Meta(pattern=r"^[A-Za-z]{1,80}(?![\s\S])", max_length=80)] | None = None
    subject: Annotated[str, Meta(min_length=1, max_length=160)] | None = None
    before: Annotated[int, Meta(ge=1, lt=1 << 53)] | None = None


class OrdersQuery(Asked):
    merchant: Id | None = None
    show: Id | None = None
    state: Annotated[str, Meta(pattern=r"^[a-z_]{1,32}(?![\s\S])")] | None = None
    after: Annotated[str, Meta(max_length=128, pattern=r"^[\x21-\x7e]*(?![\s\S])")] | None = None


class PaperQuery(Asked):
    merchant: Id | None = None
    language: Literal["en", "zh", "ru"] = "en"


class OwnPaperQuery(Asked):
    language: Literal["en", "zh", "ru"] = "en"


class ExportQuery(Asked):
    merchant: Id | None = None
    show: Id | None = None
    state: Annotated[str, Meta(pattern=r"^[a-z_]{1,32}(?![\s\S])")] | None = None
    language: Literal["en", "zh", "ru"] = "en"
