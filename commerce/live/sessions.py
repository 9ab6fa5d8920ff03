"""Who holds which bearer token: opaque random tokens, kept only as digests, with an expiry.

A stolen copy of the store gives nobody a token. Knows no passwords and no HTTP.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

Store: TypeAlias = Redis  # a client of the live state, for those who may not know Redis
STORE_ERRORS: Final = (RedisError, OSError, TimeoutError)  # what any call to the store may raise

TOKEN_BYTES: Final = 32
MOST_TOKEN_CHARS: Final = 128
BUYER_SECONDS: Final = 180 * 86_400  # a browser that comes back within half a year keeps its orders
STAFF_SECONDS: Final = 12 * 3_600


@dataclass(frozen=True, slots=True)
class Tries:
    """How often something may be guessed for one name within a window, by all fronts together."""

    what: str
    most: int
    window_seconds: int


PASSWORDS: Final = Tries("password", 10, 900)
CODES: Final = Tries("code", 5, 900)
CODES_OF_A_DAY: Final = Tries("code-day", 30, 86_400)  # a million codes: years at this pace

PAIRING_CODES: Final = Tries("pairing code", 10, 900)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a token was made for. `merchant` is None for buyers and operators."""

    kind: Literal["buyer", "staff"]
    id: str
    name: str = ""
    role: str = ""
    merchant: str | None = None

    @property
    def actor(self) -> str:
        """How the log and the audit trail call the holder."""
        return f"{self.kind}:{self.id}"

    @property
    def seconds(self) -> int:
        """How long a token of this kind lives."""
        return BUYER_SECONDS if self.kind == "buyer" else STAFF_SECONDS


class Sessions:
    """Makes, finds, turns over and ends tokens."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def open(self, holder: Holder) -> str:
        """A new token for the holder."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        await self._redis.set(_token_key(token), msgspec.msgpack.encode(asdict(holder)), ex=holder.seconds)
        if holder.kind == "staff":
            await self._redis.sadd(_account_key(holder.id), _digest(token))
            await self._redis.expire(_account_key(holder.id), holder.seconds)
        return token

    async def find(self, token: str) -> Holder | None:
        """The holder of a token that is neither unknown nor expired."""
        if not 16 <= len(token) <= MOST_TOKEN_CHARS:
            return None
        return _holder(await self._redis.get(_token_key(token)))

    async def rotate(self, token: str) -> str | None:
        """A new token in place of this one, which ends with the call; None when it holds no more."""
        holder = _holder(await self._redis.getdel(_token_key(token)))
        return None if holder is None else await self.open(holder)

    async def end(self, token: str) -> None:
        """The token holds no more."""
        await self._redis.delete(_token_key(token))

    async def end_all(self, account: str) -> int:
        """End every session of a staff account, as after a new password. Returns how many there were."""
        digests = await self._redis.smembers(_account_key(account))
        for digest in digests:
            await self._redis.delete(f"session:{digest.decode()}")
        await self._redis.delete(_account_key(account))
        return len(digests)

    async def take_try(self, tries: Tries, name: str) -> int:
        """Count a try before it is made: 0, or the seconds to wait when too many were.

        Counted first, so that many that come at the same moment are no more than one after the other.
        """
        key = _try_key(tries, name)
        async with self._redis.pipeline(transaction=True) as both:  # else a crash between leaves it for good
            both.set(key, 0, ex=tries.window_seconds, nx=True).incr(key)
            count = int((await both.execute())[1])
        return 0 if count <= tries.most else max(1, int(await self._redis.ttl(key)))

    async def forget_tries(self, tries: Tries, name: str) -> None:
        """It was the right one."""
        await self._redis.delete(_try_key(tries, name))


def _holder(packed: Any) -> Holder | None:
    return None if packed is None else Holder(**msgspec.msgpack.decode(packed))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _token_key(token: str) -> str:
    return f"session:{_digest(token)}"


def _account_key(account: str) -> str:
    return f"sessions-of:{account}"


def _try_key(tries: Tries, name: str) -> str:
    return f"tries:{tries.what}:{_digest(name.casefold())}"
