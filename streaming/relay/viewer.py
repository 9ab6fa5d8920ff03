"""One watching peer: its numbering, its start, what it asks for again, what its path bears.

Knows one program and one seat at the sender. What leaves for it is the sender's work alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from ..domain import timeline
from ..domain.ladder import Rung
from ..domain.overflow import Left
from ..domain.patience import playout_delay
from ..fanout import Address, Fanout, Kind, Packet, Resend, ViewerId
from ..rtc import rtcp
from ..rtc.answers import Terms, ViewerSsrcs
from ..rtc.dtls import SrtpKeys
from ..rtc.ear import Run
from .clock import Clock
from .figures import ViewerFigures
from .following import Span, Watched
from .hearing import REPEATS, Hearing
from .holding import Holding
from .opening import Opening
from .quality import Quality
from .rendition import Rendition
from .repairs import Repairs
from .returning import Returning
from .seating import seat_of, time_told
from .sound import Sound
from .strait import Strait

KEYFRAME_SECONDS_MIN: Final = 0.3  # PLIs of one viewer closer than this are one
ASSUMED_BPS: Final = 3_000_000  # of a path that has not been estimated yet
ASSUMED_RTT_SECONDS: Final = 0.05
SPANS_MAX: Final = 8  # older ones are beyond any history
LEAP_PACKETS: Final = 1024  # more than players keep or ask for: they go on at once, and wait for nothing
PROBED_SECONDS: Final = 1.5  # behind a probe its own queue is still told of


class Viewer:
    """The peer behind a viewer's session, and one of its program's audience."""

    def __init__(
        self,
        *,
        program: Watched,
        terms: Terms,
        ssrcs: ViewerSsrcs,
        starts: tuple[int, int, int],
        pin: str | None = None,
        fanout: Fanout,
        clock: Clock,
        later: Callable[[float, Callable[[], None]], object],
        became_gone: Callable[[Viewer, str], None],
    ) -> None:
        """`starts`: first own sequences of video, audio and RTX, each random in 1024..32767. `pin`: it is
        another relay, which takes this rendition alone."""
        self.program, self.figures, self.connected = program, ViewerFigures(), False
        self.pin, self.hears = pin, terms.audio is not None
        self.extensions_read: tuple[int, ...] = ()
        self.layer: str | None = None  # the rendition that the player asked for; None: what the path bears
        self.rtt_s = ASSUMED_RTT_SECONDS
        self.seat: ViewerId | None = None
        self._terms, self._ssrcs, self._starts = terms, ssrcs, starts
        self._fanout, self._clock, self._became_gone = fanout, clock, became_gone
        self._spans: dict[Kind, deque[Span]] = {"video": deque(maxlen=SPANS_MAX), "audio": deque(maxlen=1)}
        self._opening = Opening()
        self._returning = Returning(clock.now())
        self._hearing = Hearing(fanout, None if terms.audio is None else terms.audio.red_inside)
        self._quality = Quality()
        self._repairs = Repairs(fanout, self.figures, later, lambda: self.seat)
        self._holding = Holding(starts[0], self._tell_delay, later)
        self._lowest = True  # whether there is no smaller rendition to give instead
        self._padded_s = -PROBED_SECONDS
        self._first_own = self._reported_to = 0  # own sequences: of the stream that it follows, last reported
        self._named = 0  # the sender report that it heard last
        self._strait = Strait(self, starts[0], fanout, clock, later)
        self._keyframe_s = -KEYFRAME_SECONDS_MIN
        self._held_at: int | None = None  # the last own sequence sent, while a smaller rendition is awaited
        self._leap = 0  # how many numbers the next beginning leaves out
        self._heals = False  # the keyframe of the newest beginning makes needless what was lost before

    @property
    def relay(self) -> bool:
        """Whether it is another relay, which counts its own viewers."""
        return self.pin is not None

    # -- the session's peer ------------------------------------------------------------------------

    def ready(self, keys: SrtpKeys, address: Address) -> None:
        """Take a seat at the sender and begin to watch. Raises FanoutFull."""
        seat = seat_of(self._terms, self._ssrcs, self._starts[2], keys, address)
        self.seat = self._fanout.join(seat)
        self.connected = True
        self.program.admit(self, self._clock.now())

    def moved(self, address: Address) -> None:
        """The viewer's address changed, and with it perhaps its path: what is known of that begins anew."""
        if self.seat is None:
            return
        now = self._clock.now()
        self._fanout.move(self.seat, address)
        self._hearing.forget()
        self._strait.forget()
        self._returning.moved(now)
        self._begin_anew(now, self._quality.forget(now))

    def gone(self, reason: str) -> None:
        """The viewer's session ended."""
        self.connected = False
        self._strait.end()
        self._hearing.end()
        self.program.dismiss(self)
        if self.seat is not None:
            self._fanout.leave(self.seat)
            self.seat = None
        self._became_gone(self, reason)

    def rtp_came(self, data: bytes, now: float) -> None:
        """Viewers send no media."""
        self.figures.broken_packets += 1

    def run_came(self, run: Run, now: float) -> None:
        """Nor runs of it."""
        self.figures.broken_packets += len(run.payloads)

    def rtcp_came(self, data: bytes, now: float) -> None:
        """Loss, wishes and estimates of the player."""
        try:
            heard = rtcp.parse(data)
        except rtcp.RtcpError:
            self.figures.broken_packets += 1
            return
        if self._returning.is_back(heard, self._ssrcs.video, self._spans["video"], self._left, now):
            self._begin_anew(now, self._quality.room_bytes(now))
        clock: rtcp.ReceiverTime | None = None
        for said in heard:
            if isinstance(said, rtcp.Nack):
                self._nacked(said, now)
            elif isinstance(said, rtcp.KeyframeRequest):
                self._keyframe_asked(now)
            elif isinstance(said, rtcp.Reception):
                self._reported(said, now)
            elif isinstance(said, rtcp.Remb):
                self.figures.estimate_bps = said.bitrate
                self._quality.heard_remb(said.bitrate, now)
                self._strait.narrow.heard_remb(said.bitrate, now)
            elif isinstance(said, rtcp.ReceiverTime):
                clock = said
        if clock is not None and self.seat is not None:  # one answer, however often it was asked
            self._fanout.rtcp(self.seat, time_told(self._terms, self._ssrcs, clock))

    def path_seen(self, rtt_s: float, bps: int | None, now: float) -> None:
        """What its transport found before anything was sent; `bps` None: a wide path, or nothing known."""
        self.rtt_s = rtt_s
        self._quality.path.seen(bps, now)

    # -- the program's audience --------------------------------------------------------------------

    def bears(self, bps: int, start_bytes: int) -> bool:
        """Whether it may begin with this rendition, and so much of it."""
        return self._quality.path.may_begin(bps, start_bytes, self._clock.now(), sound=self.hears)

    def begin(self, stream: Rendition, first: int, cached: list[Packet]) -> None:
        """Follow a rendition; `cached` packets leave at once, with their own timestamps."""
        if self.seat is None or (self._terms.video if stream.kind == "video" else self._terms.audio) is None:
            return
        spans = self._spans[stream.kind]
        own = self._starts[0 if stream.kind == "video" else 1]
        if cached and not self.relay and self._strait.rate_bps is None:  # another relay is told program time
            cached = self._opening.hurry(stream, cached, self._clock.now())
        if spans:  # a switch: our numbers go on behind all that the old stream has given out
            own = spans[-1].newest + 1
        if stream.kind == "video":
            free = self._strait.end()
            if self._held_at is not None:
                own, self._held_at = self._held_at + 1, None
            else:
                own, self._heals = own if free is None else free, False
            own, self._leap = own + self._leap, 0
            self._quality.begin(own + len(cached), self._clock.now())
            self._first_own = own
        spans.append(Span(own, stream, own - first, self._clock.now()))
        if isinstance(stream, Sound):
            self._hearing.begin(self.seat, stream, own - first)
        else:
            self._fanout.segment(self.seat, stream.source, own - first)
        if not self._pace(stream, own, cached) and cached:
            self._fanout.forward(stream.source, cached, only=self.seat)

    def _pace(self, stream: Rendition, own: int, cached: list[Packet]) -> bool:
        """Where a limit is known, let a beginning or a keyframe leave no faster than it comes through."""
        is_ours = stream.kind == "video" and not self.relay
        width = self._quality.path.through(self._clock.now()) if is_ours else None
        if width is not None:
            rate_bps = width.picture_bps(sound=self.hears)
            self._strait.pace(stream, rate_bps, own, cached, is_first=len(self._spans["video"]) == 1)
        return width is not None

    def keyframe(self, stream: Rendition, first: int) -> None:
        """One begins at this sequence of what it follows."""
        span = self._spans["video"][-1] if self._spans["video"] else None
        if span is not None and span.stream is stream and not self.held and not self._strait.busy:
            self._pace(stream, first + span.offset, [])

    @property
    def ssrc(self) -> int:
        """Of its picture."""
        return self._ssrcs.video

    def run_begins(self, stream: Rendition, first_own: int, offset: int) -> None:
        """On a narrow path: what comes from here on is numbered so."""
        newest = self._spans["video"][-1]
        if newest.stream is not stream or newest.offset != offset:
            self._spans["video"].append(Span(first_own, stream, offset))

    def due(self, now: float) -> bool:
        """Whether its quality should be looked at now."""
        return self.layer is not None or self._quality.due(now)

    def adapt(self, rungs: tuple[Rung, ...], now: float) -> str | None:
        """The rendition that the path bears, None while it drains; a probe's padding leaves on the way."""
        if self._strait.rate_bps is not None and self._spans["video"][-1].stream.name == rungs[0].name:
            return rungs[0].name  # not even the smallest fits
        if any(rung.name == self.layer for rung in rungs):  # a person's word; while it comes
            return str(self.layer)
        bps = {span.stream.name: span.stream.bps for span in self._spans["video"]}
        sound_bps = next((rung.bps - bps[rung.name] for rung in rungs if rung.name in bps), 0)
        wish = self._quality.choose(rungs, now, sound_bps=sound_bps)
        self._lowest = wish.rung == rungs[0].name
        if wish.padding_bytes:
            self._pad(wish.padding_bytes)
        return None if wish.rests else wish.rung

    def reporting(self, report: int, now: float) -> None:
        """A report leaves behind this: where the path is to be sounded, behind a burst."""
        if self.relay or self.layer is not None or self.held or self._strait.rate_bps is not None:
            return
        video = self._spans["video"]
        burst = self._quality.sound(report, now, keyframe_s=video[-1].stream.keyframe_s if video else now)
        self._pad(burst)

    @property
    def held(self) -> bool:
        """Whether its picture rests until another rendition begins."""
        return self._held_at is not None

    def hold(self) -> None:
        """The path is full: nothing more of this rendition, nor repairs of it, until a smaller one begins."""
        if self.seat is None or self._held_at is not None or not self._spans["video"]:
            return
        if self._strait.rate_bps is not None:  # it gives no more than fits already
            return
        span = self._spans["video"][-1]
        self._held_at, self._heals = span.newest, True
        self._fanout.pause(self.seat, "video")

    def _pad(self, size_bytes: int) -> None:
        """Send the newest packets once more by RTX: a player drops them, its estimator counts them."""
        span = self._spans["video"][-1] if self._spans["video"] else None
        if span is None or self.seat is None or not size_bytes:
            return
        self._padded_s = self._clock.now()
        newest = span.newest if self._strait.unsent is None else self._strait.unsent - 1
        self._repairs.pad(span, newest, size_bytes, lambda own: self._recall("video", own))

    def _begin_anew(self, now: float, room_bytes: int) -> None:
        """What it missed says nothing of its path, and its picture is made whole."""
        self.figures.absences += 1
        self._returning.missed(
            {self._ssrcs.video: self._spans["video"], self._ssrcs.audio: self._spans["audio"]}
        )
        if self.relay or not self._spans["video"]:  # another relay asks for what it lacks
            return
        if self._strait.outlasts_a_gap():
            self._first_own = self._spans["video"][-1].newest + 1
            self.program.request_keyframe(self, now)
            return
        self._leap, self._keyframe_s = LEAP_PACKETS, now
        self.program.renew(self, now, room_bytes)
        self._heals = True

    # -- what it asks for --------------------------------------------------------------------------

    def _nacked(self, nack: rtcp.Nack, now: float) -> None:
        kind: Kind = "video" if nack.media_ssrc == self._ssrcs.video else "audio"
        spans = self._spans[kind]
        if not spans or self.seat is None or nack.media_ssrc not in (self._ssrcs.video, self._ssrcs.audio):
            return
        newest = spans[-1].newest
        again: list[Resend] = []
        for sequence in nack.sequences:
            self.figures.nacked += 1
            own = timeline.unwrapped(newest, sequence, 16)
            if kind == "video" and self._strait.rate_bps is not None and own < self._strait.first_own:
                self.figures.given_up += 1
                continue
            packet = self._recall(kind, own)
            if packet is None:
                self.figures.too_old += 1
                continue
            if kind == "video":
                self._quality.heard_nack(own, self._left(own), now)
                if self._heals and (self._held_at is not None or own < spans[-1].first_own):
                    continue  # a keyframe makes it needless, and the path is full
            if self._repairs.affordable(packet, own, now, self.rtt_s, self._rate):
                again.append(Resend(own, packet))
        octets = self._repairs.give(kind, again, now, self._rate)
        if octets:
            self._quality.path.repaired(octets, now)
            self._strait.charge(octets)

    def _recall(self, kind: Kind, own: int) -> Packet | None:
        for span in reversed(self._spans[kind]):
            if own >= span.first_own:
                packet = span.recall(own)
                return None if packet is None else self._opening.as_sent(span.stream, packet)
        return None

    def _left(self, own: int) -> Left | None:
        """When a packet of the picture left for this viewer, as long as it follows its stream."""
        spans = self._spans["video"]
        if not spans or own < spans[-1].first_own or self._strait.is_given(own):
            return None
        if self._held_at is not None and own > self._held_at:
            return None
        left = self._strait.left(own, spans[-1].stream.left(own - spans[-1].offset))
        return None if left is None else left._replace(at=max(left.at, spans[-1].began_s))

    @property
    def _rate(self) -> float:
        video = self._spans["video"]
        sent_bps = (video[-1].stream.bps if video else 0) or ASSUMED_BPS
        return self._strait.rate_bps or min(sent_bps, self.figures.estimate_bps or sent_bps)

    def _keyframe_asked(self, now: float) -> None:
        self.figures.keyframe_requests += 1
        if self._strait.rate_bps is None and not self.held and now - self._keyframe_s >= KEYFRAME_SECONDS_MIN:
            self._keyframe_s = now
            self.program.request_keyframe(self, now)

    def _reported(self, reception: rtcp.Reception, now: float) -> None:
        now_ntp = timeline.ntp_from_unix(self._clock.unix(now))
        self._opening.grow_old(now)
        for block in reception.blocks:
            rtt = timeline.round_trip_seconds(now_ntp, block.last_report, block.delay)
            if rtt is not None:
                self.rtt_s += (rtt - self.rtt_s) / 4
            if rtt is not None and block.last_report != self._named:  # named again, it says nothing of now
                self._named = block.last_report
                self._strait.narrow.heard_round_trip(rtt, now)  # sound's reports tell of the same queue
            if block.ssrc == self._ssrcs.video:
                self.figures.lost_share = block.fraction_lost / 256
                left, following = self._left(block.highest), self._left(block.highest + 1)
                self._quality.heard_report(block, rtt, left, following, now)
                if self._reported_to < self._first_own:  # what was lost until now is no loss of this stream
                    self._holding.restart(block, now)
                full = self._quality.path.urgent(now) is not None
                self._holding.reported(block, self.rtt_s, now, full=full)
                self._fit(block, now)
        self._suit_sound(reception, now)

    def _suit_sound(self, reception: rtcp.Reception, now: float) -> None:
        """Repeat the sound where packets are lost by chance, and the path has room for it."""
        if self.seat is None:
            return
        shares = [block.fraction_lost for block in reception.blocks if not self._returning.is_past(block)]
        lost = max(shares, default=0) / 256 if self._quality.path.loses_by_chance(now) else 0.0
        narrow = self._strait.rate_bps is not None or not self._quality.may_repeat(REPEATS)
        self.figures.sound_repeats = self._hearing.suit(self.seat, now, lost=lost, narrow=narrow)

    def _fit(self, block: rtcp.ReportBlock, now: float) -> None:
        """Give what the path bears, where not even the smallest rendition fits."""
        if not self._spans["video"] or self.relay or self.held:
            return
        stream, offset = self._spans["video"][-1].stream, self._spans["video"][-1].offset
        probed = now - self._padded_s < PROBED_SECONDS
        following = stream.ungathered + offset
        # Losses are counted from report to report: those of the stream before are in the first.
        is_own = self._reported_to >= self._first_own
        if self._reported_to and not is_own:
            self._strait.begins(block)
        self._reported_to = block.highest
        self._strait.heard(block, stream, following, judge=self._lowest and not probed and is_own)
        rate = self._strait.rate_bps
        self._repairs.budget.full = rate is not None or self._strait.narrow.suspect
        self.figures.narrow_bps = None if rate is None else int(rate)
        if self._strait.wants_keyframe and now - self._keyframe_s >= KEYFRAME_SECONDS_MIN:
            self._keyframe_s = now
            self.program.request_keyframe(self, now)

    def _tell_delay(self, delay_ms: int) -> None:
        """So long its player is to hold a frame at least, where it takes such a word."""
        extension = 0 if self._terms.video is None else self._terms.video.playout_delay_id
        if self.seat is not None and extension:
            self.figures.patience_ms = delay_ms
            self._fanout.extend(self.seat, "video", ((extension, playout_delay(delay_ms)),))
