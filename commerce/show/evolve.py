"""How each event changes a show: `evolve(state, event) -> state`, and `fold` for whole commits.

Changes the state in place and hands it back. Never refuses: what is in the log has happened. A
broken invariant is a broken log, and says so (BrokenLog).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from commerce.show import events as e
from commerce.show.commit import Commit
from commerce.show.language import Amounts, OrderState
from commerce.show.state import Allotment, Offer, Order, Outcome, Pin, Pool, State

REFUSALS_KEPT_MS: Final = 60_000
REFUSALS_KEPT_MOST: Final = 500_000  # five seconds (the deadline of a command) of 10^5 refusals a second
# Said, but not remembered: a wish that came too late may be asked again under its key, and a key that
# was used for another wish still answers the first one.
FORGOTTEN: Final = frozenset({"TooLate", "Undecided", "KeyReused"})
_new: Final = tuple.__new__  # of a named tuple: less than half of what calling it costs


class BrokenLog(ValueError):
    """The log says something that cannot be: a gap, an alien commit, an order out of nothing."""


def evolve(state: State, event: e.Event) -> State:
    """The state after the event. `state.version` and `state.at` are already the commit's."""
    _RULES[type(event)](state, event)
    return state


def begin(state: State, version: int, at: int) -> State:
    """Step to a new version and time, and forget the refusals that are old by then."""
    if version != state.version + 1:
        raise BrokenLog(f"version {version} after {state.version}")
    state.version = version
    state.at = max(at, state.at)
    old, queue = state.at - REFUSALS_KEPT_MS, state.refused_at
    while queue and (queue[0][0] < old or len(queue) > REFUSALS_KEPT_MOST):
        _, actor, key = queue.popleft()
        state.refusals.pop((actor, key), None)
    return state


def fold(state: State, commit: Commit) -> State:
    """The state after a whole commit. Raises BrokenLog on a gap, or when `prev_by` is not the writer of
    the commit before: a stale desk slipped in, and whoever reads on would believe it."""
    if commit.prev_by != state.by:
        raise BrokenLog(
            f"commit {commit.version} follows {commit.prev_by!r}, but {state.by!r} wrote before it"
        )
    begin(state, commit.version, commit.at)
    state.by, state.inbox = commit.by, commit.inbox
    for event in commit.events:
        _RULES[type(event)](state, event)
    return state


def _show_opened(state: State, event: e.ShowOpened) -> None:
    state.stage = "opened"
    state.title, state.currency = event.title, event.currency
    state.hold_seconds, state.merchant = event.hold_seconds, event.merchant
    state.standing, state.opened_at = event.standing, event.opened_at


def _codec_chosen(state: State, event: e.CodecChosen) -> None:
    state.codec = event.codec


def _stock_allotted(state: State, event: e.StockAllotted) -> None:
    state.allotments[event.allotment] = Allotment(event.sku, event.units)
    state.pools.setdefault(event.sku, Pool()).allotted += event.units


def _offer_added(state: State, event: e.OfferAdded) -> None:
    state.offers[event.offer] = Offer(
        event.offer, event.title, event.image, event.lines, event.price, event.before, event.cap, event.limit
    )
    state.rundown.append(event.offer)
    for sku, _ in event.lines:
        state.pools.setdefault(sku, Pool())
        state.offers_of.setdefault(sku, []).append(event.offer)


def _offer_repriced(state: State, event: e.OfferRepriced) -> None:
    state.offers[event.offer].price = event.price


def _offer_withdrawn(state: State, event: e.OfferWithdrawn) -> None:
    state.offers[event.offer].withdrawn = True
    state.rundown.remove(event.offer)


def _rundown_arranged(state: State, event: e.RundownArranged) -> None:
    state.rundown = list(event.offers)


def _offer_pinned(state: State, event: e.OfferPinned) -> None:
    state.pin = Pin(event.offer, event.pts_90khz, event.pinned_at)


def _offer_unpinned(state: State, event: e.OfferUnpinned) -> None:
    state.pin = None


def _feed_put_on_air(state: State, event: e.FeedPutOnAir) -> None:
    state.studio = event.studio


def _feed_taken_off_air(state: State, event: e.FeedTakenOffAir) -> None:
    state.studio = None


def _order_placed(state: State, event: e.OrderPlaced) -> None:
    name, buyer, lines = event.order, event.buyer, event.lines
    amounts = _new(Amounts, (event.goods, event.freight, event.tax, event.discount, event.total))
    times = event.placed_at, event.held_until
    order = Order(name, buyer, event.contact, lines, amounts, *times, "awaiting_payment", state.version)
    state.orders[name] = order
    if not state.remembers:
        state.orders_of.setdefault(buyer, []).append(name)
    state.holds.append(name)
    state.awaiting += 1
    _take(state, order, 1)


def _take(state: State, order: Order, sign: int) -> None:
    """Hold the order's stock (sign 1) or let it go (-1), with caps and limits."""
    pools, offers = state.pools, state.offers
    for offer_id, quantity, _ in order.lines:
        offer = offers[offer_id]
        pieces = sign * quantity
        offer.taken += pieces
        for sku, units in offer.lines:
            pool = pools[sku]
            pool.held = held = pool.held + pieces * units
            if held < 0 or held + pool.sold > pool.allotted:
                raise BrokenLog(f"pool {sku} cannot be {pool} at version {state.version}")
        if offer.limit is not None:
            owner = (order.buyer, offer_id)
            owned = state.owned.get(owner, 0) + pieces
            if owned:
                state.owned[owner] = owned
            else:
                del state.owned[owner]


def _end_hold(state: State, order_id: str, how: OrderState) -> None:
    order = state.orders[order_id]
    if order.state != "awaiting_payment":
        raise BrokenLog(f"order {order_id} is {order.state}, not awaiting payment")
    order.state = how
    order.version = state.version
    state.awaiting -= 1
    _take(state, order, -1)
    _prune(state)


def _prune(state: State) -> None:
    """Drop the head of the queue of holds as far as it no longer waits; each order once in its life."""
    holds, orders = state.holds, state.orders
    while holds and orders[holds[0]].state != "awaiting_payment":
        holds.popleft()


def _order_cancelled(state: State, event: e.OrderCancelled) -> None:
    _end_hold(state, event.order, "cancelled")


def _order_lapsed(state: State, event: e.OrderLapsed) -> None:
    _end_hold(state, event.order, "lapsed")


def _order_reheld(state: State, event: e.OrderReheld) -> None:
    # OrderPaid follows in the same commit, so a re-held order is never in the queue of holds.
    order = state.orders[event.order]
    order.state, order.version = "awaiting_payment", state.version
    state.awaiting += 1
    _take(state, order, 1)


def _order_paid(state: State, event: e.OrderPaid) -> None:
    order = state.orders[event.order]
    if order.state != "awaiting_payment":
        raise BrokenLog(f"order {order.id} is {order.state}, not awaiting payment")
    order.state, order.version, order.payment = "paid", state.version, event.payment
    state.payments[event.payment] = "succeeded"
    state.awaiting -= 1
    state.paid += 1
    state.revenue += event.amount
    for offer_id, quantity, _ in order.lines:
        for sku, units in state.offers[offer_id].lines:
            pool = state.pools[sku]
            pool.held -= quantity * units
            pool.sold += quantity * units
    _prune(state)


def _payment_failed(state: State, event: e.PaymentFailed) -> None:
    state.payments[event.payment] = "failed"


def _payment_unknown(state: State, event: e.PaymentUnknown) -> None:
    state.payments[event.payment] = "unknown"


def _refund_due(state: State, event: e.RefundDue) -> None:
    state.payments[event.payment] = "succeeded"


def _holds_extended(state: State, event: e.HoldsExtended) -> None:
    waiting = [order for order in state.holds if state.orders[order].state == "awaiting_payment"]
    for order_id in waiting:
        order = state.orders[order_id]
        order.held_until += event.ms
        order.version = state.version
    state.holds = deque(waiting)


def _show_closing(state: State, event: e.ShowClosing) -> None:
    state.stage = "closing"


def _stock_returned(state: State, event: e.StockReturned) -> None:
    allotment, pool = state.allotments[event.allotment], state.pools[event.sku]
    allotment.returned += event.units
    pool.allotted -= event.units
    if pool.free < 0 or allotment.returned > allotment.units:
        raise BrokenLog(f"allotment {event.allotment} returned more than was free")


def _show_closed(state: State, event: e.ShowClosed) -> None:
    state.stage = "closed"


def _command_accepted(state: State, event: e.CommandAccepted) -> None:
    if state.remembers:
        known = _new(Outcome, (event.fingerprint, state.version, True, event.result))
        state.outcomes[event.actor, event.key] = known


def _command_refused(state: State, event: e.CommandRefused) -> None:
    if state.remembers and event.refusal["code"] not in FORGOTTEN:
        actor, key = who = event.actor, event.key
        if who not in state.refusals:
            state.refused_at.append((state.at, actor, key))
        state.refusals[who] = _new(Outcome, (event.fingerprint, state.version, False, event.refusal))


_RULES: Final[dict[type[Any], Callable[[State, Any], None]]] = {
    e.ShowOpened: _show_opened,
    e.CodecChosen: _codec_chosen,
    e.StockAllotted: _stock_allotted,
    e.OfferAdded: _offer_added,
    e.OfferRepriced: _offer_repriced,
    e.OfferWithdrawn: _offer_withdrawn,
    e.RundownArranged: _rundown_arranged,
    e.OfferPinned: _offer_pinned,
    e.OfferUnpinned: _offer_unpinned,
    e.FeedPutOnAir: _feed_put_on_air,
    e.FeedTakenOffAir: _feed_taken_off_air,
    e.OrderPlaced: _order_placed,
    e.OrderCancelled: _order_cancelled,
    e.OrderLapsed: _order_lapsed,
    e.OrderReheld: _order_reheld,
    e.OrderPaid: _order_paid,
    e.PaymentFailed: _payment_failed,
    e.PaymentUnknown: _payment_unknown,
    e.RefundDue: _refund_due,
    e.HoldsExtended: _holds_extended,
    e.ShowClosing: _show_closing,
    e.StockReturned: _stock_returned,
    e.ShowClosed: _show_closed,
    e.CommandAccepted: _command_accepted,
    e.CommandRefused: _command_refused,
}
