"""The real server behind `Wire`: one redis-py connection that never repeats a command by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import redis.exceptions as wrong
from redis.asyncio import ConnectionPool, Redis

from commerce.live.wire import ALONE, Along, Broken, Entry, Knock, Outdated, Tenure, Underway

ANSWER_WITHIN_SECONDS: Final = 2.0
TURN_WITHIN_SECONDS: Final = 10.0  # for a connection; a crowd of thousands is served within
NO_LIMIT: Final = 1 << 31

_TAKE: Final = """
local now = redis.call('TIME'); local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local left = redis.call('PTTL', KEYS[1])
if left == -1 or left > tonumber(ARGV[2]) then redis.call('DEL', KEYS[1]) end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) == false then return false end
return {ms, tonumber(redis.call('GET', KEYS[2]) or '0')}
"""
_RENEW: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
local now = redis.call('TIME'); local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], string.format('%.0f', ms))
return ms
"""
_LEAVE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"

_REPLACE: Final = """
if (redis.call('HGET', KEYS[1], 'hash') or '') ~= ARGV[1] then return 0 end
if KEYS[1] ~= KEYS[2] and redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
"""

# XADD raises when the id is taken, and nothing more happens. Behind it no front's key may spoil another's.
_APPEND: Final = """
local fields = tonumber(ARGV[5])
redis.call('XADD', KEYS[1], ARGV[1], unpack(ARGV, 6, 5 + fields))
for i = 3, #KEYS do
  redis.pcall('XADD', KEYS[i], 'MAXLEN', '~', ARGV[2], '*', 'answers', ARGV[3 + fields + i])
  redis.pcall('PEXPIRE', KEYS[i], ARGV[3])
end
if ARGV[4] ~= '' then redis.pcall('XTRIM', KEYS[2], 'MINID', ARGV[4]) end
return 1
"""


class _Honest:
    """Mixed into redis-py's connections: a connection that was lost says so.

    uvloop refuses with a bare RuntimeError to write to a transport that closed in this very turn of the
    loop, redis-py lets it through, and nobody above would take that for a server that went away.
    """

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        try:
            await super().send_packed_command(command, check_health)  # type: ignore[misc]  # of redis-py's class
        except RuntimeError as closed:
            raise wrong.ConnectionError(str(closed)) from closed


class _Queue(ConnectionPool):
    """So many connections, and who finds all of them in use waits: first come, first served.

    redis-py's own pool of this kind lets newcomers pass those who wait: of a crowd some waited in vain.
    """

    get_available_connection: Callable[[], Any]

    def __init__(self, *, turns: int, **options: Any) -> None:
        super().__init__(**options)
        self._turns = asyncio.Semaphore(turns)

    async def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        await self._turn()
        connection = self.get_available_connection()
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def _turn(self) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        try:
            async with asyncio.timeout(TURN_WITHIN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise wrong.ConnectionError("all connections are in use") from None

    async def release(self, connection: Any) -> None:
        try:
            await super().release(connection)
        finally:
            self._turns.release()


def open_redis(url: str, connections: int | None = None) -> Redis:
    """A redis-py client as the shop wants it: bytes, no retries of its own, answers within 2 s.

    `aclose` it. Who finds all `connections` in use waits for one, 10 s at most; without a number there is
    always another. A retry would send an XADD twice and believe the refusal of the second.
    """
    asked: dict[str, Any] = {
        "retry": None,
        "socket_timeout": ANSWER_WITHIN_SECONDS,
        "socket_connect_timeout": ANSWER_WITHIN_SECONDS,
        "protocol": 2,
        "driver_info": None,  # else every connection reads the package's metadata from disk
        "max_connections": NO_LIMIT,  # redis-py's own is a hundred, and refuses whoever comes next
    }
    pool = (
        ConnectionPool.from_url(url, **asked)
        if connections is None
        else _Queue.from_url(url, turns=connections, **asked)
    )
    pool.connection_class = type("HonestConnection", (_Honest, pool.connection_class), {})
    return Redis.from_pool(pool)


@asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    try:
        yield
    except wrong.ResponseError as error:
        if "equal or smaller" in str(error):
            raise Outdated(str(error)) from None
        raise Broken(str(error)) from error
    except (wrong.RedisError, OSError, TimeoutError) as error:
        raise Broken(f"{type(error).__name__}: {error}") from error


class _Sent:
    """A few commands on their way; a connection of the pool is theirs until they are answered."""

    def __init__(self, pool: Any, answers: int) -> None:
        self._pool, self._answers = pool, answers
        self._connection: Any = None
        self._failed: Broken | None = None

    async def begin(self, commands: list[tuple[str | bytes | int, ...]]) -> None:
        try:
            async with _asking():
                self._connection = await self._pool.get_connection()
                await self._connection.send_packed_command(self._connection.pack_commands(commands))
        except Broken as why:
            self._failed = why

    async def outcome(self) -> list[Entry]:
        try:
            if self._failed is not None:
                raise self._failed
            async with _asking():
                answers = [await self._answer() for _ in range(self._answers)]
                if isinstance(answers[0], wrong.ResponseError):
                    raise answers[0]
                return [] if isinstance(answers[-1], Exception) else _entries(answers[1:] and answers[-1])
        finally:
            if self._connection is not None:
                await self._pool.release(self._connection)

    async def _answer(self) -> Any:
        try:
            return await self._connection.read_response()
        except wrong.ResponseError as error:
            return error


class ValkeyWire:
    """`Wire` on a Valkey >= 8 or Redis >= 7.0."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def now_ms(self) -> int:
        async with _asking():
            return _ms(await self._redis.execute_command("TIME"))

    async def send(
        self, key: str, entry_id: str, fields: Mapping[str, bytes], along: Along = ALONE
    ) -> Underway:
        if along.posts or along.trim:
            commands = [("EVAL", _APPEND, *_append_words(key, entry_id, fields, along))]
        else:
            commands = [("XADD", key, entry_id, *_flat(fields))]
        if along.read:
            stream, after, count = along.read
            commands.append(("XRANGE", stream, f"({after}", "+", "COUNT", count))
        sent = _Sent(self._redis.connection_pool, len(commands))
        await sent.begin(commands)
        return sent

    async def append(
        self, key: str, entry_id: str, fields: Mapping[str, bytes], along: Along = ALONE
    ) -> list[Entry]:
        return await (await self.send(key, entry_id, fields, along)).outcome()

    async def knock(self, key: str, letters: Sequence[Mapping[str, bytes]]) -> Knock:
        async with _asking(), self._redis.pipeline(transaction=False) as pipe:
            for fields in letters:
                pipe.execute_command("XADD", key, "*", *_flat(fields))
            pipe.execute_command("XLEN", key)
            pipe.execute_command("TIME")
            *_, length, now = await pipe.execute()
            return Knock(int(length), _ms(now))

    async def post(self, posts: Sequence[tuple[str, bytes]], most: int, expire_ms: int) -> None:
        async with _asking(), self._redis.pipeline(transaction=False) as pipe:
            for key, answers in posts:
                pipe.execute_command("XADD", key, "MAXLEN", "~", most, "*", "answers", answers)
                pipe.execute_command("PEXPIRE", key, expire_ms)
            await pipe.execute()

    async def read(self, key: str, after: str, count: int) -> list[Entry]:
        async with _asking():
            found = await self._redis.execute_command("XRANGE", key, f"({after}", "+", "COUNT", count)
            return _entries(found)

    async def wait(self, key: str, after: str, count: int, block_ms: int) -> list[Entry]:
        async with _asking():
            found = await self._redis.execute_command(
                "XREAD", "COUNT", count, "BLOCK", max(1, block_ms), "STREAMS", key, after
            )
            return _entries(_only_stream(found))

    async def entry(self, key: str, entry_id: str) -> Entry | None:
        async with _asking():
            found = _entries(await self._redis.execute_command("XRANGE", key, entry_id, entry_id))
            return found[0] if found else None

    async def newest(self, key: str) -> Entry | None:
        async with _asking():
            found = _entries(await self._redis.execute_command("XREVRANGE", key, "+", "-", "COUNT", 1))
            return found[0] if found else None

    async def length(self, key: str) -> int:
        async with _asking():
            return int(await self._redis.execute_command("XLEN", key))

    async def trim(self, key: str, min_id: str) -> None:
        async with _asking():
            await self._redis.execute_command("XTRIM", key, "MINID", min_id)

    async def take_lease(self, lease: str, alive: str, owner: str, ms: int) -> Tenure | None:
        async with _asking():
            taken = await self._redis.eval(_TAKE, 2, lease, alive, owner, ms)
            return Tenure(int(taken[0]), int(taken[1])) if taken else None

    async def renew_lease(self, lease: str, alive: str, owner: str, ms: int) -> int | None:
        async with _asking():
            now = await self._redis.eval(_RENEW, 2, lease, alive, owner, ms)
            return int(now) if now else None

    async def left_ms(self, lease: str) -> int:
        async with _asking():
            return max(0, int(await self._redis.pttl(lease)))

    async def leave_lease(self, lease: str, owner: str) -> None:
        async with _asking():
            await self._redis.eval(_LEAVE, 1, lease, owner)

    async def get(self, key: str) -> bytes | None:
        async with _asking():
            value: bytes | None = await self._redis.get(key)
            return value

    async def put(self, key: str, value: bytes) -> None:
        async with _asking():
            await self._redis.set(key, value)

    async def fields(self, key: str) -> dict[str, bytes]:
        async with _asking():
            return {name.decode(): value for name, value in (await self._redis.hgetall(key)).items()}

    async def replace(self, key: str, before: str, fields: Mapping[str, bytes], seen: bytes) -> None:
        async with _asking():
            await self._redis.eval(_REPLACE, 2, key, before, seen, *_flat(fields))

    async def aclose(self) -> None:
        await self._redis.aclose()


def open_wire(url: str) -> ValkeyWire:
    """A connection of one's own to the server at `url`; made at the first call. `aclose` it."""
    return ValkeyWire(open_redis(url))


def _ms(time: Any) -> int:
    return int(time[0]) * 1_000 + int(time[1]) // 1_000


def _append_words(
    key: str, entry_id: str, fields: Mapping[str, bytes], along: Along
) -> list[str | bytes | int]:
    """Keys and arguments of `_APPEND`."""
    trimmed, least = along.trim or (key, "")
    streams, answers = [stream for stream, _ in along.posts], [said for _, said in along.posts]
    flat = _flat(fields)
    numbers = (along.most, along.expire_ms)
    return [2 + len(streams), key, trimmed, *streams, entry_id, *numbers, least, len(flat), *flat, *answers]


def _flat(fields: Mapping[str, bytes]) -> list[str | bytes]:
    return [part for pair in fields.items() for part in pair]


def _only_stream(found: Any) -> Any:
    """The entries of an XREAD of one stream, whichever shape the protocol version gives it."""
    if not found:
        return []
    return next(iter(found.values())) if isinstance(found, dict) else found[0][1]


def _entries(found: Any) -> list[Entry]:
    return [Entry(entry_id.decode(), _map(flat)) for entry_id, flat in found or ()]


def _map(flat: Any) -> dict[str, bytes]:
    if isinstance(flat, dict):
        return {name.decode(): value for name, value in flat.items()}
    return {flat[i].decode(): flat[i + 1] for i in range(0, len(flat), 2)}
