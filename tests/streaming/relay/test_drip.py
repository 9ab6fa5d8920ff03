"""On a narrow path whole frames leave at the path's pace, and what is left out leaves no gap."""

from __future__ import annotations

from collections.abc import Callable

from streaming.fanout import Packet
from streaming.relay.drip import BEHIND_SECONDS_MAX, HEADER_BYTES, PUMP_SECONDS, Drip

FOLLOWING = 5000
GOP_FRAMES = 60


class Path:
    """A drip on a clock of its own; a keyframe of forty packets each two seconds, else eight a frame."""

    def __init__(self, rate_bps: float) -> None:
        self.now, self.sent, self.spans = 0.0, [], []  # type: float, list[tuple[float, Packet]], list[tuple[int, int]]
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self.drip = Drip(
            following=FOLLOWING,
            rate_bps=rate_bps,
            send=self._send,
            begun=lambda first, offset: self.spans.append((first, offset)),
            later=lambda seconds, act: self._timers.append((self.now + seconds, act)),
            now=lambda: self.now,
        )
        self._sequence = self._frame = 0

    def _send(self, packets: list[Packet]) -> bool:
        self.sent += [(self.now, packet) for packet in packets]
        return True

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while self._timers and min(at for at, _ in self._timers) <= until:
            self._timers.sort(key=lambda timer: timer[0])
            self.now, act = self._timers.pop(0)
            act()
        self.now = until

    def frames(self, count: int) -> None:
        for _ in range(count):
            keyframe = self._frame % GOP_FRAMES == 0
            size = 40 if keyframe else 8
            packets = [
                Packet(self._sequence + n, self._frame * 3000, n == size - 1, bytes(1000))
                for n in range(size)
            ]
            self.drip.take(packets, {self._sequence} if keyframe else set())
            self._sequence += size
            self._frame += 1
            self.wait(1 / 30)


def test_no_more_than_the_rate_leaves_and_nothing_is_numbered_that_does_not() -> None:
    path = Path(800_000)
    path.frames(10 * GOP_FRAMES)
    path.wait(3)
    octets = sum(len(p.payload) + HEADER_BYTES for _, p in path.sent)
    assert octets * 8 <= 800_000 * path.now * 1.05
    assert octets * 8 >= 800_000 * path.now * 0.4
    assert [p.sequence for _, p in path.sent] == list(range(FOLLOWING, FOLLOWING + len(path.sent)))
    assert path.drip.following == FOLLOWING + len(path.sent)


def test_it_begins_with_a_keyframe_and_goes_on_with_one_whatever_was_left_out() -> None:
    path = Path(800_000)
    path._frame = 1
    path.frames(GOP_FRAMES - 1)
    assert path.sent == []
    assert not path.drip.is_open
    path.frames(3 * GOP_FRAMES)
    path.wait(3)
    starts = {own: offset for own, offset in path.spans}
    by_own = {p.sequence: p for _, p in path.sent}
    assert len(starts) == 3
    assert all(by_own[own].timestamp % (GOP_FRAMES * 3000) == 0 for own in starts)


def test_only_whole_frames_leave() -> None:
    path = Path(800_000)
    path.frames(4 * GOP_FRAMES)
    path.wait(3)
    sizes: dict[int, int] = {}
    for _, packet in path.sent:
        sizes[packet.timestamp] = sizes.get(packet.timestamp, 0) + 1
    assert set(sizes.values()) == {8, 40}


def test_nothing_leaves_much_later_than_it_came() -> None:
    path = Path(800_000)
    path.frames(5 * GOP_FRAMES)
    path.wait(3)
    keyframe_seconds = 40 * (1000 + HEADER_BYTES) * 8 / 800_000
    late = max(at - packet.timestamp / 90_000 for at, packet in path.sent)
    assert late <= BEHIND_SECONDS_MAX + keyframe_seconds + 2 * PUMP_SECONDS


def test_a_rate_that_bears_all_holds_nothing_back() -> None:
    path = Path(6_000_000)
    path.frames(2 * GOP_FRAMES)
    path.wait(1)
    assert path.drip.left_out == 0
    assert len(path.spans) == 1


def test_a_packet_that_comes_late_keeps_its_place() -> None:
    path = Path(6_000_000)
    early, late, next_frame = (Packet(n, 3000 * (n // 2), False, b"x") for n in (0, 1, 2))
    path.drip.take([early], {0})
    path.drip.take([next_frame], set())
    path.drip.take([late], set())
    path.wait(1)
    assert [p.sequence - FOLLOWING for _, p in path.sent] == [0, 2, 1]
    assert path.drip.following == FOLLOWING + 3


def test_repairs_take_from_the_same_rate() -> None:
    alone, beside = Path(800_000), Path(800_000)
    beside.drip.charge(50_000)
    for path in (alone, beside):
        path.frames(30)
    assert len(beside.sent) < len(alone.sent)


def test_an_end_gives_the_numbers_back_that_were_not_sent() -> None:
    path = Path(100_000)
    path.frames(1)
    free = path.drip.end()
    assert free == FOLLOWING + len(path.sent) < path.drip.following
    sent = len(path.sent)
    path.wait(1)
    assert len(path.sent) == sent
