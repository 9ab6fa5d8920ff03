"""What every source gives: pictures and sounds with the moment of their capture.

Both come from blocking generators, one thread each, paced by the wall clock. A source that falls
behind skips; it never queues. Knows nothing of codecs' bit rates, packets or networks.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

import av

WIDTH: Final = 1280
HEIGHT: Final = 720
SAMPLE_RATE_HZ: Final = 48_000
CHUNK_SAMPLES: Final = 960  # 20 ms, one Opus packet
CHUNK_S: Final = CHUNK_SAMPLES / SAMPLE_RATE_HZ
LATE_S: Final = 0.1  # a picture later than this is skipped


class SourceFailed(Exception):
    """A source that cannot be opened or has gone; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame, yuv420p of 1280 x 720, and its capture time in Unix seconds."""

    frame: av.VideoFrame
    captured_s: float


@dataclass(frozen=True, slots=True)
class Sound:
    """Any audio frame, and the capture time of its first sample in Unix seconds."""

    frame: av.AudioFrame
    captured_s: float


@dataclass
class Clock:
    """Unix time that never steps: read once, then carried on by the monotonic clock."""

    unix_s: float = field(default_factory=time.time)
    monotonic_s: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        return self.unix_s + time.monotonic() - self.monotonic_s

    def wait_until(self, due_s: float, stop: threading.Event) -> bool:
        """Sleep until the moment; False when the stop came first."""
        return not stop.wait(max(0.0, due_s - self.now()))


class Source(Protocol):
    """A place that pictures and sounds come from."""

    fps: float
    skipped: int  # pictures that were too late to be made or sent

    def pictures(self, clock: Clock, stop: threading.Event) -> Iterator[Picture]:
        """Pictures at their time, until the stop. Raises SourceFailed."""
        ...

    def sounds(self, clock: Clock, stop: threading.Event) -> Iterator[Sound]:
        """Sounds at their time, until the stop. Raises SourceFailed."""
        ...


def ticks(interval_s: float, clock: Clock, stop: threading.Event) -> Iterator[tuple[float, int]]:
    """Moments on an even grid as (due, how many were missed before it); sleeps until each."""
    number = math.ceil(clock.now() / interval_s)
    while clock.wait_until(number * interval_s, stop):
        missed = max(0, math.floor(clock.now() / interval_s) - number)
        number += missed
        yield number * interval_s, missed
        number += 1
