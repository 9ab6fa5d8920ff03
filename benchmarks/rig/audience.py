"""A process of lean viewers: `python -m benchmarks.rig.audience`, told what to do on stdin, line by line.

Commands (JSON lines): {"join": n, "whep": url, "token": …} or {"join": n, "janus": url, "mountpoint": 1};
{"storm": n, "within_s": …, "whep": url, "token": …}; {"return": n} with the same, for players that try
until they have a picture; {"count": true}; {"end": true}. Each is answered by
one JSON line. Between commands every viewer sends a consent check twice in five seconds and a
receiver report with REMB each second, as players do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import resource
import struct
import sys
import time
from collections import Counter
from typing import Any, Final

import aiohttp

from .signalling import Janus, Refused, meet_once, meet_relay, offer
from .sinks import drop_rtp, dropped
from .transport import Client

CHECK_SECONDS: Final = 2.5  # RFC 7675 section 5.1 asks for 4 to 6; Chromium does 2.5
REPORT_SECONDS: Final = 1.0
JOINS_AT_ONCE: Final = 32
PLAYER_PATIENCE_SECONDS: Final = 8.0
RETURN_SECONDS_MAX: Final = 90.0
SLICES: Final = 50  # the audience speaks in turn, not in chorus


class Audience:
    """All viewers of this process."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self.viewers: list[Client] = []
        self.base: list[int] = []

    async def do(self, order: dict[str, Any]) -> dict[str, Any]:
        """One command."""
        if "count" in order:
            return self.count()
        if "return" in order:
            return await self.come_back(order)
        return await (self.storm(order) if "storm" in order else self.join(order))

    async def join(self, order: dict[str, Any]) -> dict[str, Any]:
        """Seat n more viewers."""
        gate, began = asyncio.Semaphore(JOINS_AT_ONCE), time.monotonic()

        async def one() -> Client:
            async with gate:
                client = Client()
                if "janus" in order:
                    await Janus(self._http, order["janus"]).watch(order["mountpoint"], client)
                else:
                    sdp = offer(client, "recvonly")
                    await meet_relay(self._http, order["whep"], order["token"], client, sdp)
                drop_rtp(client.socket)
                _empty(client)  # the start of the program came before the filter
                return client

        joined = await asyncio.gather(*[one() for _ in range(order["join"])], return_exceptions=True)
        failed = [repr(j) for j in joined if isinstance(j, BaseException)]
        self.viewers += [j for j in joined if isinstance(j, Client)]
        return {
            "joined": len(self.viewers),
            "failed": failed[:3],
            "seconds": round(time.monotonic() - began, 2),
        }

    async def storm(self, order: dict[str, Any]) -> dict[str, Any]:
        """Seat n more within some seconds, each timed from its POST to the end of its first picture."""

        async def one(after_s: float) -> float:
            await asyncio.sleep(after_s)
            client, began = Client(), time.monotonic()
            await meet_relay(self._http, order["whep"], order["token"], client, offer(client, "recvonly"))
            await client.first_frame()
            took_s = time.monotonic() - began
            drop_rtp(client.socket)
            _empty(client)
            self.viewers.append(client)
            return took_s

        count = order["storm"]
        joins = [one(i * order["within_s"] / count) for i in range(count)]
        ended = await asyncio.gather(*joins, return_exceptions=True)
        took = [e for e in ended if isinstance(e, float)]
        return {"first_frame_s": took, "failed": [repr(e) for e in ended if not isinstance(e, float)][:3]}

    async def come_back(self, order: dict[str, Any]) -> dict[str, Any]:
        """n players whose relay died all at once: each tries as ours does (web/transport/watch.js) until it
        has a picture, timed from now."""
        began, tries, refused = time.monotonic(), 0, Counter[str]()

        async def one() -> float:
            nonlocal tries
            await asyncio.sleep(random.uniform(0, order["within_s"]))
            attempt, asked_s = 0, 0.0
            while time.monotonic() - began < RETURN_SECONDS_MAX:
                await asyncio.sleep(_wait_s(attempt, asked_s))
                attempt, asked_s, tries = attempt + 1, 0.0, tries + 1
                client = Client()
                try:
                    async with asyncio.timeout(PLAYER_PATIENCE_SECONDS):
                        await meet_once(
                            self._http, order["whep"], order["token"], client, offer(client, "recvonly")
                        )
                        await client.first_frame()
                except Refused as no:
                    refused[str(no.status)] += 1
                    attempt = 0 if no.status == 409 else attempt
                    asked_s = max(no.retry_after_s, 1.0) if no.status == 409 else no.retry_after_s
                except (aiohttp.ClientError, ConnectionError, OSError, TimeoutError) as failed:
                    refused[type(failed).__name__] += 1
                else:
                    drop_rtp(client.socket)
                    self.viewers.append(client)
                    return time.monotonic() - began
                client.socket.close()
            raise TimeoutError

        ended = await asyncio.gather(*[one() for _ in range(order["return"])], return_exceptions=True)
        back = [e for e in ended if isinstance(e, float)]
        return {"back_s": back, "tries": tries, "refused": dict(refused)}

    def count(self) -> dict[str, Any]:
        """RTP datagrams that reached each viewer so far."""
        return {"heard": [dropped(viewer.socket) for viewer in self.viewers]}

    async def speak(self) -> None:
        """Checks and reports, each viewer in its slice of time."""
        turn, pause = 0, REPORT_SECONDS / SLICES
        while True:
            await asyncio.sleep(pause)
            turn += 1
            for i in range(turn % SLICES, len(self.viewers), SLICES):
                self._speak(self.viewers[i], check=turn // SLICES % 5 in (0, 2))

    def _speak(self, viewer: Client, check: bool) -> None:
        _empty(viewer)
        if check:
            viewer.socket.sendto(viewer.check, viewer.server)
        if viewer.outbound is not None:
            viewer.socket.sendto(viewer.outbound.protect_rtcp(REPORT), viewer.server)


def _wait_s(attempt: int, asked_s: float) -> float:
    """The player's wait before a try (web/transport/backoff.js)."""
    ceiling_s = min(15.0, 0.25 * 2 ** min(attempt, 16))
    drawn = random.random()
    return max(ceiling_s / 2 + drawn * ceiling_s / 2, asked_s + drawn * asked_s / 4)


def _empty(viewer: Client) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            viewer.socket.recv(64)


def _report() -> bytes:
    """RR with one block, and REMB at 4 Mbit/s."""
    block = struct.pack("!IIIIII", 0x1234, 0, 1, 0, 0, 0)
    receiver = struct.pack("!BBHI", 0x81, 201, 7, 1) + block
    remb = struct.pack("!BBHII4sBBHI", 0x8F, 206, 5, 1, 0, b"REMB", 1, 4 << 2 | 0, 0xF424, 0x1234)
    return receiver + remb


REPORT: Final = _report()


async def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    loop = asyncio.get_running_loop()
    orders: asyncio.StreamReader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        audience = Audience(http)
        speaking = asyncio.create_task(audience.speak())
        while line := await orders.readline():
            order = json.loads(line)
            if "end" in order:
                break
            print(json.dumps(await audience.do(order)), flush=True)
        speaking.cancel()


if __name__ == "__main__":
    asyncio.run(main())
