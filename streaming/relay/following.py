"""What one viewer follows: its program, and how its own numbers stand to those of what it is given."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..contract import ShowId
from ..domain import timeline
from ..fanout import Packet
from .rendition import Audience, Rendition


class Watched(Protocol):
    """The program, as a viewer sees it."""

    show: ShowId
    clock: timeline.ProgramClock

    def admit(self, viewer: Audience, now: float) -> None:
        """Start this viewer."""

    def dismiss(self, viewer: Audience) -> None:
        """It left."""

    def renew(self, viewer: Audience, now: float, room_bytes: int) -> None:
        """It missed what left lately; its path takes so much at once."""

    def request_keyframe(self, viewer: Audience, now: float) -> None:
        """It cannot go on without one."""


class Span(NamedTuple):
    """From `first_own` on, the viewer's own sequence is that of `stream` plus `offset`."""

    first_own: int
    stream: Rendition
    offset: int
    began_s: float = 0.0  # what is older in the stream left then

    @property
    def newest(self) -> int:
        """The last own sequence of all that the stream has given out so far."""
        return self.stream.newest + self.offset

    def recall(self, own: int) -> Packet | None:
        """The stream's packet of this own sequence, as long as it is remembered."""
        return self.stream.recall(own - self.offset)
