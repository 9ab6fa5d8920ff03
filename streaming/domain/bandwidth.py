"""What a viewer's path bears, learnt from what its player says: REMB, loss, round trip.

A player's REMB falls within half a second of a bottleneck, but rises by 8 % a second at most and
never above 1.5 x what arrives: it is a brake. Room above is found by a probe instead: padding at
the rate one would like to send. What a probe has proven stands until the REMB *falls*: that it is
still low says only that little arrived so far. Where a player sends no REMB (all of them in their
first 5 s), loss and a growing round trip are the brake. Pure: `now` is an argument, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

REMB_TRUST_SECONDS: Final = 3.0  # an older one says nothing of now
HEAVY_LOSS: Final = 0.10  # below it loss is taken for chance (as libwebrtc does)
QUEUE_SECONDS: Final = 0.25  # a round trip that grew by so much stands in a queue
BRAKE: Final = 0.7  # of what was sent, where loss or a queue is all that is known
FELL: Final = 0.92  # a REMB below this share of the one before the probe has fallen
PROBE_SECONDS: Final = 0.8
VERDICT_SECONDS: Final = 0.3  # behind the probe, for the last REMB about it
LOSS_BY_PROBE: Final = 0.05  # more loss than before by this share: the probe was too much
REPORTS_UNTIL_TRUST: Final = 2  # bad reports in a row before loss or delay counts

Verdict: TypeAlias = Literal["going", "passed", "failed"]


@dataclass(slots=True)
class _Probe:
    bps: int
    until: float
    remb_before: int | None
    loss_before: float
    rtt_before: float | None
    failed: bool = False


class Bandwidth:
    """One viewer's path. Rates are bit/s, times seconds."""

    def __init__(self) -> None:
        self.loss = 0.0  # share of the last report
        self._remb: int | None = None
        self._remb_at = 0.0
        self._rtt: float | None = None
        self._rtt_least: float | None = None
        self._bad_reports = 0
        self._capped: int | None = None  # by loss or delay, for players without REMB
        self._proven: int | None = None  # what the last probe showed, until the REMB falls
        self._peak = 0  # of the REMB since then
        self._probe: _Probe | None = None

    def heard_remb(self, bps: int, now: float) -> None:
        """A REMB (draft-alvestrand-rmcat-remb-03) came."""
        self._remb, self._remb_at, self._capped = bps, now, None
        self._peak = max(self._peak, bps)
        if bps < self._peak * FELL:
            self._proven, self._peak = None, bps
        probe = self._probe
        if probe is None:
            return
        if probe.remb_before is None:
            probe.remb_before = bps
        elif bps < probe.remb_before * FELL:
            probe.failed = True

    def heard_report(self, lost_share: float, rtt: float | None, sent_bps: int, now: float) -> None:
        """A receiver report: share lost (0..1) and round trip of the last interval; what we sent then."""
        self.loss = lost_share
        if rtt is not None:
            self._rtt = rtt
            self._rtt_least = rtt if self._rtt_least is None else min(self._rtt_least * 1.01, rtt)
        bad = lost_share > HEAVY_LOSS or self._queueing()
        self._bad_reports = self._bad_reports + 1 if bad else 0
        if self._bad_reports >= REPORTS_UNTIL_TRUST and not self._remb_is_fresh(now):
            self._capped, self._proven = int(sent_bps * BRAKE), None
            self._bad_reports = 0
        if self._probe is not None and self._worse_than_before(self._probe):
            self._probe.failed = True

    def _queueing(self) -> bool:
        if self._rtt is None or self._rtt_least is None:
            return False
        return self._rtt - self._rtt_least > QUEUE_SECONDS

    def _worse_than_before(self, probe: _Probe) -> bool:
        slower = (
            self._rtt is not None
            and probe.rtt_before is not None
            and self._rtt - probe.rtt_before > QUEUE_SECONDS
        )
        return slower or self.loss > probe.loss_before + LOSS_BY_PROBE

    def _remb_is_fresh(self, now: float) -> bool:
        return self._remb is not None and now - self._remb_at <= REMB_TRUST_SECONDS

    def ceiling(self, now: float) -> int | None:
        """The most that the path is known to bear, or None where nothing speaks against any rate."""
        if self._remb is None or not self._remb_is_fresh(now):
            return self._capped
        return max(self._remb, self._proven or 0)

    def calm(self, now: float) -> bool:
        """Whether nothing speaks of a full path just now."""
        return self.loss <= HEAVY_LOSS and not self._queueing()

    # -- probing -----------------------------------------------------------------------------------

    def begin_probe(self, bps: int, now: float) -> None:
        """From now on padding fills up to `bps`; what is heard until the verdict judges it."""
        before = self._remb if self._remb_is_fresh(now) else None
        self._probe = _Probe(bps, now + PROBE_SECONDS, before, self.loss, self._rtt)

    @property
    def probing(self) -> bool:
        """Whether a probe is under way, its last look included."""
        return self._probe is not None

    def padding_wanted(self, now: float) -> bool:
        """Whether padding should still be sent."""
        return self._probe is not None and not self._probe.failed and now < self._probe.until

    def verdict(self, now: float) -> Verdict:
        """How the probe stands; `passed` and `failed` end it. Raises LookupError without a probe."""
        probe = self._probe
        if probe is None:
            raise LookupError("no probe is under way")
        if not probe.failed and now < probe.until + VERDICT_SECONDS:
            return "going"
        self._probe = None
        if probe.failed:
            return "failed"
        self._capped, self._proven, self._peak = None, probe.bps, self._remb or 0
        return "passed"
