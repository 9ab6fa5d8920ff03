"""What a program can be cut from: a studio's feed, or the slate. Names and shapes only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ..contract import Codec, StudioId
from ..domain.timeline import CaptureClock
from ..fanout import Kind, Packet


class FeedPacket(NamedTuple):
    """A packet of a source, and those behind it that came at once with it, of the same frame.

    `sequence` and `tick` (RTP time) are unwrapped; `keyframe`: one begins here. The first has that sequence
    and the payload, `more` are the payloads of the next ones; the marker is the last one's.
    """

    kind: Kind
    sequence: int
    tick: int
    marker: bool
    payload: bytes
    keyframe: bool
    arrived_s: float
    rid: str = ""  # which of the source's encodings of its picture (RFC 8851); "" where there is one
    more: tuple[bytes, ...] = ()

    def leaving(self, own: int, outgoing: int, capture: int | None) -> list[Packet]:
        """As every viewer shall get them: numbered from `own`; the first tells its capture time, if any."""
        timestamp, last = outgoing & 0xFFFFFFFF, len(self.more)
        first = Packet(own, timestamp, self.marker and not last, self.payload, capture)
        more = enumerate(self.more, 1)
        return [first, *[Packet(own + n, timestamp, self.marker and n == last, body) for n, body in more]]


class SourceTrack(Protocol):
    """One stream of a source."""

    @property
    def rate_hz(self) -> int:
        """Ticks a second."""

    @property
    def tick(self) -> int | None:
        """The newest."""

    @property
    def capture(self) -> CaptureClock:
        """When its ticks were captured."""


class Listener(Protocol):
    """A program that may take what a source brings."""

    def take(self, feed: Source, packet: FeedPacket) -> None:
        """Packets came, in the order of arrival."""

    def clocks_learnt(self, feed: Source) -> None:
        """The source knows more of its capture clocks now."""


class Source(Protocol):
    """A feed or the slate."""

    number: int
    codec: Codec
    listeners: list[Listener]
    pulled: bool  # from another relay: its ticks are program time already

    @property
    def era(self) -> int:
        """Raised when a stream begins anew."""

    @property
    def studio(self) -> StudioId | None:
        """Whose it is; None is the slate."""

    @property
    def tracks(self) -> Mapping[Kind, SourceTrack]:
        """Its streams."""

    @property
    def names(self) -> tuple[str, ...]:
        """The encodings of its picture that were agreed, whether they come or not."""

    @property
    def layers(self) -> Mapping[str, SourceTrack]:
        """The encodings of its picture, by rid; one of them is the picture among the tracks."""

    @property
    def media_s(self) -> float | None:
        """When the last packet of its picture (or of its sound, without one) came."""

    def request_keyframe(self, now: float, rid: str | None = None) -> None:
        """Begin a new group of pictures soon, in one encoding or in all."""
