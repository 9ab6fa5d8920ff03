"""The pictures that a viewer begins with come close together, and only they."""

from __future__ import annotations

from streaming.domain.timeline import VIDEO_HZ, Line
from streaming.fanout import Packet, SourceId
from streaming.relay.opening import ASKED_SECONDS, Opening
from streaming.relay.rendition import Rendition


def stream() -> Rendition:
    made = Rendition("video", "", SourceId(1))
    made.cut((1, 0), 0, Line(VIDEO_HZ, 0))
    return made


def burst(*frames: tuple[int, int]) -> list[Packet]:
    """(sequence, timestamp) of packets."""
    return [Packet(sequence, timestamp & 0xFFFFFFFF, True, b"x") for sequence, timestamp in frames]


def test_frames_keep_their_order_and_end_at_program_time() -> None:
    left = Opening().hurry(stream(), burst((5, 0), (6, 0), (7, 3000), (8, 6000)), 0.0)
    assert [p.timestamp for p in left] == [5820, 5820, 5910, 6000]
    assert [p.sequence for p in left] == [5, 6, 7, 8]


def test_the_clock_may_wrap_within_them() -> None:
    left = Opening().hurry(stream(), burst((5, -3000), (6, 0), (7, 3000)), 0.0)
    assert [p.timestamp for p in left] == [2820, 2910, 3000]


def test_pictures_that_are_sent_before_their_time_stay_in_the_order_in_which_they_are_shown() -> None:
    left = Opening().hurry(stream(), burst((5, 0), (6, 9000), (7, 3000), (8, 6000)), 0.0)
    assert [p.timestamp for p in left] == [8730, 9000, 8820, 8910]


def test_from_a_gap_on_everything_keeps_its_time() -> None:
    """What is missing there comes later, to everybody at once; a frame has one time."""
    opening, video = Opening(), stream()
    left = opening.hurry(video, burst((5, 0), (6, 3000), (8, 6000), (9, 9000)), 0.0)
    assert [p.timestamp for p in left] == [2910, 3000, 6000, 9000]
    (late,) = burst((7, 6000))
    assert opening.as_sent(video, late) == late


def test_what_was_sent_first_is_remembered_as_long_as_somebody_may_ask() -> None:
    opening, video = Opening(), stream()
    cached = burst((5, 0), (6, 3000))
    left = opening.hurry(video, cached, 0.0)
    assert opening.as_sent(video, cached[0]) == left[0]
    assert opening.as_sent(stream(), cached[0]) == cached[0]  # of another rendition
    opening.grow_old(ASKED_SECONDS)
    assert opening.as_sent(video, cached[0]) == cached[0]
