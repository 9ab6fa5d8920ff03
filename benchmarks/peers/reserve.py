"""The peer of the desk: the server's own atomic reserve script in Lua, alone, pipelined and in batches.

It keeps the same promise as PlaceOrder: one answer per key, the price that was seen, a limit for each
buyer, a cap, stock, an order that is held until a time (in an index by which it can lapse), and a log entry
that says all of it. Fed as well as we can: redis-benchmark (C) where it is installed, else raw sockets; in
batches one call carries 256 orders through the same steps.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from typing import Final

BATCH: Final = 256
PRICE: Final = "1000"
KEYS: Final = ("{s}:offer", "{s}:pool", "{s}:answers", "{s}:owned", "{s}:orders", "{s}:holds", "{s}:orderlog")
_RESERVE: Final = """
local function reserve(key, order, buyer, quantity, price)
  local known = redis.call('HGET', KEYS[3], key)
  if known then return known end
  local offer = redis.call('HMGET', KEYS[1], 'price', 'limit', 'cap', 'taken', 'sku')
  if offer[1] ~= price then return 'PriceChanged' end
  local wanted = tonumber(quantity)
  local owned = tonumber(redis.call('HGET', KEYS[4], buyer) or '0')
  if owned + wanted > tonumber(offer[2]) then return 'OverLimit' end
  if tonumber(offer[4]) + wanted > tonumber(offer[3]) then return 'SoldOut' end
  local pool = redis.call('HMGET', KEYS[2], 'allotted', 'held', 'sold')
  if tonumber(pool[2]) + tonumber(pool[3]) + wanted > tonumber(pool[1]) then return 'SoldOut' end
  local time = redis.call('TIME')
  local until_ms = string.format('%.0f', time[1] * 1000 + 3600000)
  local total = wanted * tonumber(price)
  redis.call('HINCRBY', KEYS[2], 'held', wanted)
  redis.call('HINCRBY', KEYS[1], 'taken', wanted)
  redis.call('HINCRBY', KEYS[4], buyer, wanted)
  redis.call('HSET', KEYS[5], order, buyer .. ' ' .. quantity .. ' ' .. price .. ' ' .. until_ms)
  redis.call('ZADD', KEYS[6], until_ms, order)
  redis.call('HSET', KEYS[3], key, order)
  redis.call('XADD', KEYS[7], '*', 'order', order, 'buyer', buyer, 'quantity', quantity,
             'price', price, 'total', total, 'held_until', until_ms, 'key', key)
  return order
end
"""
ONE: Final = _RESERVE + "return reserve(ARGV[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])"
MANY: Final = (
    _RESERVE
    + """
local answers = {}
for i = 1, #ARGV, 4 do
  answers[#answers + 1] = reserve(ARGV[i], ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return #answers
"""
)


def packed(*words: str) -> bytes:
    """A command on the wire."""
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%s\r\n" % (len(part), part) for part in parts])


class Line:
    """One raw connection with one request under way at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, *words: str) -> bytes:
        self._writer.write(packed(*words))
        line = await self._reader.readuntil(b"\r\n")
        if line.startswith(b"-"):
            raise RuntimeError(line.decode())
        return await self._reader.readexactly(int(line[1:]) + 2) if line.startswith(b"$") else line

    def close(self) -> None:
        self._writer.close()


async def line_to(path: str) -> Line:
    return Line(*await asyncio.open_unix_connection(path))


async def prepared(path: str) -> tuple[str, str]:
    """Load both scripts, lay in stock for ever; their digests."""
    line = await line_to(path)
    plenty = str(10**12)
    await line.ask("DEL", *KEYS)
    await line.ask("HSET", KEYS[0], "price", PRICE, "limit", plenty, "cap", plenty, "taken", "0", "sku", "x")
    await line.ask("HSET", KEYS[1], "allotted", plenty, "held", "0", "sold", "0")
    one = (await line.ask("SCRIPT", "LOAD", ONE)).decode().strip()
    many = (await line.ask("SCRIPT", "LOAD", MANY)).decode().strip()
    line.close()
    return one, many


def by_redis_benchmark(path: str, script: str, requests: int, pipelined: int) -> float | None:
    """Orders a second with 50 connections of redis-benchmark; None when it is not installed."""
    program = shutil.which("valkey-benchmark") or shutil.which("redis-benchmark")
    if program is None:
        return None
    command = [
        *(
            program,
            "-s",
            path,
            "-c",
            "50",
            "-n",
            str(requests),
            "-P",
            str(pipelined),
            "-r",
            "1000000000",
            "-q",
        ),
        *("EVALSHA", script, str(len(KEYS)), *KEYS, "__rand_int__", "buyer", "1", PRICE),
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"([\d.]+) requests per second", said)
    return float(found[-1]) if found else None


async def by_sockets(path: str, script: str, seconds: float, lines: int, orders: int) -> float:
    """Orders a second over raw sockets, `orders` of them in each call."""
    done = 0
    until = time.perf_counter() + seconds

    async def keep_asking(number: int) -> None:
        nonlocal done
        line, count = await line_to(path), 0
        while time.perf_counter() < until:
            words = [word for n in range(orders) for word in (f"o{number}-{count}-{n}", f"b{n}", "1", PRICE)]
            await line.ask("EVALSHA", script, str(len(KEYS)), *KEYS, *words)
            count, done = count + 1, done + orders
        line.close()

    began = time.perf_counter()
    await asyncio.gather(*[keep_asking(number) for number in range(lines)])
    return done / (time.perf_counter() - began)


async def measure(path: str, seconds: float) -> dict[str, float]:
    """Orders a second: alone (50 connections), pipelined, and in batches of 256 with 4 connections."""
    one, many = await prepared(path)
    requests = int(12_000 * seconds)
    single = await asyncio.to_thread(by_redis_benchmark, path, one, requests, 1)
    if single is None:
        single = await by_sockets(path, one, seconds, 50, 1)
    pipelined = await asyncio.to_thread(by_redis_benchmark, path, one, 2 * requests, 16) or 0.0
    batched = max([await by_sockets(path, many, seconds, lines, BATCH) for lines in (2, 8)])
    return {"single": max(single, pipelined), "batched": batched}
