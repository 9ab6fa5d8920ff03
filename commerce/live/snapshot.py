"""Folded states in Redis, so that nobody has to read a log from its beginning.

A snapshot is {schema, version, hash, state}; one whose hash does not fit is as good as none. The one
before the newest is kept too, and the log is trimmed only behind that older one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol, TypeVar

import msgspec
import structlog

from commerce.live import keys
from commerce.live.log import Log, Trimmed
from commerce.live.wire import Wire
from commerce.show.freeze import SCHEMA, freeze, thaw
from commerce.show.state import State, fresh

LOAD_TRIES: Final = 5

_log: Final = structlog.get_logger("snapshot")
_encoder: Final = msgspec.msgpack.Encoder()


T = TypeVar("T")


class Aside(Protocol):
    """How long work is done."""

    def __call__(self, do: Callable[[], T], /) -> Awaitable[T]: ...


async def at_once(do: Callable[[], T]) -> T:
    """Do it here and now, and let whoever else is on the loop wait."""
    return do()


async def in_a_thread(do: Callable[[], T]) -> T:
    """Do it beside the loop: a state of 10^5 orders takes a second, and other shows have leases to renew."""
    return await asyncio.to_thread(do)


class Snapshots:
    """Writes and reads snapshots, and knows how to come to the newest state of a show.

    `aside` does the long work: `at_once` (nobody else is on this loop) or `in_a_thread`.
    """

    def __init__(self, wire: Wire, aside: Aside = at_once) -> None:
        self._wire, self._aside = wire, aside

    async def write(self, state: State) -> int:
        """Keep the state (one that remembers outcomes) as the newest snapshot, unless that is newer or was
        replaced meanwhile; its bytes. Raises Broken."""
        if not state.remembers:
            raise ValueError("a snapshot needs the outcomes of commands")
        fields = await self._aside(partial(_packed, state))
        newest, before = keys.snapshot(state.show), keys.snapshot_before(state.show)
        # A torn newest one must not push out the sound one before it: that one is all there is.
        there = await self._wire.fields(newest)
        sound = _sound(there)
        if not (sound and there["schema"] == fields["schema"] and int(there["version"]) > state.version):
            await self._wire.replace(newest, before if sound else newest, fields, there.get("hash", b""))
        return len(fields["state"])

    async def newest(self, show: str, *, remembers: bool = True) -> State:
        """The newest sound snapshot as a state, or the fresh state. Raises Broken."""
        for key in (keys.snapshot(show), keys.snapshot_before(show)):
            fields = await self._wire.fields(key)
            read = partial(_read, show, fields, remembers=remembers)
            state = await self._aside(read) if fields else None
            if state is not None:
                return state
        return fresh(show, remembers=remembers)

    async def load(self, show: str, *, remembers: bool = True) -> State:
        """The state of the show now: snapshot, then the log to its top. A front or an effect that
        answers no commands passes remembers=False. Raises Broken, Trimmed, BrokenLog."""
        log = Log(self._wire, outcomes=remembers)
        for _ in range(LOAD_TRIES):
            with contextlib.suppress(Trimmed):  # the archivist trimmed between snapshot and log: look anew
                return await log.catch_up(await self.newest(show, remembers=remembers))
        raise Trimmed(f"no sound snapshot of {show} reaches its trimmed log")

    async def trim(self, show: str, done: int) -> int:
        """Forget log entries that both snapshots and every effect (`done`: cursor.slowest) are past.
        Returns the version before which all is gone."""
        before = await self._wire.fields(keys.snapshot_before(show))
        safe = min(done, int(before["version"]) if _sound(before) else 0)
        if safe > 0:
            await self._wire.trim(keys.log(show), f"{safe + 1}-0")
        return safe


def _packed(state: State) -> dict[str, bytes]:
    packed = _encoder.encode(freeze(state))
    return {
        "schema": str(SCHEMA).encode(),
        "version": str(state.version).encode(),
        "hash": hashlib.sha256(packed).hexdigest().encode(),
        "state": packed,
    }


def _sound(fields: dict[str, bytes]) -> bool:
    """Whether the snapshot is all there."""
    return hashlib.sha256(fields.get("state", b"")).hexdigest().encode() == fields.get("hash")


def _read(show: str, fields: dict[str, bytes], *, remembers: bool) -> State | None:
    if fields.get("schema") != str(SCHEMA).encode():
        _log.warning("snapshot of another schema", show=show, schema=fields.get("schema", b"").decode())
        return None
    if not _sound(fields):
        _log.error("torn snapshot", show=show, version=fields.get("version", b"").decode())
        return None
    try:
        return thaw(msgspec.msgpack.decode(fields["state"]), remembers=remembers)
    except (KeyError, TypeError, ValueError) as error:
        _log.error("snapshot cannot be read", show=show, error=repr(error))
        return None
