"""Running a show: every route is one command to the desk, for staff of the show's merchant.

Opening is several: each has a key made of what it is about (`allot/al-…`), so that opening again after
a crash in the middle finishes the work and does nothing twice. The trail learns from the log what was decided
(commerce/effects/acts.py), so nothing is written down here but the grant of stock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from commerce.api import answered
from commerce.api.ask import Ask
from commerce.api.asked import Arrange, Nothing, Pin, PutOnAir, Reprice, Withdraw
from commerce.api.orders import FOLD_SECONDS, logged_order
from commerce.api.problems import Problem
from commerce.books import persons, schedule
from commerce.books.stock import Allotment, NotEnoughStock
from commerce.live.inbox import Accepted
from commerce.show import commands
from commerce.show.commands import Command
from commerce.show.language import SkuLine

MOST_ORDERS: Final = 500


async def open_show(ask: Ask, _: Nothing) -> Struct:
    """Begin to sell: grant stock, open the log, allot, add the offers of the rundown."""
    house, planned = ask.house, await ask.house.staff_show(ask)
    if planned.state in ("closing", "closed"):
        raise Problem("ShowOver")
    async with house.books.begin() as tx:
        granted = await schedule.grant_for_opening(tx, planned.merchant, planned.id, ask.now_ms)
        if isinstance(granted, NotEnoughStock):
            raise not_enough(granted)
        if isinstance(granted, schedule.UnknownShow):
            raise Problem("UnknownShow")
        offers = await schedule.rundown_of(tx, planned.id)
        await house.note_in(tx, ask, "OpenShow", planned.id)
    opening = commands.OpenShow(
        dict(planned.title), planned.currency, planned.hold_seconds, planned.merchant, planned.standing,
        planned.codec,
    )  # fmt: skip
    version = (await _once(ask, planned.id, opening, f"open/{planned.id}", "AlreadyOpen")).version
    version = max(version, await allot(ask, planned.id, granted))
    version = max(version, await add_offers(ask, planned.id, offers))
    house.forget_plan(planned.id)
    return await _decided(ask, planned.id, version)


async def allot(ask: Ask, show: str, granted: Iterable[Allotment]) -> int:
    """Have granted stock arrive in the show; the log's version afterwards."""
    done = [
        await _once(ask, show, commands.AllotStock(one.id, one.sku, one.units), f"allot/{one.id}")
        for one in granted
    ]
    return max([one.version for one in done], default=0)


async def add_offers(ask: Ask, show: str, offers: Iterable[schedule.PlannedOffer]) -> int:
    """Put offers into the show in their order; those it has already stay as they are."""
    done = [  # one after the other: asked together they would reach the inbox in any order
        await _once(ask, show, adding(offer), f"offer/{offer.offer}", "OfferExists") for offer in offers
    ]
    return max([one.version for one in done], default=0)


def adding(offer: schedule.PlannedOffer) -> commands.AddOffer:
    """The command that puts a planned offer into the log."""
    return commands.AddOffer(
        offer=offer.offer,
        title=dict(offer.title),
        image=offer.image,
        lines=tuple([SkuLine(sku, units) for sku, units in offer.lines]),
        price=offer.price,
        before=offer.before,
        cap=offer.cap,
        limit=offer.limit,
    )


async def _once(ask: Ask, show: str, command: Command, key: str, done_code: str = "") -> Accepted:
    """Decide under a key of its own; the refusal `done_code` means that it was done before."""
    try:
        return await ask.house.decide(ask, show, command, key=key)
    except Problem as problem:
        if problem.code in (done_code, "KeyReused"):
            return Accepted(0, {})
        raise


async def close_show(ask: Ask, _: Nothing) -> Struct:
    """No new orders; the show is over when the last hold is resolved."""
    return await _command(ask, commands.CloseShow())


async def put_on_air(ask: Ask, body: PutOnAir) -> Struct:
    """Show a studio's picture."""
    planned = await ask.house.staff_show(ask)
    async with ask.house.books.read() as tx:
        studio = await schedule.find_studio(tx, planned.merchant, body.studio)
    if studio is None:
        raise Problem("UnknownStudio", extra={"studio": body.studio})
    return await _command(ask, commands.PutOnAir(body.studio))


async def take_off_air(ask: Ask, _: Nothing) -> Struct:
    """End the broadcast; the shop stays open."""
    return await _command(ask, commands.TakeOffAir())


async def pin_offer(ask: Ask, body: Pin) -> Struct:
    """Show an offer over the picture."""
    return await _command(ask, commands.PinOffer(body.offer, body.pts_90khz))


async def unpin_offer(ask: Ask, _: Nothing) -> Struct:
    """Take the offer from the picture."""
    return await _command(ask, commands.UnpinOffer())


async def reprice_offer(ask: Ask, body: Reprice) -> Struct:
    """Another price from now on; orders that were placed keep theirs."""
    return await _command(ask, commands.RepriceOffer(body.offer, body.price))


async def withdraw_offer(ask: Ask, body: Withdraw) -> Struct:
    """Sell it no more."""
    return await _command(ask, commands.WithdrawOffer(body.offer))


async def arrange_rundown(ask: Ask, body: Arrange) -> Struct:
    """Another order of the offers."""
    return await _command(ask, commands.ArrangeRundown(tuple(body.offers)))


async def list_show_orders(ask: Ask) -> Struct:
    """The newest orders of a show, contacts masked."""
    planned = await ask.house.staff_show(ask)
    feed = await ask.house.feeds.of(planned)
    newest = sorted(feed.state.orders.values(), key=lambda one: (one.placed_at, one.id), reverse=True)
    shown = []
    async with ask.house.books.read() as tx:
        for order in newest[:MOST_ORDERS]:
            found = await persons.masked_contact(tx, ask.house.books.keyring, order.contact)
            contact = answered.Contact(found.name, found.phone, found.address) if found else None
            shown.append(logged_order(feed, order, contact))
    return answered.Orders(orders=shown)


async def list_show_studios(ask: Ask) -> Struct:
    """The studios that may go on air in this show."""
    planned = await ask.house.staff_show(ask)
    async with ask.house.books.read() as tx:
        found = await schedule.studios_of(tx, planned.merchant)
    return answered.Studios(studios=[answered.Studio(id=one.id, name=one.name) for one in found])


async def _command(ask: Ask, command: Command) -> answered.Decided:
    planned = await ask.house.staff_show(ask)
    accepted = await ask.house.decide(ask, planned.id, command)
    return await _decided(ask, planned.id, accepted.version)


async def _decided(ask: Ask, show: str, version: int) -> answered.Decided:
    """The answer, once this process has folded it: who reads next reads what was decided."""
    feed = await ask.house.feed(show)
    await feed.reached(version, FOLD_SECONDS)
    return answered.Decided(version=version or feed.state.version)


def not_enough(refusal: NotEnoughStock) -> Problem:
    """A grant that the shelf cannot give."""
    extra = {"sku": refusal.sku, "wanted": refusal.wanted, "there": refusal.there}
    return Problem("NotEnoughStock", f"The shelf has {refusal.there} of {refusal.sku}", extra)
