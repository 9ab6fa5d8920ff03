"""A front process full of callers: each asks, waits for the durable answer, and asks again.

`python -m benchmarks.rig.callers URL SHOW CALLERS SECONDS NAME` prints one JSON line: answers, seconds,
CPU seconds and the latencies in microseconds as a histogram by 0.1 ms. The first fifth is not counted.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import Counter

import uvloop

from benchmarks.rig.shop import PRICE
from commerce.live.inbox import Accepted, Inbox
from commerce.live.lean import open_lean_wire
from commerce.live.roster import Roster
from commerce.live.valkey import open_redis
from commerce.show.commands import PlaceOrder
from commerce.show.language import OrderLine

BIN_US = 100


async def crowd(url: str, show: str, callers: int, seconds: float, name: str) -> dict[str, object]:
    redis = open_redis(url)
    inbox = Inbox(lambda: open_lean_wire(url), Roster(redis))
    begin = time.perf_counter()
    counted_from, until = begin + seconds / 5, begin + seconds
    bins = Counter[int]()
    refused = 0

    async def call(caller: int) -> None:
        nonlocal refused
        lines = (OrderLine("scarf", 1, PRICE),)
        number = 0
        while (asked := time.perf_counter()) < until:
            number += 1
            key = f"{name}-{caller}-{number}"
            buyer = f"{name}-{caller}"
            order = PlaceOrder(key, buyer, "contact", lines, 0, 0, 0, PRICE)
            answer = await inbox.ask(show, order, actor=buyer, key=key)
            told = time.perf_counter()
            refused += not isinstance(answer, Accepted)
            if counted_from <= told < until:
                bins[int((told - asked) * 1e6) // BIN_US] += 1

    used = time.process_time()
    await asyncio.gather(*(call(caller) for caller in range(callers)))
    used = time.process_time() - used
    await inbox.aclose()
    await redis.aclose()
    return {
        "answers": sum(bins.values()),
        "seconds": until - counted_from,
        "cpu_s": used,
        "refused": refused,
        "bins": sorted(bins.items()),
    }


def main() -> None:
    url, show, callers, seconds, name = sys.argv[1:]
    gc.set_threshold(100_000, 50, 100)
    print(json.dumps(uvloop.run(crowd(url, show, int(callers), float(seconds), name))))


if __name__ == "__main__":
    main()
