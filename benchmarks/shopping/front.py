"""A front of the shop that makes its own events: pins are folded in this process, so that what is measured
is what a peer would do too: make an event, encode it, hand it to every connection.

Each line of stdin `{"events": N, "every_ms": M}` folds N commits; the first line of stdout names the port.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

import uvloop
from aiohttp import web

from benchmarks.shopping.place import OFFER, SHOW
from commerce import rings
from commerce.api.app import make_app
from commerce.api.feed import Feed
from commerce.api.opening import open_house
from commerce.settings import ShopSettings, read
from commerce.show.commit import Commit
from commerce.show.events import OfferPinned


async def pin(feed: Feed, events: int, every_ms: int) -> None:
    """Fold commits that pin the offer, one at a time."""
    for number in range(events):
        state, now_ms = feed.state, time.time_ns() // 1_000_000
        event = OfferPinned(OFFER, number, now_ms)
        feed.fold((Commit(state.version + 1, state.by, state.by, now_ms, state.inbox, (event,)),))
        await asyncio.sleep(every_ms / 1_000)


async def main() -> None:
    settings = read(ShopSettings, os.environ)

    async def no_firms() -> dict[str, Any]:
        return {}

    async with open_house(settings, no_firms) as house:
        runner = web.AppRunner(make_app(house), access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4_096)
        await site.start()
        rings.begin()  # as `python -m commerce` does
        print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
        feed = await house.feed(SHOW)
        while line := await asyncio.to_thread(sys.stdin.readline):
            await pin(feed, **json.loads(line))
            print(json.dumps({"told": True}), flush=True)
        await house.feeds.aclose()
        await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main())
