"""Shows as planned: who sells when, from which studio, and the rundown of offers to be.

What a show *is* once it opened is decided in its log; state and on_air here follow it by the archivist, a
moment late. Every query for the staff of a merchant names the merchant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.catalogue import Merchant, add_merchant, find_merchant
from commerce.books.ids import new_id
from commerce.books.stock import Allotment, NotEnoughStock, grant
from commerce.books.tables import merchants, products, show_offers, shows, studio_pairings, studios
from commerce.show.language import USUAL_CODEC, Codec

ShowState: TypeAlias = Literal["scheduled", "opened", "closing", "closed"]
PUBLIC_STATES = ("scheduled", "opened", "closing")
MOST_SHOWS = 200
MOST_OFFERS = 500


@dataclass(frozen=True, slots=True)
class Show:
    """A broadcast sale as planned. `starts_at` is Unix ms, `time_zone` an IANA name."""

    id: str
    merchant: str
    merchant_name: Mapping[str, str]
    title: Mapping[str, str]
    state: str
    on_air: bool
    starts_at: int
    time_zone: str
    currency: str
    hold_seconds: int
    studio: str | None
    standing: bool
    codec: Codec
    version: int  # of this row, for compare-and-set


@dataclass(frozen=True, slots=True)
class PlannedOffer:
    """One line of the rundown. `lines` is SKU and units of one piece; `allot` SKU and units to grant."""

    offer: str
    title: Mapping[str, str]
    image: str | None
    lines: tuple[tuple[str, int], ...]
    price: int
    before: int | None = None
    cap: int | None = None
    limit: int | None = None
    allot: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnknownShow:
    """Refusal: the merchant has no such show."""

    show: str


@dataclass(frozen=True, slots=True)
class ShowStarted:
    """Refusal: it opened already; this can be changed only before."""

    show: str


@dataclass(frozen=True, slots=True)
class UnknownSku:
    """Refusal: the merchant has no such product."""

    sku: str


@dataclass(frozen=True, slots=True)
class UnknownStudio:
    """Refusal: the merchant has no such studio."""

    studio: str


@dataclass(frozen=True, slots=True)
class Studio:
    """A place with cameras. `generation` is that of its pairing: publish tokens of an older one are void."""

    id: str
    merchant: str
    name: str
    generation: int


# -- shows -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """A show to be scheduled. `starts_at` is Unix ms, `time_zone` an IANA name, `show` a wished id."""

    title: Mapping[str, str]
    starts_at: int
    time_zone: str
    currency: str
    hold_seconds: int
    studio: str | None = None
    standing: bool = False
    show: str | None = None
    codec: Codec = USUAL_CODEC


async def schedule_show(tx: AsyncConnection, merchant: str, plan: Plan, now_ms: int) -> Show | UnknownStudio:
    """Plan a show of the merchant."""
    if plan.studio is not None and await find_studio(tx, merchant, plan.studio) is None:
        return UnknownStudio(plan.studio)
    made = plan.show or new_id("sh")
    await tx.execute(
        insert(shows).values(
            id=made, merchant_id=merchant, studio_id=plan.studio, title=dict(plan.title), state="scheduled",
            on_air=False, standing=plan.standing, codec=plan.codec, starts_at=plan.starts_at,
            time_zone=plan.time_zone, currency=plan.currency, hold_seconds=plan.hold_seconds, version=1,
            created_at=now_ms,
        )
    )  # fmt: skip
    return (await _shows(tx, shows.c.id == made))[0]


async def public_shows(tx: AsyncConnection) -> list[Show]:
    """Shows that are scheduled, open or closing, by their start."""
    return await _shows(tx, shows.c.state.in_(PUBLIC_STATES))


async def shows_of(tx: AsyncConnection, merchant: str) -> list[Show]:
    """All shows of a merchant, by their start."""
    return await _shows(tx, shows.c.merchant_id == merchant)


async def find_show(tx: AsyncConnection, show: str) -> Show | None:
    """A show, for the public side: whoever asks sees no more than what it broadcasts."""
    found = await _shows(tx, shows.c.id == show)
    return found[0] if found else None


async def find_show_of(tx: AsyncConnection, merchant: str, show: str) -> Show | None:
    """A show, if it is this merchant's."""
    found = await _shows(tx, (shows.c.id == show) & (shows.c.merchant_id == merchant))
    return found[0] if found else None


async def change_show(
    tx: AsyncConnection, merchant: str, show: str, changes: Mapping[str, Any]
) -> Show | UnknownShow | ShowStarted | UnknownStudio:
    """Change `title`, `starts_at`, `time_zone`, `currency`, `hold_seconds`, `codec` or `studio` of a
    scheduled show.

    Once open only `studio` can still change (the log has the rest).
    """
    current = await find_show_of(tx, merchant, show)
    if current is None:
        return UnknownShow(show)
    if current.state != "scheduled" and set(changes) - {"studio"}:
        return ShowStarted(show)
    studio = changes.get("studio")
    if studio is not None and await find_studio(tx, merchant, studio) is None:
        return UnknownStudio(studio)
    columns = {"studio": "studio_id"}
    values = {columns.get(name, name): value for name, value in changes.items()}
    await tx.execute(
        update(shows)
        .where(shows.c.id == show, shows.c.merchant_id == merchant)
        .values(**values, version=shows.c.version + 1)
    )
    return (await _shows(tx, shows.c.id == show))[0]


async def adopt_show(tx: AsyncConnection, merchant: str, plan: Plan, now_ms: int) -> None:
    """A log that these books never planned (they are older than the log, or it is a trial): note its show."""
    if plan.show is None or await tx.scalar(select(shows.c.id).where(shows.c.id == plan.show)):
        return
    if await find_merchant(tx, merchant) is None:
        await add_merchant(tx, Merchant(merchant, {"en": merchant}), now_ms)
    await schedule_show(tx, merchant, plan, now_ms)


async def note_show(tx: AsyncConnection, show: str, **now: Any) -> None:
    """The archivist saw the log say so: any of `state`, `on_air`, `studio_id`, `closed_at`."""
    await tx.execute(update(shows).where(shows.c.id == show).values(**now))


async def _shows(tx: AsyncConnection, condition: Any) -> list[Show]:
    found = await tx.execute(
        select(shows, merchants.c.name.label("merchant_name"))
        .join(merchants)
        .where(condition)
        .order_by(shows.c.starts_at, shows.c.id)
        .limit(MOST_SHOWS)
    )
    return [_show(row) for row in found]


def _show(row: Row[Any]) -> Show:
    return Show(
        row.id, row.merchant_id, row.merchant_name, row.title, row.state, row.on_air, row.starts_at,
        row.time_zone, row.currency, row.hold_seconds, row.studio_id, row.standing, row.codec, row.version,
    )  # fmt: skip


# -- the rundown -------------------------------------------------------------------------------------


async def rundown_of(tx: AsyncConnection, show: str) -> list[PlannedOffer]:
    """The planned offers in their order."""
    found = await tx.execute(
        select(show_offers).where(show_offers.c.show_id == show).order_by(show_offers.c.position)
    )
    return [_planned(row) for row in found]


async def put_rundown(
    tx: AsyncConnection, merchant: str, show: str, offers: Sequence[PlannedOffer]
) -> list[PlannedOffer] | UnknownShow | UnknownSku:
    """Replace the rundown; offers with an empty id get one. Gives it as stored.

    Raises ValueError for more than 500 offers, or an id that another show uses.
    """
    if len(offers) > MOST_OFFERS:
        raise ValueError(f"a rundown has at most {MOST_OFFERS} offers")
    if await find_show_of(tx, merchant, show) is None:
        return UnknownShow(show)
    stranger = await _unknown_sku(tx, merchant, offers)
    if stranger is not None:
        return UnknownSku(stranger)
    await tx.execute(delete(show_offers).where(show_offers.c.show_id == show))
    ids = [offer.offer for offer in offers if offer.offer]
    if await tx.scalar(select(show_offers.c.id).where(show_offers.c.id.in_(ids)).limit(1)):
        raise ValueError("an offer id belongs to another show")
    rows = [_planned_row(show, position, offer) for position, offer in enumerate(offers)]
    if rows:
        await tx.execute(insert(show_offers), rows)
    return await rundown_of(tx, show)


async def grant_for_opening(
    tx: AsyncConnection, merchant: str, show: str, now_ms: int
) -> list[Allotment] | NotEnoughStock | UnknownShow:
    """Grant what the rundown's `allot` maps ask for, summed by SKU; the same allotments when called again.

    On a refusal leave the transaction by an exception, so that nothing was granted.
    """
    if await find_show_of(tx, merchant, show) is None:
        return UnknownShow(show)
    wanted: dict[str, int] = {}
    for offer in await rundown_of(tx, show):
        for sku, units in offer.allot.items():
            wanted[sku] = wanted.get(sku, 0) + units
    return await grant(tx, show, wanted, "opening", now_ms)


async def _unknown_sku(tx: AsyncConnection, merchant: str, offers: Sequence[PlannedOffer]) -> str | None:
    named = {sku for offer in offers for sku, _ in offer.lines} | {sku for o in offers for sku in o.allot}
    known = await tx.scalars(
        select(products.c.sku).where(products.c.merchant_id == merchant, products.c.sku.in_(named))
    )
    return min(named - set(known), default=None)


def _planned_row(show: str, position: int, offer: PlannedOffer) -> dict[str, Any]:
    return {
        "id": offer.offer or new_id("of"),
        "show_id": show,
        "position": position,
        "title": dict(offer.title),
        "image": offer.image,
        "lines": [{"sku": sku, "units": units} for sku, units in offer.lines],
        "price": offer.price,
        "before": offer.before,
        "cap": offer.cap,
        "buyer_limit": offer.limit,
        "allot": dict(offer.allot),
    }


def _planned(row: Row[Any]) -> PlannedOffer:
    lines = tuple((line["sku"], line["units"]) for line in row.lines)
    return PlannedOffer(
        row.id, row.title, row.image, lines, row.price, row.before, row.cap, row.buyer_limit, row.allot
    )


# -- studios -----------------------------------------------------------------------------------------


async def add_studio(
    tx: AsyncConnection, merchant: str, name: str, now_ms: int, *, studio: str | None = None
) -> Studio:
    """Add a studio; `studio` is a wished id (seeding)."""
    made = Studio(studio or new_id("st"), merchant, name, 1)
    await tx.execute(
        insert(studios).values(id=made.id, merchant_id=merchant, name=name, generation=1, created_at=now_ms)
    )
    return made


async def studios_of(tx: AsyncConnection, merchant: str) -> list[Studio]:
    found = await tx.execute(
        select(studios).where(studios.c.merchant_id == merchant).order_by(studios.c.name, studios.c.id)
    )
    return [_studio(row) for row in found]


async def find_studio(tx: AsyncConnection, merchant: str, studio: str) -> Studio | None:
    """A studio, if it is this merchant's."""
    query = select(studios).where(studios.c.id == studio, studios.c.merchant_id == merchant)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _studio(row)


async def studio_at(tx: AsyncConnection, studio: str) -> Studio | None:
    """The studio of this id, for those who were let in by its merchant."""
    row = (await tx.execute(select(studios).where(studios.c.id == studio))).one_or_none()
    return None if row is None else _studio(row)


async def revoke_pairing(
    tx: AsyncConnection, merchant: str, studio: str, now_ms: int
) -> Studio | UnknownStudio:
    """Raise the studio's generation: publish tokens made so far are void, and no pairing makes another."""
    changed = await tx.execute(
        update(studios)
        .where(studios.c.id == studio, studios.c.merchant_id == merchant)
        .values(generation=studios.c.generation + 1)
    )
    found = await find_studio(tx, merchant, studio)
    if not changed.rowcount or found is None:
        return UnknownStudio(studio)
    await tx.execute(
        update(studio_pairings)
        .where(studio_pairings.c.studio_id == studio, studio_pairings.c.revoked_at.is_(None))
        .values(revoked_at=now_ms)
    )
    return found


async def raised_studios(tx: AsyncConnection) -> list[Studio]:
    """Studios whose pairing was revoked at least once."""
    return [_studio(row) for row in await tx.execute(select(studios).where(studios.c.generation > 1))]


def _studio(row: Row[Any]) -> Studio:
    return Studio(row.id, row.merchant_id, row.name, row.generation)
