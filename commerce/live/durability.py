"""Does the server keep what it acknowledges? Checked at the start of every process that takes orders."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import redis.exceptions as wrong
from redis.asyncio import Redis

_WANTED: Final = {
    "appendonly": ("yes", "the append-only file is off: a restart would lose every order"),
    "appendfsync": ("always", "it does not sync every write: a power cut would lose acknowledged orders"),
    "maxmemory-policy": ("noeviction", "it may evict keys: a show could vanish when memory runs short"),
}


class NotDurable(RuntimeError):
    """The server may lose what it acknowledges; the text says why and what to set."""


async def shortcomings(redis: Redis) -> list[str]:
    """Why the server is not fit to keep orders, one sentence each; empty when it is."""
    found: list[str] = []
    for name, (wanted, why) in _WANTED.items():
        answer: dict[Any, Any] = await redis.config_get(name)
        value = {_text(key): _text(value) for key, value in answer.items()}.get(name, "")
        if value != wanted:
            found.append(f"{name} is {value!r} and should be {wanted!r}: {why}")
    return found


async def check(redis: Redis, *, accept_loss: bool) -> list[str]:
    """Raise NotDurable unless the server is fit or the loss is accepted; then hand the shortcomings
    on, for every page that operators see."""
    found = await shortcomings(redis)
    if found and not accept_loss:
        raise NotDurable("; ".join(found) + ". Set it, or start with ACCEPT_DATA_LOSS=1.")
    return found


async def check_when_up(redis: Redis, *, accept_loss: bool, wait_seconds: float = 30.0) -> list[str]:
    """`check`, once the server answers: the supervisor starts all processes at the same moment.
    A server that does not come up in time is NotDurable too."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    while True:
        try:
            return await check(redis, accept_loss=accept_loss)
        except (wrong.RedisError, OSError) as error:
            if loop.time() > deadline:
                raise NotDurable(f"no Redis-compatible server answers: {error}") from None
            await asyncio.sleep(0.1)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
