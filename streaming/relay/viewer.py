"""One watching peer: its numbering, its start, what it asks for again, what its path bears.

Knows one program and one seat at the sender. What leaves for it is the sender's work alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ..contract import ShowId
from ..domain import timeline
from ..domain.resends import ResendBudget
from ..fanout import Address, Fanout, FanoutFull, Keys, Kind, Packet, Resend, Seat, SourceId, Track, ViewerId
from ..rtc import rtcp
from ..rtc.answers import Terms, TrackTerms, ViewerSsrcs
from ..rtc.dtls import SrtpKeys
from .clock import Clock

KEYFRAME_SECONDS_MIN: Final = 0.3  # PLIs of one viewer closer than this are one
ASSUMED_BPS: Final = 3_000_000  # of a path that has not been estimated yet
ASSUMED_RTT_SECONDS: Final = 0.05
ECHO_SECONDS: Final = 0.005  # a repaired packet is sent twice: one that is lost again costs a round trip


class Watched(Protocol):
    """The program, as a viewer sees it."""

    show: ShowId

    def admit(self, viewer: Viewer, now: float) -> None:
        """Start this viewer."""

    def dismiss(self, viewer: Viewer) -> None:
        """It left."""

    def recall(self, kind: Kind, sequence: int) -> Packet | None:
        """A packet of the history."""

    def newest(self, kind: Kind) -> int:
        """The highest sequence so far."""

    def request_keyframe(self, now: float) -> None:
        """It cannot go on without one."""


@dataclass(slots=True)
class ViewerFigures:
    """What one viewer said and what was done about it."""

    nacked: int = 0
    resent: int = 0
    echoed: int = 0
    too_old: int = 0
    keyframe_requests: int = 0
    broken_packets: int = 0
    lost_share: float = 0.0
    estimate_bps: int | None = None


class Viewer:
    """The peer behind a viewer's session, and one of its program's audience."""

    def __init__(
        self,
        *,
        program: Watched,
        terms: Terms,
        ssrcs: ViewerSsrcs,
        starts: tuple[int, int, int],
        fanout: Fanout,
        clock: Clock,
        later: Callable[[float, Callable[[], None]], object],
        became_gone: Callable[[Viewer, str], None],
    ) -> None:
        """`starts`: first own sequences of video, audio and RTX, each random in 1024..32767."""
        self.program, self.figures, self.connected = program, ViewerFigures(), False
        self.rtt_s = ASSUMED_RTT_SECONDS
        self.seat: ViewerId | None = None
        self._terms, self._ssrcs, self._starts = terms, ssrcs, starts
        self._fanout, self._clock, self._became_gone = fanout, clock, became_gone
        self._offsets: dict[Kind, int] = {}
        self._budget = ResendBudget()
        self._keyframe_s = -KEYFRAME_SECONDS_MIN
        self._later = later

    # -- the session's peer ------------------------------------------------------------------------

    def ready(self, keys: SrtpKeys, address: Address) -> None:
        """Take a seat at the sender and begin to watch."""
        seat = Seat(
            address,
            Keys(keys.profile, keys.ours, keys.our_salt),
            self._track(self._terms.video, self._ssrcs.video, self._ssrcs.rtx),
            self._track(self._terms.audio, self._ssrcs.audio, 0),
            cname="program",
        )
        try:
            self.seat = self._fanout.join(seat)
        except FanoutFull:
            self.figures.broken_packets += 1
            return
        self.connected = True
        self.program.admit(self, self._clock.now())

    def _track(self, terms: TrackTerms | None, ssrc: int, rtx_ssrc: int) -> Track | None:
        if terms is None:
            return None
        return Track(
            ssrc=ssrc,
            payload_type=terms.payload_type,
            rtx_ssrc=rtx_ssrc,
            rtx_payload_type=terms.rtx_payload_type if rtx_ssrc else None,
            first_rtx_sequence=self._starts[2],
            abs_send_time_id=terms.abs_send_time_id,
            abs_capture_time_id=terms.abs_capture_time_id,
        )

    def moved(self, address: Address) -> None:
        """The viewer's address changed."""
        if self.seat is not None:
            self._fanout.move(self.seat, address)

    def gone(self, reason: str) -> None:
        """The viewer's session ended."""
        self.connected = False
        self.program.dismiss(self)
        if self.seat is not None:
            self._fanout.leave(self.seat)
            self.seat = None
        self._became_gone(self, reason)

    def rtp_came(self, data: bytes, now: float) -> None:
        """Viewers send no media."""
        self.figures.broken_packets += 1

    def rtcp_came(self, data: bytes, now: float) -> None:
        """Loss, wishes and estimates of the player."""
        try:
            heard = rtcp.parse(data)
        except rtcp.RtcpError:
            self.figures.broken_packets += 1
            return
        for said in heard:
            if isinstance(said, rtcp.Nack):
                self._nacked(said, now)
            elif isinstance(said, rtcp.KeyframeRequest):
                self._keyframe_asked(now)
            elif isinstance(said, rtcp.Reception):
                self._reported(said, now)
            elif isinstance(said, rtcp.Remb):
                self.figures.estimate_bps = said.bitrate
            elif isinstance(said, rtcp.ReceiverTime):
                self._tell_time(said)

    # -- the program's audience --------------------------------------------------------------------

    def begin(self, kind: Kind, source: SourceId, first: int, cached: list[Packet]) -> None:
        """Follow a source; `cached` packets leave at once, with their own timestamps."""
        if self.seat is None or (self._terms.video if kind == "video" else self._terms.audio) is None:
            return
        offset = self._starts[0 if kind == "video" else 1] - first
        self._offsets[kind] = offset
        self._fanout.segment(self.seat, source, offset)
        if cached:
            self._fanout.forward(source, cached, only=self.seat)

    # -- what it asks for --------------------------------------------------------------------------

    def _nacked(self, nack: rtcp.Nack, now: float) -> None:
        kind: Kind = "video" if nack.media_ssrc == self._ssrcs.video else "audio"
        offset = self._offsets.get(kind)
        if (
            offset is None
            or self.seat is None
            or nack.media_ssrc not in (self._ssrcs.video, self._ssrcs.audio)
        ):
            return
        newest = self.program.newest(kind) + offset
        again: list[Resend] = []
        for sequence in nack.sequences:
            self.figures.nacked += 1
            own = timeline.unwrapped(newest, sequence, 16)
            packet = self.program.recall(kind, own - offset)
            if packet is None:
                self.figures.too_old += 1
            elif self._affordable(packet, own, now):
                again.append(Resend(own, packet))
        if again and self._fanout.resend(self.seat, kind, again):
            self.figures.resent += len(again)
            echo = [r for r in again if self._budget.spare(len(r.packet.payload), now, self._rate)]
            if echo:
                self._later(ECHO_SECONDS, lambda: self._echo(kind, echo))

    def _echo(self, kind: Kind, packets: list[Resend]) -> None:
        if self.seat is not None and self._fanout.resend(self.seat, kind, packets):
            self.figures.echoed += len(packets)

    @property
    def _rate(self) -> float:
        return self.figures.estimate_bps or ASSUMED_BPS

    def _affordable(self, packet: Packet, own: int, now: float) -> bool:
        return self._budget.allow(own, len(packet.payload), now, self.rtt_s, self._rate)

    def _keyframe_asked(self, now: float) -> None:
        self.figures.keyframe_requests += 1
        if now - self._keyframe_s >= KEYFRAME_SECONDS_MIN:
            self._keyframe_s = now
            self.program.request_keyframe(now)

    def _reported(self, reception: rtcp.Reception, now: float) -> None:
        now_ntp = timeline.ntp_from_unix(self._clock.unix(now))
        for block in reception.blocks:
            if block.ssrc == self._ssrcs.video:
                self.figures.lost_share = block.fraction_lost / 256
            rtt = timeline.round_trip_seconds(now_ntp, block.last_report, block.delay)
            if rtt is not None:
                self.rtt_s += (rtt - self.rtt_s) / 4

    def _tell_time(self, said: rtcp.ReceiverTime) -> None:
        """DLRR at once: the player learns its round trip and repeats its NACKs in time."""
        if self.seat is not None:
            sender = self._ssrcs.video if self._terms.video is not None else self._ssrcs.audio
            last = timeline.middle(said.ntp)
            self._fanout.rtcp(self.seat, rtcp.delay_since_receiver_time(sender, said.ssrc, last, 0))
