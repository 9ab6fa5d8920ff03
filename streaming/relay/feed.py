"""One publisher's media: parsed, completed by NACK, handed on packet by packet. Nothing is decoded.

Knows one peer's streams and what to ask of it. Must never know viewers: programs listen.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ..contract import Codec, StudioId
from ..domain import timeline
from ..domain.keyframes import begins_keyframe
from ..domain.losses import Losses
from ..domain.reception import Reception
from ..domain.redundancy import RedundancyError, unwrap
from ..fanout import PAYLOAD_LIMIT_BYTES, Address, Fanout, Keys, Kind, Seat, ViewerId
from ..rtc import rtcp, rtp
from ..rtc.answers import Terms, TrackTerms
from ..rtc.dtls import SrtpKeys
from ..rtc.ear import Run
from .source import FeedPacket, Listener

KEYFRAME_SECONDS_MIN: Final = 0.3  # between two requests; merged whoever asks
REPORT_SECONDS: Final = 0.5
SSRCS_MAX: Final = 64  # of one publisher; what comes under a further one is dropped
ASKED_AT_ONCE: Final = 256  # sequences in one NACK: it stays below a datagram, however they lie
PUBLISHER_BPS: Final = 4_000_000  # what we tell a publisher to send at most
RED_BYTES: Final = 1  # that sound is longer by for viewers who take RED
_numbers = itertools.count(1)


def next_number() -> int:
    """Of a feed; never the same twice."""
    return next(_numbers)


@dataclass(slots=True)
class FeedTrack:
    """One stream of a feed."""

    kind: Kind
    rate_hz: int
    terms: TrackTerms
    rid: str = ""
    ssrc: int | None = None
    rtx_ssrc: int | None = None  # known where several encodings share a payload type
    tick: int | None = None
    keyframe_tick: int | None = None
    octets: int = 0
    losses: Losses = field(default_factory=Losses)
    reception: Reception = field(init=False)
    capture: timeline.CaptureClock = field(init=False)
    keyframe_wanted: bool = False
    keyframe_asked_s: float = -KEYFRAME_SECONDS_MIN
    stamped: bool = False  # whether abs-capture-time comes; it then outranks sender reports

    def __post_init__(self) -> None:
        self.reception = Reception(self.rate_hz)
        self.capture = timeline.CaptureClock(self.rate_hz)


class Feed:
    """One incoming source of a studio; the peer behind a publisher's session."""

    def __init__(
        self,
        studio: StudioId,
        codec: Codec,
        terms: Terms,
        fanout: Fanout,
        *,
        ssrc: int,
        pulled: bool = False,
        rid: str = "",
        became_ready: Callable[[Feed], None],
        became_gone: Callable[[Feed, str], None],
    ) -> None:
        """`rid`: what its picture is called where it sends one encoding alone."""
        self.studio, self.codec, self.ssrc = studio, codec, ssrc
        self.pulled = pulled  # from another relay: its ticks are program time already
        self.number = next_number()
        self.era = 0  # raised when a stream begins anew: what follows is another source
        self.listeners: list[Listener] = []
        self.connected = False
        self.broken_packets = 0
        self.media_s: float | None = None
        self.tracks: dict[Kind, FeedTrack] = {}
        self.layers: dict[str, FeedTrack] = {}
        if terms.video is not None:
            rids = terms.video.rids or (rid,)
            self.layers = {rid: FeedTrack("video", timeline.VIDEO_HZ, terms.video, rid) for rid in rids}
            self.tracks["video"] = self.layers[rids[-1]]
        if terms.audio is not None:
            self.tracks["audio"] = FeedTrack("audio", timeline.AUDIO_HZ, terms.audio)
        self._master: Kind = "video" if "video" in self.tracks else "audio"
        self._streams = self._every_stream()
        self._by_ssrc: dict[int, FeedTrack] = {}
        self._fanout, self._became_ready, self._became_gone = fanout, became_ready, became_gone
        self._seat: ViewerId | None = None
        self.ticked_s = self._reported_s = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The encodings of its picture."""
        return tuple(self.layers)

    # -- the session's peer ------------------------------------------------------------------------

    def ready(self, keys: SrtpKeys, address: Address) -> None:
        """Seat the publisher at the sender: our reports and requests leave through it. Raises FanoutFull."""
        self._seat = self._fanout.join(Seat(address, Keys(keys.profile, keys.ours, keys.our_salt)))
        self.connected = True
        self._say(self._estimate())  # before the first frame is encoded
        self._became_ready(self)

    def moved(self, address: Address) -> None:
        """The publisher's address changed."""
        if self._seat is not None:
            self._fanout.move(self._seat, address)

    def gone(self, reason: str) -> None:
        """The publisher's session ended."""
        self.connected = False
        if self._seat is not None:
            self._fanout.leave(self._seat)
            self._seat = None
        self._became_gone(self, reason)

    @property
    def extensions_read(self) -> tuple[int, ...]:
        """What a stream is told apart by, and when it was captured."""
        terms = [track.terms for track in self._streams]
        ids = (
            {t.rid_id for t in terms}
            | {t.repaired_rid_id for t in terms}
            | {t.abs_capture_time_id for t in terms}
        )
        return tuple(sorted(ids - {0}))

    def rtp_came(self, data: bytes, now: float) -> None:
        """One decrypted packet."""
        try:
            packet = rtp.parse(data)
        except rtp.RtpError:
            self.broken_packets += 1
        else:
            self._packet_came(packet, now)

    def run_came(self, run: Run, now: float) -> None:
        """Several at once: nearly always what comes next of a picture, and then it stays together."""
        track = self._by_ssrc.get(run.ssrc)
        sequence = None
        if track is not None and track.kind == "video" and run.payload_type == track.terms.payload_type:
            sequence = track.losses.follow(run.sequence, len(run.payloads))
        if track is None or sequence is None:
            for packet in run.packets():
                self._packet_came(packet, now)
            return
        if track.kind == self._master:
            self.media_s = now
        tick = self._time(track, run.timestamp, now)
        first = self._keyframe_at(track, run.payloads, tick)
        payload, *more = run.payloads
        out = FeedPacket(
            track.kind, sequence, tick, run.marker, payload, first == 0, now, track.rid, tuple(more)
        )
        if first:  # it begins in the middle: what lies before it goes first
            self._give(track, out._replace(marker=False, more=out.more[: first - 1]))
            behind = out.more[first:]
            out = out._replace(sequence=sequence + first, payload=more[first - 1], keyframe=True, more=behind)
        self._give(track, out)

    def _packet_came(self, packet: rtp.RtpPacket, now: float) -> None:
        track = self._by_ssrc.get(packet.ssrc) or self._meet(packet)
        if track is None:
            return
        if packet.payload_type == track.terms.rtx_payload_type:
            try:
                packet = rtp.unwrap_retransmission(packet, track.terms.payload_type, track.ssrc or 0)
            except rtp.RtpError:
                self.broken_packets += 1
                return
        if track.ssrc is None:  # repaired before it was ever seen: a probe for bandwidth
            return
        sequence = track.losses.arrive(packet.sequence, now)
        if sequence is None:
            return
        if track.terms.red_inside is not None and packet.payload_type == track.terms.payload_type:
            self._hand_on_sound(track, packet, sequence, now)
        else:
            self._hand_on(track, packet, sequence, now)

    def _hand_on_sound(self, track: FeedTrack, packet: rtp.RtpPacket, sequence: int, now: float) -> None:
        """A packet that carries earlier ones (RFC 2198): those that are missing, then itself."""
        try:
            blocks = unwrap(packet.payload, track.terms.red_inside or 0)
        except RedundancyError:
            self.broken_packets += 1
            return
        for back, block in zip(range(len(blocks) - 1, 0, -1), blocks, strict=False):
            if track.losses.lacks(packet.sequence - back):
                found = track.losses.arrive((packet.sequence - back) & 0xFFFF, now)
                tick = (packet.timestamp - block.age) & 0xFFFFFFFF
                earlier = packet._replace(timestamp=tick, marker=False, payload=block.payload, extensions={})
                if found is not None:
                    self._hand_on(track, earlier, found, now)
        self._hand_on(track, packet._replace(payload=blocks[-1].payload), sequence, now)

    def _meet(self, packet: rtp.RtpPacket) -> FeedTrack | None:
        """The stream of an SSRC that is new to us; None when it is none of what was agreed.

        Encodings are told apart by their RID (RFC 8852), which a browser sends only at the start.
        """
        if len(self._by_ssrc) >= SSRCS_MAX:
            return None
        for track in self._streams:
            if packet.payload_type in (track.terms.payload_type, track.terms.red_inside):
                if track.terms.rid_id and packet.extensions.get(track.terms.rid_id) != track.rid.encode():
                    continue
                return self._begin(track, packet.ssrc)
            if packet.payload_type == track.terms.rtx_payload_type:
                if (
                    track.terms.rid_id
                    and packet.extensions.get(track.terms.repaired_rid_id) != track.rid.encode()
                ):
                    continue
                track.rtx_ssrc = packet.ssrc
                self._by_ssrc[packet.ssrc] = track
                return track
        return None

    def _begin(self, track: FeedTrack, ssrc: int) -> FeedTrack:
        """A stream we have not seen before: the publisher restarted it, or it is the first."""
        fresh = FeedTrack(track.kind, track.rate_hz, track.terms, track.rid, ssrc, track.rtx_ssrc)
        fresh.keyframe_wanted = track.keyframe_wanted
        if track.ssrc is not None:
            self.era += 1
            self._by_ssrc.pop(track.ssrc, None)
        if self.tracks[track.kind] is track:
            self.tracks[track.kind] = fresh
        if track.kind == "video":
            self.layers[track.rid] = fresh
        self._streams = self._every_stream()
        self._by_ssrc[ssrc] = fresh
        if fresh.rtx_ssrc is not None:
            self._by_ssrc[fresh.rtx_ssrc] = fresh
        return fresh

    def _every_stream(self) -> tuple[FeedTrack, ...]:
        """Every stream that was agreed: the encodings of the picture, and the sound."""
        return *self.layers.values(), *(t for t in self.tracks.values() if t.kind == "audio")

    def _hand_on(self, track: FeedTrack, packet: rtp.RtpPacket, sequence: int, now: float) -> None:
        """One packet, whatever is special about it."""
        wrapping = RED_BYTES if track.kind == "audio" else 0
        if len(packet.payload) > PAYLOAD_LIMIT_BYTES - wrapping:  # too long for the paths of viewers
            self.broken_packets += 1
            return
        if track.kind == self._master:
            self.media_s = now
        tick = self._time(track, packet.timestamp, now)
        if packet.extensions:
            self._read_capture_time(track, packet, tick)
        keyframe = self._keyframe_at(track, [packet.payload], tick) is not None
        self._give(
            track,
            FeedPacket(track.kind, sequence, tick, packet.marker, packet.payload, keyframe, now, track.rid),
        )

    def _time(self, track: FeedTrack, timestamp: int, now: float) -> int:
        """The unwrapped RTP time of what came just now."""
        tick = track.tick
        if tick is None or timestamp != tick & 0xFFFFFFFF:  # else one more of the same frame
            tick = timeline.unwrapped(tick, timestamp, 32)
            if track.tick is None or tick > track.tick:
                track.tick = tick
                track.reception.arrive(tick, now)
        return tick

    def _give(self, track: FeedTrack, out: FeedPacket) -> None:
        """To whoever listens."""
        track.octets += len(out.payload) + sum(map(len, out.more))
        if out.keyframe:
            track.keyframe_wanted = False
            track.losses.forgive(out.sequence)
        for listener in list(self.listeners):
            listener.take(self, out)

    def _keyframe_at(self, track: FeedTrack, payloads: list[bytes], tick: int) -> int | None:
        """Which of these packets of one frame begins a keyframe, once for each."""
        if track.kind != "video" or tick == track.keyframe_tick:
            return None
        for at, payload in enumerate(payloads):
            if begins_keyframe(self.codec, payload):
                track.keyframe_tick = tick
                return at
        return None

    def _read_capture_time(self, track: FeedTrack, packet: rtp.RtpPacket, tick: int) -> None:
        stamp = packet.extensions.get(track.terms.abs_capture_time_id)
        if stamp is not None and len(stamp) >= 8:
            track.stamped = True
            self._learn(track, tick, int.from_bytes(stamp[:8], "big"))

    def _learn(self, track: FeedTrack, tick: int, ntp: int) -> None:
        track.capture.learn(tick, ntp)
        for listener in self.listeners:
            listener.clocks_learnt(self)

    def rtcp_came(self, data: bytes, now: float) -> None:
        """One decrypted compound: only sender reports matter of a publisher."""
        try:
            heard = rtcp.parse(data)
        except rtcp.RtcpError:
            self.broken_packets += 1
            return
        for said in heard:
            if isinstance(said, rtcp.SenderReport):
                for track in self._streams:
                    if track.ssrc == said.ssrc:
                        track.reception.report_came(said.ntp, now)
                        if not track.stamped:
                            self._learn(track, timeline.unwrapped(track.tick, said.rtp, 32), said.ntp)

    # -- what we ask of the publisher --------------------------------------------------------------

    def request_keyframe(self, now: float, rid: str | None = None) -> None:
        """Ask for a keyframe of one encoding or of all; repeated until it comes, requests are merged."""
        for layer in self.layers.values():
            if rid is None or rid == layer.rid:
                layer.keyframe_wanted = True
                self._ask_keyframe(layer, now)

    def _ask_keyframe(self, layer: FeedTrack, now: float) -> None:
        if layer.ssrc is None or now - layer.keyframe_asked_s < KEYFRAME_SECONDS_MIN:
            return
        layer.keyframe_asked_s = now
        self._say(rtcp.picture_loss(self.ssrc, layer.ssrc))

    @property
    def restless(self) -> bool:
        """Whether it waits for something that must be asked for again soon."""
        return any(track.keyframe_wanted or track.losses.waiting for track in self._streams)

    def tick(self, now: float) -> None:
        """Every few milliseconds while restless, else now and then: what is missing, what is due."""
        self.ticked_s = now
        for track in self._streams:
            if track.losses.waiting and track.ssrc is not None:
                due = track.losses.due(now)
                if track.kind == "video":
                    for at in range(0, len(due.ask), ASKED_AT_ONCE):
                        self._say(rtcp.nack(self.ssrc, track.ssrc, due.ask[at : at + ASKED_AT_ONCE]))
                    if due.gave_up:
                        track.keyframe_wanted = True
            if track.keyframe_wanted:
                self._ask_keyframe(track, now)
        if now - self._reported_s >= REPORT_SECONDS:
            self._reported_s = now
            self._report(now)

    def _report(self, now: float) -> None:
        live = [t for t in self._streams if t.ssrc is not None and t.losses.highest is not None]
        compound = rtcp.receiver_report(self.ssrc, [self._block(t, now) for t in live])
        compound += rtcp.source_description(self.ssrc, "relay")
        if "video" in self.tracks:
            compound += rtcp.remb(self.ssrc, PUBLISHER_BPS, [t.ssrc for t in live if t.ssrc is not None])
        self._say(compound)

    def _estimate(self) -> bytes:
        """What the publisher may send, of the streams that its offer named."""
        announced = [ssrc for track in self.tracks.values() for ssrc in track.terms.ssrcs[:1]]
        return rtcp.receiver_report(self.ssrc, []) + rtcp.remb(self.ssrc, PUBLISHER_BPS, announced)

    def _block(self, track: FeedTrack, now: float) -> rtcp.ReportBlock:
        losses, highest = track.losses, track.losses.highest or 0
        expected = highest - losses.first + 1
        last, delay = track.reception.since_report(now)
        return rtcp.ReportBlock(
            ssrc=track.ssrc or 0,
            fraction_lost=track.reception.fraction_lost(expected, losses.received),
            lost=expected - losses.received,
            highest=highest,
            jitter=int(track.reception.jitter),
            last_report=last,
            delay=delay,
        )

    def _say(self, compound: bytes) -> None:
        if self._seat is not None:
            self._fanout.rtcp(self._seat, compound)
