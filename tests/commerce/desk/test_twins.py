"""The fast twins of a desk's loops do what the readable ones do, to the byte; or leave it to them."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.desk import native
from commerce.desk.propose import propose
from commerce.live import log
from commerce.live.envelope import Ask, Letter, Reply
from commerce.show import commands as c
from commerce.show import events as e
from commerce.show.evolve import fold
from commerce.show.freeze import freeze
from commerce.show.language import OrderLine
from commerce.show.state import State, fresh
from tests.commerce.desk_in_hand import MIDNIGHT_MS, DeskInHand
from tests.commerce.shop import opening, order
from tests.commerce.show.test_any_commands import played, steps

pytestmark = pytest.mark.skipif(
    find_spec("commerce.desk._native") is None, reason="no compiler here: Python serves"
)
FRONT = "f"
LETTER, BEYOND_CACHES = 300, 6_000  # a letter of more than the 256 that are read beforehand


def test_the_twin_was_built_and_is_used() -> None:
    assert native.place is not native.place_nothing
    assert native.near is not native.nothing_near
    assert native.pack is not log.pack_all
    assert quick(order("o1")) is not None


def desk(place: native.Place = native.place_nothing, **offer: Any) -> DeskInHand:
    found = DeskInHand(place=place)
    for command in opening(10, **offer):
        found.ask(command, "host")
    return found


def quick(command: c.PlaceOrder, **offer: Any) -> Reply | None:
    ask: Ask[Any] = Ask(1, "ann", "k", "f", MIDNIGHT_MS, "", "PlaceOrder", command)
    return native.place(desk(**offer).state, ask, MIDNIGHT_MS, [])


@given(steps)
@settings(max_examples=150, deadline=None)
def test_whatever_is_asked_both_decide_alike(script: list[tuple[c.Command, str, str | None, int]]) -> None:
    readable, fast = played(script), played(script, native.place)
    assert fast.commits == readable.commits
    assert freeze(fast.state) == freeze(readable.state)
    assert list(fast.state.holds) == list(readable.state.holds)
    for commit in fast.commits:
        assert native.pack(commit.events) == log.pack_all(commit.events)


numbers = st.sampled_from([-1, 0, 1, 2, 10**9, 10**9 + 1, 10**15, 10**15 + 1, 2**63 - 1, 2**63, 2**64 - 1])
names = st.sampled_from(["single", "o1", "x" * 64, "x" * 65, "", "a b", "é", "a\n", "\x7f", "~", "!"])
prices = st.just(1_000) | numbers
lines = st.lists(
    st.builds(OrderLine, st.just("single") | names, st.integers(1, 3) | numbers, prices), max_size=3
)
bodies: st.SearchStrategy[object] = st.one_of(
    st.builds(c.PlaceOrder, names, names, names, lines.map(tuple), *(4 * [st.just(0) | numbers])),
    st.builds(lambda n, q: order(n, quantity=q), names, st.integers(1, 12)),
    st.just({"order": "o1"}),
    st.none(),
)
asks = st.builds(
    Ask,
    st.integers(0, 9),
    st.sampled_from(["ann", "bob"]),
    st.sampled_from(["k1", "k2", "k3"]),
    st.sampled_from(["f1", "f2"]),
    st.sampled_from([MIDNIGHT_MS - 1, MIDNIGHT_MS, MIDNIGHT_MS + 5_000, 2**63]),
    st.just(""),
    st.sampled_from(["PlaceOrder", "PlaceOrder", "CloseShow"]),
    bodies,
)


@given(
    st.lists(asks, max_size=20),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(0, 4),
    st.sampled_from([0, 2**62]),
)
@settings(max_examples=300, deadline=None)
def test_at_every_edge_both_decide_alike(
    letter: list[Ask[Any]], limit: int | None, cap: int | None, later_ms: int
) -> None:
    told = []
    for place in (native.place_nothing, native.place):
        state = desk(place, limit=limit, cap=cap).state
        try:
            proposal = propose(
                state, "b", [Letter("1-1", FRONT, letter)], MIDNIGHT_MS + later_ms, place=place
            )
        except OverflowError as error:  # msgpack ends at 64 bits, so no letter brings such a number
            told.append((repr(error), None))
            continue
        assert proposal is not None
        told.append(((proposal.commit, proposal.replies), freeze(state)))
    assert told[0] == told[1]


def test_what_is_not_plain_is_left_untouched() -> None:
    plain = order("o1")
    two = plain._replace(lines=plain.lines * 2, total=2_000)
    for command in (two, plain._replace(order="o 1"), plain._replace(total=1), order("o1", offer="none")):
        found = desk()
        before, events = freeze(found.state), list[e.Event]()
        ask: Ask[Any] = Ask(1, "ann", "k", "f", MIDNIGHT_MS, "", "PlaceOrder", command)
        assert native.place(found.state, ask, MIDNIGHT_MS, events) is None
        assert freeze(found.state) == before
        assert events == []
    assert quick(plain, cap=0) is None
    assert quick(order("o1", quantity=2, price=1_000), limit=1) is None


def ask_for(number: int, key: str) -> Ask[Any]:
    return Ask(number, f"b{number % 7}", key, "f", MIDNIGHT_MS, "", "PlaceOrder", order(f"o{number}"))


def test_in_a_show_beyond_the_caches_both_decide_alike() -> None:
    """Its tables are read beforehand: of orders, of outcomes, and of refusals, from which some are gone."""
    told = []
    for place in (native.place_nothing, native.place):
        state = desk(place).state
        state.pools["scarf"].allotted = BEYOND_CACHES
        for first in range(0, 2 * BEYOND_CACHES, LETTER):
            asks = [ask_for(number, f"k{number}") for number in range(first, first + LETTER)]
            propose(state, "b", [Letter("1-1", FRONT, asks)], MIDNIGHT_MS, place=place)
        assert len(state.orders) == BEYOND_CACHES <= len(state.outcomes)
        assert len(state.refusals) == BEYOND_CACHES
        for _ in range(BEYOND_CACHES // 3):
            del state.refusals[state.refused_at.popleft()[1:]]
        again = [ask_for(number, f"k{number % 5_000}") for number in range(0, 2 * BEYOND_CACHES, 40)]
        odd: list[Any] = [None, (), ask_for(1, "k")._replace(body=None), ask_for(1, "k")._replace(key=7)]
        before = freeze(state)
        native.near(state, odd + again)
        native.near(state, tuple(again))
        assert freeze(state) == before
        proposal = propose(state, "b", [Letter("1-1", FRONT, again)], MIDNIGHT_MS, place=place)
        assert proposal is not None
        told.append((proposal.commit, proposal.replies, freeze(state)))
    assert told[0] == told[1]


texts = st.text(max_size=40) | st.text("ä漢", min_size=80, max_size=400)
counts = st.sampled_from(
    [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1, 2**64 - 1, -1]
)
placed = st.builds(
    e.OrderPlaced,
    *(3 * [texts]),
    st.lists(st.builds(OrderLine, texts, counts, counts), max_size=20).map(tuple),
    *(7 * [counts]),
)
accepted = st.builds(
    e.CommandAccepted, *(4 * [texts]), st.dictionaries(texts, texts | counts | st.none(), max_size=20)
)
rare = st.builds(e.OrderLapsed, texts) | st.builds(
    e.CommandRefused, *(4 * [texts]), st.just({"code": "SoldOut"})
)


@given(st.lists(placed | accepted | rare, max_size=20).map(tuple))
@settings(max_examples=200, deadline=None)
def test_both_write_the_same_bytes(found: tuple[e.Event, ...]) -> None:
    assert native.pack(found) == log.pack_all(found)


def test_many_events_are_written_alike() -> None:
    found = (e.CommandAccepted("a", "k", "f", "PinOffer", {}),) * 70_000
    assert native.pack(found) == log.pack_all(found)


def test_text_that_is_none_is_an_error_either_way() -> None:
    for pack in (native.pack, log.pack_all):
        with pytest.raises(UnicodeEncodeError):
            pack((e.CommandAccepted("\ud800", "k", "f", "PinOffer", {}),))


def test_the_twin_keeps_and_drops_as_many_references_as_python_does() -> None:
    counted = []
    for place in (native.place_nothing, native.place):
        state = desk(place, limit=3).state
        version = state.version
        command = c.PlaceOrder(
            *(f"{place!r} {n}".replace(" ", "-")[-30:] for n in range(3)),
            (OrderLine("single", 1, 1_000),),
            *(0, 0, 0, 1_000),
        )
        ask: Ask[Any] = Ask(
            1_000_001, f"actor{version}", "key-1", "print-1", 2**60, "", "PlaceOrder", command
        )
        proposal = propose(state, "b", [Letter("1-1", FRONT, [ask])], MIDNIGHT_MS, place=place)
        assert proposal is not None
        assert proposal.replies[FRONT][0].accepted
        native.pack(proposal.commit.events)
        seen: tuple[object, ...] = (*ask[1:2], command, *command[:4], proposal.replies[FRONT][0].body)
        counted.append([sys.getrefcount(value) for value in seen])
    assert counted[0] == counted[1]


def test_a_log_of_the_twin_folds_to_its_state() -> None:
    found = desk(native.place, limit=3)
    for number in range(12):
        found.ask(order(f"o{number}", f"b{number % 4}"), f"b{number % 4}")
    state: State = fresh(found.state.show)
    for commit in found.commits:
        fold(state, commit)
    assert freeze(state) == freeze(found.state)


STALE = """
import sys, types
stale = types.ModuleType("commerce.desk._native")
stale.interface = 0
sys.modules["commerce.desk._native"] = stale
from commerce.desk import native
from commerce.live import log
assert native.place is native.place_nothing
assert native.pack is log.pack_all
"""


def test_a_twin_that_was_built_before_it_was_changed_is_not_used() -> None:
    subprocess.run([sys.executable, "-c", STALE], check=True, capture_output=True)
