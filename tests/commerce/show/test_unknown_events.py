"""A log of a newer program is not read by halves."""

from __future__ import annotations

import pytest

from commerce.show import events as e
from commerce.show.language import OrderLine

FOUND = [
    e.CommandRefused("ann", "k", "f", "PlaceOrder", {"code": "SoldOut"}),
    e.CommandAccepted("ann", "k", "f", "PlaceOrder", {}),
    e.OrderPlaced("o1", "ann", "ct", (OrderLine("single", 1, 5),), 5, 0, 0, 0, 5, 1, 2),
    e.OrderLapsed("o1"),
]


@pytest.mark.parametrize("event", FOUND, ids=lambda event: type(event).__name__)
def test_an_event_with_more_or_fewer_fields_than_are_known_raises_the_alarm(event: e.Event) -> None:
    name, schema, body = e.to_wire(event)
    assert e.from_wire([name, schema, body]) == event
    with pytest.raises(e.UnknownEvent, match=name):
        e.from_wire([name, schema, {**body, "colour": "red"}])
    least = dict(list(body.items())[1:])
    with pytest.raises(e.UnknownEvent, match=name):
        e.from_wire([name, schema, least])
