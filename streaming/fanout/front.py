"""The front of a sender: checks every number, gives ids, derives keys. The same for both twins.

An id is never used twice: the seat's slot is its remainder, so a late call cannot reach whoever
sits there next. Unknown viewers and sources raise KeyError.
"""

from __future__ import annotations

import socket
from collections import deque
from dataclasses import replace
from typing import Final, TypeVar

from .interface import (
    PAYLOAD_LIMIT_BYTES,
    Address,
    FanoutFull,
    Kind,
    Packet,
    Resend,
    Seat,
    SourceId,
    Totals,
    Track,
    ViewerCounts,
    ViewerId,
)
from .keys import KeyLedger, derive
from .layout import layout
from .sender import AUDIO, NO_RTX, NO_VIEWER, VIDEO, Arrival, Sender, Stream

SOURCES_LIMIT: Final = 4096
INDEX_LIMIT: Final = 1 << 47  # of 2**48: nobody comes near, and sums stay inside 64 bits
JOB_LIMIT_PACKETS: Final = 256  # longer lists become several jobs: others' frames pass between
RTCP_BYTES: Final = range(8, 1401)


class Front:
    """A `Fanout` made of a sender and the checks before it."""

    def __init__(self, sender: Sender, family: int, seats: int) -> None:
        self._sender = sender
        self._family = family
        self._seats = seats
        self._free = deque(range(seats))
        self._free_sources = deque(range(SOURCES_LIMIT))
        self._viewers: dict[int, tuple[Track | None, Track | None]] = {}  # by kind
        self._sources: dict[int, int] = {}  # kind
        self._generation = 0
        self._ledger = KeyLedger()

    @property
    def path(self) -> str:
        return self._sender.path

    # -- sources ---------------------------------------------------------------------------------

    def open_source(self, kind: Kind) -> SourceId:
        if not self._free_sources:
            raise FanoutFull("no room for another source")
        slot, number = self._free_sources.popleft(), _kind(kind)
        source = self._next_id(slot, SOURCES_LIMIT)
        if not self._sender.open_source(source, number):
            self._free_sources.appendleft(slot)
            raise FanoutFull("the sender's queue is full")
        self._sources[source] = number
        return SourceId(source)

    def close_source(self, source: SourceId) -> None:
        del self._sources[source]
        self._free_sources.append(source % SOURCES_LIMIT)
        _must(self._sender.close_source(source))

    # -- viewers ---------------------------------------------------------------------------------

    def join(self, seat: Seat) -> ViewerId:
        if not self._free:
            raise FanoutFull("every seat is taken")
        arrival = self._arrival(seat)
        if not self._ledger.enter(seat.keys):
            raise ValueError("these keys joined before: their nonces are spent")
        slot = self._free.popleft()
        viewer = self._next_id(slot, self._seats)
        if not self._sender.join(viewer, arrival):
            self._free.appendleft(slot)
            raise FanoutFull("the sender's queue is full")
        self._viewers[viewer] = (seat.video, seat.audio)
        return ViewerId(viewer)

    def leave(self, viewer: ViewerId) -> ViewerCounts:
        del self._viewers[viewer]
        self._free.append(viewer % self._seats)
        counts = self._sender.counts(viewer)
        _must(self._sender.leave(viewer))
        return counts

    def move(self, viewer: ViewerId, address: Address) -> None:
        self._seated(viewer)
        _must(self._sender.move(viewer, self._address(address)))

    def segment(self, viewer: ViewerId, source: SourceId, offset: int) -> None:
        if self._viewers[viewer][self._sources[source]] is None or abs(offset) >= INDEX_LIMIT:
            raise ValueError("the viewer has no such track, or the offset is out of range")
        _must(self._sender.segment(viewer, source, offset))

    def extend(self, viewer: ViewerId, kind: Kind, constants: tuple[tuple[int, bytes], ...]) -> None:
        number = _kind(kind)
        track = self._viewers[viewer][number]
        if track is None:
            raise ValueError("the viewer has no such track")
        _must(self._sender.extend(viewer, number, layout(replace(track, constants=constants))))

    def pause(self, viewer: ViewerId, kind: Kind) -> None:
        self._seated(viewer)
        _must(self._sender.pause(viewer, _kind(kind)))

    def counts(self, viewer: ViewerId) -> ViewerCounts:
        self._seated(viewer)
        return self._sender.counts(viewer)

    # -- packets ---------------------------------------------------------------------------------

    def forward(self, source: SourceId, packets: list[Packet], only: ViewerId | None = None) -> bool:
        self._open(source)
        if only is not None:
            self._seated(only)
        _check_packets(packets)
        to = NO_VIEWER if only is None else only
        return all([self._sender.forward(source, part, to) for part in _parts(packets)])

    def resend(self, viewer: ViewerId, kind: Kind, packets: list[Resend]) -> bool:
        number = _kind(kind)
        track = self._viewers[viewer][number]
        _check_packets([lost.packet for lost in packets])
        takes_rtx = track is not None and track.rtx_payload_type is not None
        return takes_rtx and all([self._sender.resend(viewer, number, part) for part in _parts(packets)])

    def rtcp(self, viewer: ViewerId, compound: bytes) -> bool:
        self._seated(viewer)
        if len(compound) not in RTCP_BYTES or len(compound) % 4:
            raise ValueError("a compound has 8 to 1,400 bytes, in words of 4")
        return self._sender.rtcp(viewer, compound)

    def report(self, source: SourceId, ntp_time: int, timestamp: int) -> bool:
        self._open(source)
        return self._sender.report(source, ntp_time & (1 << 64) - 1, timestamp & 0xFFFFFFFF)

    # -- all -------------------------------------------------------------------------------------

    def totals(self) -> Totals:
        return self._sender.totals()

    def drain(self, timeout_s: float = 5.0) -> bool:
        return self._sender.drain(timeout_s)

    def close(self) -> None:
        self._sender.close()

    def _seated(self, viewer: int) -> None:
        if viewer not in self._viewers:
            raise KeyError(viewer)

    def _open(self, source: int) -> None:
        if source not in self._sources:
            raise KeyError(source)

    def _next_id(self, slot: int, slots: int) -> int:
        self._generation += 1
        return self._generation * slots + slot

    def _address(self, address: Address) -> Address:
        """The address, if a datagram can go there by this socket. Raises ValueError."""
        length = 2 if self._family == socket.AF_INET else 4
        try:
            socket.inet_pton(self._family, address[0])
        except (OSError, TypeError) as wrong:
            raise ValueError(f"not an address of this socket's family: {address}") from wrong
        if len(address) != length or not 0 < address[1] < 1 << 16:
            raise ValueError(f"not an address of this socket's family: {address}")
        return address

    def _arrival(self, seat: Seat) -> Arrival:
        rtp, rtcp = derive(seat.keys)
        cname = seat.cname.encode()
        if not 1 <= len(cname) <= 255:
            raise ValueError("a CNAME has 1 to 255 bytes")
        streams = (_stream(seat.video), _stream(seat.audio))
        ssrcs = [ssrc for stream in streams if stream for ssrc in _ssrcs(stream)]
        if len(set(ssrcs)) != len(ssrcs):
            raise ValueError("two streams of a viewer share an SSRC: they would share nonces")
        return Arrival(self._address(seat.address), seat.keys.profile, rtp, rtcp, streams, cname)


def _ssrcs(stream: Stream) -> list[int]:
    return [stream.ssrc] if stream.rtx_payload_type == NO_RTX else [stream.ssrc, stream.rtx_ssrc]


def _stream(track: Track | None) -> Stream | None:
    if track is None:
        return None
    rtx_payload_type = NO_RTX if track.rtx_payload_type is None else track.rtx_payload_type
    types_fit = 0 <= track.payload_type < 128 and rtx_payload_type < 128
    ssrcs_fit = all(0 <= ssrc < 1 << 32 for ssrc in (track.ssrc, track.rtx_ssrc))
    if not types_fit or not ssrcs_fit or not 0 <= track.first_rtx_sequence < 1 << 15:
        raise ValueError("payload type, SSRC or first sequence out of range")
    return Stream(
        ssrc=track.ssrc,
        payload_type=track.payload_type,
        rtx_ssrc=track.rtx_ssrc,
        rtx_payload_type=rtx_payload_type,
        first_rtx_sequence=track.first_rtx_sequence,
        layout=layout(track),
    )


def _kind(kind: Kind) -> int:
    return VIDEO if kind == "video" else AUDIO


def _check_packets(packets: list[Packet]) -> None:
    for packet in packets:
        if len(packet.payload) > PAYLOAD_LIMIT_BYTES or not -INDEX_LIMIT < packet.sequence < INDEX_LIMIT:
            raise ValueError("payload too long for a path, or sequence out of range")


_T = TypeVar("_T")


def _parts(packets: list[_T]) -> list[list[_T]]:
    if len(packets) <= JOB_LIMIT_PACKETS:
        return [packets] if packets else []
    return [packets[i : i + JOB_LIMIT_PACKETS] for i in range(0, len(packets), JOB_LIMIT_PACKETS)]


def _must(posted: bool) -> None:
    if not posted:
        raise FanoutFull("the sender's queue is full")
