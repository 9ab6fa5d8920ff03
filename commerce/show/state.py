"""What a show is at one version of its log: plain tables, changed by `evolve` alone.

The tables are mutable and `evolve` changes them in place, because copying a show of 10^5 orders for
every order would be the cost of the whole shop (DECISIONS.md). Who needs the past folds the log again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from commerce.show.language import (
    USUAL_CODEC,
    Amounts,
    Codec,
    OrderLine,
    OrderState,
    ShowStage,
    SkuLine,
    Title,
)


@dataclass(slots=True)
class Pool:
    """What the show has of one SKU. Always 0 <= held, 0 <= sold and held + sold <= allotted."""

    allotted: int = 0
    held: int = 0
    sold: int = 0

    @property
    def free(self) -> int:
        return self.allotted - self.held - self.sold


@dataclass(slots=True)
class Allotment:
    sku: str
    units: int
    returned: int = 0


@dataclass(slots=True)
class Offer:
    """Lines on pools at a price. `taken` counts pieces held and sold, for the cap."""

    id: str
    title: Title
    image: str | None
    lines: tuple[SkuLine, ...]
    price: int
    before: int | None
    cap: int | None
    limit: int | None
    withdrawn: bool = False
    taken: int = 0


@dataclass(slots=True)
class Order:
    id: str
    buyer: str
    contact: str
    lines: tuple[OrderLine, ...]
    amounts: Amounts
    placed_at: int
    held_until: int
    state: OrderState = "awaiting_payment"
    version: int = 0  # of the log, when it last changed
    payment: str | None = None  # that paid it


class Pin(NamedTuple):
    offer: str
    pts_90khz: int | None
    pinned_at: int


class Outcome(NamedTuple):
    """What was answered to a command: its version, and either a result or a refusal on the wire."""

    fingerprint: str
    version: int
    accepted: bool
    body: dict[str, Any]


@dataclass(slots=True)
class State:
    """One show. `version` is the last commit folded in, `at` its Redis time, `inbox` its position."""

    show: str
    # Who answers commands remembers what was answered; who shows the show knows whose each order is.
    # Nobody does both, and either costs the other memory and time.
    remembers: bool = True
    version: int = 0
    at: int = 0
    by: str = ""
    inbox: str = "0-0"
    stage: ShowStage = "scheduled"
    title: Title = field(default_factory=dict)
    currency: str = ""
    hold_seconds: int = 0
    merchant: str = ""
    standing: bool = False
    codec: Codec = USUAL_CODEC  # of its picture
    opened_at: int | None = None
    studio: str | None = None  # the feed on air
    pin: Pin | None = None
    rundown: list[str] = field(default_factory=list)
    pools: dict[str, Pool] = field(default_factory=dict)
    allotments: dict[str, Allotment] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    offers_of: dict[str, list[str]] = field(default_factory=dict)  # SKU -> offers that draw on it
    orders: dict[str, Order] = field(default_factory=dict)
    orders_of: dict[str, list[str]] = field(default_factory=dict)  # buyer -> orders; unless it remembers
    owned: dict[tuple[str, str], int] = field(default_factory=dict)  # (buyer, offer with a limit) -> pieces
    payments: dict[str, str] = field(default_factory=dict)  # payment -> last outcome recorded
    # Orders in the order of `held_until` (a show has one hold time): those that wait, and some that
    # no longer do and are skipped when they come up.
    holds: deque[str] = field(default_factory=deque)
    awaiting: int = 0
    paid: int = 0
    revenue: int = 0
    outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)  # (actor, key) of the accepted
    refusals: dict[tuple[str, str], Outcome] = field(default_factory=dict)  # those of the last minute
    refused_at: deque[tuple[int, str, str]] = field(default_factory=deque)  # (at, actor, key), oldest first

    def available(self, offer: Offer) -> int:
        """How many pieces of the offer can still be bought: the least over its pools and its cap."""
        least = min([self.pools[sku].free // units if sku in self.pools else 0 for sku, units in offer.lines])
        if offer.cap is not None:
            least = min(least, offer.cap - offer.taken)
        return max(least, 0)

    def recall(self, actor: str, key: str) -> Outcome | None:
        """What was answered to this actor's key, if it is still remembered."""
        known = self.outcomes.get((actor, key))
        return known if known is not None else self.refusals.get((actor, key))

    def orders_by(self, buyer: str) -> Sequence[str]:
        """The names of the buyer's orders. Raises ValueError for a state that remembers."""
        if self.remembers:
            raise ValueError("a state that remembers outcomes does not know whose orders are whose")
        return self.orders_of.get(buyer, ())


def fresh(show: str, *, remembers: bool = True) -> State:
    """A show before its first commit."""
    return State(show=show, remembers=remembers)
