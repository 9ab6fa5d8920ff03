"""Makes a show say something: pins at a rate, or orders at a rate, through the inbox as any front does.

Each line of stdin: `{"events": N, "every_ms": M}` pins N times; `{"orders": N, "per_s": R}` places N orders.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from functools import partial
from typing import Any

import uvloop

from benchmarks.shopping.place import OFFER, PRICE, SHOW
from commerce.live.inbox import Accepted, Inbox
from commerce.live.roster import Roster
from commerce.live.valkey import open_redis, open_wire
from commerce.show.commands import PinOffer, PlaceOrder
from commerce.show.language import OrderLine

PATIENT_CALLERS = 200


async def pin(inbox: Inbox, asked: dict[str, Any], run: int) -> None:
    for number in range(asked["events"]):
        began = time.monotonic()
        await inbox.ask(SHOW, PinOffer(OFFER, number), actor="teller", key=f"pin-{run}-{number}")
        await asyncio.sleep(max(0.0, asked["every_ms"] / 1_000 - (time.monotonic() - began)))


async def order(inbox: Inbox, asked: dict[str, Any], run: int) -> int:
    """Place orders at a steady rate; how many were accepted."""
    began, accepted, under_way = time.monotonic(), 0, asyncio.Semaphore(PATIENT_CALLERS)

    async def one(number: int) -> None:
        nonlocal accepted
        name = f"or-{run}-{number}"
        wish = PlaceOrder(name, f"by-{number % 5_000}", "ct", (OrderLine(OFFER, 1, PRICE),), 0, 0, 0, PRICE)
        try:
            answer = await inbox.ask(SHOW, wish, actor="teller", key=name)
            assert isinstance(answer, Accepted), answer
            accepted += 1
        finally:
            under_way.release()

    async with asyncio.TaskGroup() as group:
        for number in range(asked["orders"]):
            await under_way.acquire()
            group.create_task(one(number))
            await asyncio.sleep(max(0.0, began + number / asked["per_s"] - time.monotonic()))
    return accepted


async def main() -> None:
    url = os.environ["REDIS_URL"]
    redis = open_redis(url)
    inbox = Inbox(partial(open_wire, url), Roster(redis))
    run = time.time_ns()
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        run += 1
        began = time.monotonic()
        if "events" in asked:
            await pin(inbox, asked, run)
            told = {"told": asked["events"]}
        else:
            told = {"accepted": await order(inbox, asked, run)}
        print(json.dumps({**told, "seconds": time.monotonic() - began}), flush=True)
    await inbox.aclose()
    await redis.aclose()


if __name__ == "__main__":
    uvloop.run(main())
