"""A file as a source: anything PyAV opens, at its own pace, looped without an end.

Picture and sound are read by two threads from two openings of the file, so that neither waits for
the other; both start every loop at the same moment. Letterboxes to 1280 x 720.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av
import av.error
from av.filter import Graph

from .kinds import (
    CHUNK_S,
    CHUNK_SAMPLES,
    HEIGHT,
    LATE_S,
    SAMPLE_RATE_HZ,
    WIDTH,
    Clock,
    Picture,
    Sound,
    SourceFailed,
    ticks,
)

START_AFTER_S: Final = 0.05
SHORTEST_LOOP_S: Final = 0.5
FIT: Final = (
    f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease:force_divisible_by=2,"
    f"pad={WIDTH}:{HEIGHT}:-1:-1,setsar=1,format=yuv420p"
)


def silence(clock: Clock, stop: threading.Event) -> Iterator[Sound]:
    """Quiet chunks of 20 ms at their time, for a source without sound."""
    for due_s, _ in ticks(CHUNK_S, clock, stop):
        frame = av.AudioFrame("s16", "stereo", CHUNK_SAMPLES)
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.planes[0].update(bytes(CHUNK_SAMPLES * 4))
        yield Sound(frame, due_s)


class Fit:
    """Brings frames of any size and pixel format to 1280 x 720 yuv420p with bars where needed."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        shape = (frame.width, frame.height, frame.format.name)
        if shape == (WIDTH, HEIGHT, "yuv420p"):
            return frame
        if self._graph is None or shape != self._shape:
            self._graph, self._shape = self._built_for(frame), shape
        self._graph.push(frame)
        return self._graph.vpull()

    @staticmethod
    def _built_for(frame: av.VideoFrame) -> Graph:
        graph = Graph()
        nodes = [
            graph.add_buffer(
                width=frame.width,
                height=frame.height,
                format=frame.format,
                time_base=frame.time_base or Fraction(1, 1000),
            )
        ]
        for step in FIT.split(","):
            name, _, arguments = step.partition("=")
            nodes.append(graph.add(name, arguments))
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes).configure()
        return graph


class FileSource:
    """A clip, looped. Raises SourceFailed with one sentence when it holds no picture."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.skipped = 0
        self._anchor_s: float | None = None
        self._lock = threading.Lock()
        with self._opened() as container:
            if not container.streams.video:
                raise SourceFailed(f"{path} is no video: it holds no picture.")
            stream = container.streams.video[0]
            self.fps = float(stream.average_rate or stream.guessed_rate or 30)
            self._has_sound = bool(container.streams.audio)
            self._begin_s = (container.start_time or 0) / av.time_base
            self.length_s = max(SHORTEST_LOOP_S, (container.duration or 0) / av.time_base)
            try:
                first = next(container.decode(video=0), None)
            except av.error.FFmpegError as error:
                raise SourceFailed(f"{path} is no video that can be decoded: {error.strerror}.") from None
            if first is None:
                raise SourceFailed(f"{path} is no video: it holds no picture.")

    def _opened(self) -> av.container.InputContainer:
        try:
            return av.open(self.path)
        except (OSError, av.error.FFmpegError) as error:
            raise SourceFailed(f"{self.path} is no video that can be opened: {error.strerror}.") from None

    def _loops(
        self, clock: Clock, stop: threading.Event
    ) -> Iterator[tuple[float, av.container.InputContainer]]:
        """Each loop as (when it starts, the file opened anew); loops missed are not made up for."""
        with self._lock:
            if self._anchor_s is None:
                self._anchor_s = clock.now() + START_AFTER_S
        number = 0
        while not stop.is_set():
            number = max(number, math.floor((clock.now() - self._anchor_s) / self.length_s))
            with self._opened() as container:
                yield self._anchor_s + number * self.length_s, container
            number += 1
            if not clock.wait_until(self._anchor_s + number * self.length_s - START_AFTER_S, stop):
                return

    def pictures(self, clock: Clock, stop: threading.Event) -> Iterator[Picture]:
        fit = Fit()
        for loop_s, container in self._loops(clock, stop):
            container.streams.video[0].thread_type = "AUTO"
            for frame in self._decoded(container, "video"):
                due_s = self._due(loop_s, frame)
                if due_s is None or not isinstance(frame, av.VideoFrame):
                    continue
                if clock.now() - due_s > LATE_S:
                    self.skipped += 1
                elif clock.wait_until(due_s, stop):
                    yield Picture(fit(frame), due_s)
                else:
                    return

    def sounds(self, clock: Clock, stop: threading.Event) -> Iterator[Sound]:
        if not self._has_sound:
            yield from silence(clock, stop)
            return
        for loop_s, container in self._loops(clock, stop):
            for frame in self._decoded(container, "audio"):
                due_s = self._due(loop_s, frame)
                if due_s is None or not isinstance(frame, av.AudioFrame) or clock.now() - due_s > LATE_S:
                    continue
                if not clock.wait_until(due_s, stop):
                    return
                yield Sound(frame, due_s)

    def _due(self, loop_s: float, frame: av.VideoFrame | av.AudioFrame) -> float | None:
        """When a frame of this loop is shown; None when it lies outside of the loop."""
        if frame.time is None or not 0 <= frame.time - self._begin_s < self.length_s:
            return None
        return loop_s + frame.time - self._begin_s

    def _decoded(
        self, container: av.container.InputContainer, kind: str
    ) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """Every frame that can be decoded; what is damaged is left out."""
        stream = container.streams.video[0] if kind == "video" else container.streams.audio[0]
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame | av.AudioFrame):
                    yield frame
