"""What a viewer asks for: shows, a seat, a cart, hearts. A cart is a wish and holds nothing."""

from __future__ import annotations

import secrets

from msgspec import Struct

from commerce.api import answered, seat
from commerce.api.ask import Ask
from commerce.api.asked import CartWish, Hearts, SeatWish
from commerce.api.feed import Feed
from commerce.api.problems import Problem
from commerce.books import schedule
from commerce.live.cart import CartLine
from commerce.show.state import Offer, State


def show_of(planned: schedule.Show, feed: Feed | None = None) -> answered.Show:
    """A show as anyone sees it; what its log says goes before what the books heard."""
    state = feed.state if feed is not None and feed.state.version else None
    return answered.Show(
        id=planned.id,
        title=dict(planned.title),
        state=state.stage if state else planned.state,  # type: ignore[arg-type]  # the books hold these four alone
        on_air=state.studio is not None if state else planned.on_air,
        starts_at=planned.starts_at,
        time_zone=planned.time_zone,
        currency=planned.currency,
        merchant=answered.Merchant(id=planned.merchant, name=dict(planned.merchant_name)),
    )


async def list_shows(ask: Ask) -> Struct:
    """Scheduled and open shows by their start."""
    async with ask.house.books.read() as tx:
        planned = await schedule.public_shows(tx)
    feeds = ask.house.feeds
    return answered.Shows(shows=[show_of(one, feeds.at_hand(one.id)) for one in planned])


async def read_show(ask: Ask) -> Struct:
    """One show."""
    planned = await ask.house.planned(ask.path("show"))
    return show_of(planned, await ask.house.feeds.of(planned))


async def take_seat(ask: Ask, body: SeatWish) -> Struct:
    """Which relay to watch at, and a token for it. Asked again whenever a relay is lost."""
    house, show = ask.house, ask.path("show")
    feed = await house.feed(show)
    if feed.state.studio is None and not feed.state.standing:
        raise Problem("NotOnAir")
    relays = house.relays
    relay = seat.choose(await relays.living(), show, ask.now_ms, body.avoid, relays.given)
    if relay is None:
        raise Problem("NoRelay")
    relays.gave(relay)
    token = house.signer.sign(seat.view_claims(ask.who.id, show, ask.now_ms))
    return answered.Seat(
        whep=seat.whep_url(relay, show),
        token=token,
        ice=house.turn.servers(secrets.token_hex(4), ask.now_ms // 1000),
        expires_at=ask.now_ms + seat.VIEW_SECONDS * 1000,
    )


async def read_cart(ask: Ask) -> Struct:
    """The buyer's cart at the prices of now; offers that are gone have left it."""
    feed = await ask.house.feed(ask.path("show"))
    lines = await ask.house.carts.read(ask.path("show"), ask.who.id)
    return _cart(feed.state, [line for line in lines if _buyable(feed.state, line.offer)])


async def put_cart(ask: Ask, body: CartWish) -> Struct:
    """Replace the cart. Refused where it asks for an offer that is not there or over the limit."""
    feed = await ask.house.feed(ask.path("show"))
    lines = [CartLine(line.offer, line.quantity) for line in body.lines]
    for line in lines:
        _demand(feed.state, ask.who.id, line, lines)
    await ask.house.carts.write(ask.path("show"), ask.who.id, lines)
    return _cart(feed.state, lines)


async def send_hearts(ask: Ask, body: Hearts) -> None:
    """Hearts of a viewer; counted, and told to all ten times a second at most."""
    feed = await ask.house.feed(ask.path("show"))
    if feed.state.stage == "closed":
        raise Problem("ShowNotOpen")
    ask.house.hearts.add(ask.path("show"), body.count)


def _buyable(state: State, offer: str) -> bool:
    return offer in state.offers and not state.offers[offer].withdrawn


def _demand(state: State, buyer: str, line: CartLine, lines: list[CartLine]) -> None:
    offer = state.offers.get(line.offer)
    if offer is None:
        raise Problem("UnknownOffer", extra={"offer": line.offer})
    if offer.withdrawn:
        raise Problem("OfferGone", extra={"offer": line.offer})
    wanted = sum(one.quantity for one in lines if one.offer == line.offer)
    _demand_within_limit(state, buyer, offer, wanted)


def _demand_within_limit(state: State, buyer: str, offer: Offer, wanted: int) -> None:
    owned = state.owned.get((buyer, offer.id), 0)
    if offer.limit is not None and owned + wanted > offer.limit:
        extra = {"offer": offer.id, "limit": offer.limit, "owned": owned}
        raise Problem("OverLimit", f"Each buyer may have {offer.limit}", extra=extra)


def _cart(state: State, lines: list[CartLine]) -> answered.Cart:
    shown = [
        answered.CartLine(offer=line.offer, quantity=line.quantity, price=state.offers[line.offer].price)
        for line in lines
    ]
    goods = sum(line.quantity * line.price for line in shown)
    return answered.Cart(lines=shown, amounts=goods_amounts(goods, state.currency))


def goods_amounts(goods: int, currency: str) -> answered.Amounts:
    """Amounts of goods alone: freight and tax are nothing until trade knows them."""
    return answered.Amounts(goods=goods, freight=0, tax=0, discount=0, total=goods, currency=currency)
