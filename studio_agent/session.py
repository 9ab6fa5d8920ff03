"""One WebRTC session from offer to close: ICE by aioice, DTLS by aiortc, RTP by `rtp`.

One owner task sends; the queue before it is bounded: what does not fit is dropped by the frame,
counted, and mended by a keyframe. Bursts are spread, so that a keyframe does not drown a small
buffer on the way. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import aioice
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    unpack_remb_fci,
)

from .encoder import OPUS_BITRATE_BPS, VIDEO_HZ, AccessUnit
from .packets import h264_payloads
from .repeats import Repeats
from .rtp import OutgoingStream, Unsent, ntp64
from .sdp import Answer, Party, Ssrcs, Track, read_answer, write_offer
from .sources.kinds import SAMPLE_RATE_HZ

BURST_PACKETS: Final = 16
BURST_GAP_S: Final = 0.002
MOST_QUEUED_PACKETS: Final = 512
REPORT_EVERY_S: Final = 1.0
SILENCE_LIMIT_S: Final = 5.0  # once the relay has spoken, so long a silence is a loss
OVERHEAD_SHARE: Final = 0.95  # of the estimate; the rest is headers and resends


class SessionFailed(Exception):
    """The session cannot come up; the message says why."""


class Path(aioice.Connection):
    """An ICE agent that also names 127.0.0.1, so that a relay on this machine needs no network."""

    async def gather_candidates(self) -> None:
        await super().gather_candidates()
        self._local_candidates += await self.get_component_candidates(component=1, addresses=["127.0.0.1"])


class Link:
    """What aiortc's DTLS needs of its ICE transport, and when something was last heard on it."""

    def __init__(self, path: Path) -> None:
        self.role = "controlling"
        self.heard_s: float | None = None
        self.is_broken = False
        self._path = path

    async def _recv(self) -> bytes:
        try:
            data = await self._path.recv()
        except ConnectionError:
            self.is_broken = True
            raise
        self.heard_s = time.monotonic()
        return data

    async def _send(self, data: bytes) -> None:
        await self._path.send(data)


class Dtls(RTCDtlsTransport):
    """aiortc's DTLS, handing decrypted RTCP on as bytes; a sender gets no RTP."""

    on_rtcp: Callable[[bytes], None]

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self.on_rtcp(data)

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        return


@dataclass
class Feedback:
    """What the other side asks for; the session calls these on the loop."""

    keyframe: Callable[[str | None], None]  # of one encoding (rid), or of all
    bitrate: Callable[[int], None]
    lost: Callable[[str, bool], None]  # (why, closed by the peer)


class Session:
    """`offer()`, then `connect(answer)`, then `send_picture` and `send_sound` until `close()`."""

    def __init__(self, now: Callable[[], float], feedback: Feedback, rids: tuple[str, ...] = ("",)) -> None:
        """`rids`: the encodings to offer, the largest first; one without a name is no simulcast."""
        self.sent_bytes = 0
        self.dropped_frames = 0
        self.rtt_s = 0.0
        self.loss_share = 0.0
        self._now = now
        self._feedback = feedback
        self._path = Path(ice_controlling=True, stun_server=None)
        self._link = Link(self._path)
        self._certificate = RTCCertificate.generateCertificate()
        self._dtls = Dtls(self._link, [self._certificate])  # type: ignore[arg-type]  # it needs only these members
        self._dtls.on_rtcp = self._take_rtcp
        self._cname = secrets.token_hex(8)
        audio, *video = random.SystemRandom().sample(range(1, 1 << 32), 1 + 2 * len(rids))
        self._ssrcs = Ssrcs(audio, dict(zip(rids, zip(video[::2], video[1::2], strict=True), strict=True)))
        self._audio: OutgoingStream | None = None
        self._repeats: Repeats | None = None
        self._video: dict[str, OutgoingStream] = {}
        self._queue: deque[tuple[OutgoingStream, Unsent]] = deque()
        self._filled = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def resent(self) -> int:
        return sum(stream.resent for stream in self._video.values())

    @property
    def rids(self) -> tuple[str, ...]:
        """The encodings that the other side takes, once connected."""
        return tuple(self._video)

    async def offer(self) -> str:
        """Gather candidates and write the offer. Raises SessionFailed when there is no address."""
        await self._path.gather_candidates()
        candidates = tuple(candidate.to_sdp() for candidate in self._path.local_candidates)
        if not candidates:
            raise SessionFailed("this machine has no network address")
        print_ = next(x for x in self._certificate.getFingerprints() if x.algorithm == "sha-256")
        party = Party(
            self._path.local_username,
            self._path.local_password,
            f"{print_.algorithm} {print_.value}",
            candidates,
            self._cname,
        )
        return write_offer(secrets.randbits(62), party, self._ssrcs)

    async def connect(self, text: str) -> None:
        """Bring the session up. Raises SessionFailed."""
        try:
            answer = read_answer(text)
        except ValueError as error:
            raise SessionFailed(str(error)) from None
        if answer.video.payload_type is None:
            raise SessionFailed("the answer takes no H.264")
        if "" not in self._ssrcs.video and not set(answer.rids) & set(self._ssrcs.video):
            raise SessionFailed("the answer takes none of the encodings")
        self._make_streams(answer)
        await self._check(answer)
        self._dtls._set_role("server" if answer.is_dtls_client else "client")
        prints = [RTCDtlsFingerprint(algorithm=name, value=value) for name, value in answer.fingerprints]
        await self._dtls.start(RTCDtlsParameters(fingerprints=prints))
        if self._dtls.state != "connected":
            raise SessionFailed("the DTLS handshake failed")
        self._dtls.on("statechange", self._dtls_changed)
        for work in (self._send_forever(), self._report_forever()):
            self._tasks.add(asyncio.create_task(work))

    async def _check(self, answer: Answer) -> None:
        """ICE connectivity checks with the candidates of the answer; names of mDNS are left out."""
        self._path.remote_is_lite = answer.is_lite
        self._path.remote_username, self._path.remote_password = answer.ufrag, answer.password
        try:
            for line in answer.candidates:
                candidate = aioice.Candidate.from_sdp(line)
                if not candidate.host.endswith(".local") and candidate.transport.lower() == "udp":
                    await self._path.add_remote_candidate(candidate)
            await self._path.add_remote_candidate(None)  # the end of candidates
            await self._path.connect()
        except (ConnectionError, ValueError) as error:
            raise SessionFailed(f"no path to the relay: {error}") from None

    def _make_streams(self, answer: Answer) -> None:
        def stream(track: Track, ssrc: int, clock_hz: int, rtx_ssrc: int, rid: str = "") -> OutgoingStream:
            rtx_payload_type = track.rtx_payload_type
            return OutgoingStream(
                ssrc=ssrc,
                payload_type=track.red_payload_type or track.payload_type or 0,
                clock_hz=clock_hz,
                mid=track.mid,
                ids=track.ids,
                first_sequence=secrets.randbelow(1 << 15),
                first_timestamp=secrets.randbits(32),
                rtx=None if rtx_payload_type is None else (rtx_ssrc, rtx_payload_type),
                rid=rid,
            )

        for rid, (ssrc, rtx_ssrc) in self._ssrcs.video.items():
            if not rid or rid in answer.rids:
                self._video[rid] = stream(answer.video, ssrc, VIDEO_HZ, rtx_ssrc, rid)
        if answer.audio.payload_type is not None:
            self._audio = stream(answer.audio, self._ssrcs.audio, SAMPLE_RATE_HZ, 0)
            if answer.audio.red_payload_type is not None:
                self._repeats = Repeats(answer.audio.payload_type)

    # -- sending -------------------------------------------------------------------------------

    def send_picture(self, unit: AccessUnit, rid: str = "") -> None:
        """Queue a frame of one encoding; one that does not fit is dropped and a keyframe asked for."""
        stream = self._video.get(rid)
        if stream is None or self._is_closed:
            return
        if len(self._queue) > MOST_QUEUED_PACKETS:
            self.dropped_frames += 1
            self._feedback.keyframe(rid)
            return
        self._put(stream, h264_payloads(unit.data), unit.captured_s, marked=True)

    def send_sound(self, unit: AccessUnit) -> None:
        """Queue 20 ms of sound."""
        if self._audio is None or self._is_closed or len(self._queue) > MOST_QUEUED_PACKETS:
            return
        payload = unit.data
        if self._repeats is not None:
            payload = self._repeats.wrap(payload, self._audio.timestamp_at(unit.captured_s))
        self._put(self._audio, [payload], unit.captured_s, marked=False)

    def _put(self, stream: OutgoingStream, payloads: list[bytes], captured_s: float, *, marked: bool) -> None:
        self._queue += ((stream, packet) for packet in stream.frame(payloads, captured_s, marked=marked))
        self._filled.set()

    async def _send_forever(self) -> None:
        while True:
            await self._filled.wait()
            for _ in range(min(BURST_PACKETS, len(self._queue))):
                stream, packet = self._queue.popleft()
                await self._send(stream.stamp(packet, self._now()))
            if self._queue:
                await asyncio.sleep(BURST_GAP_S)
            else:
                self._filled.clear()

    async def _send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # the loss is told by the state change
            await self._dtls._send_rtp(data)
            self.sent_bytes += len(data)

    @property
    def _streams(self) -> list[OutgoingStream]:
        return [*self._video.values(), *([self._audio] if self._audio is not None else [])]

    def _encoding(self, ssrc: int) -> OutgoingStream | None:
        """The encoding of a picture that has this SSRC."""
        return next((stream for stream in self._video.values() if stream.ssrc == ssrc), None)

    async def _report_forever(self) -> None:
        """Sender reports of all streams in both clocks; and the watch for silence."""
        await asyncio.sleep(REPORT_EVERY_S / 10)
        while True:
            for stream in self._streams:
                if stream.packets:
                    await self._send(stream.sender_report(self._now(), self._cname))
            heard_s = self._link.heard_s
            if heard_s is not None and time.monotonic() - heard_s > SILENCE_LIMIT_S:
                self._lose(f"nothing heard from the relay for {SILENCE_LIMIT_S:.0f} s", by_peer=False)
            await asyncio.sleep(REPORT_EVERY_S * random.uniform(0.8, 1.2))

    # -- hearing -------------------------------------------------------------------------------

    def _take_rtcp(self, data: bytes) -> None:
        try:
            packets = RtcpPacket.parse(data)
        except ValueError:
            return
        for packet in packets:
            if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                self._resend(self._encoding(packet.media_ssrc), packet.lost)
            elif isinstance(packet, RtcpPsfbPacket):
                self._take_picture_feedback(packet)
            elif isinstance(packet, RtcpRrPacket):
                self._take_report(packet)

    def _take_picture_feedback(self, packet: RtcpPsfbPacket) -> None:
        if packet.fmt == RTCP_PSFB_PLI:
            stream = self._encoding(packet.media_ssrc)
            self._feedback.keyframe(None if stream is None else stream.rid)
        elif packet.fmt == RTCP_PSFB_FIR:  # names its streams in a list of its own; rare, so all of them
            self._feedback.keyframe(None)
        elif packet.fmt == RTCP_PSFB_APP:
            with contextlib.suppress(ValueError, IndexError):
                estimate_bps, _ = unpack_remb_fci(packet.fci)
                self._feedback.bitrate(int(estimate_bps * OVERHEAD_SHARE) - OPUS_BITRATE_BPS)

    def _take_report(self, packet: RtcpRrPacket) -> None:
        reports = [report for report in packet.reports if self._encoding(report.ssrc) is not None]
        if reports:
            self.loss_share = max(report.fraction_lost for report in reports) / 256
        for report in reports:
            if report.lsr:
                now = (ntp64(self._now()) >> 16) & 0xFFFFFFFF
                trip = ((now - report.lsr - report.dlsr) & 0xFFFFFFFF) / 65536
                self.rtt_s = trip if trip < 10 else self.rtt_s

    def _resend(self, stream: OutgoingStream | None, sequences: list[int]) -> None:
        if stream is None:
            return
        packets = stream.resend(sequences, self._now(), self.rtt_s)
        if packets:
            task = asyncio.create_task(self._send_all(packets))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send_all(self, packets: list[bytes]) -> None:
        for packet in packets:
            await self._send(packet)

    def _dtls_changed(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            by_peer = not self._link.is_broken
            self._lose("the relay closed the session" if by_peer else "the path was lost", by_peer=by_peer)

    def _lose(self, why: str, *, by_peer: bool) -> None:
        if not self._is_closed:
            self._feedback.lost(why, by_peer)

    async def close(self) -> None:
        """BYE, DTLS close, sockets; safe at any time and twice."""
        if self._is_closed:
            return
        self._is_closed = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._dtls.state == "connected":
            for stream in self._streams:
                await self._send(stream.bye())
            await self._dtls.stop()
        await self._path.close()


def members_used() -> dict[str, tuple[Any, tuple[str, ...]]]:
    """The members of aiortc and aioice that are not public and that this page relies on."""
    return {
        "dtls": (
            RTCDtlsTransport,
            ("_handle_rtcp_data", "_handle_rtp_data", "_send_rtp", "_set_role", "start", "stop"),
        ),
        "ice": (
            aioice.Connection,
            ("get_component_candidates", "gather_candidates", "recv", "send", "close"),
        ),
    }
