"""What a twin must do: the sender behind the front, and what is handed to it. No checks here.

The front (`front.py`) has checked every number; a sender only queues, and then does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from .interface import Address, Packet, Profile, Resend, Totals, ViewerCounts
from .keys import SessionKeys
from .layout import Layout

VIDEO: Final = 0
AUDIO: Final = 1
NO_VIEWER: Final = -1
NO_RTX: Final = -1

FEW_FOLLOWERS: Final = 8  # their packets leave one by one: nothing is won by waiting
WINDOW_PER_FOLLOWER_NS: Final = 20_000
WINDOW_LIMIT_NS: Final = 4_000_000
HELD_LIMIT_PACKETS: Final = 64


class CryptoUnfit(Exception):
    """No library on this machine encrypts as the readable twin does."""


def window_ns(followers: int) -> int:
    """How long a source's video may wait for more of its frame: longer when a send costs more."""
    return 0 if followers <= FEW_FOLLOWERS else min(followers * WINDOW_PER_FOLLOWER_NS, WINDOW_LIMIT_NS)


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of media for one viewer, ready for the sender."""

    ssrc: int
    payload_type: int
    rtx_ssrc: int
    rtx_payload_type: int  # or NO_RTX
    first_rtx_sequence: int
    layout: Layout


@dataclass(frozen=True, slots=True, repr=False)
class Arrival:
    """A viewer that joins. No repr: it holds keys."""

    address: Address
    profile: Profile
    rtp: SessionKeys
    rtcp: SessionKeys
    streams: tuple[Stream | None, Stream | None]  # by VIDEO, AUDIO
    cname: bytes


class Sender(Protocol):
    """One thread that owns all outbound state. Posts return False when the queue has no room."""

    path: str

    def open_source(self, source: int, kind: int) -> bool: ...
    def close_source(self, source: int) -> bool: ...
    def join(self, viewer: int, arrival: Arrival) -> bool: ...
    def leave(self, viewer: int) -> bool: ...
    def move(self, viewer: int, address: Address) -> bool: ...
    def segment(self, viewer: int, source: int, offset: int) -> bool: ...
    def extend(self, viewer: int, kind: int, layout: Layout) -> bool: ...
    def pause(self, viewer: int, kind: int) -> bool: ...
    def forward(self, source: int, packets: list[Packet], only: int) -> bool: ...
    def resend(self, viewer: int, kind: int, packets: list[Resend]) -> bool: ...
    def rtcp(self, viewer: int, compound: bytes) -> bool: ...
    def report(self, source: int, ntp_time: int, timestamp: int) -> bool: ...
    def counts(self, viewer: int) -> ViewerCounts: ...
    def totals(self) -> Totals: ...
    def freeze(self, now_ns: int | None) -> None:
        """Stamp this moment as send time, and find no job late, from now on (tests); None: the clock."""

    def hold(self, held: bool) -> None:
        """Start no job while held (tests fill the queue so)."""

    def drain(self, timeout_s: float) -> bool: ...
    def close(self) -> None: ...
