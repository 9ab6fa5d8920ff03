"""Whether a path bears what is sent to it; if not, the rate at which it can be fed. Pure.

A path is narrow when much is lost report after report, or when its queue grows and the player's
estimate is below what is sent. Then the rate begins below what arrived, goes down on further loss
or queueing, and up by a few per cent a second while it is used. Loss that stays when less is sent
is no matter of width: such a path is fed in full again. `now` is an argument, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEAVY_LOSS: Final = 0.10  # twice in a row
GRAVE_LOSS: Final = 0.30  # once is enough, but for the burst that a viewer begins with
QUEUE_SECONDS: Final = 0.15  # a round trip that grew by so much stands in a queue
QUEUED_SECONDS: Final = 1.5  # for so long, and it is no passing burst
BELOW: Final = 0.85  # of what was seen to arrive, or of the estimate: room for the queue to drain
BRAKE: Final = 0.7
FELL: Final = (
    0.92  # an estimate below this share of its own peak has fallen; a low one says only that little came
)
GROWTH: Final = 0.08  # a second
GROWTH_FAR: Final = 0.3  # where the rate is far from the one that was too much: the path has changed
GROWTH_KNOWN: Final = 0.02  # about what was seen to come through
FAR_BELOW: Final = 0.7
FAR_ABOVE: Final = 1.15
ENOUGH: Final = 1.15  # of the stream's rate, and the path is not narrow any more
LEAST_BPS: Final = 80_000
SOUND_BPS: Final = 140_000  # beside the picture, headers included; the player's estimate is of both
WINDOW_SECONDS: Final = 0.4
WINDOW_PACKETS: Final = 30
REMB_TRUST_SECONDS: Final = 3.0
SETTLE_SECONDS: Final = 0.7  # behind a change; until then reports speak of what was before it
IMMUNE_SECONDS: Final = 30.0  # for a path that loses whatever is sent
RELAPSE_SECONDS: Final = 10.0  # narrow again so soon: the next try waits, twice as long each time
WAIT_SECONDS_MAX: Final = 60.0


@dataclass(slots=True)
class Flow:
    """What is sent just now: the stream's rate and the mean size of its packets."""

    bps: int
    packet_bytes: float


class Narrow:
    """One viewer's path. `rate_bps` is None while it bears all."""

    def __init__(self, first: int, now: float) -> None:
        """`first`: the sequence that its stream begins with."""
        self.rate_bps: float | None = None
        self.suspect = False  # whether so much is lost that it may be for too much sent
        self.used = False  # whether the rate has held anything back since the last report
        self._window = (first - 1, 0, now)  # highest, lost, when
        self._windows = self._bad = 0
        self._remb: tuple[int, float] | None = None
        self._remb_peak = 0
        self._too_much_bps = 0.0
        self._known_bps = 0.0  # what was seen to come through before anything was sent
        self._rtt_least: float | None = None
        self._queued_since: float | None = None
        self._entered = (0.0, 0.0)  # with which loss, when
        self._brakes = 0
        self._changed_s = 0.0
        self._left_s = float("-inf")
        self._wait_s = RELAPSE_SECONDS / 2
        self._immune_until = float("-inf")

    def heard_remb(self, bps: int, now: float) -> None:
        """The player's estimate."""
        self._remb, self._remb_peak = (bps, now), max(bps, self._remb_peak)

    def heard_round_trip(self, rtt_s: float, now: float) -> None:
        """The round trip of a report."""
        self._rtt_least = rtt_s if self._rtt_least is None else min(self._rtt_least * 1.005, rtt_s)
        if rtt_s - self._rtt_least <= QUEUE_SECONDS:
            self._queued_since = None
        elif self._queued_since is None:
            self._queued_since = now

    def enter(self, rate_bps: float, now: float) -> None:
        """The path is known to let so much through, before anything was sent."""
        self._entered, self._brakes, self._bad = (0.0, float("-inf")), 0, 0
        self._changed_s, self._too_much_bps, self._remb_peak = now, rate_bps, 0
        self._known_bps = rate_bps
        self.rate_bps = max(LEAST_BPS, rate_bps)

    def forget(self) -> None:
        """Another stream begins, or the same one in full."""
        self.rate_bps, self._queued_since, self._bad = None, None, 0

    def restart(self, highest: int, lost: int, now: float) -> None:
        """What was lost until now belongs to another stream: what comes is counted from here."""
        self._window, self._bad = (highest, lost, now), 0

    @property
    def _queueing(self) -> bool:
        return self._queued_since is not None

    def heard(self, highest: int, lost: int, flow: Flow, now: float, *, judge: bool = True) -> None:
        """A report block: what it counts since the beginning. Changes `rate_bps`.

        `judge` False: what is lost now speaks of another stream, which is being left.
        """
        before, lost_before, since_s = self._window
        expected, elapsed = highest - before, now - since_s
        if expected <= 0 or elapsed < WINDOW_SECONDS or (expected < WINDOW_PACKETS and elapsed < 1.0):
            return
        self._window = (highest, lost, now)
        self._windows += 1
        share = min(1.0, max(0, lost - lost_before) / expected)
        self.suspect = share >= HEAVY_LOSS
        arrived_bps = (1 - share) * expected * flow.packet_bytes * 8 / elapsed
        if not judge:
            self._bad = 0
        elif self.rate_bps is None:
            self._watch(share, arrived_bps, flow, now)
        else:
            self._steer(self.rate_bps, share, elapsed, now)
        self.used = False

    def _estimate(self, now: float) -> float | None:
        if self._remb is None or now - self._remb[1] > REMB_TRUST_SECONDS:
            return None
        return max(LEAST_BPS, self._remb[0] - SOUND_BPS)

    def _watch(self, share: float, arrived_bps: float, flow: Flow, now: float) -> None:
        self._bad = self._bad + 1 if share >= HEAVY_LOSS else 0
        estimate = self._estimate(now)
        queued = self._queued_since is not None and now - self._queued_since >= QUEUED_SECONDS
        full = queued and estimate is not None and estimate < BELOW * flow.bps
        lossy = self._bad >= 2 or (share >= GRAVE_LOSS and self._windows > 1)
        if not full and (not lossy or now < self._immune_until):
            return
        if now - self._left_s < RELAPSE_SECONDS:
            self._wait_s = min(WAIT_SECONDS_MAX, 2 * self._wait_s)
        self._entered, self._brakes, self._bad = (share, now), 0, 0
        self._changed_s = now
        seen = arrived_bps if estimate is None else min(arrived_bps, estimate)
        self._too_much_bps, self._remb_peak = seen, 0
        self.rate_bps = max(LEAST_BPS, BELOW * seen)

    def _steer(self, rate: float, share: float, elapsed: float, now: float) -> None:
        settled = now - self._changed_s >= SETTLE_SECONDS
        if share >= HEAVY_LOSS and settled:
            self._brakes += 1
            if self._brakes >= 3 and share >= BRAKE * self._entered[0] and not self._queueing:
                self.rate_bps, self._immune_until = None, now + IMMUNE_SECONDS
                return
            self._brake(rate, BRAKE, now)
        elif (self._queueing or self._estimate_fell()) and settled:
            self._brake(rate, BELOW, now)
        elif self.used and share < HEAVY_LOSS and not self._queueing:
            near = FAR_BELOW * self._too_much_bps <= rate <= FAR_ABOVE * self._too_much_bps
            growth = GROWTH if near else GROWTH_FAR
            if FAR_BELOW * self._known_bps <= rate <= FAR_ABOVE * self._known_bps:
                growth = GROWTH_KNOWN
            self.rate_bps = rate * (1 + growth * min(1.0, elapsed))

    def _brake(self, rate: float, share: float, now: float) -> None:
        self._too_much_bps, self._remb_peak, self._changed_s = rate, 0, now
        self.rate_bps = max(LEAST_BPS, share * rate)

    def _estimate_fell(self) -> bool:
        return self._remb is not None and self._remb[0] < FELL * self._remb_peak

    def bears(self, bps: int, now: float) -> bool:
        """Whether a narrow path could be fed in full again; a yes makes it so."""
        if self.rate_bps is None:
            return True
        if self.rate_bps < ENOUGH * bps or now - self._entered[1] < self._wait_s:
            return False
        self.rate_bps, self._left_s = None, now
        return True
