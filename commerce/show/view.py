"""What people see of a show: a flat map of entities, and which of them each event changes.

Law: `view(M) + patch = view(N)`, where the patch holds the absolute values at N of every entity
touched in (M, N]. Three eyes: anyone (PUBLIC), one buyer (`own(buyer)`), the host (HOST). The map has
no `audience`, `hearts` or `server_time`: those are not in the log, and the front adds them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from commerce.show import events as e
from commerce.show.state import Order, State

Entities = dict[str, Any]


class Eye(NamedTuple):
    """Who looks: `buyer` sees the own orders besides what all see, `host` sees everything."""

    buyer: str | None = None
    host: bool = False


PUBLIC: Final = Eye()
HOST: Final = Eye(host=True)


def own(buyer: str) -> Eye:
    return Eye(buyer=buyer)


def view(state: State, eye: Eye) -> Entities:
    """Everything that this eye sees now: entity key -> value (docs/http-api.md). A buyer sees nothing of a
    state that remembers (ValueError)."""
    keys = ["show", "rundown", "pin", *(f"offer:{offer}" for offer in state.offers)]
    if eye.host:
        keys += [
            "tally",
            *(f"pool:{sku}" for sku in state.pools),
            *(f"order:{order}" for order in state.orders),
        ]
    elif eye.buyer is not None:
        keys += [f"order:{order}" for order in state.orders_by(eye.buyer)]
    return {key: value for key in keys if (value := entity(state, key)) is not None}


def patched(entities: Entities, patch: Entities) -> Entities:
    """The reducer of every reader: absolute values replace, None takes away."""
    return {key: value for key, value in (entities | patch).items() if value is not None}


def sees(state: State, eye: Eye, key: str) -> bool:
    """Whether this eye may see the entity."""
    kind, _, name = key.partition(":")
    if eye.host or kind in ("show", "rundown", "pin", "offer"):
        return True
    return kind == "order" and eye.buyer is not None and state.orders[name].buyer == eye.buyer


def entity(state: State, key: str) -> Any:
    """The value of one entity now. Raises KeyError when the show has none of that name."""
    kind, _, name = key.partition(":")
    if kind == "offer":
        return _offer(state, name)
    if kind == "order":
        return order_entity(state.orders[name])
    if kind == "pool":
        pool = state.pools[name]
        return {
            "sku": name,
            "allotted": pool.allotted,
            "held": pool.held,
            "sold": pool.sold,
            "free": pool.free,
        }
    if kind == "pin":
        return None if state.pin is None else state.pin._asdict()
    if kind == "rundown":
        return list(state.rundown)
    if kind == "tally":
        return {
            "orders": len(state.orders),
            "paid": state.paid,
            "revenue": state.revenue,
            "awaiting": state.awaiting,
        }
    if kind != "show":
        raise KeyError(key)
    return {
        "id": state.show,
        "title": state.title,
        "state": state.stage,
        "on_air": state.studio is not None,
        "currency": state.currency,
        "hold_seconds": state.hold_seconds,
        "merchant": state.merchant,
    }


def _offer(state: State, name: str) -> Entities:
    offer = state.offers[name]
    available = state.available(offer)
    return {
        "id": offer.id,
        "title": offer.title,
        "image": offer.image,
        "lines": [line._asdict() for line in offer.lines],
        "price": offer.price,
        "before": offer.before,
        "limit": offer.limit,
        "available": available,
        "sold_out": available == 0,
        "withdrawn": offer.withdrawn,
    }


def order_entity(order: Order) -> Entities:
    """An order as its buyer and the host see it."""
    return {
        "id": order.id,
        "state": order.state,
        "lines": [line._asdict() for line in order.lines],
        "amounts": order.amounts._asdict(),
        "held_until": order.held_until,
        "placed_at": order.placed_at,
    }


# -- patches ---------------------------------------------------------------------------------------

_FIXED: Final[dict[type[Any], tuple[str, ...]]] = {
    e.ShowOpened: ("show",),
    e.CodecChosen: (),
    e.ShowClosing: ("show",),
    e.ShowClosed: ("show",),
    e.FeedPutOnAir: ("show",),
    e.FeedTakenOffAir: ("show",),
    e.OfferPinned: ("pin",),
    e.OfferUnpinned: ("pin",),
    e.RundownArranged: ("rundown",),
}


def touched(state: State, event: e.Event) -> set[str]:
    """The entities that the event changed; `state` is the one after it."""
    fixed = _FIXED.get(type(event))
    if fixed is not None:
        return set(fixed)
    if isinstance(event, e.OfferAdded):
        return {f"offer:{event.offer}", "rundown", *(f"pool:{sku}" for sku, _ in event.lines)}
    if isinstance(event, e.OfferRepriced | e.OfferWithdrawn):
        return {f"offer:{event.offer}", "rundown"}
    if isinstance(event, e.StockAllotted | e.StockReturned):
        return _stock(state, (event.sku,))
    if isinstance(event, e.HoldsExtended):
        return {f"order:{order}" for order in state.holds}
    if isinstance(event, e.OrderPlaced | e.OrderPaid | e.OrderCancelled | e.OrderLapsed | e.OrderReheld):
        keys = {f"order:{event.order}", "tally"}
        for line in state.orders[event.order].lines:
            keys.add(f"offer:{line[0]}")
            for sku, _ in state.offers[line[0]].lines:
                keys.add(f"pool:{sku}")
                keys.update([f"offer:{offer}" for offer in state.offers_of.get(sku, ())])
        return keys
    return set()  # outcomes of commands, and payments that changed no order


def _stock(state: State, skus: Iterable[str]) -> set[str]:
    keys = set()
    for sku in skus:
        keys.add(f"pool:{sku}")
        keys.update(f"offer:{offer}" for offer in state.offers_of.get(sku, ()))
    return keys


@dataclass(slots=True)
class Projection:
    """A folded show that knows when each entity last changed, so that a reader may resume.

    `commit_folded` after each commit that was folded into `state`; `since` makes a patch.
    """

    state: State
    born: int = field(init=False)  # the version this projection began with: nothing older is known
    changed: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.born = self.state.version

    def commit_folded(self, events: Iterable[e.Event]) -> set[str]:
        """Note what the commit just folded has changed, and say which entities those are."""
        keys: set[str] = set()
        for event in events:
            keys |= touched(self.state, event)
        for key in keys:
            self.changed[key] = self.state.version
        return keys

    def since(self, version: int, eye: Eye) -> Entities | None:
        """The patch from `version` to now for this eye, or None: too old, send a snapshot."""
        if version < self.born or version > self.state.version:
            return None
        return self.patch((key for key, when in self.changed.items() if when > version), eye)

    def patch(self, keys: Iterable[str], eye: Eye) -> Entities:
        """Values now of those of the entities that this eye sees."""
        return {key: entity(self.state, key) for key in keys if sees(self.state, eye, key)}
