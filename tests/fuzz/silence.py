"""A sender behind the true front that does nothing but count: what it is handed, it could have sent."""

from __future__ import annotations

from itertools import count

from streaming.fanout.interface import Address, Packet, Resend, Totals, ViewerCounts
from streaming.fanout.layout import Layout
from streaming.fanout.sender import Arrival

_keys = count(1)


def fresh_keys() -> bytes:
    """16 bytes that were not used before: keys join once."""
    return next(_keys).to_bytes(16, "big")


class SilentSender:
    """See `streaming.fanout.sender.Sender`."""

    path = "silent"

    def __init__(self) -> None:
        self.forwarded: dict[int, int] = {}  # source -> packets
        self.resent: dict[int, int] = {}  # viewer -> packets
        self.said: dict[int, int] = {}  # viewer -> compounds

    def open_source(self, source: int, kind: int) -> bool:
        return True

    def close_source(self, source: int) -> bool:
        return True

    def join(self, viewer: int, arrival: Arrival) -> bool:
        return True

    def leave(self, viewer: int) -> bool:
        return True

    def move(self, viewer: int, address: Address) -> bool:
        return True

    def segment(self, viewer: int, source: int, offset: int) -> bool:
        return True

    def extend(self, viewer: int, kind: int, layout: Layout) -> bool:
        return True

    def pause(self, viewer: int, kind: int) -> bool:
        return True

    def forward(self, source: int, packets: list[Packet], only: int) -> bool:
        for sequence, timestamp, marker, payload, capture_time in packets:
            assert isinstance(sequence, int)
            assert 0 <= timestamp < 1 << 32
            assert isinstance(marker, bool)
            assert isinstance(payload, bytes)
            assert capture_time is None or 0 <= capture_time < 1 << 64
        self.forwarded[source] = self.forwarded.get(source, 0) + len(packets)
        return True

    def resend(self, viewer: int, kind: int, packets: list[Resend]) -> bool:
        self.resent[viewer] = self.resent.get(viewer, 0) + len(packets)
        return True

    def rtcp(self, viewer: int, compound: bytes) -> bool:
        self.said[viewer] = self.said.get(viewer, 0) + 1
        return True

    def report(self, source: int, ntp_time: int, timestamp: int) -> bool:
        assert 0 <= timestamp < 1 << 32
        return True

    def counts(self, viewer: int) -> ViewerCounts:
        return ViewerCounts()

    def totals(self) -> Totals:
        return Totals(*[0] * 11)

    def freeze(self, now_ns: int | None) -> None: ...
    def hold(self, held: bool) -> None: ...

    def drain(self, timeout_s: float) -> bool:
        return True

    def close(self) -> None: ...
