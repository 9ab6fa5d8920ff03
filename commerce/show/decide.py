"""What a show answers to a command: `decide(state, command, now) -> events | Refusal`; and to time alone.

Pure: `now` (Unix ms, Redis time) and all ids are arguments; the state is read, never changed. Every
rule about stock, caps, limits, prices and holds is here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from commerce.show import commands as c
from commerce.show import events as e
from commerce.show import refusals as r
from commerce.show.language import MAX_LINES, MAX_OFFERS, USUAL_CODEC, OrderLine
from commerce.show.state import Order, State

Decision = list[e.Event] | r.Refusal
_OVER: Final = ("closing", "closed")


def decide(state: State, command: c.Command, now: int) -> Decision:
    """The events that the command becomes at `now`, or why not. An empty list: it was so already."""
    return _RULES[type(command)](state, command, now)


def decide_time(state: State, now: int, most: int = 1_000) -> list[e.Event]:
    """What time alone brings by `now`: holds that ran out, at most `most` of them, and the end of a
    closing show whose last hold is gone."""
    lapsed: list[e.Event] = []
    for order_id in state.holds:
        order = state.orders[order_id]
        if order.state != "awaiting_payment":
            continue
        if order.held_until > now or len(lapsed) >= most:
            break
        lapsed.append(e.OrderLapsed(order_id))
    if state.stage == "closing" and state.awaiting == 0 and not lapsed:
        return _the_end(state, now)
    return lapsed


def decide_outage(state: State, ms: int) -> list[e.Event]:
    """What an outage of the shop of `ms` brings: buyers could not pay meanwhile, so holds grow."""
    return [e.HoldsExtended(ms)] if state.awaiting and ms > 0 else []


def next_moment(state: State) -> int | None:
    """When `decide_time` may next have something to say (Unix ms), or None."""
    if state.stage == "closing" and state.awaiting == 0:
        return state.at
    for order_id in state.holds:
        order = state.orders[order_id]
        if order.state == "awaiting_payment":
            return order.held_until
    return None


def _the_end(state: State, now: int) -> list[e.Event]:
    """Every free unit goes back to the allotment it came from, the youngest allotment first."""
    free = {sku: pool.free for sku, pool in state.pools.items()}
    events: list[e.Event] = []
    for name, allotment in reversed(state.allotments.items()):
        units = min(free[allotment.sku], allotment.units - allotment.returned)
        if units > 0:
            free[allotment.sku] -= units
            events.append(e.StockReturned(name, allotment.sku, units))
    events += [e.OfferUnpinned(state.pin.offer)] if state.pin else []
    events += [e.FeedTakenOffAir(state.studio)] if state.studio else []
    return [*events, e.ShowClosed(now)]


def _open_show(state: State, command: c.OpenShow, now: int) -> Decision:
    if state.stage != "scheduled":
        return r.AlreadyOpen()
    opened = e.ShowOpened(
        command.title, command.currency, command.hold_seconds, command.merchant, command.standing, now
    )
    return [opened] if command.codec == USUAL_CODEC else [opened, e.CodecChosen(command.codec)]


def _allot_stock(state: State, command: c.AllotStock, now: int) -> Decision:
    if command.allotment in state.allotments:
        return []
    if state.stage in _OVER:
        return r.ShowOver()
    return [e.StockAllotted(command.allotment, command.sku, command.units)]


def _add_offer(state: State, command: c.AddOffer, now: int) -> Decision:
    if state.stage in _OVER:
        return r.ShowOver()
    if command.offer in state.offers:
        return r.OfferExists(command.offer)
    if len(state.offers) >= MAX_OFFERS:
        return r.TooManyOffers(MAX_OFFERS)
    return [
        e.OfferAdded(
            command.offer,
            command.title,
            command.image,
            command.lines,
            command.price,
            command.before,
            command.cap,
            command.limit,
        )
    ]


def _reprice_offer(state: State, command: c.RepriceOffer, now: int) -> Decision:
    offer = state.offers.get(command.offer)
    if offer is None or offer.withdrawn:
        return r.UnknownOffer(command.offer)
    return [] if offer.price == command.price else [e.OfferRepriced(command.offer, command.price)]


def _withdraw_offer(state: State, command: c.WithdrawOffer, now: int) -> Decision:
    offer = state.offers.get(command.offer)
    if offer is None:
        return r.UnknownOffer(command.offer)
    if offer.withdrawn:
        return []
    on_screen = state.pin is not None and state.pin.offer == command.offer
    unpinned: list[e.Event] = [e.OfferUnpinned(command.offer)] if on_screen else []
    return [*unpinned, e.OfferWithdrawn(command.offer)]


def _arrange_rundown(state: State, command: c.ArrangeRundown, now: int) -> Decision:
    wanted, known = set(command.offers), set(state.rundown)
    if wanted != known or len(command.offers) != len(known):
        stranger = next((offer for offer in command.offers if offer not in known), None)
        missing = next((offer for offer in state.rundown if offer not in wanted), "")
        return r.UnknownOffer(stranger or missing or command.offers[0])
    return [] if list(command.offers) == state.rundown else [e.RundownArranged(command.offers)]


def _pin_offer(state: State, command: c.PinOffer, now: int) -> Decision:
    offer = state.offers.get(command.offer)
    if offer is None:
        return r.UnknownOffer(command.offer)
    if offer.withdrawn or state.stage == "closed":
        return r.OfferGone(command.offer)
    return [e.OfferPinned(command.offer, command.pts_90khz, now)]


def _unpin_offer(state: State, command: c.UnpinOffer, now: int) -> Decision:
    return [e.OfferUnpinned(state.pin.offer)] if state.pin else r.NothingPinned()


def _put_on_air(state: State, command: c.PutOnAir, now: int) -> Decision:
    if state.stage in _OVER:
        return r.ShowOver()
    return [] if state.studio == command.studio else [e.FeedPutOnAir(command.studio)]


def _take_off_air(state: State, command: c.TakeOffAir, now: int) -> Decision:
    if state.stage == "closed":
        return r.ShowOver()
    return [e.FeedTakenOffAir(state.studio)] if state.studio else []


def _place_order(state: State, command: c.PlaceOrder, now: int) -> Decision:
    order, buyer, contact, lines, freight, tax, discount, claimed = command
    if state.stage != "opened":
        return r.ShowNotOpen(state.stage)
    if len(lines) > MAX_LINES:
        return r.TooManyLines(MAX_LINES)
    if order in state.orders:
        return r.OrderExists(order)
    goods = 0
    for offer_id, quantity, price in lines:
        offer = state.offers.get(offer_id)
        if offer is None:
            return r.UnknownOffer(offer_id)
        if offer.withdrawn:
            return r.OfferGone(offer_id)
        if offer.price != price:
            return r.PriceChanged(offer_id, offer.price)
        goods += quantity * price
    refusal = _short(state, buyer, lines)
    if refusal is not None:
        return refusal
    total = goods + freight + tax - discount
    if total != claimed or total < 0:
        return r.WrongTotal(max(total, 0))
    until = now + state.hold_seconds * 1_000
    placed = e.OrderPlaced(order, buyer, contact, lines, goods, freight, tax, discount, total, now, until)
    return [placed]


def _short(state: State, buyer: str, lines: tuple[OrderLine, ...]) -> r.Refusal | None:
    """Why these lines cannot be held for the buyer now (limit, cap or stock), or None."""
    need: dict[str, int] = {}
    if len(lines) == 1:
        return _short_of(state, buyer, lines[0][0], lines[0][1], need)
    pieces: dict[str, int] = {}
    for offer_id, quantity, _ in lines:
        pieces[offer_id] = pieces.get(offer_id, 0) + quantity
    for offer_id, quantity in pieces.items():
        refusal = _short_of(state, buyer, offer_id, quantity, need)
        if refusal is not None:
            return refusal
    return None


def _short_of(
    state: State, buyer: str, offer_id: str, quantity: int, need: dict[str, int]
) -> r.Refusal | None:
    """`_short` of one offer; `need` counts the units of each SKU that all lines together want."""
    offer = state.offers[offer_id]
    if offer.limit is not None:
        owned = state.owned.get((buyer, offer_id), 0)
        if owned + quantity > offer.limit:
            return r.OverLimit(offer_id, offer.limit, owned)
    if offer.cap is not None and offer.taken + quantity > offer.cap:
        return r.SoldOut(offer_id, state.available(offer))
    for sku, units in offer.lines:
        wanted = need[sku] = need.get(sku, 0) + units * quantity
        pool = state.pools[sku]
        if wanted > pool.allotted - pool.held - pool.sold:
            return r.SoldOut(offer_id, state.available(offer))
    return None


def _cancel_order(state: State, command: c.CancelOrder, now: int) -> Decision:
    order = state.orders.get(command.order)
    if order is None:
        return r.UnknownOrder(command.order)
    if command.buyer is not None and command.buyer != order.buyer:
        return r.NotYours(command.order)
    if order.state == "paid":
        return r.OrderIsPaid(command.order)
    if order.state != "awaiting_payment":
        return r.OrderOver(command.order, order.state)
    return [e.OrderCancelled(command.order)]


def _record_payment(state: State, command: c.RecordPayment, now: int) -> Decision:
    order = state.orders.get(command.order)
    if order is None:
        return r.UnknownOrder(command.order)
    known = state.payments.get(command.payment)
    if known in (command.outcome, "succeeded"):
        return []  # said before, or said less surely: success is the last word of a firm
    if command.outcome == "failed":
        return [e.PaymentFailed(command.order, command.payment, command.provider)]
    if command.outcome == "unknown":
        late = known is not None or order.state == "paid"
        return [] if late else [e.PaymentUnknown(command.order, command.payment, command.provider)]
    if command.amount != order.amounts.total or command.currency != state.currency:
        return r.AmountDiffers(command.order, order.amounts.total, state.currency)
    return _money_came(state, order, command, now)


def _money_came(state: State, order: Order, command: c.RecordPayment, now: int) -> Decision:
    paid = e.OrderPaid(order.id, command.payment, command.provider, command.amount, now)
    if order.state == "awaiting_payment":
        return [paid]
    if order.state == "lapsed":
        if state.stage == "closed":
            reason = "closed"
        elif _short(state, order.buyer, order.lines) is None:
            return [e.OrderReheld(order.id), paid]
        else:
            reason = "lapsed"
    else:
        reason = "cancelled" if order.state == "cancelled" else "paid_twice"
    return [e.RefundDue(order.id, command.payment, command.provider, command.amount, reason)]


def _close_show(state: State, command: c.CloseShow, now: int) -> Decision:
    if state.stage in _OVER:
        return []
    return [e.ShowClosing(now)] if state.stage == "opened" else r.ShowNotOpen(state.stage)


_RULES: Final[dict[type[Any], Callable[[State, Any, int], Decision]]] = {
    c.OpenShow: _open_show,
    c.AllotStock: _allot_stock,
    c.AddOffer: _add_offer,
    c.RepriceOffer: _reprice_offer,
    c.WithdrawOffer: _withdraw_offer,
    c.ArrangeRundown: _arrange_rundown,
    c.PinOffer: _pin_offer,
    c.UnpinOffer: _unpin_offer,
    c.PutOnAir: _put_on_air,
    c.TakeOffAir: _take_off_air,
    c.PlaceOrder: _place_order,
    c.CancelOrder: _cancel_order,
    c.RecordPayment: _record_payment,
    c.CloseShow: _close_show,
}
