"""A studio from its short code to its end: shop, relay and agent as processes, the merchant over HTTP."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.commerce.api.street import PASSWORD, lay_folder
from tests.end_to_end.processes import END_LIMIT_S, ROOT, START_LIMIT_S, Process, wait_until
from tests.servers import Server

pytestmark = pytest.mark.slow


class House:
    """A shop and a relay that run, and the merchant who is signed in."""

    def __init__(self, folder: Path, free_port: Callable[[], int], redis_url: str) -> None:
        self.folder, self._free_port = folder, free_port
        http, relay = free_port(), free_port()
        self.url = f"http://127.0.0.1:{http}"
        same = {"VAR_DIR": str(folder), "REDIS_URL": redis_url}
        self.shop = Process(
            "commerce", folder / "shop.log", f"{self.url}/healthz", SHOP_HTTP=f"127.0.0.1:{http}", **same
        )
        self.relay = Process(
            "streaming",
            folder / "relay.log",
            f"http://127.0.0.1:{relay}/status",
            RELAY_HTTP=f"127.0.0.1:{relay}",
            RELAY_UDP=f"127.0.0.1:{free_port()}",
            RELAY_SLATE="0",
            **same,
        )
        self.agents: list[Process] = []
        self.token = ""

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON of an answer; whatever is no 2xx fails the test."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, self.url + path, json=body, headers=headers) as answer,
        ):
            assert answer.ok, await answer.text()
            return await answer.json()

    def environment(self) -> dict[str, str]:
        """What the agent is told: the shop, and a folder of its own; no address of a relay, no token."""
        given = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_")}
        return {**given, "VAR_DIR": str(self.folder / "studio-pc"), "STUDIO_LAYERS": "1"}

    async def publishing(self) -> Process:
        port = self._free_port()
        agent = Process(
            "studio_agent",
            self.folder / f"agent-{len(self.agents)}.log",
            f"http://127.0.0.1:{port}/healthz",
            STUDIO_HTTP=f"127.0.0.1:{port}",
            **self.environment(),
        )
        self.agents.append(agent)
        await agent.start()

        async def is_live() -> bool:
            return bool((await agent.health())["state"] == "live")

        await wait_until(is_live, START_LIMIT_S, f"not live:\n{agent.log[-2_000:]}")
        return agent


@asynccontextmanager
async def opened(folder: Path, free_port: Callable[[], int], redis_url: str) -> AsyncIterator[House]:
    await asyncio.to_thread(lay_folder, folder)
    house = House(folder, free_port, redis_url)
    try:
        await house.shop.start()  # it makes the keys that the relay reads
        await house.relay.start()
        signed_in = await house.ask("POST", "/api/sessions", {"name": "seller", "password": PASSWORD})
        house.token = signed_in["token"]
        yield house
    finally:
        running = [one for one in (*house.agents, house.relay, house.shop) if one.is_running]
        await asyncio.gather(*(one.end() for one in running))


async def paired(house: House) -> str:
    """Run `python -m studio_agent pair`, type its code in at the shop; gives all that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "studio_agent", "pair", "--shop", house.url, "--name", "Loft PC",
        cwd=ROOT, env=house.environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_LIMIT_S):
            said = b""
            while b"Enter" not in said:
                line = await process.stdout.readline()
                assert line, said.decode()
                said += line
            code = said.decode().split()[-1]
            seen = await house.ask("POST", "/api/merchant/pairings/look", {"user_code": code})
            assert seen["agent"] == "Loft PC"
            wish = {"user_code": code, "studio": "st-one"}
            await house.ask("POST", "/api/merchant/pairings/approve", wish)
            said += await process.stdout.read()
            assert await process.wait() == 0, said.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode()


async def test_a_studio_is_paired_publishes_comes_back_and_is_revoked(
    valkey: Server, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    async with opened(tmp_path, free_port, valkey.url) as house:
        said = await paired(house)
        assert "Paired with the studio Studio one." in said
        file = tmp_path / "studio-pc" / "studio" / "pairing.json"
        first = await asyncio.to_thread(file.read_text)
        assert (await asyncio.to_thread(file.stat)).st_mode & 0o777 == 0o600

        agent = await house.publishing()
        assert await agent.end() == 0
        second = await asyncio.to_thread(file.read_text)
        assert second != first  # renewed
        again = await house.publishing()  # with what was stored, and nobody's help

        await house.ask("POST", "/api/merchant/studios/st-one/revoke", {})

        async def has_ended() -> bool:
            return not again.is_running

        await wait_until(has_ended, START_LIMIT_S, again.log[-2_000:])
        assert await again.end() == 3
        assert "pair the studio again" in again.log
        secrets = {text.split('"secret": "')[1].split('"')[0] for text in (first, second)}
        logs = said + "".join(one.log for one in (agent, again, house.shop, house.relay))
        assert not [secret for secret in secrets if secret in logs]
        assert "eyJ" not in logs  # how every signed token begins
        (studio,) = (await house.ask("GET", "/api/merchant/studios"))["studios"]
        assert studio["pairings"] == []


async def test_a_studio_that_waits_for_its_code_ends_in_order(
    valkey: Server, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    async with opened(tmp_path, free_port, valkey.url) as house:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "studio_agent", cwd=ROOT,
            env={**house.environment(), "STUDIO_SHOP": house.url}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        async with asyncio.timeout(START_LIMIT_S):
            assert b"/pair" in await process.stdout.readline()
            process.terminate()
            assert await asyncio.wait_for(process.wait(), END_LIMIT_S) == 0
