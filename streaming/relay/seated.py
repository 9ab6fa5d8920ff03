"""What the fronts know of a session: what its peer is told, and what a later request is judged by."""

from __future__ import annotations

from dataclasses import dataclass

from ..contract import ShowId
from ..rtc.session import Session
from .feed import Feed
from .viewer import Viewer


@dataclass(frozen=True, slots=True)
class Admission:
    """What a peer gets for its offer: its session's secret name and the SDP answer."""

    session: str
    etag: str
    answer: str
    steps: int | None = None  # how far from the studio, when another relay asked
    renditions: tuple[str, ...] = ()  # what else it may ask for


@dataclass(slots=True)
class Seated:
    """A session of the relay, with what the fronts must know to judge a request for it."""

    name: str
    etag: str
    session: Session
    peer: Feed | Viewer
    place: str  # the studio or show that it was opened for
    mid: str
    video_line: int = 0  # which m-line of a viewer's offer is the picture
    generation: int = 0  # of the token that opened it, for a publisher

    @property
    def show(self) -> ShowId:
        """The show that a viewer watches."""
        return ShowId(self.place)

    @property
    def relays(self) -> bool:
        """Whether it is another relay, which gives on what it gets."""
        return isinstance(self.peer, Viewer) and self.peer.relay

    @property
    def prefix(self) -> str:
        """Which front opened it."""
        return "whip" if isinstance(self.peer, Feed) else "whep"
