"""Players on simulated roads: frames put together, losses asked for, real RTCP, and what was seen."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from streaming.domain.timeline import middle
from streaming.fanout import Kind, Packet
from streaming.relay.viewer import Viewer
from streaming.rtc import rtcp
from tests.streaming.world import Road

FPS: Final = 30
OVERHEAD_BYTES: Final = 45
WIDTHS: Final = {"q": 320, "h": 640, "f": 1280}
META: Final = struct.Struct("!cIHH?")  # size, frame, piece, of how many, keyframe


@dataclass
class Habits:
    """What a player says, and how often."""

    report_s: float = 1.0
    estimates: bool = True  # it sends REMB
    clocks: bool = True  # it answers sender reports, so that the round trip is known
    asks: bool = True  # it sends NACK
    reports_at_once: bool = False  # a report goes along with each NACK, and with each REMB (Chromium)
    answers: bool = True  # checks (STUN) of the relay's own
    repeats: bool = False  # it takes sound that repeats itself (RED)


CHROMIUM: Final = Habits(report_s=0.2, reports_at_once=True, repeats=True)
LEAN: Final = Habits()
PLAIN: Final = Habits(estimates=False)
CLOCKLESS: Final = Habits(estimates=False, clocks=False)
MUTE: Final = Habits(estimates=False, clocks=False, asks=False)


class Player:
    """Puts frames together, asks for what is missing, shows pictures, freezes."""

    def __init__(self, road: Road, habits: Habits, ssrc: int) -> None:
        self.road, self.habits, self.ssrc = road, habits, ssrc
        self.world = road.world
        self.walk: list[tuple[float, int]] = []
        self.frozen: list[tuple[float, float]] = []  # until when, how long
        self.frames = self.plis = self.received = 0
        self.highest: int | None = None
        self.viewer: Viewer
        self._first = self._next = 0
        self._shown_s: float | None = None
        self._pieces: dict[int, tuple[bytes, int, int, int, bool]] = {}
        self._missing: dict[int, list[float]] = {}
        self._keyframes: list[int] = []
        self._blind = True
        self._pli_s = -9.0
        self._sr = (0, 0.0)
        self._told = (0, 0)  # expected and lost, by the report before
        self._heard: list[tuple[float, int, float]] = []  # when, bytes, one-way delay
        self._least_delay = 1e9
        self._remb, self._rembed_s = 300_000.0, 0.0
        self._joined_s = self.world.now
        self.world.later(0.37 * (ssrc % 7) / 7, lambda: self.world.every(habits.report_s, self._report))
        self.world.every(0.02, self._look)

    # -- what comes --------------------------------------------------------------------------------

    def sent(self, kind: Kind, own: int, packet: Packet, *, repair: bool = False) -> None:
        size, left = len(packet.payload) + OVERHEAD_BYTES, self.world.now
        self.road.down(size, lambda: self._arrive(kind, own, packet.payload, repair=repair, left=left))

    def told(self, compound: bytes) -> None:
        self.road.down(len(compound) + 30, lambda: self._hear(compound))

    def _hear(self, compound: bytes) -> None:
        for said in rtcp.parse(compound):
            if isinstance(said, rtcp.SenderReport):
                self._sr = middle(said.ntp), self.world.now

    def _arrive(self, kind: Kind, own: int, payload: bytes, *, repair: bool, left: float) -> None:
        now = self.world.now
        self._heard.append((now, len(payload) + OVERHEAD_BYTES, now - left))
        self._least_delay = min(self._least_delay, now - left)
        if kind == "video":
            self._take(own, payload, now, repair=repair)

    def _take(self, own: int, payload: bytes, now: float, *, repair: bool) -> None:
        if self.highest is None:
            self.highest = self._first = self._next = own
        elif own > self.highest:
            self._missing.update((hole, [now, -1.0]) for hole in range(self.highest + 1, own))
            self.highest = own
        self.received += not repair
        self._missing.pop(own, None)
        if own < self._next or own in self._pieces:
            return
        piece = META.unpack_from(payload)
        self._pieces[own] = piece
        if piece[4] and piece[2] == 0:
            self._keyframes.append(own)
        if not self._drain():
            self._jump()

    def _drain(self) -> bool:
        shown = False
        while (piece := self._pieces.get(self._next)) is not None:
            count = piece[3]
            if piece[2] != 0 or any(self._next + n not in self._pieces for n in range(count)):
                if piece[2] == 0:
                    return shown
                self._pieces.pop(self._next)
                self._next += 1
                continue
            for n in range(count):
                self._pieces.pop(self._next + n)
            self._next += count
            if piece[4] or not self._blind:
                self._blind = False
                self._show(WIDTHS[piece[0].decode()])
                shown = True
        return shown

    def _jump(self) -> None:
        self._keyframes = [first for first in self._keyframes if first >= self._next]
        for first in reversed(self._keyframes):
            count = self._pieces[first][3] if first in self._pieces else 1
            if first > self._next and all(first + n in self._pieces for n in range(count)):
                self._skip_to(first)
                self._drain()
                return

    def _skip_to(self, own: int) -> None:
        self._pieces = {n: piece for n, piece in self._pieces.items() if n >= own}
        self._missing = {n: since for n, since in self._missing.items() if n >= own}
        self._next = own

    def _show(self, width: int) -> None:
        now = self.world.now
        if self._shown_s is not None and now - self._shown_s > 0.15 + 1 / FPS + 0.1:
            self.frozen.append((now, now - self._shown_s))
        self._shown_s = now
        self.frames += 1
        if not self.walk or self.walk[-1][1] != width:
            self.walk.append((now, width))

    # -- what it says ------------------------------------------------------------------------------

    def _look(self) -> None:
        now = self.world.now
        again = [hole for hole, state in self._missing.items() if now - state[1] >= 0.1]
        for hole in again:
            self._missing[hole][1] = now
        if again and self.habits.asks:
            nack = rtcp.nack(1, self.ssrc, [hole & 0xFFFF for hole in again[:128]])
            self._say((self._block() if self.habits.reports_at_once else b"") + nack)
        if any(now - since > 0.5 for since, _ in self._missing.values()) and self.highest is not None:
            self._blind = True
            later = [first for first in self._keyframes if first > self._next]
            self._skip_to(later[-1] if later else self.highest + 1)
        if self._blind and self.highest is not None and now - self._pli_s > 0.5:
            self._pli_s = now
            self.plis += 1
            self._say(rtcp.picture_loss(1, self.ssrc))
        if self.habits.estimates and now - self._rembed_s >= 0.2:
            self._rembed_s = now
            self._estimate(now)

    def _estimate(self, now: float) -> None:
        self._heard = [heard for heard in self._heard if now - heard[0] < 0.5]
        if not self._heard or now - self._joined_s < 5.4:
            return
        arrived = sum(size for _, size, _ in self._heard) * 8 / 0.5
        delay = sum(heard[2] for heard in self._heard[-5:]) / len(self._heard[-5:]) - self._least_delay
        if delay > 0.08:
            self._remb = min(self._remb, 0.85 * arrived)
        else:
            self._remb = min(self._remb * 1.016, max(1.5 * arrived, self._remb))
        block = self._block() if self.habits.reports_at_once else b""
        self._say(block + rtcp.remb(1, int(self._remb), [self.ssrc]))

    def _report(self) -> None:
        self._say(self._block())

    def _block(self) -> bytes:
        if self.highest is None:
            return b""
        expected = self.highest - self._first + 1
        lost = max(0, expected - self.received)
        before, self._told = self._told, (expected, lost)
        share = max(0, lost - before[1]) / max(1, expected - before[0])
        heard, at = self._sr
        delay = int((self.world.now - at) * 65536) if heard else 0
        block = rtcp.ReportBlock(
            self.ssrc, min(255, int(256 * share)), lost, self.highest & 0xFFFFFFFF, 0, heard, delay
        )
        if not self.habits.clocks:
            block = block._replace(last_report=0, delay=0)
        return rtcp.receiver_report(1, [block])

    def _say(self, compound: bytes) -> None:
        if compound:
            self.road.up(lambda: self.viewer.rtcp_came(compound, self.world.now))

    # -- what is made of it ------------------------------------------------------------------------

    def shows(self, at: float) -> int | None:
        """The width shown at a moment."""
        return next((width for when, width in reversed(self.walk) if when <= at), None)

    def first(self, since: float, fits: Callable[[int], bool]) -> float | None:
        """How long after `since` a picture was first shown that fits."""
        width = self.shows(since)
        if width is not None and fits(width):
            return 0.0
        return next((at - since for at, width in self.walk if at > since and fits(width)), None)

    @property
    def last_shown_s(self) -> float:
        """When the newest picture was shown; infinitely long ago where there was none."""
        return float("-inf") if self._shown_s is None else self._shown_s

    def turns(self, since: float, until: float) -> int:
        """Changes of direction in that time."""
        widths = [self.shows(since) or 0, *(width for at, width in self.walk if since < at <= until)]
        ways = [after > before for before, after in itertools.pairwise(widths) if before != after]
        return sum(one != other for one, other in itertools.pairwise(ways))

    def stood(self, since: float, until: float) -> float:
        """Seconds without a new picture."""
        return sum(length for at, length in self.frozen if since < at <= until)
