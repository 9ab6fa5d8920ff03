"""Viewers of a relay that ends leave evenly, after the shop has heard of it, and in time."""

from __future__ import annotations

from streaming.domain.drain import HEARD_SECONDS, Drain


def test_viewers_leave_evenly_after_the_shop_has_heard_and_all_in_time() -> None:
    drain, viewers, now, went = Drain(10.0, 5.0), 100, 10.0, []
    while now < 15.0:
        now += 0.1
        leaving = drain.leaving(viewers, 0.1, now)
        assert leaving == 0 or now >= 10.0 + HEARD_SECONDS
        viewers -= leaving
        went.append(leaving)
    assert viewers == 0
    assert max(went) <= 4


def test_a_drain_without_time_lets_everybody_go_at_once() -> None:
    assert Drain(10.0, 0.0).leaving(7, 0.0, 10.0) == 7
