"""A program in a test: its sender, its clock, and viewers that note what they are given."""

from __future__ import annotations

from streaming.contract import ShowId
from streaming.domain.bandwidth import START_BYTES_MAX
from streaming.domain.ladder import Rung
from streaming.fanout import Kind, Packet
from streaming.relay.clock import Clock
from streaming.relay.program import Cut, Program
from streaming.relay.rendition import Rendition
from tests.streaming.fakes import NotedFanout

EPOCH = 1_790_000_000.0


class Stage:
    """A program, its sender, and a viewer that notes how it was started."""

    def __init__(self) -> None:
        self.fanout = NotedFanout()
        self.cuts: list[Cut] = []
        clock = Clock(now=lambda: 0.0, offset_s=EPOCH)
        self.program = Program(
            ShowId("sh"), "H264", self.fanout, clock, lambda program, cut: self.cuts.append(cut)
        )

    def sent(self, kind: Kind, rid: str = "") -> list[Packet]:
        self.program.flush()
        if kind == "audio":
            return self.fanout.forwarded[self.program.audio.source]
        return self.fanout.forwarded[self.program.video[rid].source] if rid in self.program.video else []


class NotedViewer:
    hears = True

    def __init__(self, pin: str | None = None) -> None:
        self.pin = pin
        self.begun: list[tuple[Kind, int, list[Packet]]] = []
        self.streams: list[str] = []
        self.wish = ""
        self.held = False

    def begin(self, stream: Rendition, first: int, cached: list[Packet]) -> None:
        self.held = self.held and stream.kind == "audio"
        self.begun.append((stream.kind, first, cached))
        if stream.kind == "video":
            self.streams.append(stream.name)

    def bears(self, bps: int, start_bytes: int) -> bool:
        return start_bytes <= START_BYTES_MAX

    def keyframe(self, stream: Rendition, first: int) -> None:
        pass

    def hold(self) -> None:
        self.held = True

    def due(self, now: float) -> bool:
        return True

    def reporting(self, report: int, now: float) -> None:
        pass

    def adapt(self, rungs: tuple[Rung, ...], now: float) -> str | None:
        return self.wish if self.wish in {rung.name for rung in rungs} else rungs[-1].name
