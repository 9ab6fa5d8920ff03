"""When to offer, when to wait, when to give up: the reconnect machine of a studio. Pure.

`receive(event, now, jitter)` takes one event, the monotonic time in seconds and a random share
(0..1), and gives the actions to carry out. It holds no socket, no clock, no randomness.

| state | leaves on |
|---|---|
| resting | StartAsked → offering |
| offering | Answered → connecting · Refused, Unreachable → waiting or over |
| connecting | Connected → live · Lost, TimePassed after 10 s → waiting |
| live | Lost → waiting |
| waiting | TimePassed at the hour → offering · Replaced → yielded |
| yielded | nothing but StopAsked: a newer publisher has the studio, and keeps it |
| over | nothing |

In every state StopAsked ends the session and leads to over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0
AT_ONCE_WAIT_S: Final = 0.1
LONGEST_ASKED_WAIT_S: Final = 120.0  # a Retry-After beyond this is not believed
CONNECT_LIMIT_S: Final = 10.0
LEAST_WAIT_AFTER_CLOSE_S: Final = 1.0  # so that a word of a replacement comes before a new offer
SETTLED_AFTER_S: Final = 10.0  # live for so long, the back-off begins anew

State: TypeAlias = Literal["resting", "offering", "connecting", "live", "waiting", "yielded", "over"]


# -- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartAsked:
    pass


@dataclass(frozen=True, slots=True)
class StopAsked:
    pass


@dataclass(frozen=True, slots=True)
class Answered:
    """201 with an answer; `location` is the session's URL."""

    location: str
    answer: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Any other status; `retry_after_s` as the server said, `detail` in its words."""

    status: int
    detail: str = ""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer at all."""

    detail: str


@dataclass(frozen=True, slots=True)
class Connected:
    pass


@dataclass(frozen=True, slots=True)
class Lost:
    """The session ended without us; `by_peer` when the other side closed it in order."""

    detail: str
    by_peer: bool = False


@dataclass(frozen=True, slots=True)
class Replaced:
    """The relay says that a newer publisher took the studio (410 on the old session)."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    pass


Event: TypeAlias = (
    StartAsked | StopAsked | Answered | Refused | Unreachable | Connected | Lost | Replaced | TimePassed
)


# -- actions ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """POST a new offer."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Take the answer and bring the session up."""

    answer: str


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Take our side down; DELETE `location` when there is one."""

    location: str | None


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Say TimePassed at this monotonic time."""

    at_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Stop for good; the sentence is for the operator."""

    sentence: str


Action: TypeAlias = Offer | Connect | CloseSession | WakeAt | GiveUp

# Statuses that no repetition mends, and what to tell the operator.
HOPELESS: Final = {
    400: "The relay could not read our offer",
    401: "The relay does not accept this studio's token",
    403: "This token is not for this studio",
    405: "There is no WHIP at this address",
    406: "The relay takes none of our codecs",
    410: "This studio has been closed",
    415: "There is no WHIP at this address",
    422: "The relay takes none of our codecs",
}


class Uplink:
    """One studio's way to its relay. `state`, `detail` and the counters are for the health page."""

    def __init__(self) -> None:
        self.state: State = "resting"
        self.detail = ""
        self.connections = 0  # times that we went live
        self.losses = 0  # times that a live session was lost
        self._attempt = 0
        self._location: str | None = None
        self._deadline_s = 0.0
        self._live_since_s = 0.0

    def receive(self, event: Event, now: float, jitter: float) -> list[Action]:
        """Take an event at a monotonic time; `jitter` in 0..1 spreads waits. Returns what to do."""
        if self.state == "over":
            return []
        if isinstance(event, StopAsked):
            return self._end("stopped")
        if isinstance(event, StartAsked) and self.state == "resting":
            return self._offer()
        if isinstance(event, Replaced) and self.state in ("waiting", "offering"):
            self.state, self.detail = "yielded", "a newer publisher has taken this studio"
            return []
        if isinstance(event, TimePassed):
            return self._tick(now, jitter)
        if self.state == "offering":
            return self._offered(event, now, jitter)
        if self.state in ("connecting", "live"):
            return self._in_session(event, now, jitter)
        return []

    def _offer(self) -> list[Action]:
        self.state, self.detail = "offering", ""
        return [Offer()]

    def _offered(self, event: Event, now: float, jitter: float) -> list[Action]:
        if isinstance(event, Answered):
            self.state, self._location = "connecting", event.location
            self._deadline_s = now + CONNECT_LIMIT_S
            return [Connect(event.answer), WakeAt(self._deadline_s)]
        if isinstance(event, Refused):
            if event.status in HOPELESS:
                said = f" ({event.detail})" if event.detail else ""
                return self._give_up(f"{HOPELESS[event.status]}: {event.status}{said}.")
            detail = f"the relay said {event.status} {event.detail}".rstrip()
            return self._wait(detail, now, jitter, asked_s=event.retry_after_s)
        if isinstance(event, Unreachable | Lost):
            return self._wait(event.detail, now, jitter)
        return []

    def _in_session(self, event: Event, now: float, jitter: float) -> list[Action]:
        if isinstance(event, Connected) and self.state == "connecting":
            self.state, self.detail = "live", ""
            self.connections += 1
            self._live_since_s = now
            return []
        if isinstance(event, Lost):
            return self._lose(event, now, jitter)
        return []

    def _lose(self, event: Lost, now: float, jitter: float) -> list[Action]:
        """After a settled session the first try is made at once; unless the relay itself closed it.

        A relay closes in order when it ends or when a newer publisher takes the studio. Ours tells
        which (Replaced); with another server, two agents of one studio grow slower rather than throw
        each other out without an end.
        """
        was_settled = self.state == "live" and now - self._live_since_s >= SETTLED_AFTER_S
        self.losses += self.state == "live"
        if was_settled:
            self._attempt = 0
        at_once = was_settled and not event.by_peer
        closing: list[Action] = [CloseSession(self._location)]
        self._location = None
        asked_s = LEAST_WAIT_AFTER_CLOSE_S if event.by_peer else None
        return closing + self._wait(event.detail, now, jitter, asked_s=asked_s, at_once=at_once)

    def _tick(self, now: float, jitter: float) -> list[Action]:
        if now < self._deadline_s:
            return [WakeAt(self._deadline_s)] if self.state in ("waiting", "connecting") else []
        if self.state == "waiting":
            return self._offer()
        if self.state == "connecting":
            return self._lose(Lost(f"no connection within {CONNECT_LIMIT_S:.0f} s"), now, jitter)
        return []

    def _wait(
        self, detail: str, now: float, jitter: float, *, asked_s: float | None = None, at_once: bool = False
    ) -> list[Action]:
        """Full jitter between half and the whole of a doubling wait; never sooner than was asked."""
        whole_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._attempt, 10))
        wait_s = AT_ONCE_WAIT_S if at_once else whole_s * (0.5 + 0.5 * jitter)
        if asked_s is not None:
            asked_s = min(asked_s, LONGEST_ASKED_WAIT_S)
            wait_s = asked_s + wait_s * 0.1 if asked_s >= wait_s else wait_s
        self._attempt += 1
        self.state, self.detail = "waiting", detail
        self._deadline_s = now + wait_s
        return [WakeAt(self._deadline_s)]

    def _give_up(self, sentence: str) -> list[Action]:
        return [*self._end(sentence), GiveUp(sentence)]

    def _end(self, detail: str) -> list[Action]:
        closing: list[Action] = []
        if self.state in ("connecting", "live"):
            closing.append(CloseSession(self._location))
        self.state, self.detail, self._location = "over", detail, None
        return closing
