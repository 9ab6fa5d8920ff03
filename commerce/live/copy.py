"""The live state as records that can be kept: each show read in one transaction, whole.

Knows every type of key that the shop uses, not what is in them. Left out is what only the living
have: leases, answers on their way, what relays say of themselves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from redis.asyncio import Redis
from redis.exceptions import RedisError

from commerce.live import keys

SCAN_COUNT: Final = 1_000
ENTRIES_AT_ONCE: Final = 500  # of a stream, in one round trip
UNREACHABLE: Final = (RedisError, OSError)


Server: TypeAlias = Redis  # for those who may not know its client


class NotEmpty(Exception):
    """There is something in this server already: what is laid back goes into an empty one."""


class Record(NamedTuple):
    """One key: its type, milliseconds to live (-1: for ever), and its value in plain types."""

    key: bytes
    kind: str
    ttl_ms: int
    value: Any


class Kind(NamedTuple):
    """How one type of key is asked for, and written again."""

    ask: Callable[[Any, bytes], object]
    plain: Callable[[Any], Any]
    write: Callable[[Any, bytes, Any], Awaitable[object]]


async def save(redis: Redis) -> AsyncIterator[Record]:
    """Every lasting key. The keys of one show are of one moment; shows may be of different ones."""
    for names in _by_show(await lasting(redis)):
        for record in await _read_together(redis, names):
            yield record


async def lay_back(redis: Redis, records: Iterable[Record]) -> int:
    """Write records into an empty server; gives their number. Raises NotEmpty before anything is written."""
    if await lasting(redis):
        raise NotEmpty
    count = 0
    for record in records:
        await KINDS[record.kind].write(redis, record.key, record.value)
        if record.ttl_ms > 0:
            await redis.pexpire(record.key, record.ttl_ms)
        count += 1
    return count


def show_of_log(record: Record) -> str | None:
    """The show whose log this is, if it is one."""
    show = record.key.decode().removeprefix("{").partition("}")[0]
    return show if record.key.decode() == keys.log(show) else None


def first_version(log: Record) -> int:
    """The first version that a log still has; one past its top where all is trimmed."""
    entries, last_id = log.value
    return _version(entries[0][0]) if entries else _version(last_id) + 1


def _version(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])


async def lasting(redis: Redis) -> list[bytes]:
    """The names of all keys that are worth keeping."""
    found = {key async for key in redis.scan_iter(count=SCAN_COUNT)}
    return sorted(key for key in found if not keys.is_fleeting(key.decode()))


def _by_show(names: list[bytes]) -> list[list[bytes]]:
    """Keys with one hash tag together: they live in one place, even of a cluster."""
    groups: dict[bytes, list[bytes]] = {}
    for name in names:
        groups.setdefault(name.partition(b"}")[0] if name.startswith(b"{") else b"", []).append(name)
    return list(groups.values())


async def _read_together(redis: Redis, names: list[bytes]) -> list[Record]:
    kinds = [_text(await redis.type(name)) for name in names]
    async with redis.pipeline(transaction=True) as pipe:
        for name, kind in zip(names, kinds, strict=True):
            pipe.pttl(name)
            KINDS[kind].ask(pipe, name)
        answers = await pipe.execute()
    read = zip(names, kinds, answers[::2], answers[1::2], strict=True)
    # -2: it expired between the look at its type and the transaction
    return [Record(name, kind, ttl, KINDS[kind].plain(value)) for name, kind, ttl, value in read if ttl != -2]


async def _write_stream(redis: Redis, key: bytes, value: Any) -> None:
    """The entries under their own ids, and the last id: nothing can be added at or below it."""
    entries, last_id = value
    remaining = iter(entries)
    while some := list(islice(remaining, ENTRIES_AT_ONCE)):
        async with redis.pipeline(transaction=False) as pipe:
            for entry_id, fields in some:
                pipe.xadd(key, fields, id=entry_id)
            await pipe.execute()
    if not entries:  # an empty stream still has its fence
        await redis.xadd(key, {b"fence": b""}, id=last_id)
        await redis.xdel(key, last_id)
    set_id: Any = redis.execute_command  # untyped in redis-py
    await set_id("XSETID", key, last_id)


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


# XREAD's cousin of one command: the entries and the fence of a stream must be of the same moment
_STREAM: Final = """
local entries = redis.call('XRANGE', KEYS[1], '-', '+')
local facts = redis.call('XINFO', 'STREAM', KEYS[1])
for i = 1, #facts, 2 do if facts[i] == 'last-generated-id' then return {entries, facts[i + 1]} end end
"""


def _plain_stream(value: Any) -> Any:
    entries, last_id = value
    return [[entry_id, dict(zip(flat[::2], flat[1::2], strict=True))] for entry_id, flat in entries], last_id


KINDS: Final = {
    "string": Kind(lambda p, k: p.get(k), lambda v: v, lambda r, k, v: r.set(k, v)),
    "hash": Kind(lambda p, k: p.hgetall(k), dict, lambda r, k, v: r.hset(k, mapping=v)),
    "set": Kind(lambda p, k: p.smembers(k), sorted, lambda r, k, v: r.sadd(k, *v)),
    "list": Kind(lambda p, k: p.lrange(k, 0, -1), list, lambda r, k, v: r.rpush(k, *v)),
    "zset": Kind(
        lambda p, k: p.zrange(k, 0, -1, withscores=True),
        lambda v: [list(pair) for pair in v],
        lambda r, k, v: r.zadd(k, dict(v)),
    ),
    "stream": Kind(lambda p, k: p.eval(_STREAM, 1, k), _plain_stream, _write_stream),
}
