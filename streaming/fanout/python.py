"""The readable twin of the sender: what the fast one does, said slowly.

It always works. Everything below `PythonSender._run` belongs to the sender's thread; the loop
only posts, and reads counters that it never writes.
"""

from __future__ import annotations

import dataclasses
import errno
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from .cipher import Protection, protection
from .interface import LATE_AFTER_MS, Address, Packet, Resend, Totals, TrackCounts, ViewerCounts
from .layout import Block, Layout, paddings, runs, send_time
from .queue import Job, JobQueue
from .repeat import RepeatGuard
from .sender import AUDIO, HELD_LIMIT_PACKETS, NO_RTX, NO_VIEWER, VIDEO, Arrival, Stream, window_ns
from .wire import Outgoing, padding, rtp_header, sender_report, stamped

_log = structlog.get_logger(__name__)

UDP_SEGMENT: Final = 103  # linux/udp.h; Python names it from 3.14 on
OVERDUE_NS: Final = 2_000_000  # held packets leave this long after their window, though jobs wait
GSO_REFUSED: Final = {errno.EIO, errno.EINVAL}  # no checksum offload; segments longer than the path
SRTCP_INDEX_END: Final = 1 << 31


@dataclasses.dataclass(slots=True)
class Flow:
    """What one SSRC of a viewer sends, and how much of it went."""

    ssrc: int
    payload_type: int
    packets: int = 0
    octets: int = 0

    def counts(self) -> TrackCounts:
        return TrackCounts(self.packets, self.octets)


class OutTrack:
    """One kind of media of one viewer: its flow, its RTX flow and the segment it follows."""

    def __init__(self, stream: Stream) -> None:
        self.layout = stream.layout
        self.flow = Flow(stream.ssrc, stream.payload_type)
        self.rtx = Flow(stream.rtx_ssrc, stream.rtx_payload_type)
        self.next_rtx_index = stream.first_rtx_sequence
        self.guard = RepeatGuard()
        self.offset = 0

    def own(self, packet: Packet) -> Outgoing:
        timestamp = packet.timestamp & 0xFFFFFFFF
        return Outgoing(
            packet.sequence + self.offset, timestamp, packet.marker, packet.payload, packet.capture_time
        )

    def block(self, packet: Outgoing) -> Block:
        return self.layout.plain if packet.capture_time is None else self.layout.capture

    def again(self, lost: Resend) -> Outgoing:
        """RTX: the original sequence number goes before the payload (RFC 4588 section 4)."""
        index, packet = self.next_rtx_index, lost.packet
        self.next_rtx_index += 1
        body = struct.pack("!H", lost.own_sequence & 0xFFFF) + packet.payload
        return Outgoing(index, packet.timestamp & 0xFFFFFFFF, packet.marker, body, packet.capture_time)


class OutViewer:
    """All outbound state of one viewer."""

    def __init__(self, arrival: Arrival) -> None:
        self.address = arrival.address
        self.cname = arrival.cname
        self.cipher: Protection = protection(arrival.profile, arrival.rtp, arrival.rtcp)
        self.tracks = [OutTrack(stream) if stream else None for stream in arrival.streams]
        self.source: list[Source | None] = [None, None]
        self.gso_works = True
        self.next_rtcp_index = 0
        self.rtcp_packets = self.dropped = self.refused = self.last_send_ns = 0

    def counts(self) -> ViewerCounts:
        flows = [track.flow.counts() if track else TrackCounts() for track in self.tracks]
        resent = [track.rtx for track in self.tracks if track]
        return ViewerCounts(
            video=flows[VIDEO],
            audio=flows[AUDIO],
            resent=TrackCounts(sum(r.packets for r in resent), sum(r.octets for r in resent)),
            rtcp_packets=self.rtcp_packets,
            dropped_packets=self.dropped,
            refused_packets=self.refused,
            last_send_ns=self.last_send_ns,
        )


class Source:
    """Who follows one rendition, and the packets that wait for the rest of their frame."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.followers: list[OutViewer] = []
        self.turn = 0
        self.held: list[Packet] = []
        self.held_until_ns = 0

    def in_turn(self) -> list[OutViewer]:
        """The followers, beginning with another one each time."""
        self.turn = (self.turn + 1) % max(len(self.followers), 1)
        return self.followers[self.turn :] + self.followers[: self.turn]


class PythonSender:
    """See `Sender` and, for what each post means, `Fanout`."""

    def __init__(self, sock: socket.socket, gso: bool) -> None:
        self._socket = sock
        self._gso = gso
        self._queue = JobQueue()
        self._viewers: dict[int, OutViewer] = {}
        self._sources: dict[int, Source] = {}
        self._holding: set[Source] = set()
        self._frozen_ns: int | None = None
        self._stopping = False
        self._totals = dict.fromkeys((field.name for field in dataclasses.fields(Totals)), 0)
        self.path = "python, AES of cryptography, " + ("sendmsg with GSO" if gso else "sendmsg")
        self._thread = threading.Thread(target=self._run, name="fanout", daemon=True)
        self._thread.start()

    # -- the loop's side -------------------------------------------------------------------------

    def open_source(self, source: int, kind: int) -> bool:
        return self._queue.post(lambda: self._open_source(source, kind))

    def close_source(self, source: int) -> bool:
        return self._queue.post(lambda: self._close_source(source))

    def join(self, viewer: int, arrival: Arrival) -> bool:
        return self._queue.post(lambda: self._viewers.update({viewer: OutViewer(arrival)}))

    def leave(self, viewer: int) -> bool:
        return self._queue.post(lambda: self._leave(viewer))

    def move(self, viewer: int, address: Address) -> bool:
        return self._queue.post(lambda: self._move(viewer, address))

    def segment(self, viewer: int, source: int, offset: int) -> bool:
        return self._queue.post(lambda: self._segment(viewer, source, offset))

    def extend(self, viewer: int, kind: int, layout: Layout) -> bool:
        return self._queue.post(lambda: self._extend(viewer, kind, layout))

    def pause(self, viewer: int, kind: int) -> bool:
        return self._queue.post(lambda: self._unfollow(self._viewers[viewer], kind))

    def forward(self, source: int, packets: list[Packet], only: int) -> bool:
        octets = sum(len(packet.payload) for packet in packets)
        return self._post_media(lambda: self._forward(source, packets, only), octets)

    def resend(self, viewer: int, kind: int, packets: list[Resend]) -> bool:
        octets = sum(len(lost.packet.payload) for lost in packets)
        return self._post_media(lambda: self._resend(viewer, kind, packets), octets)

    def rtcp(self, viewer: int, compound: bytes) -> bool:
        return self._post_media(lambda: self._rtcp(self._viewers[viewer], compound), len(compound))

    def report(self, source: int, ntp_time: int, timestamp: int) -> bool:
        return self._post_media(lambda: self._report(source, ntp_time, timestamp), 0)

    def _post_media(self, do: Callable[[], None], octets: int) -> bool:
        return self._queue.post(do, media=True, octets=octets)

    def counts(self, viewer: int) -> ViewerCounts:
        seated = self._viewers.get(viewer)
        return seated.counts() if seated else ViewerCounts()

    def totals(self) -> Totals:
        now = {
            "viewers": len(self._viewers),
            "queue_refusals": self._queue.refusals,
            "queue_peak_jobs": self._queue.peak_jobs,
        }
        return Totals(**(self._totals | now))

    def freeze(self, now_ns: int | None) -> None:
        self._frozen_ns = now_ns

    def hold(self, held: bool) -> None:
        self._queue.hold(held)

    def drain(self, timeout_s: float) -> bool:
        done = threading.Event()
        return self._queue.post(lambda: self._let_go(done)) and done.wait(timeout_s)

    def close(self) -> None:
        self._queue.hold(False)
        self.drain(1.0)
        self._stopping = True
        self._queue.post(lambda: None)
        self._thread.join(2.0)
        self._viewers.clear()

    # -- the sender's thread: jobs ---------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            due_ns = min((source.held_until_ns for source in self._holding), default=None)
            job = self._queue.take(due_ns)
            began_ns = time.monotonic_ns()
            if job is not None:
                self._do(job, began_ns)
            patience_ns = 0 if job is None else OVERDUE_NS
            for source in [s for s in self._holding if s.held_until_ns + patience_ns <= began_ns]:
                self._flush_held(source)
            self._totals["busy_ns"] += time.monotonic_ns() - began_ns

    def _do(self, job: Job, now_ns: int) -> None:
        late = self._frozen_ns is None and now_ns - job.posted_ns > LATE_AFTER_MS * 1_000_000
        if job.media and late:
            self._totals["late_jobs"] += 1
            return
        try:
            job.do()
        except Exception:
            _log.exception("fanout_job_failed")  # one job, never the sender

    def _open_source(self, source: int, kind: int) -> None:
        self._sources[source] = Source(kind)

    def _close_source(self, source: int) -> None:
        closed = self._sources[source]
        self._flush_held(closed)
        for viewer in list(closed.followers):
            self._unfollow(viewer, closed.kind)
        del self._sources[source]

    def _leave(self, viewer: int) -> None:
        for kind in (VIDEO, AUDIO):
            self._unfollow(self._viewers[viewer], kind)
        del self._viewers[viewer]

    def _move(self, viewer: int, address: Address) -> None:
        self._viewers[viewer].address = address
        self._viewers[viewer].gso_works = True  # another path, another chance

    def _segment(self, viewer: int, source: int, offset: int) -> None:
        seated, followed = self._viewers[viewer], self._sources[source]
        self._flush_held(followed)  # these packets were posted before: they follow the old segment
        self._unfollow(seated, followed.kind)
        track = seated.tracks[followed.kind]
        assert track is not None  # noqa: S101  (the front refused a segment without a track)
        track.offset = offset
        seated.source[followed.kind] = followed
        followed.followers.append(seated)

    def _extend(self, viewer: int, kind: int, layout: Layout) -> None:
        seated = self._viewers[viewer]
        track, followed = seated.tracks[kind], seated.source[kind]
        if followed is not None:
            self._flush_held(followed)  # these packets were posted before
        if track is not None:
            track.layout = layout

    def _unfollow(self, viewer: OutViewer, kind: int) -> None:
        left = viewer.source[kind]
        if left is not None:
            self._flush_held(left)
            left.followers.remove(viewer)
            viewer.source[kind] = None

    def _let_go(self, done: threading.Event) -> None:
        for source in list(self._holding):
            self._flush_held(source)
        done.set()

    # -- the sender's thread: packets ------------------------------------------------------------

    def _forward(self, source: int, packets: list[Packet], only: int) -> None:
        followed = self._sources[source]
        if only != NO_VIEWER:
            self._send_frame(self._viewers[only], followed.kind, packets)
            return
        if not followed.held:
            followed.held_until_ns = time.monotonic_ns() + window_ns(len(followed.followers))
            self._holding.add(followed)
        followed.held += packets
        whole = followed.kind == AUDIO or packets[-1].marker or len(followed.held) >= HELD_LIMIT_PACKETS
        if whole:
            self._flush_held(followed)

    def _flush_held(self, source: Source) -> None:
        packets, source.held = source.held, []
        self._holding.discard(source)
        if packets:
            for viewer in source.in_turn():
                self._send_frame(viewer, source.kind, packets)

    def _send_frame(self, viewer: OutViewer, kind: int, packets: list[Packet]) -> None:
        track = viewer.tracks[kind]
        if track is None:
            return
        fresh = []
        for packet in map(track.own, packets):
            if track.guard.admit(packet.index):
                fresh.append(packet)
            else:
                viewer.refused += 1
                self._totals["refused_packets"] += 1
        self._send_packets(viewer, track, track.flow, fresh)

    def _resend(self, viewer: int, kind: int, packets: list[Resend]) -> None:
        track = self._viewers[viewer].tracks[kind]
        if track is not None and track.rtx.payload_type != NO_RTX:
            self._send_packets(self._viewers[viewer], track, track.rtx, list(map(track.again, packets)))

    def _send_packets(self, viewer: OutViewer, track: OutTrack, flow: Flow, packets: list[Outgoing]) -> None:
        """Write headers, encrypt, send. A run that the kernel refuses ends the frame for this viewer."""
        if not packets:
            return
        gso = self._gso and viewer.gso_works
        sizes = [len(track.block(p).octets) + len(p.body) for p in packets]
        pads = paddings(sizes) if gso else [0] * len(packets)
        stamp = send_time(self._now_ns())
        datagrams = []
        for packet, pad in zip(packets, pads, strict=True):
            extension = stamped(track.block(packet), stamp, packet.capture_time)
            header = rtp_header(flow.ssrc, flow.payload_type, packet, extension, pad > 0)
            body = packet.body + padding(pad)
            datagrams.append(viewer.cipher.rtp(header, body, flow.ssrc, packet.index))
        cuts = runs([len(d) for d in datagrams]) if gso else [(i, i + 1) for i in range(len(datagrams))]
        for start, end in cuts:
            if not self._send_run(viewer, datagrams[start:end]):
                viewer.dropped += len(packets) - start
                self._totals["dropped_packets"] += len(packets) - start
                break
            flow.packets += end - start
            flow.octets += sum(len(p.body) for p in packets[start:end])

    # -- the sender's thread: RTCP ---------------------------------------------------------------

    def _rtcp(self, viewer: OutViewer, compound: bytes) -> None:
        index = viewer.next_rtcp_index
        if index >= SRTCP_INDEX_END:
            viewer.refused += 1
            self._totals["refused_packets"] += 1
            return
        viewer.next_rtcp_index += 1
        if self._send_run(viewer, [viewer.cipher.rtcp(compound, index)]):
            viewer.rtcp_packets += 1
        else:
            viewer.dropped += 1
            self._totals["dropped_packets"] += 1

    def _report(self, source: int, ntp_time: int, timestamp: int) -> None:
        followed = self._sources[source]
        for viewer in followed.in_turn():
            track = viewer.tracks[followed.kind]
            if track is not None and track.flow.packets:
                sent = track.flow.counts()
                self._rtcp(viewer, sender_report(track.flow.ssrc, ntp_time, timestamp, sent, viewer.cname))

    # -- the sender's thread: the socket ---------------------------------------------------------

    def _send_run(self, viewer: OutViewer, datagrams: list[bytes]) -> bool:
        """One system call. Where GSO is refused, the same ciphertext leaves one by one."""
        control = []
        if len(datagrams) > 1:
            control = [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("=H", len(datagrams[0])))]
        try:
            self._totals["system_calls"] += 1
            self._socket.sendmsg(datagrams, control, 0, viewer.address)
        except OSError as refused:
            if not control or refused.errno not in GSO_REFUSED:
                return False
            viewer.gso_works = False
            self._totals["gso_fallbacks"] += 1
            return all([self._send_run(viewer, [datagram]) for datagram in datagrams])
        viewer.last_send_ns = time.monotonic_ns()
        self._totals["datagrams"] += len(datagrams)
        self._totals["octets"] += sum(map(len, datagrams))
        return True

    def _now_ns(self) -> int:
        return time.monotonic_ns() if self._frozen_ns is None else self._frozen_ns
