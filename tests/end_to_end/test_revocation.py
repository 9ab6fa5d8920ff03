"""A studio whose pairing is revoked: from the merchant's request to the publisher that is cut off."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from commerce.api.opening import tell_pairings
from streaming.contract import PAIRINGS_KEY
from streaming.process import start
from streaming.settings import read_settings
from tests.commerce.api.street import Caller, open_street
from tests.servers import Server
from tests.streaming.house import post_offer, until
from tests.streaming.offers import offer


async def token_of(seller: Caller) -> str:
    """A token of the studio's, once the shop has read in the registry that a relay lives."""
    async with asyncio.timeout(30):
        while (given := await seller.post("/api/merchant/studios/st-one/token")).status == 503:  # noqa: ASYNC110 (the registry has no event for us)
            await asyncio.sleep(0.1)
    assert given.status == 201, given.body
    return str(given.body["token"])


async def test_a_revoked_studio_is_cut_off_and_comes_back_by_a_new_token(
    valkey: Server, tmp_path: Path
) -> None:
    async with open_street(valkey.url, tmp_path) as street:
        keys = tmp_path / "public.json"
        keys.write_text(json.dumps(street.house.jwks))
        process = await start(
            read_settings(
                {
                    "RELAY_HTTP": "127.0.0.1:0",
                    "RELAY_UDP": "127.0.0.1:0",
                    "RELAY_SLATE": "0",
                    "REDIS_URL": valkey.url,
                    "TOKEN_KEYS_FILE": str(keys),
                }
            )
        )
        try:
            whip = f"http://127.0.0.1:{process.http_port}/whip/st-one"
            seller = await street.signed_in("seller")
            await street.comes_true(lambda: process.bulletin is not None and process.bulletin.reachable)
            old = await token_of(seller)
            assert (await post_offer(whip, old, offer("sendonly")))[0] == 201
            assert len(process.relay.seated) == 1

            assert (await seller.post("/api/merchant/studios/st-one/revoke")).status == 200
            await until(lambda: not process.relay.seated)
            assert (await post_offer(whip, old, offer("sendonly")))[0] == 401
            new = await token_of(seller)
            assert (await post_offer(whip, new, offer("sendonly")))[0] == 201

            await street.house.redis.delete(PAIRINGS_KEY)  # the live state was lost; the books were not
            await tell_pairings(street.house)
            assert await street.house.redis.hget(PAIRINGS_KEY, "st-one") == b"2"
        finally:
            await process.stop()
