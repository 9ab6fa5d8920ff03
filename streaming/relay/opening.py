"""The pictures that a viewer begins with, under times of their own.

They leave at once, two seconds of them perhaps. Under their program times a player would take the
burst for a path that grew shorter by two seconds: its clock runs early and corrects itself by 0.1 to
0.2 s later on, which a player that holds its frames shows as a freeze. So all but the newest come
one millisecond apart, just before it; from the newest on everything is under its program time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..domain.timeline import unwrapped
from ..fanout import Packet
from .rendition import Rendition

ASKED_SECONDS: Final = 10.0  # later nobody asks for them again
APART_TICKS: Final = 90  # 1 ms at 90 kHz: decoders that count milliseconds still tell them apart


class Opening:
    """One viewer's: what it was given first, so that a repair says the same."""

    def __init__(self) -> None:
        self._stream: Rendition | None = None
        self._last, self._left_s = -1, 0.0
        self._times: dict[int, int] = {}

    def hurry(self, stream: Rendition, cached: list[Packet], now: float) -> list[Packet]:
        """The packets as they shall leave; nothing is to be told of those behind them."""
        whole = _without_gap(cached)
        if not whole:
            return cached
        self._stream, self._last, self._left_s = stream, whole[-1].sequence, now
        self._times = close_together([packet.timestamp for packet in whole])
        return [self.as_sent(stream, packet) for packet in cached]

    def as_sent(self, stream: Rendition, packet: Packet) -> Packet:
        """A packet of the stream's history, as this viewer had or should have had it."""
        if stream is not self._stream or packet.sequence > self._last:
            return packet
        return packet._replace(timestamp=self._times.get(packet.timestamp, packet.timestamp))

    def grow_old(self, now: float) -> None:
        """Forget what nobody asks for any more."""
        if self._stream is not None and now - self._left_s >= ASKED_SECONDS:
            self._stream, self._times = None, {}


def close_together(timestamps: Sequence[int]) -> dict[int, int]:
    """New times (32 bits) for those of some frames: the same order, close before the latest, which stays."""
    latest = timestamps[-1]
    whole = {unwrapped(latest, stamp, 32) for stamp in timestamps}
    last = max(whole)
    ranked = sorted(whole, reverse=True)
    return {
        stamp & 0xFFFFFFFF: (last - place * APART_TICKS) & 0xFFFFFFFF for place, stamp in enumerate(ranked)
    }


def _without_gap(packets: list[Packet]) -> list[Packet]:
    """Up to the first gap: what is missing there comes later, to all viewers under one time."""
    for place, packet in enumerate(packets):
        if packet.sequence != packets[0].sequence + place:
            return packets[:place]
    return packets
