"""A publisher process: `python -m benchmarks.rig.publisher`, told what to do on stdin, line by line.

{"whip": url, "token": …} or {"udp": port} connects; {"shape": "burst"} chooses; {"run": n} sends n frames
(0: until told otherwise); {"pause": true}. Each is answered by a JSON line; {"run": n} when it is done.
"""

from __future__ import annotations

import asyncio
import json
import struct
import sys
import time
from typing import Any, Final

import aiohttp

from .frames import FRAMES_PER_SECOND, Planned, frames
from .signalling import VIDEO_TYPE, meet_relay, offer
from .transport import Client

SSRC: Final = 0x51CCA57
TICKS: Final = 90_000 // FRAMES_PER_SECOND
CHECK_SECONDS: Final = 2.5
SPIN_SECONDS: Final = 0.0002  # a timer is not sharper than this


class Publisher:
    """Sends frames on time, encrypted to the relay or plain to Janus."""

    def __init__(self) -> None:
        self._client = Client()
        self._frames = frames("burst")
        self._sequence, self._timestamp, self.sent = 1000, 90_000, 0
        self._running: asyncio.Task[None] | None = None

    async def order(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do one command."""
        if "whip" in order:
            await self._publish(order["whip"], order["token"])
        elif "udp" in order:
            self._client.server = ("127.0.0.1", order["udp"])
        elif "shape" in order:
            self._frames = frames(order["shape"])
        elif "pause" in order and self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
        elif order.get("run") == 0:
            self._running = asyncio.create_task(self._run(1 << 60))
        elif "run" in order:
            before = self.sent
            await self._run(order["run"])
            return {"sent": self.sent - before}
        return {"sent": self.sent}

    async def _publish(self, url: str, token: str) -> None:
        async with aiohttp.ClientSession() as http:
            await meet_relay(http, url, token, self._client, offer(self._client, "sendonly", SSRC))

    async def _run(self, count: int) -> None:
        due = time.monotonic()
        for _ in range(count):
            frame = next(self._frames)
            for packet in frame:
                await _until(due + packet.after_s)
                self._send(packet)
            self._timestamp += TICKS
            due = max(due + 1 / FRAMES_PER_SECOND, time.monotonic() - 0.1)
            await _until(due)

    def _send(self, packet: Planned) -> None:
        header = struct.pack(
            "!BBHII",
            0x80,
            VIDEO_TYPE | packet.marker << 7,
            self._sequence & 0xFFFF,
            self._timestamp & 0xFFFFFFFF,
            SSRC,
        )
        data = header + packet.payload
        if self._client.outbound is not None:
            data = self._client.outbound.protect(data)
        self._client.socket.sendto(data, self._client.server)
        self._sequence += 1
        self.sent += 1

    async def keep_consent(self) -> None:
        """Checks, as any ICE client sends them, and what the server says is thrown away."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if self._client.check:
                self._client.socket.sendto(self._client.check, self._client.server)
            try:
                while True:
                    self._client.socket.recv(2048)
            except BlockingIOError:
                pass


async def _until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > SPIN_SECONDS:
        await asyncio.sleep(left - SPIN_SECONDS)
    while time.monotonic() < moment:
        pass


async def main() -> None:
    loop = asyncio.get_running_loop()
    orders: asyncio.StreamReader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    publisher = Publisher()
    consent = asyncio.create_task(publisher.keep_consent())
    while line := await orders.readline():
        order = json.loads(line)
        if "end" in order:
            break
        print(json.dumps(await publisher.order(order)), flush=True)
    consent.cancel()


if __name__ == "__main__":
    asyncio.run(main())
