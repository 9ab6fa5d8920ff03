"""Pairings under way: a device that shows a short code, and the person who types it in (RFC 8628).

They live in the store for ten minutes: the device's long code as a digest, the person's short one as it
is shown. Whatever has several steps is one script, so that nothing is decided twice or outlives its time.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from redis.asyncio import Redis

from commerce.live import keys

LIFE_SECONDS: Final = 600
INTERVAL_SECONDS: Final = 5  # between two questions of a device
SLOWER_SECONDS: Final = 5  # more, for each question that came too early (RFC 8628 section 3.5)
MOST_WAITING: Final = 1_000
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, no words (RFC 8628 section 6.1)
CODE_LETTERS: Final = 8  # 34 bits, guessed at most a few times in ten minutes

_ASK: Final = """
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[2]) or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('ZADD', KEYS[3], ARGV[1] + ARGV[3] * 1000, KEYS[1])
redis.call('HSET', KEYS[1], 'code', ARGV[4], 'agent', ARGV[5], 'source', ARGV[6], 'asked', ARGV[1],
  'interval', ARGV[7], 'polled', 0)
redis.call('SET', KEYS[2], KEYS[1], 'EX', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
_DECIDE: Final = """
local device = redis.call('GETDEL', KEYS[1])
if not device or redis.call('EXISTS', device) == 0 then return 0 end
redis.call('ZREM', KEYS[2], device)
return redis.call('HSETNX', device, 'decision', ARGV[1])
"""
_POLL: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return {'gone', ''} end
local decision = redis.call('HGET', KEYS[1], 'decision')
if decision then redis.call('DEL', KEYS[1]) return {'decided', decision} end
local known = redis.call('HMGET', KEYS[1], 'polled', 'interval')
redis.call('HSET', KEYS[1], 'polled', ARGV[1])
if ARGV[1] - known[1] >= known[2] * 1000 then return {'pending', known[2]} end
return {'slow', redis.call('HINCRBY', KEYS[1], 'interval', ARGV[2])}
"""


@dataclass(frozen=True, slots=True)
class Asking:
    """What a device is told: it keeps `device_code` and shows `user_code`."""

    device_code: str
    user_code: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that waits: what it calls itself, where it asked from, and until when."""

    agent: str
    source: str
    asked_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Pending:
    """Nobody decided yet. `too_fast`: it has to ask more slowly from now on."""

    interval_seconds: int
    too_fast: bool


@dataclass(frozen=True, slots=True)
class Approved:
    """Somebody (`by`, an actor) let the device publish for the studio as it was then."""

    studio: str
    generation: int
    agent: str
    by: str


@dataclass(frozen=True, slots=True)
class Denied:
    """Somebody said no."""


Polled: TypeAlias = Pending | Approved | Denied


class Pairings:
    """Pairings under way, of all fronts."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def ask(self, agent: str, source: str, now_ms: int) -> Asking | None:
        """A new pairing, or None when too many wait."""
        made = Asking(secrets.token_urlsafe(32), new_code())
        names = (keys.pairing(_digest(made.device_code)), keys.pairing_code(made.user_code), keys.PAIRINGS)
        told = (now_ms, MOST_WAITING, LIFE_SECONDS, made.user_code, agent, source, INTERVAL_SECONDS)
        return made if await self._redis.eval(_ASK, len(names), *names, *told) else None

    async def find(self, user_code: str) -> Waiting | None:
        """The device that shows this code; None when there is none, or somebody decided already."""
        device = await self._redis.get(keys.pairing_code(user_code))
        fields = await self._redis.hgetall(device) if device is not None else None
        if not fields:
            return None
        known = {name.decode(): value.decode() for name, value in fields.items()}
        asked = int(known["asked"])
        return Waiting(known["agent"], known["source"], asked, asked + LIFE_SECONDS * 1000)

    async def approve(self, user_code: str, approved: Approved) -> bool:
        """Let the device publish; False when it waits no more."""
        return await self._decide(
            user_code, "\n".join((approved.studio, str(approved.generation), approved.by, approved.agent))
        )

    async def deny(self, user_code: str) -> bool:
        """Send the device away; False when it waits no more."""
        return await self._decide(user_code, "")

    async def poll(self, device_code: str, now_ms: int) -> Polled | None:
        """What became of a pairing, told once; None when it is over or never was."""
        key = keys.pairing(_digest(device_code))
        kind, value = await self._redis.eval(_POLL, 1, key, now_ms, SLOWER_SECONDS)
        if kind == b"gone":
            return None
        if kind != b"decided":
            return Pending(int(value), too_fast=kind == b"slow")
        if not value:
            return Denied()
        studio, generation, by, agent = value.decode().split("\n", 3)
        return Approved(studio, int(generation), agent, by)

    async def _decide(self, user_code: str, decision: str) -> bool:
        names = (keys.pairing_code(user_code), keys.PAIRINGS)
        return bool(await self._redis.eval(_DECIDE, len(names), *names, decision))


def new_code() -> str:
    """Eight letters that are easy to read aloud."""
    return "".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS))


def shown(code: str) -> str:
    """`BCDFGHJK` → `BCDF-GHJK`."""
    return f"{code[:4]}-{code[4:]}"


def as_typed(text: str) -> str:
    """The code in what somebody typed: small letters, blanks and hyphens are forgiven."""
    return "".join(letter for letter in text.upper() if letter in LETTERS)


def _digest(device_code: str) -> str:
    return hashlib.sha256(device_code.encode()).hexdigest()
