"""What a player makes of packets: frames in order, what is missing, when its picture stood still. Pure.

Frames are shown when they are whole and all before them was; a hole that stays is jumped over as soon
as a later keyframe is whole. Written from the RFCs alone: a stranger to the relay that it measures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aiortc.codecs.h264 import h264_depayload

MISSING_MAX: Final = 600
NACK_AGAIN_SECONDS: Final = 0.1
HOPELESS_SECONDS: Final = 0.5
PLI_AGAIN_SECONDS: Final = 0.5
FREEZE_SECONDS: Final = 0.15  # libwebrtc: a gap of max(3 x usual, usual + 150 ms) is a freeze
FREEZE_TIMES: Final = 3.0
BUFFER_SECONDS: Final = 0.15  # a keyframe takes as long on a road that just bears its rendition
DRIFT_SECONDS: Final = 0.001  # a frame, so that a longer path becomes the usual one
START, SETS = 0x80, (7, 24)


class Piece(NamedTuple):
    """One packet of the picture."""

    timestamp: int
    marker: bool
    payload: bytes

    @property
    def begins_keyframe(self) -> bool:
        """Parameter sets (alone or in a STAP-A) stand before every keyframe here."""
        return bool(self.payload) and self.payload[0] & 0x1F in SETS


class Frame(NamedTuple):
    """One whole picture; `data` is Annex B for a keyframe, else empty."""

    timestamp: int
    is_keyframe: bool
    data: bytes


@dataclass(slots=True)
class Freezes:
    """When frames are shown, and for how long the picture stands.

    A frame is shown `BUFFER_SECONDS` behind the moment at which the quickest came, if it is whole by then.
    """

    frames: int = 0
    count: int = 0
    frozen_s: float = 0.0
    at: list[tuple[float, float]] = field(default_factory=list)  # when each ended, and its length
    _behind_s: float | None = None  # clock less RTP time, of the quickest
    _tick: int = 0
    _last_s: float | None = None
    _usual_s: float = 1 / 30

    def whole(self, timestamp: int, now_s: float) -> None:
        """One more frame is whole; it is shown now or when it is due."""
        delta = (timestamp - self._tick) & 0xFFFFFFFF
        self._tick += delta - (1 << 32 if delta >= 1 << 31 else 0)
        behind_s = now_s - self._tick / 90_000
        if self._behind_s is None or abs(behind_s - self._behind_s) > 5.0:
            self._behind_s = behind_s
        self._behind_s = min(behind_s, self._behind_s + DRIFT_SECONDS)
        self._shown(max(now_s, self._behind_s + self._tick / 90_000 + BUFFER_SECONDS))

    def _shown(self, at_s: float) -> None:
        self.frames += 1
        if self._last_s is not None:
            at_s = max(at_s, self._last_s)
            gap_s = at_s - self._last_s
            if gap_s > max(FREEZE_TIMES * self._usual_s, self._usual_s + FREEZE_SECONDS):
                self.count += 1
                self.frozen_s += gap_s
                self.at.append((at_s, gap_s))
            self._usual_s += (min(gap_s, 0.2) - self._usual_s) / 30
        self._last_s = at_s


@dataclass(slots=True)
class Picture:
    """The packets of one SSRC, by unwrapped sequence."""

    received: int = 0
    highest: int | None = None
    first: int = 0
    _next: int = 0
    _waits_for_keyframe: bool = True
    _pieces: dict[int, Piece] = field(default_factory=dict)
    _missing: dict[int, list[float]] = field(default_factory=dict)  # since when, last asked
    _keyframes: list[int] = field(default_factory=list)
    _frame: list[Piece] = field(default_factory=list)
    _pli_s: float = 0.0

    def take(self, sequence16: int, piece: Piece, now_s: float, *, repaired: bool) -> list[Frame]:
        """A packet came; the frames that are whole now, in order."""
        sequence = self._unwrapped(sequence16)
        if self.highest is None:
            self.highest = self.first = self._next = sequence
        elif sequence > self.highest:
            if sequence - self.highest < MISSING_MAX:
                self._missing.update((hole, [now_s, 0.0]) for hole in range(self.highest + 1, sequence))
            self.highest = sequence
        self.received += not repaired
        self._missing.pop(sequence, None)
        if sequence < self._next or sequence in self._pieces:
            return []
        self._pieces[sequence] = piece
        if piece.begins_keyframe:
            self._keyframes.append(sequence)
        return self._drain() or self._jump()

    def _unwrapped(self, sequence16: int) -> int:
        if self.highest is None:
            return sequence16
        delta = (sequence16 - self.highest) & 0xFFFF
        return self.highest + (delta - 0x10000 if delta >= 0x8000 else delta)

    def _drain(self) -> list[Frame]:
        frames = []
        while (piece := self._pieces.pop(self._next, None)) is not None:
            self._next += 1
            self._frame.append(piece)
            if piece.marker:
                frame, self._frame = self._frame, []
                is_keyframe = frame[0].begins_keyframe
                if is_keyframe or not self._waits_for_keyframe:
                    self._waits_for_keyframe = False
                    data = b"".join(h264_depayload(p.payload) for p in frame) if is_keyframe else b""
                    frames.append(Frame(piece.timestamp, is_keyframe, data))
        return frames

    def _jump(self) -> list[Frame]:
        """Over a hole to the newest keyframe that is whole."""
        self._keyframes = [k for k in self._keyframes if k >= self._next]
        for first in reversed(self._keyframes):
            at = first
            while at in self._pieces and not self._pieces[at].marker:
                at += 1
            if at in self._pieces and first > self._next:
                self._skip_to(first)
                return self._drain()
        return []

    def _skip_to(self, sequence: int) -> None:
        for old in [s for s in self._pieces if s < sequence]:
            del self._pieces[old]
        for old in [s for s in self._missing if s < sequence]:
            del self._missing[old]
        self._next, self._frame = sequence, []

    def due(self, now_s: float) -> tuple[list[int], bool]:
        """(sequences to ask for again, whether to ask for a keyframe)."""
        ask = []
        for hole, state in self._missing.items():
            if now_s - state[1] >= NACK_AGAIN_SECONDS:
                state[1] = now_s
                ask.append(hole & 0xFFFF)
        hopeless = any(now_s - since > HOPELESS_SECONDS for since, _ in self._missing.values())
        if hopeless and self.highest is not None:
            self._waits_for_keyframe = True
            begun = [keyframe for keyframe in self._keyframes if keyframe > self._next]
            self._skip_to(begun[-1] if begun else self.highest + 1)
        pli = (
            self._waits_for_keyframe and self.highest is not None and now_s - self._pli_s > PLI_AGAIN_SECONDS
        )
        if pli:
            self._pli_s = now_s
        return ask[:128], pli
