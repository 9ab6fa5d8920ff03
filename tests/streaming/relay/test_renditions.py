"""Several encodings of one picture: one program time, and each viewer on the one that its path bears."""

from __future__ import annotations

import pytest

from tests.streaming.fakes import ToldSource
from tests.streaming.stage import NotedViewer, Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def layered(stage: Stage, seconds: float = 3.0) -> ToldSource:
    """A source of three encodings that has played for a while, each in clocks and numbers of its own."""
    source = ToldSource(1, rids=("q", "h", "f"))
    stage.program.wish(source, 0.0)
    for n in range(int(seconds * 30)):
        for at, (rid, size) in enumerate((("q", 500), ("h", 2000), ("f", 8000))):
            tick, keyframe = 1_000_000 * at + n * 3000, n in (0, int(seconds * 30) - 10)
            source.picture(100 * at + n, tick, n / 30, keyframe=keyframe, payload=bytes(size), rid=rid)
        if n % 30 == 29:
            stage.program.report(n / 30)
    return source


def test_all_renditions_share_program_time(stage: Stage) -> None:
    layered(stage)
    times = [[p.timestamp for p in stage.sent("video", rid)] for rid in "qhf"]
    assert times[0][:3] == [0, 3000, 6000]
    assert times[0] == times[1] == times[2]


def test_a_joiner_gets_the_largest_rendition_and_a_slow_one_the_smaller_at_its_keyframe(stage: Stage) -> None:
    source, viewer = layered(stage), NotedViewer()
    stage.program.admit(viewer, 3.0)
    assert viewer.streams == ["f"]
    viewer.wish = "h"
    source.wanted_of.clear()
    stage.program.adapt(3.0)
    stage.program.adapt(3.1)
    assert source.wanted_of == ["h"]  # asked once; the feed repeats by itself
    assert viewer.held  # and the large one rests until then
    stage.program.request_keyframe(viewer, 3.1)
    assert source.wanted_of == ["h"]  # the newest is young, and everybody would get one more
    stage.program.request_keyframe(viewer, 3.4)
    assert source.wanted_of == ["h", "h"]  # what it waits for, not what it leaves
    source.picture(190, 1_000_000 + 90 * 3000, 3.1, payload=bytes(10), rid="h")
    assert viewer.streams == ["f"]
    source.picture(191, 1_000_000 + 91 * 3000, 3.13, keyframe=True, rid="h")
    assert viewer.streams == ["f", "h"]


def test_a_joiner_late_in_a_group_begins_with_a_smaller_burst(stage: Stage) -> None:
    source, viewer = layered(stage), NotedViewer()
    for n in range(90, 100):
        source.picture(200 + n, 2_000_000 + n * 3000, n / 30, payload=bytes(8000), rid="f")
        source.picture(100 + n, 1_000_000 + n * 3000, n / 30, payload=bytes(2000), rid="h")
    stage.program.admit(viewer, 3.4)
    assert viewer.streams == ["h"]  # 160 kB of the large one would drown a usual path


def test_a_wish_that_is_taken_back_switches_nothing(stage: Stage) -> None:
    source, viewer = layered(stage), NotedViewer()
    stage.program.admit(viewer, 3.0)
    viewer.wish = "q"
    stage.program.adapt(3.0)
    viewer.wish = "f"
    stage.program.adapt(3.1)
    source.picture(90, 90 * 3000, 3.1, keyframe=True, rid="q")
    assert viewer.streams == ["f"]


def test_who_watches_a_rendition_that_ends_goes_where_the_picture_is(stage: Stage) -> None:
    layered(stage)
    viewer, slate = NotedViewer(), ToldSource(-1, None)
    stage.program.admit(viewer, 3.0)
    stage.program.wish(slate, 3.0)
    slate.picture(1, 0, 3.1, keyframe=True)
    assert viewer.streams == ["f", ""]
    again = ToldSource(2, rids=("q", "h", "f"))
    stage.program.wish(again, 3.2)
    again.picture(1, 0, 3.3, keyframe=True, rid="q")
    again.picture(1, 0, 3.3, keyframe=True, rid="f")
    assert viewer.streams == ["f", "", "q"]
    assert set(stage.program.video) == {"q", "f"}


def test_who_watches_a_rendition_that_rests_goes_to_one_that_comes(stage: Stage) -> None:
    source, viewer = layered(stage), NotedViewer()
    stage.program.admit(viewer, 3.0)
    assert viewer.streams == ["f"]
    for n in range(90, 180):  # only the smallest goes on: the studio's own path became narrow
        source.picture(n, n * 3000, n / 30, keyframe=n == 170, payload=bytes(500), rid="q")
        stage.program.adapt(n / 30)
    assert viewer.streams == ["f", "q"]


def test_renditions_that_nobody_needs_are_closed(stage: Stage) -> None:
    for number in range(20):
        source = ToldSource(number + 1, rids=(f"a{number}", f"b{number}"))
        stage.program.wish(source, float(number))
        for rid in source.layers:
            source.picture(1, 0, float(number), keyframe=True, rid=rid)
    assert len(stage.program.video) <= 4
    assert len(stage.fanout.forwarded) == len(stage.program.video) + 1


def test_another_relay_gets_the_one_rendition_that_it_asked_for(stage: Stage) -> None:
    source = layered(stage)
    assert stage.program.offered() == ("f", "h", "q")
    small, large = NotedViewer(pin="q"), NotedViewer(pin="f")
    stage.program.admit(small, 3.0)
    stage.program.admit(large, 3.0)
    assert (small.streams, large.streams) == (["q"], ["f"])
    small.wish = large.wish = "h"
    stage.program.adapt(3.0)
    source.picture(190, 1_000_000 + 91 * 3000, 3.03, keyframe=True, rid="h")
    assert (small.streams, large.streams) == (["q"], ["f"])
    assert stage.program.audience == 0


def test_a_rendition_that_has_not_begun_is_waited_for(stage: Stage) -> None:
    source, early = ToldSource(1, rids=("q", "f")), NotedViewer(pin="f")
    stage.program.wish(source, 0.0)
    source.picture(1, 0, 0.0, keyframe=True, rid="q")
    assert stage.program.offered() == ("q", "f")
    stage.program.admit(early, 0.1)
    assert early.streams == []
    source.picture(1, 0, 0.2, keyframe=True, rid="f")
    assert early.streams == ["f"]


def test_a_cut_tells_whether_the_encodings_are_others(stage: Stage) -> None:
    for number, rids in enumerate((("q", "f"), ("q", "f"), ("",))):
        source = ToldSource(number + 1, rids=rids)
        stage.program.wish(source, float(number))
        source.picture(1, 0, float(number), keyframe=True, rid=rids[-1])
    assert [cut.regrouped for cut in stage.cuts] == [True, False, True]
