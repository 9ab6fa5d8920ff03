"""Whose orders are whose is known to who shows a show, and costs who decides nothing."""

from __future__ import annotations

import pytest

from commerce.show.freeze import freeze, thaw
from commerce.show.view import own, view
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import opening, order


@pytest.fixture
def desk() -> DeskInHand:
    found = DeskInHand()
    for command in opening(10):
        found.ask(command, "host")
    found.ask(order("o1"), "ann")
    return found


def test_a_desk_keeps_no_list_of_each_buyers_orders(desk: DeskInHand) -> None:
    assert desk.state.orders_of == {}
    assert thaw(freeze(desk.state)).orders_of == {}


def test_who_does_not_keep_the_list_says_so_instead_of_showing_no_orders(desk: DeskInHand) -> None:
    with pytest.raises(ValueError, match="whose"):
        view(desk.state, own("ann"))


def test_a_front_that_begins_with_a_snapshot_shows_a_buyer_the_orders_in_it(desk: DeskInHand) -> None:
    shown = thaw(freeze(desk.state), remembers=False)
    assert "order:o1" in view(shown, own("ann"))
    assert "order:o1" not in view(shown, own("bob"))
