"""The wire of a front: what a crowd of callers needs by the thousand goes past redis-py's layers.

A front asks three things all the time (put commands into an inbox, wait for answers, wait for commits), and
redis-py takes 100 µs for each, shared by few when few are waiting. Here a command is one write, and
answers are read by hiredis as they come. All else is left to redis-py, on a connection of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

import hiredis
from redis.asyncio.connection import parse_url
from redis.exceptions import RedisError, ResponseError

from commerce.live.valkey import ANSWER_WITHIN_SECONDS, ValkeyWire, open_redis
from commerce.live.wire import Broken, Entry, Knock

Words: TypeAlias = tuple[Any, ...]  # str, bytes and int


class _Exchange(asyncio.Protocol):
    """A connection on which one question at a time is answered."""

    def __init__(self) -> None:
        self._reader: Any = hiredis.Reader(protocolError=RedisError, replyError=ResponseError)
        self._answers: list[Any] = []
        self._wanted = 0
        self._waiter: asyncio.Future[list[Any]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not False:
                self._answers.append(answer)
        except RedisError as wrong:
            self._fail(wrong)
        if self._waiter is not None and not self._waiter.done() and len(self._answers) >= self._wanted:
            self._waiter.set_result(self._answers)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(exc or ConnectionResetError("the server closed the connection"))

    def _fail(self, why: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(why)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Drop the connection; what is still under way is lost."""
        if self._transport is not None:
            self._transport.abort()

    async def ask(self, commands: Sequence[Words], within_s: float) -> list[Any]:
        """Send them in one write and wait for as many answers. Raises OSError, TimeoutError or RedisError;
        then, or when cancelled, the connection is of no more use and is closed."""
        if self._transport is None:
            raise ConnectionResetError("the server closed the connection")
        loop = asyncio.get_running_loop()
        self._answers, self._wanted = [], len(commands)
        self._waiter = waiter = loop.create_future()
        late = loop.call_later(within_s, self._fail, TimeoutError("no answer"))
        try:
            self._transport.write(b"".join([hiredis.pack_command(words) for words in commands]))
            answers: list[Any] = await waiter
        except BaseException:
            self.close()
            raise
        finally:
            late.cancel()
            self._waiter = None
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers


class LeanWire(ValkeyWire):
    """`Wire` on a Valkey >= 8 or Redis >= 7.0, quick where fronts ask often."""

    def __init__(self, url: str) -> None:
        super().__init__(open_redis(url))
        self._where: Mapping[str, Any] = parse_url(url)
        self._exchange: _Exchange | None = None

    async def knock(self, key: str, letters: Sequence[Mapping[str, bytes]]) -> Knock:
        commands: list[Words] = [("XADD", key, "*", *_flat(fields)) for fields in letters]
        *_, length, now = await self._ask([*commands, ("XLEN", key), ("TIME",)], ANSWER_WITHIN_SECONDS)
        return Knock(length, int(now[0]) * 1_000 + int(now[1]) // 1_000)

    async def wait(self, key: str, after: str, count: int, block_ms: int) -> list[Entry]:
        block_ms = max(1, block_ms)
        question: Words = ("XREAD", "COUNT", count, "BLOCK", block_ms, "STREAMS", key, after)
        (found,) = await self._ask([question], block_ms / 1_000 + ANSWER_WITHIN_SECONDS)
        return [] if found is None else [_entry(*one) for one in found[0][1]]

    async def _ask(self, commands: Sequence[Words], within_s: float) -> list[Any]:
        try:
            if self._exchange is None or not self._exchange.is_open:
                self._exchange = await self._connect()
            return await self._exchange.ask(commands, within_s)
        except (RedisError, OSError, TimeoutError) as error:
            raise Broken(f"{type(error).__name__}: {error}") from error

    async def _connect(self) -> _Exchange:
        where, loop = self._where, asyncio.get_running_loop()
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            if "path" in where:
                _, exchange = await loop.create_unix_connection(_Exchange, where["path"])
            else:
                host, port = where.get("host", "localhost"), where.get("port", 6379)
                _, exchange = await loop.create_connection(_Exchange, host, port)
        greeting: list[Words] = []
        if where.get("password"):
            name = (where["username"],) if where.get("username") else ()
            greeting.append(("AUTH", *name, where["password"]))
        if where.get("db"):
            greeting.append(("SELECT", where["db"]))
        try:
            if greeting:
                await exchange.ask(greeting, ANSWER_WITHIN_SECONDS)
        except ResponseError:  # asked again twenty times a second, each would stay open
            exchange.close()
            raise
        return exchange

    async def aclose(self) -> None:
        if self._exchange is not None:
            self._exchange.close()
        await super().aclose()


def _flat(fields: Mapping[str, bytes]) -> list[str | bytes]:
    return [part for pair in fields.items() for part in pair]


def _entry(entry_id: bytes, parts: list[bytes]) -> Entry:
    names = [name.decode() for name in parts[::2]]
    return Entry(entry_id.decode(), dict(zip(names, parts[1::2], strict=True)))


def open_lean_wire(url: str) -> ValkeyWire:
    """A wire of one's own to the server at `url`, made at the first call. `aclose` it.

    One that speaks TLS is redis-py's alone.
    """
    return ValkeyWire(open_redis(url)) if url.startswith("rediss://") else LeanWire(url)
