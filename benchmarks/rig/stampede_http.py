"""Buyers of a flash sale who come over HTTP, as browsers do, with a journal of what each was told.

`python -m benchmarks.rig.stampede_http PORT SHOW NAME BUYERS ATTEMPTS JOURNAL`: keep-alive connections, a
token for each buyer, an idempotency key for each attempt, repeated until it is answered 201 or 409.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import Any, TextIO

import aiohttp
import uvloop

from benchmarks.rig.stampede import AGAIN_SECONDS, MIX, PRICES, SAY_SECONDS

CONNECTIONS = 128
CONTACT = {"name": "Aizhan Bek", "phone": "+7 701 123 4567", "address": "1 Abay Ave, Almaty"}
FINAL = (201, 409)


class HttpStampede:
    """One process of browsers."""

    def __init__(self, http: aiohttp.ClientSession, origin: str, name: str, journal: TextIO) -> None:
        self.done = self.begun = self.waiting = 0
        self._http, self._origin, self._name, self._journal = http, origin, name, journal
        self._dice = random.Random(name)

    async def insist(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        """Post until the shop has said yes or no."""
        while True:
            try:
                async with self._http.post(self._origin + path, json=body, headers=headers) as answer:
                    if answer.status in FINAL:
                        return answer.status, await answer.json(content_type=None)
                    if answer.status < 500:
                        raise RuntimeError(f"{answer.status}: {await answer.text()}")
            except (aiohttp.ClientError, TimeoutError):
                pass  # the connection broke: the key makes the repetition harmless
            await asyncio.sleep(AGAIN_SECONDS)

    async def keep_buying(self, show: str, tokens: list[tuple[str, str]], attempts: int) -> None:
        while self.begun < attempts:
            self.begun += 1
            key, offer = f"{self._name}-{self.begun}", self._dice.choice(MIX)
            buyer, token = tokens[self.begun % len(tokens)]
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
            lines = [{"offer": offer, "quantity": 1, "price": PRICES[offer]}]
            self.waiting += 1
            status, said = await self.insist(
                f"/api/shows/{show}/orders", headers, {"lines": lines, "contact": CONTACT}
            )
            self.waiting -= 1
            self.done += 1
            outcome = f"accepted 0 {said['id']}" if status == 201 else f"{said['code']} 0 "
            self._journal.write(f"order buyer:{buyer} {key} {outcome}\n")  # as the log calls the buyer

    async def say(self) -> None:
        while True:
            print(json.dumps({"waiting": self.waiting, "done": self.done}), flush=True)
            await asyncio.sleep(SAY_SECONDS)


async def main(port: int, show: str, name: str, *, buyers: int, attempts: int, path: str) -> None:
    origin = f"http://127.0.0.1:{port}"
    timeout = aiohttp.ClientTimeout(total=15)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        with open(path, "w") as journal:  # noqa: ASYNC230  a journal on disk is what the process is for
            crowd = HttpStampede(http, origin, name, journal)
            born = [await crowd.insist("/api/buyers", {}, None) for _ in range(buyers)]
            tokens = [(said["buyer"], said["token"]) for _, said in born]
            saying = asyncio.create_task(crowd.say())
            await asyncio.gather(*[crowd.keep_buying(show, tokens, attempts) for _ in range(CONNECTIONS)])
            saying.cancel()
    print(json.dumps({"waiting": 0, "done": crowd.done}), flush=True)


if __name__ == "__main__":
    port, show, name, buyers, attempts, path = sys.argv[1:]
    uvloop.run(main(int(port), show, name, buyers=int(buyers), attempts=int(attempts), path=path))
