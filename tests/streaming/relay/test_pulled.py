"""A feed that comes in several sessions is one source, whatever comes and goes of it."""

from __future__ import annotations

import pytest

from streaming.contract import ShowId, StudioId
from streaming.relay.feed import Feed
from streaming.relay.pulled import Pulled
from streaming.rtc import rtp
from streaming.rtc.answers import Terms, TrackTerms
from streaming.rtc.sdp import IceCredentials
from tests.streaming.fakes import NotedFanout
from tests.streaming.relay.test_feed import IDR, KEYS, Ears
from tests.streaming.stage import NotedViewer, Stage

VIDEO, AUDIO = 96, 111
NAMES = ("f", "h", "q")


class Link:
    """What upstream.py does with sessions, without them."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.whole = Pulled(
            ShowId("sh-1"),
            StudioId("st-1"),
            "H264",
            NAMES,
            became_ready=lambda pulled: self.said.append("ready"),
            became_gone=lambda pulled, reason: self.said.append(reason),
        )

    def open(self, name: str) -> Feed:
        sound = TrackTerms("1", AUDIO, None, 0, 14) if name == NAMES[0] else None
        part = Feed(
            StudioId("st-1"),
            "H264",
            Terms("client", IceCredentials("a", "b"), (), TrackTerms("0", VIDEO, None, 0, 14), sound),
            NotedFanout(),
            ssrc=99,
            pulled=True,
            rid=name,
            became_ready=lambda feed: self.whole.part_ready(name, feed),
            became_gone=lambda feed, reason: self.whole.part_gone(name, feed, reason),
        )
        part.ready(KEYS, ("192.0.2.1", 9))
        return part


def picture(part: Feed, sequence: int, now: float, payload: bytes = IDR, *, frame: int | None = None) -> None:
    tick = 3000 * (sequence if frame is None else frame)
    part.rtp_came(rtp.build(VIDEO, sequence, tick, 7, payload, marker=True), now)


@pytest.fixture
def link() -> Link:
    return Link()


def test_its_sessions_are_heard_as_one_source(link: Link) -> None:
    ears, parts = Ears(), [link.open(name) for name in NAMES]
    link.whole.listeners.append(ears)
    for number, part in enumerate(parts):
        picture(part, 1, float(number))
    assert [packet.rid for packet in ears.packets] == list(NAMES)
    assert set(link.whole.layers) == set(NAMES)
    assert set(link.whole.tracks) == {"video", "audio"}
    assert link.whole.media_s == 2.0
    assert link.said == ["ready"]


def test_the_first_session_comes_and_goes_for_all(link: Link) -> None:
    parts = [link.open(name) for name in NAMES]
    parts[1].gone("lost")
    assert (set(link.whole.layers), link.said) == ({"f", "q"}, ["ready"])
    parts[0].gone("the end")
    assert (link.whole.connected, link.said) == (False, ["ready", "the end"])


def test_a_session_that_begins_anew_moves_no_time_and_loses_no_viewer(link: Link) -> None:
    stage, viewer = Stage(), NotedViewer()
    parts = [link.open(name) for name in NAMES]
    stage.program.wish(link.whole, 0.0)
    for part in parts:
        picture(part, 100, 0.0)
    stage.program.admit(viewer, 0.1)
    parts[2].gone("lost")
    parts[2] = link.open("q")
    assert all(layer.keyframe_wanted for layer in link.whole.layers.values())
    picture(parts[2], 60_101, 0.2, frame=106)  # its numbers are others; its time is the program's
    picture(parts[0], 102, 0.3, frame=109)
    stage.program.flush()
    sent = [packet.timestamp for packet in stage.sent("video", "f")]
    assert sent == [300_000, 327_000]
    assert len(viewer.streams) == 1
