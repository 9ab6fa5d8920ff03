"""No sequence of commands breaks the shop: hypothesis looks for one that does."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.desk.native import Place, place_nothing
from commerce.show import commands as c
from commerce.show import events as e
from commerce.show.evolve import fold
from commerce.show.freeze import freeze, thaw
from commerce.show.language import OrderLine, SkuLine
from commerce.show.state import fresh
from commerce.show.view import HOST, PUBLIC, Projection, own, patched, view
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import TITLE

ids = st.sampled_from(["a", "b", "c"])
offers = st.sampled_from(["one", "two", "mix"])
small = st.integers(1, 4)
prices = st.sampled_from([100, 200])


@st.composite
def orders(draw: st.DrawFn) -> c.PlaceOrder:
    lines = tuple(draw(st.lists(st.builds(OrderLine, offers, small, prices), min_size=1, max_size=3)))
    freight, tax, discount = (draw(st.sampled_from([0, 0, 10])) for _ in range(3))
    total = sum(line.quantity * line.price for line in lines) + freight + tax - discount
    name = draw(st.sampled_from([f"o{n}" for n in range(12)]))
    return c.PlaceOrder(
        name, draw(ids), "x", lines, freight, tax, discount, total + draw(st.sampled_from([0, 0, 0, 1]))
    )


def offer_added(offer: str) -> st.SearchStrategy[c.AddOffer]:
    lines = {"one": (SkuLine("s", 1),), "two": (SkuLine("s", 2),), "mix": (SkuLine("s", 1), SkuLine("t", 3))}[
        offer
    ]
    maybe = st.none() | st.integers(1, 5)
    return st.builds(
        c.AddOffer, st.just(offer), st.just(TITLE), st.none(), st.just(lines), prices, st.none(), maybe, maybe
    )


payments = st.builds(
    c.RecordPayment,
    st.sampled_from([f"o{n}" for n in range(12)]),
    st.sampled_from([f"p{n}" for n in range(6)]),
    st.just("bank"),
    st.sampled_from([100, 200, 300, 400, 600]),
    st.sampled_from(["CNY", "CNY", "CNY", "USD"]),
    st.sampled_from(["succeeded", "succeeded", "failed", "unknown"]),
)
commands = st.one_of(
    st.just(c.OpenShow(TITLE, "CNY", 60, "m")),
    st.builds(
        c.AllotStock, st.sampled_from(["g1", "g2", "g3"]), st.sampled_from(["s", "t"]), st.integers(1, 12)
    ),
    offers.flatmap(offer_added),
    st.builds(c.RepriceOffer, offers, prices),
    st.builds(c.WithdrawOffer, offers),
    st.builds(c.PinOffer, offers, st.none() | st.integers(0, 2**32 - 1)),
    st.just(c.UnpinOffer()),
    st.builds(c.PutOnAir, ids),
    st.just(c.TakeOffAir()),
    orders(),
    orders(),
    orders(),
    payments,
    payments,
    st.builds(c.CancelOrder, st.sampled_from([f"o{n}" for n in range(12)]), st.none() | ids),
    st.builds(c.ArrangeRundown, st.permutations(["one", "two", "mix"]).map(tuple)),
    st.just(c.CloseShow()),
)
steps = st.lists(
    st.tuples(commands, ids, st.sampled_from([None, "k1", "k2"]), st.sampled_from([0, 0, 1, 30, 61])),
    max_size=40,
)
PRELUDE: list[c.Command] = [
    c.OpenShow(TITLE, "CNY", 60, "m"),
    c.AllotStock("g0", "s", 6),
    c.AddOffer("one", TITLE, None, (SkuLine("s", 1),), 100, limit=3),
]


def played(script: list[tuple[c.Command, str, str | None, int]], place: Place = place_nothing) -> DeskInHand:
    desk = DeskInHand(place=place)
    for number, (command, actor, key, seconds) in enumerate(
        [*((p, "host", None, 0) for p in PRELUDE), *script]
    ):
        desk.ask(command, actor, key)
        desk.wait(seconds, outage_ms=7_000 if seconds == 30 and number % 2 else 0)
        sound(desk)
    return desk


def sound(desk: DeskInHand) -> None:
    """Counted from the orders alone, not from what the state adds up as it goes."""
    state = desk.state
    kept, taken, owned = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for order in state.orders.values():
        if order.state in ("awaiting_payment", "paid"):
            for line in order.lines:
                taken[line.offer] += line.quantity
                owned[order.buyer, line.offer] += line.quantity
                for sku, units in state.offers[line.offer].lines:
                    kept[sku] += units * line.quantity
    for sku, pool in state.pools.items():
        granted = sum(a.units - a.returned for a in state.allotments.values() if a.sku == sku)
        assert pool.allotted == granted
        assert pool.held + pool.sold == kept[sku] <= granted
        assert pool.held >= 0 <= pool.sold
    for name, offer in state.offers.items():
        assert offer.taken == taken[name] <= (offer.cap if offer.cap is not None else taken[name])
    for (_, name), quantity in owned.items():
        limit = state.offers[name].limit
        assert limit is None or quantity <= limit
    if state.stage == "closed":
        assert state.awaiting == 0
        assert all(pool.free == 0 for pool in state.pools.values())


@given(steps)
@settings(max_examples=150, deadline=None)
def test_no_sequence_of_commands_breaks_the_books_of_a_show(
    script: list[tuple[c.Command, str, str | None, int]],
) -> None:
    desk = played(script)
    events = [event for commit in desk.commits for event in commit.events]
    ends = Counter(event.payment for event in events if isinstance(event, e.OrderPaid | e.RefundDue))
    assert not ends or max(ends.values()) == 1
    wishes = Counter((event.actor, event.key) for event in events if isinstance(event, e.CommandAccepted))
    assert not wishes or max(wishes.values()) == 1


@given(steps, st.integers(0, 40))
@settings(max_examples=75, deadline=None)
def test_a_log_folds_to_what_the_desk_had_and_every_view_is_the_one_before_and_a_patch(
    script: list[tuple[c.Command, str, str | None, int]], cut: int
) -> None:
    desk = played(script)
    eyes = (PUBLIC, own("a"), HOST)
    state = fresh("show-1")
    for commit in desk.commits[:cut]:
        fold(state, commit)
    snapshot = json.dumps(freeze(state))
    state, shown = thaw(json.loads(snapshot)), thaw(json.loads(snapshot), remembers=False)
    projection = Projection(shown)
    before = [json.loads(json.dumps(view(shown, eye))) for eye in eyes]
    for commit in desk.commits[cut:]:
        fold(state, commit)
        fold(shown, commit)
        projection.commit_folded(commit.events)
    for eye, entities in zip(eyes, before, strict=True):
        patch = projection.since(min(cut, len(desk.commits)), eye)
        assert patch is not None
        assert json.loads(json.dumps(patched(entities, patch))) == json.loads(json.dumps(view(shown, eye)))
    assert freeze(state) == freeze(desk.state)


@given(commands)
def test_a_command_survives_the_wire(command: c.Command) -> None:
    name, body = c.to_wire(command)
    assert c.from_wire(name, json.loads(json.dumps(body))) == command


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)


@given(commands, st.data())
@settings(max_examples=300)
def test_a_misshapen_command_is_malformed_and_nothing_else(command: c.Command, data: st.DataObject) -> None:
    name, body = c.to_wire(command)
    field = data.draw(st.sampled_from([*body, "surprise"]))
    body[field] = data.draw(plain)
    with suppress(c.Malformed):
        assert c.to_wire(c.from_wire(name, body)) == (name, body)


@given(st.text() | st.sampled_from(["PlaceOrder", "CloseShow"]), plain)
def test_whatever_is_no_command_is_malformed(name: str, body: object) -> None:
    with suppress(c.Malformed):
        assert c.from_wire(name, body) == c.CloseShow()
