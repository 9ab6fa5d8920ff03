"""The only Redis of the streaming side: stages in, facts and the registry out.

The relay works on without it: packets know no Redis. While it is away facts wait in a bounded
queue, the last known stages stay in force, and the connection is tried again each second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgpack
import structlog
from redis.asyncio import Redis
from redis.driver_info import DriverInfo
from redis.exceptions import RedisError

from .contract import (
    FACTS_KEY,
    PAIRINGS_KEY,
    RELAYS_KEY,
    STAGE_WISHES_KEY,
    RelayEntry,
    ShowId,
    Stage,
    StudioId,
    from_wire,
    stage_key,
    to_wire,
)
from .relay.relay import Relay

FACTS_KEPT: Final = 100_000
READ_AGAIN_SECONDS: Final = 1.0
REGISTER_SECONDS: Final = 0.5  # a studio that changed its relay is found by the others so quickly
WAIT_MS: Final = 1000
SHOWS_MAX: Final = 4096
OTHERS_A_SECOND: Final = 64  # shows off air that are looked at again: a relay of years has known thousands
GOODBYE_SECONDS: Final = 2.0  # a server that is away is tried for a minute otherwise
AWAY: Final = (RedisError, OSError, RuntimeError)  # the last is uvloop's word for a transport just closed

_log = structlog.get_logger(__name__)


class Bulletin:
    """Small loops of one connection each: wishes, pairings, facts, registry."""

    def __init__(self, url: str, relay: Relay, entry: Callable[[], RelayEntry]) -> None:
        # A reply that never comes must not hold a loop: reads have a limit above the blocking wait.
        self._redis: Any = Redis.from_url(
            url,
            socket_timeout=5,
            socket_connect_timeout=2,
            driver_info=DriverInfo(name=None, lib_version=None),  # else each connection reads files
        )
        self._relay, self._entry = relay, entry
        self._shows: dict[ShowId, None] = {}  # in the order in which they were looked at
        self._position = "$"
        self.reachable = False
        self._leaving = False

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await asyncio.gather(
                self._forever(self._follow_wishes),
                self._forever(self._read_stages_again),
                self._forever(self._read_pairings),
                self._forever(self._tell_facts),
                self._forever(self._register),
            )
        finally:
            await self._redis.aclose()

    async def _forever(self, work: Callable[[], Any]) -> None:
        while True:
            try:
                await work()
                self.reachable = True
            except AWAY as away:
                if self.reachable:
                    _log.warning("bulletin_away", why=type(away).__name__)
                self.reachable = False
                await asyncio.sleep(READ_AGAIN_SECONDS)
            except Exception as broken:  # one bad entry must not be the last that is read
                _log.error("bulletin_broke", work=work.__name__, why=repr(broken))
                await asyncio.sleep(READ_AGAIN_SECONDS)

    async def _follow_wishes(self) -> None:
        """A stage changed: read it now. The stream is only a hint; missing one costs a second."""
        if self._position == "$":
            await self._learn_shows()
        reply: Any = await self._redis.xread({STAGE_WISHES_KEY: self._position}, count=256, block=WAIT_MS)
        for _, entries in reply or []:
            for position, fields in entries:
                self._position = position.decode()
                for value in fields.values():
                    await self._read_stage(ShowId(value.decode(errors="replace")))

    async def _learn_shows(self) -> None:
        """At the start: every show the capped stream still speaks of."""
        newest: Any = await self._redis.xrevrange(STAGE_WISHES_KEY, count=SHOWS_MAX)
        for position, fields in newest:
            if self._position == "$":
                self._position = position.decode()
            self._shows.update((ShowId(value.decode(errors="replace")), None) for value in fields.values())
        if self._position == "$":
            self._position = "0-0"
        for show in list(self._shows):
            await self._read_stage(show)

    async def _read_stage(self, show: ShowId) -> None:
        if len(self._shows) < SHOWS_MAX:
            self._shows[show] = None
        raw = await self._redis.get(stage_key(show))
        if raw is None:
            return
        try:
            stage = from_wire(msgpack.unpackb(raw))
        except (ValueError, msgpack.UnpackException) as wrong:
            _log.warning("stage_unreadable", show=show, why=str(wrong))
            return
        if isinstance(stage, Stage) and stage.show == show:
            self._relay.shows.set_stage(stage)

    async def _read_stages_again(self) -> None:
        await asyncio.sleep(READ_AGAIN_SECONDS)
        for show in self.due():
            await self._read_stage(show)

    def due(self) -> list[ShowId]:
        """What is read again this second: all that is on air, and some of the others in turn."""
        known = self._relay.shows.stages
        on_air = [show for show in self._shows if (stage := known.get(show)) is not None and stage.on_air]
        airing = set(on_air)
        others = [show for show in self._shows if show not in airing][:OTHERS_A_SECOND]
        for show in others:
            self._shows[show] = self._shows.pop(show)
        return on_air + others

    async def _read_pairings(self) -> None:
        """Studios whose pairing was raised: few, since only a revocation puts one here."""
        raw: dict[bytes, bytes] = await self._redis.hgetall(PAIRINGS_KEY)
        for studio, generation in raw.items():
            if generation.isdigit():
                self._relay.raise_generation(StudioId(studio.decode(errors="replace")), int(generation))
        await asyncio.sleep(READ_AGAIN_SECONDS)

    async def _tell_facts(self) -> None:
        await self._relay.shows.fact_came.wait()
        self._relay.shows.fact_came.clear()
        while self._relay.shows.facts:
            fact = self._relay.shows.facts[0]
            packed = msgpack.packb(to_wire(fact))
            try:
                await self._redis.xadd(FACTS_KEY, {"fact": packed}, maxlen=FACTS_KEPT, approximate=True)
            except AWAY:
                self._relay.shows.fact_came.set()
                raise
            if self._relay.shows.facts and self._relay.shows.facts[0] is fact:
                self._relay.shows.facts.popleft()

    async def _register(self) -> None:
        entry = self._entry()
        if not self._leaving:
            await self._redis.hset(RELAYS_KEY, entry.relay, msgpack.packb(to_wire(entry)))
        if self._leaving:  # also when the end came while the entry was on its way
            await self._redis.hdel(RELAYS_KEY, entry.relay)
        if self._relay.upstreams is not None:
            self._relay.upstreams.neighbours(_entries(await self._redis.hgetall(RELAYS_KEY)))
        await asyncio.sleep(REGISTER_SECONDS)

    async def unregister(self) -> None:
        """An orderly end: nobody is sent here any more, and no later beat says otherwise."""
        self._leaving = True
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._redis.hdel(RELAYS_KEY, self._relay.id)
        except AWAY:
            _log.warning("bulletin_away_at_the_end")


def _entries(raw: dict[bytes, bytes]) -> list[RelayEntry]:
    """The registry's entries; what cannot be read is somebody newer, and left alone."""
    found = []
    for packed in raw.values():
        try:
            entry = from_wire(msgpack.unpackb(packed))
        except (ValueError, msgpack.UnpackException):
            continue
        if isinstance(entry, RelayEntry):
            found.append(entry)
    return found
