"""One evening of the demo: everything started in order, watched, and ended in order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiohttp

from commerce import keys
from commerce.settings import ShopSettings, read
from demo import cast, https, paper, procfile, seed
from demo.settings import Address, Refusal, Settings
from demo.supervise import Supervision

UP_SECONDS: Final = 60.0  # a laptop with cold disks
POLL_SECONDS: Final = 0.1
WATCH_SECONDS: Final = 2.0
AGENT: Final = "agent"
AGENT_TOKEN_FILE: Final = "agent.token"


class Evening:
    """Opens once, is watched, and closes once; `close` may be called at any moment."""

    def __init__(self, wanted: Settings, environ: dict[str, str]) -> None:
        self._wanted = wanted
        self._authority = https.certificate(wanted.var / "https") if wanted.https else None
        self._environ = {**environ, **_addresses(wanted, self._authority)}
        self._shop = read(ShopSettings, self._environ)
        self._places = paper.Places(self._environ["SHOP_URL"], self._environ["RELAY_URL"])
        self._inside = f"http://{wanted.shop.reachable}"
        self._doors: list[https.Door] = []
        self._starting: asyncio.Task[None] | None = None
        processes = procfile.read((procfile.ROOT / "Procfile").read_text())
        if wanted.redis_url:
            processes = [process for process in processes if process.name != "valkey"]
        self._supervision = Supervision(processes, wanted.var, held_back={AGENT})

    async def open(self) -> None:
        """Start everything. Raises Refusal with the first thing that does not come up."""
        paper.take_away(self._wanted.var)
        logins = paper.known_logins(self._wanted.var) or paper.keep_logins(
            self._wanted.var, seed.new_logins()
        )
        await asyncio.to_thread(keys.make_keys, self._shop.keys_dir)
        await seed.lay_books(self._shop, logins)
        await self._open_doors()
        self._starting = asyncio.create_task(asyncio.to_thread(self._supervision.start, self._environ))
        await asyncio.shield(self._starting)
        for address in (self._wanted.shop, self._wanted.relay, self._wanted.bank):
            await self._until_healthy(address)
        busy, idle = [
            await seed.open_show(self._inside, self._shop.keys_dir, house, logins) for house in cast.HOUSES
        ]
        await self._start_agent(busy)
        await self._until_published(cast.PANTRY.studio)
        content = paper.sheet(self._places, busy, idle, logins)
        paper.lay_down(self._wanted.var, content)
        print(paper.words(content, self._wanted.seconds, self._authority), flush=True)

    async def watch(self, asked_to_end: asyncio.Event) -> None:
        """Until asked to end: see that everything stays up."""
        while not asked_to_end.is_set():
            await self._refuse(self._supervision.given_up)
            with_limit = asyncio.wait_for(asked_to_end.wait(), WATCH_SECONDS)
            await asyncio.gather(with_limit, return_exceptions=True)

    async def close(self) -> None:
        """End every process in order; nothing is left."""
        for door in self._doors:
            await door.close()
        if self._starting is not None:  # its thread goes on when the opening is called off
            await asyncio.gather(self._starting, return_exceptions=True)
        await asyncio.to_thread(self._supervision.stop)
        paper.take_away(self._wanted.var)

    # -- its parts ---------------------------------------------------------------------------------

    async def _open_doors(self) -> None:
        if self._authority is None:
            return
        folder, wanted = self._authority.parent, self._wanted
        for outside, inside in ((wanted.https_shop, wanted.shop), (wanted.https_relay, wanted.relay)):
            door = https.Door(outside, inside, folder)
            await door.open()
            self._doors.append(door)

    async def _until_healthy(self, address: Address) -> None:
        place = f"http://{address.reachable}/healthz"
        late = f"Nothing healthy answers on {address.reachable} ({address.setting})"
        await self._until(place, lambda _: True, late)

    async def _until_published(self, studio: str) -> None:
        place = f"http://{self._wanted.relay.reachable}/status"
        late = f"No picture of {self._wanted.source} arrived at the relay"
        await self._until(place, lambda status: any(f["studio"] == studio for f in status["feeds"]), late)

    async def _until(self, place: str, enough: Callable[[Any], bool], late: str) -> None:
        """Ask until the JSON of a 200 is enough; a process that supervisor gave up on ends the wait."""
        deadline = asyncio.get_running_loop().time() + UP_SECONDS
        timeout = aiohttp.ClientTimeout(total=2)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while (answer := await _json(session, place)) is None or not enough(answer):
                await self._refuse(self._supervision.restless)
                if asyncio.get_running_loop().time() > deadline:
                    raise Refusal(f"{late} after {UP_SECONDS:g} s; logs are in {self._wanted.var / 'log'}.")
                await asyncio.sleep(POLL_SECONDS)

    async def _refuse(self, look: Callable[[], str | None]) -> None:
        """Raise a Refusal that names what does not run, with its last words."""
        if not self._supervision.alive:
            raise Refusal(f"supervisord ended; its log is {self._wanted.var / 'log' / 'supervisord.log'}.")
        if (name := await asyncio.to_thread(look)) is not None:
            raise Refusal(f"The process {name} does not stay up: {self._supervision.last_words(name)}")

    async def _start_agent(self, on_air: seed.OnAir) -> None:
        """Hand the agent its studio's token in a file (never on a command line) and let it publish."""
        paper.keep_secret(self._wanted.var / AGENT_TOKEN_FILE, on_air.whip_token)
        await asyncio.to_thread(self._supervision.start_process, AGENT)


def _addresses(wanted: Settings, authority: Path | None) -> dict[str, str]:
    """The environment that makes the processes find each other and browsers find them."""
    addresses = {
        address.setting: f"{address.host}:{address.port}"
        for address in (wanted.shop, wanted.relay, wanted.relay_udp, wanted.bank, *wanted.quiet)
    }
    addresses |= {
        "VAR_DIR": os.fspath(wanted.var.absolute()),
        "BANK_URL": f"http://{wanted.bank.reachable}",
        "BANK_WEBHOOK_URL": f"http://{wanted.shop.reachable}/api/webhooks/sandbox",
        "HTTPS": "0",  # the doors speak TLS; behind them is plain HTTP on loopback
        "STUDIO_SOURCE": wanted.source,
        "STUDIO_WHIP": f"http://{wanted.relay.reachable}/whip/{cast.PANTRY.studio}",
        "STUDIO_TOKEN_FILE": os.fspath(wanted.var.absolute() / AGENT_TOKEN_FILE),
    }
    if authority is None:
        urls = {
            "SHOP_URL": f"http://{wanted.shop.reachable}",
            "RELAY_URL": f"http://{wanted.relay.reachable}",
        }
    else:
        urls = {
            "SHOP_URL": f"https://{wanted.https_shop.reachable}",
            "RELAY_URL": f"https://{wanted.https_relay.reachable}",
            "SSL_CERT_FILE": os.fspath(authority.absolute()),
        }
    return addresses | urls


async def _json(session: aiohttp.ClientSession, place: str) -> Any | None:
    """The JSON of a 200 answer; None for anything else."""
    try:
        async with session.get(place) as answer:
            return await answer.json(content_type=None) if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
