"""A viewer that reads what it gets: `python -m benchmarks.rig.witness`, told on stdin like the audience.

{"whip": url, "whep": url, "publish_token": …, "view_token": …} publishes frames whose packets carry
the nanosecond of their sending, watches the same show, and {"run": seconds} answers with how long each
packet took through the relay, in milliseconds. Arrival is the kernel's time stamp of the datagram,
sending is read right before the system call, both of one clock of one machine.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import time
from typing import Any, Final

import aiohttp
from OpenSSL import SSL
from pylibsrtp import Error, Policy, Session

from .frames import FRAMES_PER_SECOND, frames
from .publisher import SSRC, TICKS
from .signalling import VIDEO_TYPE, meet_relay, offer
from .transport import KEY_BYTES, SALT_BYTES, Client

SO_TIMESTAMPNS: Final = 35
MARK: Final = b"SENT"
CHECK_SECONDS: Final = 2.5


class Reader(Client):
    """A client that also decrypts what it hears."""

    inbound: Session | None = None

    def _take_keys(self, dtls: SSL.Connection) -> None:
        super()._take_keys(dtls)
        material = dtls.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (KEY_BYTES + SALT_BYTES))
        salts = 2 * KEY_BYTES
        key = material[KEY_BYTES:salts] + material[salts + SALT_BYTES : salts + 2 * SALT_BYTES]
        profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        self.inbound = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))


class Witness:
    """Publisher and viewer in one process, so that one clock times both."""

    def __init__(self) -> None:
        self._studio, self._viewer = Client(), Reader()
        self._delays_ms: list[float] = []
        self._since_ns = 0
        self._sequence, self._timestamp = 1000, 90_000
        self._frames = frames("burst")

    async def take_places(self, order: dict[str, Any]) -> dict[str, Any]:
        async with aiohttp.ClientSession() as http:
            await meet_relay(
                http, order["whip"], order["publish_token"], self._studio,
                offer(self._studio, "sendonly", SSRC),
            )  # fmt: skip
            await self._publish(1.0)
            await meet_relay(
                http, order["whep"], order["view_token"], self._viewer, offer(self._viewer, "recvonly")
            )
        self._viewer.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        asyncio.get_running_loop().add_reader(self._viewer.socket.fileno(), self._read)
        return {"watching": True}

    async def run(self, seconds: float) -> dict[str, Any]:
        """Publish for so long; the delays of what came, in order."""
        self._delays_ms.clear()
        self._since_ns = time.time_ns()
        sent = self._sequence
        await self._publish(seconds)
        await asyncio.sleep(0.3)
        return {"sent": self._sequence - sent, "delays_ms": [round(x, 3) for x in self._delays_ms]}

    async def _publish(self, seconds: float) -> None:
        due = time.monotonic()
        for _ in range(round(seconds * FRAMES_PER_SECOND)):
            for packet in next(self._frames):
                self._send(packet.payload, packet.marker)
            self._timestamp += TICKS
            due += 1 / FRAMES_PER_SECOND
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _send(self, payload: bytes, marker: bool) -> None:
        header = struct.pack(
            "!BBHII", 0x80, VIDEO_TYPE | marker << 7, self._sequence & 0xFFFF, self._timestamp, SSRC
        )
        assert self._studio.outbound is not None
        stamp = MARK + struct.pack("!Q", time.time_ns())
        data = self._studio.outbound.protect(header + payload[: -len(stamp)] + stamp)
        self._studio.socket.sendto(data, self._studio.server)
        self._sequence += 1

    def _read(self) -> None:
        assert self._viewer.inbound is not None
        while True:
            try:
                data, notes, _, _ = self._viewer.socket.recvmsg(2048, 128)
            except BlockingIOError:
                return
            if not 128 <= data[0] <= 191 or 192 <= data[1] <= 223:
                continue
            try:
                plain = self._viewer.inbound.unprotect(data)
            except Error:
                continue
            if plain[0] & 0x20:  # padded to the length of its neighbours (RFC 3550 section 5.1)
                plain = plain[: -plain[-1]]
            sent_ns = int.from_bytes(plain[-8:], "big")
            if plain[-12:-8] == MARK and sent_ns >= self._since_ns:
                seconds, nanoseconds = struct.unpack("qq", notes[0][2][:16])
                self._delays_ms.append((seconds * 1_000_000_000 + nanoseconds - sent_ns) / 1e6)

    async def keep_consent(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for client in (self._studio, self._viewer):
                if client.check:
                    client.socket.sendto(client.check, client.server)


async def main() -> None:
    loop = asyncio.get_running_loop()
    orders: asyncio.StreamReader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    witness = Witness()
    consent = asyncio.create_task(witness.keep_consent())
    while line := await orders.readline():
        order = json.loads(line)
        if "end" in order:
            break
        told = await (witness.run(order["run"]) if "run" in order else witness.take_places(order))
        print(json.dumps(told), flush=True)
    consent.cancel()


if __name__ == "__main__":
    asyncio.run(main())
