"""Peers are told of TURN by credentials that expire, with their session and never before it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from pathlib import Path

import aiohttp

from tests.streaming.house import open_house, post_offer
from tests.streaming.offers import offer


async def test_a_session_comes_with_turn_credentials_and_a_preflight_without(tmp_path: Path) -> None:
    secret = tmp_path / "turn.secret"
    secret.write_text("s3cret")
    urls = "stun:turn.example:3478, turn:turn.example:3478?transport=tcp"
    async with open_house(tmp_path, TURN_URLS=urls, TURN_SECRET_FILE=str(secret)) as house:
        url = f"{house.url}/whip/st-1"
        status, _, headers = await post_offer(url, house.publish_token(), offer("sendonly"))
        stun, turn = headers.getall("Link")
        assert (status, stun) == (201, '<stun:turn.example:3478>; rel="ice-server"')
        assert turn.startswith('<turn:turn.example:3478?transport=tcp>; rel="ice-server"; ')
        found = re.search(r'username="((\d+):.+?)"; credential="(.+?)"', turn)
        assert found is not None
        username, expires_s, credential = found.groups()
        assert 3_600 < int(expires_s) - time.time() <= 12 * 3_600
        expected = hmac.new(b"s3cret", username.encode(), hashlib.sha1).digest()
        assert base64.b64decode(credential) == expected
        assert turn.endswith('credential-type="password"')

        asking = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        async with aiohttp.ClientSession() as http, http.options(url, headers=asking) as preflight:
            assert "Link" not in preflight.headers
        refused = await post_offer(url, "rubbish", offer("sendonly"))
        assert "Link" not in refused[2]
