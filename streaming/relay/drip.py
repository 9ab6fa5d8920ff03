"""Feeds one viewer on a narrow path: whole frames while they fit, then nothing until the next keyframe.

Its packets leave at the path's rate, numbered without gaps; what does not fit is never numbered, so
that no player asks for it. Knows one viewer's packets, not why its path is narrow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Final

from ..fanout import Packet

PUMP_SECONDS: Final = 0.010
BURST_SECONDS: Final = 0.02  # of the rate, that may leave at once
BEHIND_SECONDS_MAX: Final = 1.0  # a frame that would leave later is left out, where keyframes are rare
GROUP_SECONDS_MAX: Final = 2.5  # a longer group of pictures is no measure of what may wait
HEADER_BYTES: Final = 60  # IP, UDP, RTP, its extensions and tag


class Drip:
    """A queue of one viewer's packets in front of the sender."""

    def __init__(
        self,
        *,
        following: int,
        rate_bps: float,
        send: Callable[[list[Packet]], bool],
        begun: Callable[[int, int], None],
        later: Callable[[float, Callable[[], None]], object],
        now: Callable[[], float],
        behind_s: float = BEHIND_SECONDS_MAX,
    ) -> None:
        """`following`: the first own sequence to give out; `begun(first_own, offset)` tells of each new
        run of numbers; `send` gets packets under their own sequences."""
        self.following, self.rate_bps = following, rate_bps
        self.behind_s_max = behind_s
        self.left_out = 0
        self.held_back = False  # since somebody looked
        self.ended = False
        self._send, self._begun, self._later, self._now = send, begun, later, now
        self._queue: deque[Packet] = deque()
        self._bytes = 0.0
        self._spare_bytes = 0.0
        self._pumped_s = now()
        self._pumping = False
        self._open: int | None = None  # offset of the run, while frames of it are taken
        self._frame: int | None = None
        self.newest = -1
        self._first = 0
        self._keyframes_s: tuple[float, ...] = ()  # when the newest two came
        self.unsent = following

    @property
    def behind_s(self) -> float:
        """How long what waits here takes to leave."""
        return self._bytes * 8 / self.rate_bps

    @property
    def _room_s(self) -> float:
        """How long a frame may wait: until the next keyframe, where these come regularly and soon."""
        if len(self._keyframes_s) < 2:
            return self.behind_s_max
        apart_s = self._keyframes_s[1] - self._keyframes_s[0]
        if apart_s > GROUP_SECONDS_MAX:
            return self.behind_s_max
        return max(self.behind_s_max, self._keyframes_s[1] + apart_s - self._now())

    @property
    def is_open(self) -> bool:
        """Whether frames are taken just now; else a keyframe is waited for."""
        return self._open is not None

    @property
    def drained_offset(self) -> int | None:
        """From the stream's sequences to ours, where a run is open and all of it has left."""
        return None if self._queue else self._open

    def take(self, packets: list[Packet], keyframes: Collection[int]) -> None:
        """Packets of the stream; `keyframes`: sequences of the stream at which one begins."""
        for packet in packets:
            if packet.sequence > self.newest and packet.timestamp != self._frame:
                self._frame = packet.timestamp
                self._decide(packet.sequence, packet.sequence in keyframes)
            self.newest = max(self.newest, packet.sequence)
            if self._open is None or packet.sequence < self._first:
                self.left_out += 1
                continue
            own = packet.sequence + self._open
            self.following = max(self.following, own + 1)
            self._queue.append(packet._replace(sequence=own))
            self._bytes += len(packet.payload) + HEADER_BYTES
        self._pump_soon()

    def _decide(self, sequence: int, keyframe: bool) -> None:
        """Whether a frame that begins here still fits."""
        fits = self.behind_s <= (self.behind_s_max if keyframe else self._room_s)
        if keyframe:
            self._keyframes_s = (*self._keyframes_s[-1:], self._now())
        if self._open is not None and not fits:
            self._open = None
        elif self._open is None and keyframe and fits:
            self._open, self._first = self.following - sequence, sequence
            self._begun(self.following, self._open)

    def charge(self, size_bytes: int) -> None:
        """Something else left for this viewer: a repair, which the path carries just as well."""
        self._spare_bytes -= size_bytes + HEADER_BYTES

    def end(self) -> int:
        """Give up what waits; the first own sequence that was not sent."""
        self.ended = True
        self._queue.clear()
        return self.unsent

    def _pump_soon(self) -> None:
        if self._queue and not self._pumping:
            self._pumping = True
            self._pump()

    def _pump(self) -> None:
        """Let leave what the rate allows since the last time."""
        if self.ended:
            return
        now = self._now()
        limit = self.rate_bps / 8 * BURST_SECONDS
        self._spare_bytes = min(limit, self._spare_bytes + (now - self._pumped_s) * self.rate_bps / 8)
        self._pumped_s = now
        batch: list[Packet] = []
        while self._queue and self._spare_bytes > 0:
            packet = self._queue.popleft()
            size = len(packet.payload) + HEADER_BYTES
            self._spare_bytes -= size
            self._bytes -= size
            batch.append(packet)
            self.unsent = max(self.unsent, packet.sequence + 1)
        if batch:
            self._send(batch)
        self._pumping = bool(self._queue)
        self.held_back = self.held_back or self._pumping
        if self._pumping:
            self._later(PUMP_SECONDS, self._pump)
