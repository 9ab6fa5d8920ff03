"""A show's state as plain values (for msgpack or JSON) and back: what a snapshot holds."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from commerce.show.language import USUAL_CODEC, Amounts, OrderLine, SkuLine
from commerce.show.state import Allotment, Offer, Order, Outcome, Pin, Pool, State

SCHEMA: Final = 1  # of the plain values; a snapshot of another schema is folded again from the log
_SCALARS: Final = (
    "show", "version", "at", "by", "inbox", "stage", "title", "currency", "hold_seconds", "merchant",
    "standing", "codec", "opened_at", "studio", "rundown", "payments", "awaiting", "paid", "revenue",
)  # fmt: skip
_new: Final = tuple.__new__  # of a named tuple: less than half of what calling it costs


def freeze(state: State) -> dict[str, Any]:
    """Plain values that `thaw` turns back into an equal state."""
    plain: dict[str, Any] = {name: getattr(state, name) for name in _SCALARS}
    plain["pin"] = None if state.pin is None else list(state.pin)
    plain["pools"] = {sku: [pool.allotted, pool.held, pool.sold] for sku, pool in state.pools.items()}
    plain["allotments"] = {name: [a.sku, a.units, a.returned] for name, a in state.allotments.items()}
    plain["offers"] = [_offer(offer) for offer in state.offers.values()]
    plain["orders"] = [_order(order) for order in state.orders.values()]
    plain["holds"] = [order for order in state.holds if state.orders[order].state == "awaiting_payment"]
    plain["outcomes"] = [[*who, *outcome] for who, outcome in state.outcomes.items()]
    plain["refusals"] = [
        [at, *who, *state.refusals[who]] for at, *names in state.refused_at if (who := _pair(names))
    ]
    return plain


def _pair(names: list[str]) -> tuple[str, str]:
    return names[0], names[1]


def _offer(offer: Offer) -> list[Any]:
    lines = [list(line) for line in offer.lines]
    return [
        offer.id,
        offer.title,
        offer.image,
        lines,
        offer.price,
        offer.before,
        offer.cap,
        offer.limit,
        offer.withdrawn,
        offer.taken,
    ]


def _order(order: Order) -> list[Any]:
    lines = [list(line) for line in order.lines]
    return [
        order.id,
        order.buyer,
        order.contact,
        lines,
        list(order.amounts),
        order.placed_at,
        order.held_until,
        order.state,
        order.version,
        order.payment,
    ]


def thaw(plain: dict[str, Any], *, remembers: bool = True) -> State:
    """The state that was frozen. Raises KeyError, TypeError or ValueError when it is none of this schema."""
    plain = {"codec": USUAL_CODEC, **plain}  # snapshots of before there was a choice are good
    state = State(**{name: plain[name] for name in _SCALARS}, remembers=remembers)
    state.pin = None if plain["pin"] is None else Pin(*plain["pin"])
    state.pools = {sku: Pool(*numbers) for sku, numbers in plain["pools"].items()}
    state.allotments = {name: Allotment(*values) for name, values in plain["allotments"].items()}
    for offer_id, title, image, lines, *rest in plain["offers"]:
        kept = tuple(SkuLine(*line) for line in lines)
        state.offers[offer_id] = Offer(offer_id, title, image, kept, *rest)
        for sku, _ in kept:
            state.offers_of.setdefault(sku, []).append(offer_id)
    for order_id, buyer, contact, lines, amounts, *rest in plain["orders"]:
        kept_lines = tuple(OrderLine(*line) for line in lines)
        order = Order(order_id, buyer, contact, kept_lines, Amounts(*amounts), *rest)
        state.orders[order_id] = order
        if not remembers:
            state.orders_of.setdefault(buyer, []).append(order_id)
        _count_limits(state, order)
    state.holds = deque(plain["holds"])
    if remembers:
        # By the hundred thousand, while a show waits for its desk: hence spelt out.
        for actor, key, fingerprint, version, accepted, body in plain["outcomes"]:
            state.outcomes[actor, key] = _new(Outcome, (fingerprint, version, accepted, body))
        for at, actor, key, fingerprint, version, accepted, body in plain["refusals"]:
            state.refused_at.append((at, actor, key))
            state.refusals[actor, key] = _new(Outcome, (fingerprint, version, accepted, body))
    return state


def _count_limits(state: State, order: Order) -> None:
    if order.state not in ("awaiting_payment", "paid"):
        return
    for offer_id, quantity, _ in order.lines:
        if state.offers[offer_id].limit is not None:
            owner = (order.buyer, offer_id)
            state.owned[owner] = state.owned.get(owner, 0) + quantity
