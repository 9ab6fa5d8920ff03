"""A player is told what changed, the newest of each kind, and only what it asked for."""

from __future__ import annotations

from streaming.domain.happenings import KINDS, EventStream
from streaming.domain.ladder import Rung


def test_what_stands_is_told_first_and_then_what_changes() -> None:
    stream = EventStream(frozenset(KINDS), video_line=1)
    stream.observe(False, 3, ())
    assert stream.take() == [("viewercount", '{"viewercount":3}')]  # never an initial `inactive`
    stream.observe(True, 3, (Rung("l", 300), Rung("h", 900)))
    assert stream.take() == [
        ("active", "{}"),
        ("layers", '{"1":[{"rid":"l","bitrate":300},{"rid":"h","bitrate":900}]}'),
    ]
    stream.observe(True, 3, (Rung("l", 301), Rung("h", 899)))
    assert stream.take() == []


def test_of_every_kind_only_the_newest_waits() -> None:
    stream = EventStream(frozenset(KINDS))
    for viewers in range(1_000):
        stream.observe(viewers % 2 == 0, viewers, ())
    assert stream.take() == [("viewercount", '{"viewercount":999}'), ("inactive", "{}")]


def test_what_was_not_asked_for_is_not_told() -> None:
    stream = EventStream(frozenset({"reconnect"}))
    stream.observe(True, 3, ())
    assert stream.tell("reconnect", {})
    assert stream.take() == [("reconnect", "{}")]
