"""From one studio to another on a relay that pulls both: what is seen stands until the next comes."""

from __future__ import annotations

import pytest

from streaming.contract import ProgramCut, RelayId, ShowId, Stage, StudioId
from streaming.relay.clock import Clock
from streaming.relay.program import Program
from streaming.relay.shows import EXPECTED_SECONDS, Shows
from streaming.relay.source import Source
from tests.streaming.fakes import NotedFanout, ToldSource

SHOW, ONE, OTHER = ShowId("sh"), StudioId("st-1"), StudioId("st-2")
SLATE = (b"\0\0\0\1\x65slate", b"\0\0\0\1\x41slate")


class Village:
    """A relay that shows what others give it, and a clock that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.elsewhere = {ONE, OTHER}
        self.pulls: dict[ShowId, Source] = {}
        self.shows = Shows(
            RelayId("r"),
            NotedFanout(),
            Clock(now=lambda: self.now, offset_s=1_790_000_000.0),
            {},
            self.pulls,
            dismiss=lambda program: None,
            take_back=lambda program: None,
            send_away=lambda feed: None,
        )
        self.shows.expected = lambda show, studio: studio in self.elsewhere
        self.shows.show_slate("H264", SLATE)
        self.wish(ONE)
        self.feed = self.pull(1, ONE)
        self.run(1.0)

    @property
    def program(self) -> Program:
        return self.shows.programs[SHOW]

    def wish(self, studio: StudioId) -> None:
        self.shows.set_stage(Stage(SHOW, len(self.shows.facts) + 1, True, studio))

    def pull(self, number: int, studio: StudioId) -> ToldSource:
        """Another relay gives it from now on."""
        feed = ToldSource(number, studio, sound=False)
        feed.pulled = True
        self.pulls[SHOW] = feed
        self.shows.feed_came()
        feed.picture(0, int(self.now * 90_000), self.now, keyframe=True)
        return feed

    def run(self, seconds: float, *, flows: bool = True) -> None:
        for _ in range(round(seconds * 30)):
            self.now += 1 / 30
            tick = int(self.now * 90_000)
            if flows:
                self.feed.picture(tick // 3000, tick, self.now)
            self.shows.tick(self.now)

    def cuts(self) -> list[StudioId | None]:
        return [fact.studio for fact in self.shows.facts if isinstance(fact, ProgramCut)]


@pytest.fixture
def village() -> Village:
    made = Village()
    made.shows.facts.clear()
    return made


def test_one_studio_is_seen_until_the_other_is_there(village: Village) -> None:
    village.wish(OTHER)
    village.run(EXPECTED_SECONDS - 0.1)
    assert village.cuts() == []
    village.feed = village.pull(2, OTHER)
    village.run(3.0)
    assert village.cuts() == [OTHER]


def test_a_studio_that_nobody_has_is_the_slate_at_once(village: Village) -> None:
    village.elsewhere = {ONE}
    village.wish(OTHER)
    village.run(0.1)
    assert village.cuts() == [None]


def test_a_studio_that_does_not_come_is_the_slate_in_the_end(village: Village) -> None:
    village.wish(OTHER)
    village.run(EXPECTED_SECONDS + 0.1)
    assert village.cuts() == [None]


def test_a_link_that_is_lost_leaves_the_picture_until_the_next_is_there(village: Village) -> None:
    del village.pulls[SHOW]
    village.shows.feed_gone(village.feed)
    village.run(EXPECTED_SECONDS - 0.1, flows=False)
    assert village.cuts() == []
    village.feed = village.pull(2, ONE)
    village.run(1.0)
    assert village.cuts() == [ONE]
    village.run(EXPECTED_SECONDS + 0.1, flows=False)
    assert village.cuts() == [ONE, None]
