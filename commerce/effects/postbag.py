"""Which events of a show's log buyers are told of by mail; a table of events, one mail each. Pure.

The key of a mail is that of the effect: show/version/index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from commerce.books.mails import Mail
from commerce.show import events as e
from commerce.show.commit import Commit
from commerce.show.state import Order, State


def mails_of(state: State, commits: Iterable[Commit]) -> list[Mail]:
    """The mails that these commits ask for; `state` is folded at least as far."""
    wanted = []
    for commit in commits:
        for index, event in enumerate(commit.events):
            if not isinstance(event, TOLD):
                continue
            kind, tell = KINDS[type(event)]
            order = state.orders.get(event.order)
            if order is not None:
                key = f"{state.show}/{commit.version}/{index}"
                wanted.append(Mail(key, kind, order.id, order.contact, tell(state, order, event), commit.at))
    return wanted


def _goods(state: State, order: Order, _: Any) -> dict[str, Any]:
    lines = [
        {"title": dict(state.offers[offer].title), "quantity": quantity, "price": price}
        for offer, quantity, price in order.lines
    ]
    return {"lines": lines, "total": order.amounts.total, "currency": state.currency}


def _placed(state: State, order: Order, event: e.OrderPlaced) -> dict[str, Any]:
    return {**_goods(state, order, event), "held_until": event.held_until}


def _money_back(state: State, order: Order, event: e.RefundDue) -> dict[str, Any]:
    return {"amount": event.amount, "currency": state.currency}


def _nothing(state: State, order: Order, event: object) -> dict[str, Any]:
    return {}


TOLD: Final = (e.OrderPlaced, e.OrderPaid, e.OrderLapsed, e.RefundDue)
KINDS: Final[dict[type[Any], tuple[str, Callable[[State, Order, Any], dict[str, Any]]]]] = {
    e.OrderPlaced: ("placed", _placed),
    e.OrderPaid: ("paid", _goods),
    e.OrderLapsed: ("lapsed", _nothing),
    e.RefundDue: ("refund_due", _money_back),
}
