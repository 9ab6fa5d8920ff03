"""What a viewer's path bears, learnt from what its player says: losses, delays, reports, REMB.

A path that is full shows in what comes through (`overflow.py`), from any player. Reports of loss
count too, for players that ask for nothing. A REMB is a brake, and only its *falling* means anything,
and only while packets arrive late: it falls on good paths too when a player is busy, and that it is
low says only that little arrived so far. What is lost while a probe or a sounding of ours is under
way, or drains, is their doing. Pure: `now` is an argument, in seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from .narrow import SOUND_BPS
from .overflow import Arrival, Left, Overflow
from .sounding import Sounding
from .width import Width

REMB_LAG_SECONDS: Final = 0.7  # a REMB goes on falling for so long when the queue has drained
REMBS_KEPT: Final = 64
WINDOW_SECONDS: Final = 2.5  # a REMB is held against the highest of so long
FELL: Final = 0.92  # below this share of it, it has fallen
FALL_LASTS_SECONDS: Final = 2.0  # a fall that no other follows is over then
LATE_LASTS_SECONDS: Final = 0.4  # all that is heard must be late for so long, and lately, to confirm a REMB
LATELY_SECONDS: Final = 0.6
HEAVY_LOSS: Final = 0.10  # below it loss is taken for chance (as libwebrtc does)
CHOKING_LOSS: Final = 0.30  # so much is believed at once
QUEUE_SECONDS: Final = 0.20  # a round trip that grew by so much stands in a queue
PROBE_QUEUE_SECONDS: Final = 0.10  # that a probe may add
ARRIVED: Final = 0.95  # of what was not lost
CAME_THROUGH: Final = 0.95  # of it may be the next rendition: what was measured trembles
CAP_LASTS_SECONDS: Final = 2.0  # an older finding is no reason to go down now
GROWS: Final = 0.01  # the shortest round trip, each second
USUAL_RTT_SECONDS: Final = 0.1  # of players that tell none
PROBE_SECONDS: Final = 0.7  # at least; the first report behind it judges
PROBE_SECONDS_MAX: Final = 1.2
RAMP: Final = ((0.2, 0.4), (0.35, 0.7))  # until when, which share: most that fail, fail here and cost little
SILENT_VERDICT_SECONDS: Final = 0.5  # behind the longest probe, where no report comes: for NACKs that do not
LOSS_BY_PROBE: Final = 0.05  # more loss than before by this share: the probe was too much
MISSED_MAX: Final = 3  # packets during a probe, where nothing was lost before it
MISSED_BY_CHANCE: Final = 200  # times the loss before it
REPORTS_UNTIL_TRUST: Final = 2  # bad reports in a row before their loss counts
BURST_SETTLES_SECONDS: Final = 2.0  # a beginning may fill a queue, and no usual delay is known at first
START_BYTES_MAX: Final = 128_000  # at once over an unknown path, where a smaller rendition is at hand
SAME_PATH: Final = 0.7  # of what was seen: where less comes through it is of the past
SEEN_LASTS_SECONDS: Final = 6.0  # then reports and requests know the path better than its first moment did
MUTE_SECONDS: Final = 3.5  # the first report may come before any of ours, and the next a second later
SOUNDED_SECONDS: Final = 0.2  # behind a burst of ours: what is lost then is its doing

Verdict: TypeAlias = Literal["going", "passed", "failed"]


@dataclass(slots=True)
class _Probe:
    began: float
    loss_before: float
    rtt_before: float | None
    is_steep: bool
    failed: bool = False
    missed: int = 0
    reported: bool = False  # a report of its last part came, and nothing was late


class Bandwidth:
    """One viewer's path. Rates are bit/s, times seconds."""

    def __init__(self) -> None:
        self.loss = 0.0  # share of the last report
        self.sounding: Sounding | None = None
        self.sound_bps = 0  # what leaves beside the picture
        self._overflow = Overflow()
        self._rembs: deque[tuple[float, int]] = deque(maxlen=REMBS_KEPT)
        self._fell: int | None = None  # what the REMB fell to, while that is news
        self._fell_at = 0.0
        self._rtt: float | None = None
        self._rtt_least: float | None = None
        self._rtt_least_at = 0.0
        self._mute_from = float("-inf")
        self._seen: int | None = None  # before anything was sent
        self._seen_s = float("-inf")
        self._bad_reports = 0
        self._begun_s: float | None = None
        self._capped: int | None = None  # by what came through, until a probe shows better
        self._capped_at = float("-inf")
        self._deaf_until = float("-inf")
        self._probe: _Probe | None = None

    # -- what is heard -----------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """Another rendition is sent from now on."""
        self._begun_s = now
        self._overflow.begin()
        self._bad_reports = 0

    def seen(self, bps: int | None, now: float) -> None:
        """What came through before anything was sent; None: the path is wide.

        The round trip of that moment is not taken for the usual one: a radio's is soon twice as long."""
        self._mute_from = now + MUTE_SECONDS
        self._seen, self._seen_s = bps, now
        self._capped = None if bps is None else int(bps * CAME_THROUGH)

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
            self._fell, self._fell_at = bps, now
        elif self._fell is not None:
            is_over = now - self._fell_at > FALL_LASTS_SECONDS
            self._fell = None if is_over else max(bps, self._fell)

    def heard_round_trip(self, rtt: float, now: float) -> None:
        """The round trip of a report, where none of our bursts stood before it."""
        self._rtt = rtt
        self._shortest(rtt, now)

    def _shortest(self, at_most_s: float, now: float) -> None:
        """The round trip is no longer than this; the shortest counts, and slowly less: a path may grow."""
        if self._rtt_least is not None:
            at_most_s = min(at_most_s, self._rtt_least * (1 + GROWS * (now - self._rtt_least_at)))
        self._rtt_least, self._rtt_least_at = at_most_s, now

    def heard_arrival(self, arrival: Arrival, now: float) -> None:
        """A report tells what has arrived."""
        self._shortest(now - arrival.left.at, now)
        late_s = 0.0 if arrival.following is None else now - arrival.following.at - self._usual_s
        probe = self._probe
        if probe is not None and now - probe.began >= PROBE_SECONDS:
            probe.failed = probe.failed or late_s > PROBE_QUEUE_SECONDS
            probe.reported = True
        if self._may_blame(arrival.left.at):
            self._cap(self._overflow.reported(arrival, self._usual_s, now), now)

    def heard_missed(self, own: int, left: Left | None, now: float) -> None:
        """The player asks for a packet that it had not asked for before; when that packet left."""
        probe = self._probe
        if probe is not None:
            probe.missed += 1
            probe.failed = probe.failed or probe.missed > MISSED_MAX + MISSED_BY_CHANCE * probe.loss_before
        if left is not None and self._may_blame(left.at):
            self._cap(self._overflow.missed(own, left, self._usual_s, now), now)

    def repaired(self, octets: int, now: float) -> None:
        """Repairs leave beside the stream."""
        self._overflow.repaired(octets, now)

    def _may_blame(self, left_s: float) -> bool:
        """Whether what befell a packet that left then speaks of the stream alone."""
        return left_s >= self._deaf_until and (self._probe is None or left_s < self._probe.began)

    def _cap(self, came_bps: float | None, now: float) -> None:
        if came_bps is not None:
            self._capped, self._capped_at = int((came_bps + self.sound_bps) * CAME_THROUGH), now

    @property
    def _usual_s(self) -> float:
        return USUAL_RTT_SECONDS if self._rtt_least is None else self._rtt_least

    def heard_answer(self, last_report: int, rtt: float) -> None:
        """Every report block's LSR and round trip: one of them answers a sounding."""
        if self.sounding is not None:
            self.sounding.heard(last_report, rtt, rtt if self._rtt_least is None else self._rtt_least)

    def heard_loss(self, lost_share: float, sent_bps: int, since: float, now: float) -> None:
        """A report: of what was sent since then this share (0..1) was lost."""
        self.loss = lost_share
        probe = self._probe
        if probe is not None and since >= self._deaf_until:  # else it is what the burst before it lost
            probe.failed = probe.failed or self._worse_than_before(probe)
        if probe is not None or since < self._deaf_until:
            self._bad_reports = 0
            return
        self._bad_reports = self._bad_reports + 1 if lost_share > HEAVY_LOSS else 0
        if self._bad_reports >= REPORTS_UNTIL_TRUST or lost_share > CHOKING_LOSS:
            self._bad_reports = 0
            if now - self._capped_at > CAP_LASTS_SECONDS:  # what came through is known better
                self._capped, self._capped_at = int(sent_bps * (1 - lost_share) * ARRIVED), now

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

    def is_mute(self, now: float) -> bool:
        """Whether they never will, as far as can be told."""
        return self._rtt is None and now >= self._mute_from

    @property
    def queue_s(self) -> float:
        """How long what arrived late had stood in a queue."""
        return self._overflow.queue_s

    def rest(self, until: float) -> None:
        """A queue of our own making drains until then: what is lost in it says nothing of the path."""
        self._deaf_until = max(self._deaf_until, until)
        self._fell, self._bad_reports = None, 0

    # -- what it means -----------------------------------------------------------------------------

    def ceiling(self, now: float) -> int | None:
        """The most that the path is known to bear, or None where nothing speaks against any rate."""
        if self._fell is not None and now - self._fell_at > FALL_LASTS_SECONDS:
            self._fell = None
        if self._is_capped(now):  # what came through is known better than an estimate
            return self._capped
        known = [limit for limit in (self._fell, self._capped) if limit is not None]
        return min(known, default=None)

    def _is_capped(self, now: float) -> bool:
        """Whether it was found just now what comes through."""
        return now - self._capped_at <= CAP_LASTS_SECONDS

    def urgent(self, now: float) -> int | None:
        """What the path bears, where that was found just now: a reason to go down."""
        if self._is_capped(now):
            return self._capped
        if self.is_late(now) and self._overflow.late_for_s >= LATE_LASTS_SECONDS:
            return self._fell if self.ceiling(now) is not None else None
        return None

    def recurs(self, now: float) -> bool:
        """Whether the path overflows again and again, though by little."""
        return self.is_late(now) and self._overflow.recurs(now)

    def is_late(self, now: float) -> bool:
        """Whether what was heard lately had stood in a queue."""
        return now - self._overflow.late_s <= LATELY_SECONDS

    def through(self, now: float) -> Width | None:
        """What was seen to come through, for a while, and as long as nothing speaks of another path."""
        if self._seen is None or now - self._seen_s > SEEN_LASTS_SECONDS:
            return None
        is_same = self._capped is None or self._capped >= SAME_PATH * self._seen
        return Width(self._seen, self.sound_bps or SOUND_BPS) if is_same else None

    def may_begin(self, bps: int, start_bytes: int, now: float, *, sound: bool) -> bool:
        """Whether a viewer may begin with a rendition of this rate and so many bytes at once or soon."""
        width = self.through(now)
        if width is not None:
            return width.bears(bps, start_bytes, sound=sound)
        return start_bytes <= START_BYTES_MAX

    def bears(self, bps: int) -> bool:
        """Whether nothing that came through speaks against this rate, lately or long ago."""
        return self._capped is None or bps <= self._capped

    def loses_by_chance(self, now: float) -> bool:
        """Whether what is lost just now may be so: nothing was late, and no burst of ours is on its way."""
        is_new = self._begun_s is None or now - self._begun_s < BURST_SETTLES_SECONDS
        return not (self.is_late(now) or is_new) and now >= self._deaf_until and self._probe is None

    def calm(self, now: float) -> bool:
        """Whether nothing speaks of a full path just now."""
        return self.loss <= HEAVY_LOSS and self._grew() <= QUEUE_SECONDS and not self.is_late(now)

    # -- probing -----------------------------------------------------------------------------------

    def begin_sounding(self, sounding: Sounding, now: float) -> None:
        """A burst leaves now, the first or the second of this sounding."""
        self.sounding = sounding
        self._deaf_until = max(self._deaf_until, now + SOUNDED_SECONDS)

    def begin_probe(self, now: float, *, steep: bool = False) -> None:
        """From now on padding is sent, growing slowly unless `steep`; what is heard judges it."""
        self._probe = _Probe(now, self.loss, self._rtt, steep)

    @property
    def probing(self) -> bool:
        """Whether a probe is under way, its last look included."""
        return self._probe is not None

    def padding_share(self, now: float) -> float:
        """Which part of what the probe adds should be sent now; 0: none any more."""
        probe = self._probe
        if probe is None or probe.failed or now - probe.began >= PROBE_SECONDS_MAX:
            return 0.0
        ramp = () if probe.is_steep else RAMP
        return next((share for seconds, share in ramp if now - probe.began < seconds), 1.0)

    def verdict(self, now: float) -> Verdict:
        """How the probe stands; `passed` and `failed` end it. Raises LookupError without a probe."""
        probe = self._probe
        if probe is None:
            raise LookupError("no probe is under way")
        is_over = probe.reported or now - probe.began >= PROBE_SECONDS_MAX + SILENT_VERDICT_SECONDS
        if not probe.failed and not is_over:
            return "going"
        self._probe = None
        if probe.failed:
            return "failed"
        self._capped = self._fell = self._seen = None
        return "passed"
