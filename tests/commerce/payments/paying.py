"""A person at the sandbox bank's page."""

from __future__ import annotations

import aiohttp


async def choose(url: str, choice: str, manner: str = "once") -> tuple[int, str | None]:
    """Press a button on the page; the status, and where it leads."""
    async with (
        aiohttp.ClientSession() as person,
        person.post(url, data={"choice": choice, "manner": manner}, allow_redirects=False) as answer,
    ):
        return answer.status, answer.headers.get("Location")
