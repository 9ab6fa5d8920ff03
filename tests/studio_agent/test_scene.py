"""The drawn studio: it moves, says its time to people and machines, and can be heard."""

import itertools
import threading

import av
import pytest

from studio_agent.mixer import peak_dbfs
from studio_agent.sources.kinds import Clock
from studio_agent.sources.scene import Scene, SceneSource, draw_second
from studio_agent.sources.strip import CELLS, STRIP_HEIGHT, STRIP_TOP, read_strip

NOON = 1_800_000_000.0


def time_in(frame: av.VideoFrame) -> int | None:
    """Unix ms in the strip of a decoded picture."""
    plane = frame.planes[0]
    row = bytes(plane)[(STRIP_TOP + STRIP_HEIGHT // 2) * plane.line_size :]
    width = frame.width // CELLS
    return read_strip([row[number * width + width // 2] for number in range(CELLS)])


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def test_the_picture_carries_the_time_it_was_drawn_for(scene: Scene) -> None:
    for moment in (NOON, NOON + 0.001, NOON + 12_345.678):
        assert time_in(scene.draw(moment)) == round(moment * 1000)


def test_the_scene_moves_and_comes_back(scene: Scene) -> None:
    def without_clocks(at_s: float) -> bytes:
        plane = scene.draw(at_s).planes[0]
        return bytes(plane)[80 * plane.line_size : 660 * plane.line_size]

    first = without_clocks(NOON)
    assert without_clocks(NOON + 1 / 30) != first
    assert without_clocks(NOON + 60) == first, "every movement has a period that divides a minute"


def test_the_picture_is_warm_and_not_noise(scene: Scene) -> None:
    frame = scene.draw(NOON)
    blue, red = (sum(bytes(plane)) / len(bytes(plane)) for plane in frame.planes[1:])
    assert red > 132
    assert blue < 128


def test_the_sound_joins_its_own_end_and_is_neither_silent_nor_loud() -> None:
    second = draw_second()
    assert len(second) == 96_000
    assert abs(second[0] - second[-2]) < 300
    assert -30 < peak_dbfs(second.tobytes()) < -6


def test_pictures_come_on_an_even_grid_and_sounds_without_a_gap() -> None:
    source, clock, stop = SceneSource(), Clock(), threading.Event()
    pictures = source.pictures(clock, stop)
    moments = [next(pictures).captured_s for _ in range(4)]
    assert all(abs(moment * 30 - round(moment * 30)) < 1e-3 for moment in moments)
    sounds = source.sounds(clock, stop)
    starts = [next(sounds).captured_s for _ in range(4)]
    assert [round(b - a, 4) for a, b in itertools.pairwise(starts)] == [0.02] * 3
    stop.set()
    assert next(pictures, None) is None
    assert next(sounds, None) is None
