"""The merchant's desk: schedule, rundown, goods, orders, studios. Every query names the merchant.

An operator acts for one merchant at a time and names it: `?merchant=`.
"""

from __future__ import annotations

import zoneinfo
from typing import Final

import msgspec
from msgspec import UNSET, Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.api import answered, seat
from commerce.api.ask import Ask
from commerce.api.asked import NewProduct, NewShow, Nothing, OfferWish, RundownWish, ShowChange
from commerce.api.host import add_offers, allot, not_enough
from commerce.api.kinds import CURRENCIES
from commerce.api.once import once
from commerce.api.orders import booked_order
from commerce.api.problems import Problem
from commerce.api.shop import show_of
from commerce.books import catalogue, schedule
from commerce.books.orders import list_orders
from commerce.books.pairings import Pairing, pairings_of
from commerce.books.stock import NotEnoughStock, grant
from commerce.show import commands

ZONES: Final = frozenset(zoneinfo.available_timezones())  # empty where the machine has no database


def merchant_of(ask: Ask) -> str:
    """Whose goods and shows this request is about. Raises Forbidden or Malformed."""
    own = ask.who.merchant
    named: str | None = ask.query.merchant
    if own is not None and named in (None, own):
        return own
    if own is None and named:
        return named
    raise Problem("Forbidden") if own is not None else Problem("Malformed", "?merchant= is missing")


async def list_merchant_shows(ask: Ask) -> Struct:
    """All shows of the merchant, by their start."""
    async with ask.house.books.read() as tx:
        found = await schedule.shows_of(tx, merchant_of(ask))
    return answered.Shows(shows=[_own_show(ask, one) for one in found])


async def schedule_show(ask: Ask, body: NewShow) -> Struct:
    """Plan a show. The same key plans it once."""
    _demand_zone(body.time_zone)
    _demand_currency(body.currency)
    merchant = merchant_of(ask)
    plan = schedule.Plan(
        body.title.words(), body.starts_at, body.time_zone, body.currency, body.hold_seconds, body.studio,
        codec=body.codec,
    )  # fmt: skip

    async def make(tx: AsyncConnection) -> answered.Show:
        made = await schedule.schedule_show(tx, merchant, plan, ask.now_ms)
        if isinstance(made, schedule.UnknownStudio):
            raise Problem("UnknownStudio", extra={"studio": made.studio})
        await ask.house.note_in(tx, ask, "ScheduleShow", made.id)
        return _own_show(ask, made)

    return await once(ask, answered.Show, make)


async def read_merchant_show(ask: Ask) -> Struct:
    """One show as its merchant sees it."""
    return _own_show(ask, await ask.house.staff_show(ask))


async def change_show(ask: Ask, body: ShowChange) -> Struct:
    """Change a scheduled show; of an open one the studio alone."""
    planned = await ask.house.staff_show(ask)
    changes = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
    if body.title is not UNSET:
        changes["title"] = body.title.words()
    if body.time_zone is not UNSET:
        _demand_zone(body.time_zone)
    async with ask.house.books.begin() as tx:
        changed = await schedule.change_show(tx, planned.merchant, planned.id, changes)
        if not isinstance(changed, schedule.Show):
            raise Problem(type(changed).__name__)
        await ask.house.note_in(tx, ask, "ChangeShow", planned.id, fields=sorted(changes))
    ask.house.forget_plan(planned.id)
    return _own_show(ask, changed)


async def read_rundown(ask: Ask) -> Struct:
    """The planned offers in their order."""
    planned = await ask.house.staff_show(ask)
    async with ask.house.books.read() as tx:
        return _rundown(await schedule.rundown_of(tx, planned.id))


async def put_rundown(ask: Ask, body: RundownWish) -> Struct:
    """Replace the rundown; while the show is open, what is new goes to the log at once."""
    planned = await ask.house.staff_show(ask)
    if planned.state in ("closing", "closed"):
        raise Problem("ShowOver")
    feed = await ask.house.feeds.of(planned)
    is_open = feed.state.stage == "opened"
    offers = [_planned(offer) for offer in body.offers]
    try:
        async with ask.house.books.begin() as tx:
            known = {offer.offer for offer in await schedule.rundown_of(tx, planned.id)}
            strangers = [offer.offer for offer in offers if offer.offer and offer.offer not in known]
            if strangers:
                raise Problem("UnknownOffer", extra={"offer": strangers[0]})
            stored = await schedule.put_rundown(tx, planned.merchant, planned.id, offers)
            if not isinstance(stored, list):
                raise Problem(type(stored).__name__, extra=_fields(stored))
            fresh = [offer for offer in stored if offer.offer not in feed.state.offers]
            granted = await grant(tx, planned.id, _wanted(fresh), ask.key, ask.now_ms) if is_open else []
            if isinstance(granted, NotEnoughStock):
                raise not_enough(granted)
            await ask.house.note_in(tx, ask, "PutRundown", planned.id, offers=len(stored))
    except ValueError as wrong:
        raise Problem("Malformed", str(wrong)) from None
    if is_open:
        await allot(ask, planned.id, granted)
        await add_offers(ask, planned.id, fresh)
        await _follow_in_log(ask, planned.id, stored)
    return _rundown(stored)


async def _follow_in_log(ask: Ask, show: str, stored: list[schedule.PlannedOffer]) -> None:
    """Withdraw, reprice and arrange in the log what the new rundown says otherwise."""
    feed = await ask.house.feed(show)
    listed = {offer.offer: offer for offer in stored}
    wishes: list[commands.Command] = [
        commands.WithdrawOffer(one.id)
        for one in feed.state.offers.values()
        if not one.withdrawn and one.id not in listed
    ]
    for one in feed.state.offers.values():
        wish = listed.get(one.id)
        if wish is not None and not one.withdrawn and wish.price != one.price:
            wishes.append(commands.RepriceOffer(one.id, wish.price))
    gone = {one.id for one in feed.state.offers.values() if one.withdrawn}
    wishes.append(commands.ArrangeRundown(tuple([name for name in listed if name not in gone])))
    for number, command in enumerate(wishes):
        await ask.house.decide(ask, show, command, key=f"{ask.key[:56]}/{number}")


async def list_products(ask: Ask) -> Struct:
    """The merchant's goods."""
    async with ask.house.books.read() as tx:
        found = await catalogue.products_of(tx, merchant_of(ask))
    return answered.Products(products=[_product(one) for one in found])


async def add_product(ask: Ask, body: NewProduct) -> Struct:
    """Goods of a new kind, and how many lie on the shelf. The same key adds them once."""
    _demand_currency(body.currency)
    product = catalogue.Product(
        sku=body.sku, merchant=merchant_of(ask), title=body.title.words(), image=body.image,
        price=body.price, currency=body.currency, stock=body.stock, hs_code=body.hs_code,
        origin=body.origin, net_quantity=body.net_quantity, net_unit=body.net_unit,
    )  # fmt: skip

    async def make(tx: AsyncConnection) -> answered.Product:
        taken = await catalogue.add_product(tx, product, ask.now_ms)
        if taken is not None:
            raise Problem("SkuTaken", extra={"sku": taken.sku})
        await ask.house.note_in(tx, ask, "AddProduct", body.sku)
        return _product(product)

    return await once(ask, answered.Product, make)


async def list_merchant_orders(ask: Ask) -> Struct:
    """The merchant's paid orders, newest first, contacts masked."""
    query, merchant = ask.query, merchant_of(ask)
    async with ask.house.books.read() as tx:
        page, following = await list_orders(
            tx, merchant, show=query.show, state=query.state, after=query.after
        )
    return answered.Orders(orders=[await booked_order(ask, one) for one in page], next=following)


async def list_studios(ask: Ask) -> Struct:
    """The merchant's studios, and which agents are paired with each."""
    async with ask.house.books.read() as tx:
        found = await schedule.studios_of(tx, merchant_of(ask))
        paired = await pairings_of(tx, merchant_of(ask))
    return answered.PairedStudios(
        studios=[
            answered.PairedStudio(
                id=one.id,
                name=one.name,
                pairings=[_pairing(pairing) for pairing in paired if pairing.studio == one.id],
            )
            for one in found
        ]
    )


async def make_studio_token(ask: Ask, _: Nothing) -> Struct:
    """A token with which the studio publishes."""
    house, merchant = ask.house, merchant_of(ask)
    relay = seat.choose(await house.relays.living(), "", ask.now_ms)
    async with house.books.begin() as tx:
        studio = await schedule.find_studio(tx, merchant, ask.path("studio"))
        if studio is None:
            raise Problem("UnknownStudio")
        if relay is None:
            raise Problem("NoRelay")
        await house.note_in(tx, ask, "MakeStudioToken", studio.id, generation=studio.generation)
    return answered.StudioToken(
        whip=seat.whip_url(relay, studio.id),
        token=house.signer.sign(seat.publish_claims(studio.id, studio.generation, ask.now_ms)),
        expires_at=ask.now_ms + seat.PUBLISH_SECONDS * 1000,
    )


def _own_show(ask: Ask, planned: schedule.Show) -> answered.Show:
    shown = show_of(planned, ask.house.feeds.at_hand(planned.id))
    shown.hold_seconds, shown.studio, shown.codec = planned.hold_seconds, planned.studio, planned.codec
    return shown


def _rundown(offers: list[schedule.PlannedOffer]) -> answered.Rundown:
    return answered.Rundown(
        offers=[
            answered.RundownOffer(
                offer=one.offer,
                title=dict(one.title),
                image=one.image,
                lines=[answered.RundownLine(sku=sku, units=units) for sku, units in one.lines],
                price=one.price,
                before=one.before,
                cap=one.cap,
                limit=one.limit,
                allot=dict(one.allot),
            )
            for one in offers
        ]
    )


def _planned(wish: OfferWish) -> schedule.PlannedOffer:
    return schedule.PlannedOffer(
        offer=wish.offer or "",
        title=wish.title.words(),
        image=wish.image,
        lines=tuple([(line.sku, line.units) for line in wish.lines]),
        price=wish.price,
        before=wish.before,
        cap=wish.cap,
        limit=wish.limit,
        allot=dict(wish.allot),
    )


def _wanted(offers: list[schedule.PlannedOffer]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for offer in offers:
        for sku, units in offer.allot.items():
            wanted[sku] = wanted.get(sku, 0) + units
    return wanted


def _product(one: catalogue.Product) -> answered.Product:
    return answered.Product(
        sku=one.sku,
        title=dict(one.title),
        image=one.image,
        price=one.price,
        currency=one.currency,
        stock=one.stock,
        hs_code=one.hs_code,
        origin=one.origin,
        net_quantity=one.net_quantity,
        net_unit=one.net_unit,
    )


def _pairing(one: Pairing) -> answered.Pairing:
    return answered.Pairing(id=one.id, agent=one.agent, paired_at=one.created_at, renewed_at=one.renewed_at)


def _fields(refusal: object) -> dict[str, str]:
    return {name: str(getattr(refusal, name)) for name in ("show", "sku") if hasattr(refusal, name)}


def _demand_zone(name: str) -> None:
    if ZONES and name not in ZONES:
        raise Problem("Malformed", f"`{name}` is no time zone of the IANA database")


def _demand_currency(code: str) -> None:
    if code not in CURRENCIES:
        raise Problem("Malformed", f"`{code}` is no currency of ISO 4217 that the shop knows")
