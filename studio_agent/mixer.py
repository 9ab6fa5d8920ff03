"""Sound of any shape becomes an unbroken row of 20 ms chunks: 48 kHz, stereo, s16.

Closes gaps with silence, drops what overlaps, applies the operator's gain, and measures the level.
The capture time of every chunk follows from the count of samples, so that it never jitters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import av

from .sources.kinds import CHUNK_S, CHUNK_SAMPLES, SAMPLE_RATE_HZ, Sound

TOLERANCE_S: Final = 0.06
LONGEST_FILLED_S: Final = 1.0
SILENT_DBFS: Final = -90.0
FULL_SCALE: Final = 32768


@dataclass(frozen=True, slots=True)
class Chunk:
    """20 ms of sound, s16 stereo at 48 kHz, and the capture time of its first sample."""

    samples: bytes
    captured_s: float


def peak_dbfs(samples: bytes) -> float:
    """The loudest sample of s16 sound against full scale, in dB; -90 is silence."""
    values = memoryview(samples).cast("h")
    if not len(values):
        return SILENT_DBFS
    lowest, highest = min(values), max(values)
    peak = max(highest, -lowest)
    return 20 * math.log10(peak / FULL_SCALE) if peak > 2 else SILENT_DBFS


class Mixer:
    """Takes sounds in order, gives chunks. `level_dbfs` is the peak of the last one."""

    def __init__(self) -> None:
        self.level_dbfs = SILENT_DBFS
        self.filled_chunks = 0  # silence put into gaps
        self.dropped_sounds = 0  # sounds that overlapped what was there
        self._resampler = self._fresh()
        self._start_s = -math.inf  # so that the first sound begins
        self._taken_s = 0.0  # seconds of sound taken since the start
        self._given = 0  # chunks given since the start

    @staticmethod
    def _fresh() -> av.AudioResampler:
        return av.AudioResampler(format="s16", layout="stereo", rate=SAMPLE_RATE_HZ, frame_size=CHUNK_SAMPLES)

    def mix(self, sound: Sound) -> Iterator[Chunk]:
        """The chunks that are complete now."""
        gap_s = sound.captured_s - (self._start_s + self._taken_s)
        if gap_s < -TOLERANCE_S:
            self.dropped_sounds += 1
            return
        if gap_s > LONGEST_FILLED_S:
            self._begin_again(sound.captured_s)
        elif gap_s > TOLERANCE_S:
            yield from self._fill(gap_s)
        yield from self._take(sound.frame)

    def _begin_again(self, start_s: float) -> None:
        self._resampler = self._fresh()
        self._start_s, self._taken_s, self._given = start_s, 0.0, 0

    def _fill(self, gap_s: float) -> Iterator[Chunk]:
        for _ in range(round(gap_s / CHUNK_S)):
            frame = av.AudioFrame("s16", "stereo", CHUNK_SAMPLES)
            frame.sample_rate = SAMPLE_RATE_HZ
            frame.planes[0].update(bytes(CHUNK_SAMPLES * 4))
            self.filled_chunks += 1
            yield self._chunk(bytes(frame.planes[0])[: CHUNK_SAMPLES * 4])
            self._taken_s += CHUNK_S

    def _take(self, frame: av.AudioFrame) -> Iterator[Chunk]:
        self._taken_s += frame.samples / frame.sample_rate
        frame.pts = None
        for whole in self._resampler.resample(frame):
            yield self._chunk(bytes(whole.planes[0])[: CHUNK_SAMPLES * 4])

    def _chunk(self, samples: bytes) -> Chunk:
        chunk = Chunk(samples, self._start_s + self._given * CHUNK_S)
        self._given += 1
        self.level_dbfs = peak_dbfs(samples)
        return chunk
