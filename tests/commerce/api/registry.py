"""What relays write: their entry in the registry and their facts."""

from __future__ import annotations

from typing import Any

import msgspec

from streaming.contract import FACTS_KEY, RELAYS_KEY, Fact, RelayEntry, RelayId, ShowId, to_wire


async def register(redis: Any, relay: str, url: str, now_ms: int, **more: Any) -> None:
    shows = tuple([ShowId(show) for show in more.pop("shows", ())])
    entry = RelayEntry(
        RelayId(relay), url, now_ms, more.pop("viewers", 0), more.pop("load", 0.0), shows, **more
    )
    await redis.hset(RELAYS_KEY, relay, msgspec.msgpack.encode(to_wire(entry)))


async def tell(redis: Any, fact: Fact) -> None:
    await redis.xadd(FACTS_KEY, {"fact": msgspec.msgpack.encode(to_wire(fact))})
