"""Opening the house: stores, books, keys, relays, in the order in which they need each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, TypeAlias

from commerce.api.feeds import Feeds
from commerce.api.house import House
from commerce.api.relays import Relays
from commerce.api.seat import pull_claims
from commerce.api.turn import read_turn
from commerce.books import open_books, schedule
from commerce.keys import RELAY_TOKEN_FILE, lay_down, load_signer, public_keys
from commerce.live.durability import check_when_up
from commerce.live.inbox import Inbox
from commerce.live.lean import open_lean_wire
from commerce.live.roster import Roster
from commerce.live.valkey import open_redis
from commerce.payments.provider import Provider
from commerce.settings import ShopSettings
from commerce.tasks import end

IDLE_SWEEP_SECONDS: Final = 30.0
REDIS_CONNECTIONS: Final = 64
PERSONS_KEY_FILE: Final = "persons.key"
BOOKS_SECONDS: Final = (
    10.0  # for the answer of a database server to one statement, as SQLite waits for a writer
)

OpenFirms: TypeAlias = Callable[[], Awaitable[dict[str, Provider]]]


@asynccontextmanager
async def open_house(settings: ShopSettings, open_firms: OpenFirms) -> AsyncIterator[House]:
    """Open everything a front works with, and close it in order. Raises NotDurable."""
    redis = open_redis(settings.redis_url, REDIS_CONNECTIONS)
    connect = partial(open_lean_wire, settings.redis_url)
    open_client = partial(open_redis, settings.redis_url)
    try:
        warnings = await check_when_up(redis, accept_loss=settings.accept_data_loss)
    except BaseException:
        await redis.aclose()
        raise
    feeds = Feeds(connect, open_client, warnings)
    relays = Relays(redis, open_client)
    house = House(
        settings=settings,
        redis=redis,
        books=await open_books(settings.database_url, settings.keys_dir / PERSONS_KEY_FILE, BOOKS_SECONDS),
        signer=await asyncio.to_thread(load_signer, settings.keys_dir),
        jwks=await asyncio.to_thread(public_keys, settings.keys_dir),
        inbox=Inbox(connect, Roster(redis)),
        feeds=feeds,
        relays=relays,
        providers=await open_firms(),
        warnings=warnings,
        turn=await asyncio.to_thread(read_turn, settings.turn_urls, settings.turn_secret_file),
    )
    token = house.signer.sign(pull_claims(int(time.time() * 1000)))
    await asyncio.to_thread(lay_down, settings.keys_dir / RELAY_TOKEN_FILE, token)
    await tell_pairings(house)
    relays.follow(feeds)
    sweeper = asyncio.create_task(_sweep(feeds), name="idle feeds")
    try:
        yield house
    finally:
        await end([sweeper])
        await house.aclose()


async def tell_pairings(house: House) -> None:
    """The books know which pairings were revoked; relays must, even after the live state was lost."""
    async with house.books.read() as tx:
        raised = await schedule.raised_studios(tx)
    for studio in raised:
        await house.relays.raise_generation(studio.id, studio.generation)


async def _sweep(feeds: Feeds) -> None:
    while True:
        await asyncio.sleep(IDLE_SWEEP_SECONDS)
        await feeds.close_idle()
