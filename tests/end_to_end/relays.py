"""Several relays, each a process of its own, that know each other by a real registry."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgpack
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from redis.asyncio import Redis

from streaming.contract import RELAYS_KEY, STAGE_WISHES_KEY, RelayEntry, Stage, from_wire, stage_key, to_wire
from tests.end_to_end.processes import ROOT
from tests.streaming.house import SHOW, STUDIO, House


class FarHouse(House):
    """A relay in a process of its own, perhaps in a network of its own."""

    def __init__(self, folder: Path, key: Ed25519PrivateKey, name: str, port: int, host: str) -> None:
        super().__init__(folder, key)
        self.name, self.port, self.host = name, port, host
        self.child: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def start(self, *before: str, **environ: str) -> None:
        """`before`: what the command line begins with, to run it elsewhere."""
        settings = {
            "RELAY_HTTP": f"{self.host}:{self.port}",
            "RELAY_UDP": f"{self.host}:0",
            "RELAY_ID": self.name,
            "RELAY_SLATE": "0",
            "TOKEN_KEYS_FILE": str(self.folder / "public.json"),
            "RELAY_TOKEN_FILE": str(self.folder / "relay.token"),
            **environ,
        }
        self.child = await asyncio.create_subprocess_exec(
            *before, sys.executable, "-m", "streaming", cwd=ROOT, env={**os.environ, **settings}
        )

    def kill(self) -> None:
        """SIGKILL."""
        assert self.child is not None
        self.child.kill()

    async def end(self) -> None:
        """In order; nothing is left even where it does not obey."""
        if self.child is None or self.child.returncode is not None:
            return
        self.child.terminate()
        try:
            await asyncio.wait_for(self.child.wait(), 30)
        except TimeoutError:
            self.child.kill()
            await self.child.wait()


class Relays:
    """All of them, and the registry that they keep."""

    def __init__(self, redis: Any, houses: list[FarHouse]) -> None:
        self.redis, self.houses = redis, houses

    async def entries(self) -> dict[str, RelayEntry]:
        raw = await self.redis.hgetall(RELAYS_KEY)
        found = [from_wire(msgpack.unpackb(packed)) for packed in raw.values()]
        return {entry.relay: entry for entry in found if isinstance(entry, RelayEntry)}

    async def of(self, house: FarHouse) -> RelayEntry | None:
        return (await self.entries()).get(house.name)

    async def has(self, house: FarHouse, show: str) -> bool:
        entry = await self.of(house)
        return entry is not None and show in entry.shows

    async def viewers(self, house: FarHouse, count: int) -> bool:
        entry = await self.of(house)
        return entry is not None and entry.viewers == count

    async def takes(self, house: FarHouse) -> bool:
        entry = await self.of(house)
        return entry is not None and not entry.draining


async def comes_true(condition: Callable[[], Awaitable[bool]], seconds: float = 40) -> None:
    """Wait for another process, which has no event for us."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (the same)
            await asyncio.sleep(0.05)


def make_houses(folder: Path, places: list[tuple[str, int]]) -> list[FarHouse]:
    """Relays r0, r1, … at (host, port), with keys and the token with which they pull; not started."""
    key = Ed25519PrivateKey.generate()
    houses = [FarHouse(folder, key, f"r{number}", port, host) for number, (host, port) in enumerate(places)]
    houses[0].write_keys()
    (folder / "relay.token").write_text(houses[0].token("relay", expires_in=600))
    return houses


async def put_on_air(redis: Any) -> None:
    """The shop wishes the studio of the show on air."""
    await redis.set(stage_key(SHOW), msgpack.packb(to_wire(Stage(SHOW, 1, True, STUDIO))))
    await redis.xadd(STAGE_WISHES_KEY, {"show": SHOW})


@asynccontextmanager
async def several(
    redis_url: str,
    folder: Path,
    free_port: Callable[[], int],
    count: int,
    *,
    last: Mapping[str, str] | None = None,
    **environ: str,
) -> AsyncIterator[Relays]:
    """`count` relays on this host that all live; `last`: what the last one alone is told."""
    redis: Any = Redis.from_url(redis_url)
    await redis.delete(RELAYS_KEY)
    await put_on_air(redis)
    relays = Relays(redis, make_houses(folder, [("127.0.0.1", free_port()) for _ in range(count)]))
    try:
        for house in relays.houses:
            own = last if last and house is relays.houses[-1] else {}
            await house.start(**{"REDIS_URL": redis_url, **environ, **own})

        async def all_live() -> bool:
            return len(await relays.entries()) == count

        await comes_true(all_live)
        yield relays
    finally:
        await asyncio.gather(*(house.end() for house in relays.houses))
        await redis.aclose()
