"""What a viewer's path bears, learnt from what its player says: REMB, loss, round trip.

A REMB is a brake, and only its *falling* means anything: it falls within half a second of a
bottleneck, but rises by 8 % a second at most and never above 1.5 x what arrives, so that it is low
says only that little arrived so far. Loss and a growing round trip are brakes too, for players
without REMB (all of them in their first 5 s), and for queues too short or too long for it. What is
lost while a probe of ours runs, or drains, is the probe's doing. Pure: `now` is an argument, in
seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from .sounding import Sounding

REMB_TRUST_SECONDS: Final = 3.0  # an older one says nothing of now
REMB_LAG_SECONDS: Final = 0.7  # a REMB goes on falling for so long when the queue has drained
REMBS_KEPT: Final = 64
WINDOW_SECONDS: Final = 2.5  # a REMB is held against the highest of so long
FELL: Final = 0.92  # below this share of it, it has fallen
FALLS_MAX: Final = 3  # close to one another: no more are taken for a mistake
FALL_LASTS_SECONDS: Final = 2.0  # a fall that no other follows is over then
HEAVY_LOSS: Final = 0.10  # below it loss is taken for chance (as libwebrtc does)
CHOKING_LOSS: Final = 0.30  # so much is believed at once
SOME_LOSS: Final = 0.03  # or a round trip that grew by so much confirms a REMB that fell a little
SOME_QUEUE_SECONDS: Final = 0.10
QUEUE_SECONDS: Final = 0.20  # a round trip that grew by so much stands in a queue
PROBE_QUEUE_SECONDS: Final = 0.10  # that a probe may add
BRAKE: Final = 0.7  # of what was sent, where a queue is all that is known
ARRIVED: Final = 0.95  # of what was not lost
PROBE_SECONDS: Final = 0.9
RAMP: Final = ((0.25, 0.4), (0.5, 0.7))  # until when, which share: most that fail, fail here and cost little
NEXT_PROBE_SECONDS: Final = 0.6  # right behind one that passed; at full rate from its start
VERDICT_SECONDS: Final = 0.25  # behind the probe, for the last REMB about it
SILENT_VERDICT_SECONDS: Final = 1.0  # where there is no REMB: for a report, or for NACKs that do not come
LOSS_BY_PROBE: Final = 0.05  # more loss than before by this share: the probe was too much
MISSED_MAX: Final = 3  # packets during a probe, where nothing was lost before it
MISSED_BY_CHANCE: Final = 200  # times the loss before it
REPORTS_UNTIL_TRUST: Final = 2  # bad reports in a row before loss or delay counts

Verdict: TypeAlias = Literal["going", "passed", "failed"]


@dataclass(slots=True)
class _Probe:
    began: float
    until: float
    remb_before: int | None
    loss_before: float
    rtt_before: float | None
    is_steep: bool
    failed: bool = False
    missed: int = 0
    reported: bool = False  # a report about its end came


class Bandwidth:
    """One viewer's path. Rates are bit/s, times seconds."""

    def __init__(self) -> None:
        self.loss = 0.0  # share of the last report
        self._rembs: deque[tuple[float, int]] = deque(maxlen=REMBS_KEPT)
        self._fell: int | None = None  # what the REMB fell to, while that is news
        self._fell_at = 0.0
        self._falls = 0  # since the first of them, close to one another
        self._rtt: float | None = None
        self._rtt_least: float | None = None
        self._bad_reports = 0
        self._capped: int | None = None  # by loss or delay, until a probe shows better
        self._deaf_until = float("-inf")
        self._probe: _Probe | None = None
        self.sounding: Sounding | None = None

    # -- what is heard -----------------------------------------------------------------------------

    def heard_remb(self, bps: int, now: float) -> None:
        """A REMB (draft-alvestrand-rmcat-remb-03) came."""
        while self._rembs and now - self._rembs[0][0] > WINDOW_SECONDS:
            self._rembs.popleft()
        if now < self._deaf_until + REMB_LAG_SECONDS:
            self._rembs.clear()
        before = self._rembs[-1][1] if self._rembs else bps
        peak = max((value for _, value in self._rembs), default=bps)
        self._rembs.append((now, bps))
        if bps < peak * FELL and bps < before:
            self._falls = self._falls + 1 if self._fell is not None else 1
            self._fell, self._fell_at = bps, now
        elif self._fell is not None:
            is_over = now - self._fell_at > FALL_LASTS_SECONDS
            self._fell = None if is_over else max(bps, self._fell)
        probe = self._probe
        if probe is not None and probe.remb_before is None:
            probe.remb_before = bps
        elif probe is not None and bps < (probe.remb_before or 0) * FELL:
            probe.failed = True

    def heard_report(
        self, lost_share: float, rtt: float | None, sent_bps: int, now: float, since: float | None = None
    ) -> None:
        """A receiver report: share lost (0..1) since `since`, the round trip; what we sent then."""
        if rtt is not None:
            self._rtt = rtt
            self._rtt_least = rtt if self._rtt_least is None else min(self._rtt_least * 1.01, rtt)
        if self._probe is not None and now > self._probe.until:
            self._probe.reported = True
        self.heard_loss(lost_share, sent_bps, now if since is None else since)

    def heard_answer(self, last_report: int, rtt: float) -> None:
        """Every report block's LSR and round trip: one of them answers a sounding."""
        if self.sounding is not None:
            self.sounding.heard(last_report, rtt, rtt if self._rtt_least is None else self._rtt_least)

    def missed(self, packets: int) -> None:
        """The player asked for so many packets that it had not asked for before: a probe ends at once."""
        probe = self._probe
        if probe is not None:
            probe.missed += packets
            probe.failed = probe.failed or probe.missed > MISSED_MAX + MISSED_BY_CHANCE * probe.loss_before

    def heard_loss(self, lost_share: float, sent_bps: int, since: float) -> None:
        """Of what was sent since then this share (0..1) was lost: by a report, or by the player's NACKs."""
        self.loss = lost_share
        probe = self._probe
        if probe is not None:
            probe.failed = probe.failed or self._worse_than_before(probe)
        if probe is not None or since < self._deaf_until:
            self._bad_reports = 0
            return
        is_queueing = self._grew() > QUEUE_SECONDS
        self._bad_reports = self._bad_reports + 1 if lost_share > HEAVY_LOSS or is_queueing else 0
        if self._bad_reports >= REPORTS_UNTIL_TRUST or lost_share > CHOKING_LOSS:
            share = BRAKE if is_queueing and lost_share < 1 - BRAKE else 1 - lost_share
            self._capped, self._bad_reports = int(sent_bps * share * ARRIVED), 0

    def _grew(self) -> float:
        """By how much the round trip is longer than the shortest of late."""
        return 0.0 if self._rtt is None or self._rtt_least is None else self._rtt - self._rtt_least

    def _worse_than_before(self, probe: _Probe) -> bool:
        slower = (
            self._rtt is not None
            and probe.rtt_before is not None
            and self._rtt - probe.rtt_before > PROBE_QUEUE_SECONDS
        )
        return slower or self.loss > probe.loss_before + LOSS_BY_PROBE

    @property
    def answers(self) -> bool:
        """Whether its player's reports have ever told a round trip."""
        return self._rtt is not None

    def rest(self, until: float) -> None:
        """A queue of our own making drains until then: what is lost in it says nothing of the path."""
        self._deaf_until = until
        self._fell, self._bad_reports = None, 0

    # -- what it means -----------------------------------------------------------------------------

    def ceiling(self, now: float) -> int | None:
        """The most that the path is known to bear, or None where nothing speaks against any rate."""
        if self._fell is not None and now - self._fell_at > FALL_LASTS_SECONDS:
            self._fell = None
        known = [limit for limit in (self._fell, self._capped) if limit is not None]
        return min(known, default=None)

    def confirmed(self) -> bool:
        """Whether a ceiling rests on more than a REMB, which falls on good paths too (a busy player)."""
        return (
            self._capped is not None
            or self._falls > FALLS_MAX
            or self.loss > SOME_LOSS
            or self._grew() > SOME_QUEUE_SECONDS
        )

    def calm(self, now: float) -> bool:
        """Whether nothing speaks of a full path just now."""
        return self.loss <= HEAVY_LOSS and self._grew() <= QUEUE_SECONDS

    # -- probing -----------------------------------------------------------------------------------

    def begin_probe(self, now: float, *, steep: bool = False) -> None:
        """From now on padding is sent, growing slowly unless `steep`; what is heard judges it."""
        is_fresh = bool(self._rembs) and now - self._rembs[-1][0] <= REMB_TRUST_SECONDS
        before = self._rembs[-1][1] if is_fresh else None
        until = now + (NEXT_PROBE_SECONDS if steep else PROBE_SECONDS)
        self._probe = _Probe(now, until, before, self.loss, self._rtt, steep)

    @property
    def probing(self) -> bool:
        """Whether a probe is under way, its last look included."""
        return self._probe is not None

    def padding_share(self, now: float) -> float:
        """Which part of what the probe adds should be sent now; 0: none any more."""
        probe = self._probe
        if probe is None or probe.failed or now >= probe.until:
            return 0.0
        ramp = () if probe.is_steep else RAMP
        return next((share for seconds, share in ramp if now - probe.began < seconds), 1.0)

    def verdict(self, now: float) -> Verdict:
        """How the probe stands; `passed` and `failed` end it. Raises LookupError without a probe."""
        probe = self._probe
        if probe is None:
            raise LookupError("no probe is under way")
        if not probe.failed and now < probe.until + self._patience(probe, now):
            return "going"
        self._probe = None
        if probe.failed:
            return "failed"
        self._capped = self._fell = None
        return "passed"

    @staticmethod
    def _patience(probe: _Probe, now: float) -> float:
        if probe.remb_before is not None or probe.reported:
            return VERDICT_SECONDS
        return SILENT_VERDICT_SECONDS
