"""Sound of any shape becomes an unbroken row of chunks with capture times by count."""

import math
from array import array

import av
import pytest

from studio_agent.mixer import CHUNK_S, Chunk, Mixer, peak_dbfs
from studio_agent.sources.kinds import Sound

START = 1_800_000_000.0


def tone(samples: int, rate_hz: int, layout: str = "mono") -> av.AudioFrame:
    channels = 2 if layout == "stereo" else 1
    wave = array("h", (round(16_000 * math.sin(i / 10)) for i in range(samples) for _ in range(channels)))
    frame = av.AudioFrame("s16", layout, samples)
    frame.sample_rate = rate_hz
    frame.planes[0].update(wave.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    return frame


def mixed(mixer: Mixer, *moments: tuple[float, int, int]) -> list[Chunk]:
    return [
        chunk
        for at_s, samples, rate in moments
        for chunk in mixer.mix(Sound(tone(samples, rate), START + at_s))
    ]


@pytest.mark.parametrize(("rate_hz", "samples"), [(48_000, 960), (44_100, 1_024), (16_000, 320)])
def test_any_rate_becomes_chunks_of_twenty_milliseconds(rate_hz: int, samples: int) -> None:
    count = round(rate_hz / samples)
    chunks = mixed(Mixer(), *((number * samples / rate_hz, samples, rate_hz) for number in range(count)))
    assert 46 <= len(chunks) <= 50
    assert {len(chunk.samples) for chunk in chunks} == {3_840}
    assert [chunk.captured_s for chunk in chunks] == pytest.approx(
        [START + number * CHUNK_S for number in range(len(chunks))], abs=1e-6
    )


def test_a_short_gap_is_filled_with_silence() -> None:
    mixer = Mixer()
    chunks = mixed(mixer, (0.0, 960, 48_000), (0.22, 960, 48_000))
    assert len(chunks) == 12
    assert mixer.filled_chunks == 10
    assert [peak_dbfs(chunk.samples) > -60 for chunk in chunks] == [True, *[False] * 10, True]


def test_after_a_long_gap_the_row_begins_anew_at_the_right_time() -> None:
    chunks = mixed(Mixer(), (0.0, 960, 48_000), (30.0, 960, 48_000))
    assert [round(chunk.captured_s - START, 3) for chunk in chunks] == [0.0, 30.0]


def test_sound_that_overlaps_is_dropped_and_counted() -> None:
    mixer = Mixer()
    assert len(mixed(mixer, (0.0, 9_600, 48_000), (0.05, 960, 48_000))) == 10
    assert mixer.dropped_sounds == 1


def test_the_level_is_the_peak() -> None:
    assert peak_dbfs(bytes(3_840)) == -90
    assert peak_dbfs(array("h", [0, -32_768, 5]).tobytes()) == 0
    assert peak_dbfs(array("h", [16_384, 0]).tobytes()) == pytest.approx(-6.02, abs=0.01)
    assert peak_dbfs(b"") == -90
