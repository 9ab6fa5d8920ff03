"""A source that asks too often is told when to come back; others are not hindered."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from streaming.api.visitors import REFUSED_COST, SOURCE_RATE, VISITORS
from tests.streaming.house import SHOW, House, open_house


async def ask(house: House, source: str, method: str = "POST") -> tuple[int, str]:
    headers = {"X-Forwarded-For": f"198.51.100.250, {source}", "Content-Type": "application/sdp"}
    url = f"{house.url}/whep/{SHOW}"
    async with aiohttp.ClientSession() as http, http.request(method, url, headers=headers) as response:
        return response.status, response.headers.get("Retry-After", "")


async def test_who_tries_tokens_is_told_to_wait_and_others_are_not(tmp_path: Path) -> None:
    async with open_house(tmp_path, RELAY_PROXIES="1") as house:
        house.process.runner.app[VISITORS].now = lambda: 0.0  # a busy machine gives nobody time to recover
        tries = int(SOURCE_RATE.burst / (1 + REFUSED_COST))
        answers = [await ask(house, "192.0.2.7") for _ in range(tries * 2)]
        assert {status for status, _ in answers} == {401, 429}
        house.process.runner.app[VISITORS].now = lambda: float(answers[-1][1])
        assert (await ask(house, "192.0.2.7"))[0] == 401  # as it was told
        house.process.runner.app[VISITORS].now = lambda: 0.0
        assert answers[-1][0] == 429
        assert int(answers[-1][1]) >= 1
        assert [status for status, _ in answers].index(429) >= tries
        assert (await ask(house, "192.0.2.8"))[0] == 401
        assert (await ask(house, "192.0.2.7", "OPTIONS"))[0] == 204
        async with aiohttp.ClientSession() as http, http.get(f"{house.url}/metrics") as response:
            assert "relay_rate_limited_total 0.0" not in await response.text()


async def test_without_a_limit_nobody_waits(tmp_path: Path) -> None:
    async with open_house(tmp_path, RELAY_PROXIES="1", RELAY_RATE_LIMITS="0") as house:
        assert {(await ask(house, "192.0.2.7"))[0] for _ in range(300)} == {401}
