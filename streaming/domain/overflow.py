"""What a full path lets through, seen from what it loses or delays.

While the queue before a bottleneck is never empty, what comes through in a second is what the path
bears. Two things tell of such a while, from any player and within a round trip and a queue's length:
requests for packets (RFC 4585) that come so late that their followers stood in a queue, and
receiver reports (RFC 3550 section 6.4.1) whose highest sequence stays far behind what was sent.
Losses that are asked for promptly count where they are many and last: there may be no queue at all.
Pure: `now` and the moments at which packets left are arguments, in seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

LATE_SECONDS: Final = 0.08  # beyond the usual: a player looks for losses every 20 ms, frames are 33 apart
FAR_BEHIND_SECONDS: Final = 0.15  # of a report; a keyframe takes as long on a road that just bears it
WINDOW_SECONDS: Final = 1.0
LOSSES_MAX: Final = 512
REPAIRS_MAX: Final = 256
REPORTS_MAX: Final = 64
BEHIND_SECONDS: Final = 0.5  # reports must stay far behind for so long: a stall of the network is shorter
THROUGH_MIN: Final = 2  # packets that came between: without them it was a gap, not a queue
REPORTS_SECONDS: Final = 2.5
REPORTS_MIN: Final = 3  # two that are a second apart may each have met a keyframe, with nothing between


class Left(NamedTuple):
    """A packet that left: when, and how many octets of its stream had left by then, itself included."""

    at: float
    octets: int


class Arrival(NamedTuple):
    """What a report says: the newest sequence that had arrived, losses since the beginning; when that
    packet left, and the one behind it, if it has."""

    highest: int
    lost: int
    left: Left
    following: Left | None


class Proof(NamedTuple):
    """What it takes to believe losses: so many, over so long, so large a share."""

    losses: int
    seconds: float
    share: float


BOUT_SECONDS: Final = 0.8  # losses in a queue that are closer together are one bout
BOUT_LOSSES: Final = 4
BOUTS: Final = 3  # of them within BOUTS_SECONDS: the queue overflows with every keyframe, or never empties
BOUTS_SECONDS: Final = 5.0

LATE: Final = Proof(6, 0.09, 0.12)
PROMPT: Final = (Proof(12, 0.25, 0.30), Proof(12, 0.5, 0.12))


class _Loss(NamedTuple):
    own: int
    at: float
    octets: int
    is_late: bool


class _Report(NamedTuple):
    at: float
    highest: int
    lost: int
    octets: int


@dataclass(slots=True)
class Overflow:
    """One stream on one path. `queue_s`: how long what arrived last had stood in a queue, when known."""

    queue_s: float = 0.0
    late_since_s: float | None = None  # since when everything heard was late
    late_s: float = float("-inf")  # when it was heard last
    _losses: deque[_Loss] = field(default_factory=lambda: deque(maxlen=LOSSES_MAX))
    _reports: deque[_Report] = field(default_factory=lambda: deque(maxlen=REPORTS_MAX))
    _bouts: deque[list[float]] = field(default_factory=lambda: deque(maxlen=BOUTS))  # began, losses
    _repairs: deque[Left] = field(default_factory=lambda: deque(maxlen=REPAIRS_MAX))

    @property
    def late_for_s(self) -> float:
        """From the first to the newest word of lateness, with none of timeliness between."""
        return 0.0 if self.late_since_s is None else self.late_s - self.late_since_s

    def repaired(self, octets: int, now: float) -> None:
        """So many octets of repairs left: they take their part of the path."""
        self._repairs.append(Left(now, octets))

    def begin(self) -> None:
        """Another stream: what is known of the one before says nothing of it."""
        self._losses.clear()
        self._reports.clear()
        self._bouts.clear()
        self.late_since_s = None

    def _lost_late(self, now: float) -> None:
        if not self._bouts or now - self._bouts[-1][0] > BOUT_SECONDS:
            if self._bouts and self._bouts[-1][1] < BOUT_LOSSES:
                self._bouts.pop()
            self._bouts.append([now, 0])
        self._bouts[-1][1] += 1

    def recurs(self, now: float) -> bool:
        """Whether what leaves overflows the queue again and again, be it by ever so little."""
        return (
            len(self._bouts) == BOUTS
            and self._bouts[-1][1] >= BOUT_LOSSES
            and now - self._bouts[0][0] <= BOUTS_SECONDS
        )

    def missed(self, own: int, left: Left, usual_s: float, now: float) -> float | None:
        """The player asks for a packet of ours (its sequence, ascending) for the first time.

        `usual_s`: the round trip without a queue. The bit/s that came through, where that is proven.
        """
        late_s = now - left.at - usual_s
        is_late = late_s > LATE_SECONDS
        self._note(is_late, late_s, now)
        if is_late:
            self._lost_late(now)
        if self._losses and self._losses[-1].is_late != is_late:
            self._losses.clear()
        self._losses.append(_Loss(own, left.at, left.octets, is_late))
        while left.at - self._losses[0].at > WINDOW_SECONDS:
            self._losses.popleft()
        for proof in (LATE,) if is_late else PROMPT:
            found = self._through(proof)
            if found is not None:
                return found
        return None

    def _through(self, proof: Proof) -> float | None:
        first, last = self._losses[0], self._losses[-1]
        lost, sent, seconds = len(self._losses) - 1, last.own - first.own, last.at - first.at
        if len(self._losses) < proof.losses or seconds < proof.seconds or sent - lost < THROUGH_MIN:
            return None
        share = lost / sent
        if share < proof.share:
            return None
        beside = sum(repair.octets for repair in self._repairs if first.at < repair.at <= last.at)
        return (last.octets - first.octets + beside) * 8 * (1 - share) / seconds

    def reported(self, arrival: Arrival, usual_s: float, now: float) -> float | None:
        """A report came. The bit/s that came through, where that is proven."""
        left = arrival.left
        behind_s = 0.0 if arrival.following is None else now - arrival.following.at - usual_s
        is_late = behind_s > FAR_BEHIND_SECONDS
        self._note(is_late, behind_s, now)
        if not is_late:
            self._reports.clear()
            return None
        self._reports.append(_Report(now, arrival.highest, arrival.lost, left.octets))
        while now - self._reports[0].at > REPORTS_SECONDS:
            self._reports.popleft()
        first, seconds = self._reports[0], now - self._reports[0].at
        came = arrival.highest - first.highest
        if seconds < BEHIND_SECONDS or len(self._reports) < REPORTS_MIN or came <= 0:
            return None
        share = min(1.0, max(0, arrival.lost - first.lost) / came)
        beside = sum(repair.octets for repair in self._repairs if first.at < repair.at <= now)
        return (left.octets - first.octets + beside) * 8 * (1 - share) / seconds

    def _note(self, is_late: bool, late_s: float, now: float) -> None:
        if not is_late:
            self.late_since_s = None
            return
        self.queue_s, self.late_s = late_s, now
        self.late_since_s = now if self.late_since_s is None else self.late_since_s
