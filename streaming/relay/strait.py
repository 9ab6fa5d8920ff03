"""Between a viewer and a path too narrow for its stream: feeds what fits, and steps aside when all does.

Where the path is known to bear the stream, but not its beginning or a keyframe at once, these leave at
its pace, with nothing left out.

Joins the rule of `domain/narrow.py` to the queue of `drip.py`. Sound is never touched. Knows one
viewer's seat and the rendition it follows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from ..domain.narrow import LEAST_BPS, Flow, Narrow
from ..domain.overflow import Left
from ..fanout import Fanout, Packet, ViewerId
from ..rtc import rtcp
from .clock import Clock
from .drip import BEHIND_SECONDS_MAX, Drip
from .rendition import Rendition

KEYFRAME_WAIT_SECONDS: Final = 3.0  # without one for so long, one is asked for
PACED: Final = 1.03  # of the stream's rate at least; below it what waits here would never leave
PACED_SECONDS_MAX: Final = 2.0  # may wait here while a beginning leaves
NEW_SECONDS: Final = 1.0  # between a report of a gap and the requests that show it to be one
CALM_SECONDS: Final = 0.2  # no more than this may wait here when the whole stream is given again


class Numbered(Protocol):
    """The viewer, as it is seen from here."""

    seat: ViewerId | None

    @property
    def ssrc(self) -> int:
        """Of its picture."""

    def run_begins(self, stream: Rendition, first_own: int, offset: int) -> None:
        """From `first_own` on, its sequence is that of `stream` plus `offset`."""

    def begin(self, stream: Rendition, first: int, cached: list[Packet]) -> None:
        """Follow `stream` in full again."""


class Strait:
    """One viewer's; it stands aside until its path proves narrow."""

    def __init__(
        self,
        viewer: Numbered,
        first: int,
        fanout: Fanout,
        clock: Clock,
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        """`first`: the sequence that its stream begins with."""
        self._first = first
        self.narrow = Narrow(first, clock.now())
        self.first_own = 0  # since the path is narrow; what was lost before is not repaired any more
        self.left_out = 0
        self._viewer, self._fanout, self._clock, self._later = viewer, fanout, clock, later
        self._drip: Drip | None = None
        self._stream: Rendition | None = None
        self._keyframe_s = 0.0
        self._since_s = float("-inf")
        self._paces = False  # a beginning or a keyframe on its way; nothing is left out
        self._left: dict[int, float] = {}  # when what was paced last left, by own sequence

    @property
    def rate_bps(self) -> float | None:
        """What the picture may cost, repairs included; None where it is given in full."""
        return None if self._drip is None or self._paces else self._drip.rate_bps

    @property
    def busy(self) -> bool:
        """Whether the picture goes through here just now."""
        return self._drip is not None

    @property
    def unsent(self) -> int | None:
        """The first own sequence that waits here, or will."""
        return None if self._drip is None else self._drip.unsent

    def is_given(self, own: int) -> bool:
        """Whether this number is of what is fed to a narrow path, and not the stream's."""
        return self.rate_bps is not None and own >= self.first_own

    def outlasts_a_gap(self) -> bool:
        """Nothing reached the viewer for a while. Whether less than all is given still: what was judged just
        now was judged by that gap, and is forgotten."""
        if self._clock.now() - self._since_s < NEW_SECONDS:
            self.forget()
        return self.rate_bps is not None

    def forget(self) -> None:
        """The path is another one: give all again, and judge anew."""
        self.end()
        self.narrow = Narrow(self._first, self._clock.now())

    def begins(self, block: rtcp.ReportBlock) -> None:
        """The first report of a stream: the losses that it tells of may be those of the stream before."""
        self.narrow.restart(block.highest, block.lost, self._clock.now())

    def heard(self, block: rtcp.ReportBlock, stream: Rendition, following: int, *, judge: bool) -> None:
        """A report about the picture; `following`: the next own sequence, if it follows `stream`.

        `judge` False: its loss is of another making (a probe, a stream that is being left).
        """
        now = self._clock.now()
        if self._drip is not None and self._drip.held_back:
            self.narrow.used, self._drip.held_back = True, False
        flow = Flow(stream.bps, stream.packet_bytes)
        self.narrow.heard(block.highest, block.lost, flow, now, judge=judge)
        rate = self.narrow.rate_bps
        if self._drip is not None and rate is not None:
            self._drip.rate_bps, self._paces = rate, False
        elif rate is not None and self._viewer.seat is not None and stream.bps:
            self._narrow(self._viewer.seat, stream, rate, following)

    def _narrow(self, seat: ViewerId, stream: Rendition, rate_bps: float, following: int) -> None:
        """Follow the stream no more; its packets come by here from now on."""
        self._fanout.segment(seat, stream.source, 0)  # what leaves for this seat alone is numbered here
        self._fanout.pause(seat, "video")
        self._stream, self._keyframe_s, self._since_s = stream, self._clock.now(), self._clock.now()
        self.first_own = 0 if self._paces else following
        self._drip = Drip(
            following=following,
            rate_bps=rate_bps,
            send=lambda packets: self._send(seat, stream, packets),
            begun=lambda first, offset: self._viewer.run_begins(stream, first, offset),
            later=self._later,
            now=self._clock.now,
            behind_s=PACED_SECONDS_MAX if self._paces else BEHIND_SECONDS_MAX,
        )
        stream.aside.append(self)

    def pace(
        self, stream: Rendition, rate_bps: int, following: int, cached: list[Packet], *, is_first: bool
    ) -> None:
        """Feed a beginning or a keyframe to a path of known width: the stream in full follows it, unless
        that is more than fits."""
        if self._viewer.seat is None or self._drip is not None:
            return
        self._left.clear()
        if not is_first:  # a guess that may be old: less than all is given only where much is lost
            rate_bps = max(rate_bps, int(PACED * stream.bps))
        self._paces = rate_bps >= stream.bps
        if not self._paces:
            self.narrow.enter(rate_bps, self._clock.now())
        self._narrow(self._viewer.seat, stream, max(LEAST_BPS, rate_bps), following)
        if cached:
            self.take(cached)

    def _send(self, seat: ViewerId, stream: Rendition, packets: list[Packet]) -> bool:
        if self._paces:
            self._left.update((packet.sequence, self._clock.now()) for packet in packets)
        return self._fanout.forward(stream.source, packets, only=seat)

    def _run_on(self, stream: Rendition, offset: int, packets: list[Packet]) -> None:
        """What was paced has left: the same run of numbers comes in full again."""
        if self._viewer.seat is not None:
            self._fanout.segment(self._viewer.seat, stream.source, offset)
            self._fanout.forward(stream.source, packets, only=self._viewer.seat)

    def left(self, own: int, left: Left | None) -> Left | None:
        """When a packet of the stream really left, if it was paced lately; None while it waits here."""
        if left is None or (self.unsent is not None and own >= self.unsent):
            return None
        return left._replace(at=max(left.at, self._left.get(own, left.at)))

    def take(self, packets: list[Packet]) -> None:
        """Packets of the stream, as they leave for all others."""
        drip, stream = self._drip, self._stream
        if drip is None or stream is None:
            return
        now = self._clock.now()
        if self._paces:
            offset = drip.drained_offset
            if packets and offset is not None:
                self.end()
                self._run_on(stream, offset, packets)
            else:
                drip.take(packets, stream.keyframes)
            return
        for place, packet in enumerate(packets):
            if packet.sequence in stream.keyframes:
                self._keyframe_s = now
                if drip.behind_s < CALM_SECONDS and self.narrow.bears(stream.bps, now):
                    drip.take(packets[:place], stream.keyframes)
                    self._viewer.begin(stream, packet.sequence, packets[place:])
                    return
        drip.take(packets, stream.keyframes)

    def report(self, ntp: int, timestamp: int) -> None:
        """The sender reports to followers; to this viewer the report is ours to send."""
        if self._viewer.seat is not None:
            sent = self._fanout.counts(self._viewer.seat).video
            said = rtcp.SenderReport(
                self._viewer.ssrc, ntp, timestamp, sent.packets & 0xFFFFFFFF, sent.octets & 0xFFFFFFFF
            )
            self._fanout.rtcp(self._viewer.seat, rtcp.sender_report(said))

    @property
    def wants_keyframe(self) -> bool:
        """Whether nothing can be given for want of a keyframe, for too long."""
        waits = self._drip is not None and not self._drip.is_open
        return waits and self._clock.now() - self._keyframe_s >= KEYFRAME_WAIT_SECONDS

    def charge(self, size_bytes: int) -> None:
        """A repair leaves beside the stream."""
        if self._drip is not None:
            self._drip.charge(size_bytes)

    def end(self) -> int | None:
        """Stand aside; the first own sequence that is free again, None where nothing was narrow."""
        drip, stream = self._drip, self._stream
        self._drip = self._stream = None
        self._paces = False
        self.narrow.forget()
        if drip is None or stream is None:
            return None
        stream.aside.remove(self)
        self.left_out += drip.left_out
        return drip.end()
