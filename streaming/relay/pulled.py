"""A show's feed as another relay gives it: one session for each rendition, together one source.

The sessions' feeds are its parts; programs listen to the whole. It knows no viewer, and not how the
sessions came to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from ..contract import Codec, ShowId, StudioId
from ..fanout import Kind
from .feed import Feed, FeedTrack, next_number
from .source import FeedPacket, Listener, Source


class Pulled:
    """All renditions of one show from one relay. The first named brings the sound too."""

    pulled = True

    def __init__(
        self,
        show: ShowId,
        studio: StudioId,
        codec: Codec,
        names: tuple[str, ...],
        *,
        became_ready: Callable[[Pulled], None],
        became_gone: Callable[[Pulled, str], None],
    ) -> None:
        """`studio`: what the other relay shows now; where it cuts to another, this is changed from outside.
        `names`: at least one; whose session comes and goes, the whole comes and goes with."""
        self.show, self.studio, self.codec, self.names = show, studio, codec, names
        self.number = next_number()
        self.listeners: list[Listener] = []
        self.parts: dict[str, Feed] = {}
        self.ticked_s = 0.0
        self._met: set[str] = set()
        self._restarts = 0
        self._became_ready, self._became_gone = became_ready, became_gone

    # -- its parts ---------------------------------------------------------------------------------

    def part_ready(self, name: str, part: Feed) -> None:
        """The media of one rendition can flow."""
        self.parts[name] = part
        part.listeners.append(self)
        if name in self._met:  # its numbers begin anew, so all do: the next keyframes are to come soon
            self._restarts += 1
            for layer in self.layers.values():
                layer.keyframe_wanted = True
        self._met.add(name)
        if name == self.names[0]:
            self._became_ready(self)

    def part_gone(self, name: str, part: Feed, reason: str) -> None:
        """The session of one rendition ended."""
        if self.parts.get(name) is part:
            self._restarts += part.era
            del self.parts[name]
        if name == self.names[0]:
            self._became_gone(self, reason)

    def take(self, feed: Source, packet: FeedPacket) -> None:
        """A packet of a part, which bears its name."""
        for listener in list(self.listeners):
            listener.take(self, packet)

    def clocks_learnt(self, feed: Source) -> None:
        """A pulled feed's times are program time already, whatever is said of its clocks."""

    # -- a source ----------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether media can flow."""
        return self.names[0] in self.parts

    @property
    def era(self) -> int:
        """Raised when a stream begins anew."""
        return self._restarts + sum(part.era for part in self.parts.values())

    @property
    def tracks(self) -> Mapping[Kind, FeedTrack]:
        """Picture and sound of the first session; none before and after it."""
        first = self.parts.get(self.names[0])
        return {} if first is None else first.tracks

    @property
    def layers(self) -> Mapping[str, FeedTrack]:
        """The renditions that can flow."""
        return {name: part.layers[name] for name, part in self.parts.items()}

    @property
    def media_s(self) -> float | None:
        """When the last packet of any picture came."""
        return max((part.media_s for part in self.parts.values() if part.media_s is not None), default=None)

    def request_keyframe(self, now: float, rid: str | None = None) -> None:
        """Ask the other relay, in one session or in all; each merges and repeats."""
        for name, part in self.parts.items():
            if rid is None or rid == name:
                part.request_keyframe(now)

    @property
    def restless(self) -> bool:
        """Whether it waits for something that must be asked for again soon."""
        return any(part.restless for part in self.parts.values())

    def tick(self, now: float) -> None:
        """What is missing, what is due."""
        self.ticked_s = now
        for part in self.parts.values():
            part.tick(now)


Incoming: TypeAlias = Feed | Pulled
