"""A process of lean players: `python -m benchmarks.rig.players`, told what to do on stdin, line by line.

{"join": [{"name": …, "remb": true, "port": …}], "whep": url, "token": …} lets them join, each over its own
road (`port` takes the place of the relay's); {"tell": true} gives what each has seen: when its picture
changed its width (seconds of the monotonic clock), its frames, freezes and requests.

Each has what a player has but a screen: aiortc's receiver-side estimator (REMB from abs-send-time),
NACK, PLI, receiver reports, frames in order. Those without REMB send only the rest.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import sys
import time
from typing import Any, Final

import aiohttp
import av
from aiortc import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtp import (
    HeaderExtensionsMap,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtpPacket,
    pack_remb_fci,
)
from pylibsrtp import Error as SrtpError

from .assembly import Freezes, Picture, Piece
from .signalling import REPAIR_TYPE, VIDEO_TYPE, offer
from .transport import Client

LOOK_SECONDS: Final = 0.02
CHECK_SECONDS: Final = 2.5
REPORT_SECONDS: Final = 1.0
REMB_SECONDS: Final = 0.2
READ_AT_ONCE: Final = 64
OURS: Final = 1


def _extensions() -> HeaderExtensionsMap:
    known = HeaderExtensionsMap()
    uri = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    known.configure(RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(id=2, uri=uri)]))
    return known


class Player:
    """One of them."""

    def __init__(self, name: str, *, remb: bool, port: int) -> None:
        self.name, self.widths = name, list[tuple[float, int]]()
        self.freezes, self.rembs = Freezes(), list[tuple[float, int]]()
        self._remb, self._port, self._client = remb, port, Client()
        self._picture, self._estimator = Picture(), RemoteBitrateEstimator()
        self._extensions, self._decoder = _extensions(), av.CodecContext.create("h264", "r")
        self._ssrc: int | None = None
        self._said_s = self._checked_s = self._reported_s = 0.0
        self._report_before, self._last_report = (0, 0), (0, 0.0)
        self.nacked = self.plis = 0

    async def join(self, http: aiohttp.ClientSession, whep: str, token: str) -> None:
        """WHEP, ICE, DTLS over its road."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        async with http.post(whep, data=offer(self._client, "recvonly"), headers=headers) as response:
            answer = await response.text()
            if response.status != 201:
                raise ConnectionError(f"{response.status}: {answer[:200]}")
        await self._client.connect(
            re.sub(r"( 1 udp \d+ )\S+ \d+ typ", rf"\g<1>127.0.0.1 {self._port} typ", answer)
        )
        asyncio.get_running_loop().add_reader(self._client.socket, self._read)

    def _read(self) -> None:
        for _ in range(READ_AT_ONCE):
            try:
                data = self._client.socket.recv(2048)
            except BlockingIOError:
                return
            if len(data) < 12 or data[0] & 0xC0 != 0x80 or self._client.inbound is None:
                continue
            try:
                if 192 <= data[1] <= 223:
                    self._hear(self._client.inbound.unprotect_rtcp(data))
                else:
                    self._take(self._client.inbound.unprotect(data), time.monotonic())
            except SrtpError:
                continue

    def _take(self, data: bytes, now_s: float) -> None:
        packet = RtpPacket.parse(data, self._extensions)
        sent = packet.extensions.abs_send_time
        if sent is not None:
            found = self._estimator.add(int(now_s * 1000), sent, len(data), packet.ssrc)
            if found is not None:
                self._estimated(found[0], now_s)
        sequence, payload = packet.sequence_number, packet.payload
        if packet.payload_type == REPAIR_TYPE:
            if len(payload) < 3:
                return
            sequence, payload = int.from_bytes(payload[:2], "big"), payload[2:]
        elif packet.payload_type == VIDEO_TYPE:
            self._ssrc = packet.ssrc
        else:
            return
        piece = Piece(packet.timestamp, bool(packet.marker), payload)
        repaired = packet.payload_type == REPAIR_TYPE
        if repaired and self._picture.highest is None:
            return
        for frame in self._picture.take(sequence, piece, now_s, repaired=repaired):
            self.freezes.whole(frame.timestamp, now_s)
            if frame.is_keyframe:
                self._look(frame.data, now_s)

    def _look(self, keyframe: bytes, now_s: float) -> None:
        try:
            pictures = self._decoder.decode(av.Packet(keyframe))
        except av.FFmpegError:
            return
        for picture in pictures:
            if not self.widths or self.widths[-1][1] != picture.width:
                self.widths.append((now_s, picture.width))

    def _hear(self, data: bytes) -> None:
        if data[1] == 200 and len(data) >= 28 and int.from_bytes(data[4:8], "big") == self._ssrc:
            self._last_report = int.from_bytes(data[10:14], "big"), time.monotonic()

    def _estimated(self, bps: int, now_s: float) -> None:
        if self._remb and self._ssrc is not None and now_s - self._said_s >= REMB_SECONDS:
            self._said_s = now_s
            self.rembs.append((now_s, bps))
            self._say(bytes(RtcpPsfbPacket(15, OURS, 0, pack_remb_fci(bps, [self._ssrc]))))

    def look(self, now_s: float) -> None:
        """Many times a second: what is due."""
        if now_s - self._checked_s >= CHECK_SECONDS:
            self._checked_s = now_s
            self._client.socket.sendto(self._client.check, self._client.server)
        if self._ssrc is None:
            return
        ask, wants_keyframe = self._picture.due(now_s)
        if ask:
            self.nacked += len(ask)
            self._say(bytes(RtcpRtpfbPacket(1, OURS, self._ssrc, sorted(ask))))
        if wants_keyframe:
            self.plis += 1
            self._say(bytes(RtcpPsfbPacket(1, OURS, self._ssrc)))
        if now_s - self._reported_s >= REPORT_SECONDS:
            self._reported_s = now_s
            self._report(now_s)

    def _report(self, now_s: float) -> None:
        picture = self._picture
        expected = (picture.highest or 0) - picture.first + 1
        more, got = expected - self._report_before[0], picture.received - self._report_before[1]
        self._report_before = expected, picture.received
        middle, at_s = self._last_report
        lost = max(0, more - got)
        info = RtcpReceiverInfo(
            ssrc=self._ssrc or 0,
            fraction_lost=min(255, 256 * lost // more) if more > 0 else 0,
            packets_lost=max(0, expected - picture.received),
            highest_sequence=(picture.highest or 0) & 0xFFFFFFFF,
            jitter=0,
            lsr=middle,
            dlsr=int((now_s - at_s) * 65536) if middle else 0,
        )
        self._say(bytes(RtcpRrPacket(OURS, [info])))

    def _say(self, data: bytes) -> None:
        if self._client.outbound is None:
            return
        if data[1] != 201:  # a compound begins with a report (RFC 3550 section 6.1)
            data = struct.pack("!BBHI", 0x80, 201, 1, OURS) + data
        self._client.socket.sendto(self._client.outbound.protect_rtcp(data), self._client.server)

    def seen(self) -> dict[str, Any]:
        """What it has seen."""
        return {
            "widths": self.widths,
            "frames": self.freezes.frames,
            "freezes": self.freezes.count,
            "frozen_s": self.freezes.frozen_s,
            "nacked": self.nacked,
            "plis": self.plis,
            "stood": self.freezes.at,
            "rembs": self.rembs,
        }


class Players:
    """All of one process."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http, self._all = http, list[Player]()

    async def do(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do one command."""
        if "join" in order:
            new = [Player(one["name"], remb=one["remb"], port=one["port"]) for one in order["join"]]
            await asyncio.gather(*(p.join(self._http, order["whep"], order["token"]) for p in new))
            self._all += new
            return {"joined": len(new)}
        return {player.name: player.seen() for player in self._all}

    async def look(self) -> None:
        """Turn all their clocks."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for player in self._all:
                player.look(time.monotonic())


async def main() -> None:
    loop = asyncio.get_running_loop()
    orders: asyncio.StreamReader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with aiohttp.ClientSession() as http:
        players = Players(http)
        looking = asyncio.create_task(players.look())
        while line := await orders.readline():
            order = json.loads(line)
            if "end" in order:
                break
            print(json.dumps(await players.do(order)), flush=True)
        looking.cancel()


if __name__ == "__main__":
    asyncio.run(main())
