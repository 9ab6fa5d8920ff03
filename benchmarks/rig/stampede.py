"""Buyers of a flash sale in a process of their own, with a journal of what each was told.

`python -m benchmarks.rig.stampede URL SHOW NAME BUYERS ATTEMPTS JOURNAL`: so many attempts in all, through
the inbox, up to 1,500 under way at once; each keeps its key until it is answered. Half of the orders
are paid. Says `{"waiting", "done"}` twenty times a second.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import TextIO

import uvloop

from commerce.live.inbox import Accepted, Answer, Busy, Inbox, NoAnswer
from commerce.live.roster import Roster
from commerce.live.valkey import open_redis, open_wire
from commerce.show import commands as c
from commerce.show.language import OrderLine

AT_ONCE = 1_500
PRICES = {"single": 1_000, "pair": 1_800, "rare": 500}
MIX = ("single", "single", "single", "pair", "rare")
SAY_SECONDS = 0.05
AGAIN_SECONDS = 0.05


class Stampede:
    """One process of buyers."""

    def __init__(self, inbox: Inbox, show: str, name: str, buyers: int, journal: TextIO) -> None:
        self.done = self.begun = 0
        self._inbox, self._show, self._name, self._buyers, self._journal = inbox, show, name, buyers, journal
        self._dice = random.Random(name)

    async def insist(self, command: c.Command, actor: str, key: str) -> Answer:
        """Ask under the key until there is an answer."""
        while True:
            try:
                return await self._inbox.ask(self._show, command, actor=actor, key=key)
            except (Busy, NoAnswer):
                await asyncio.sleep(AGAIN_SECONDS)

    def note(self, kind: str, actor: str, key: str, answer: Answer) -> None:
        """One line of the journal: kind, actor, key, what was said, version, order."""
        if isinstance(answer, Accepted):
            said, order = "accepted", answer.result.get("order", "")
        else:
            said, order = answer.refusal.code, ""
        self._journal.write(f"{kind} {actor} {key} {said} {answer.version} {order}\n")

    async def keep_buying(self, attempts: int) -> None:
        while self.begun < attempts:
            self.begun += 1
            number = self.begun
            buyer = f"{self._name}-b{number % self._buyers}"
            offer = self._dice.choice(MIX)
            price = PRICES[offer]
            key = f"{self._name}-{number}"
            order = c.PlaceOrder(key, buyer, "contact", (OrderLine(offer, 1, price),), 0, 0, 0, price)
            answer = await self.insist(order, buyer, key)
            self.note("order", buyer, key, answer)
            self.done += 1
            if isinstance(answer, Accepted) and self._dice.random() < 0.5:
                await self.pay(key, price)

    async def pay(self, order: str, amount: int) -> None:
        paid = c.RecordPayment(order, f"pay-{order}", "bench", amount, "CNY", "succeeded")
        self.note("payment", "bank", order, await self.insist(paid, "bank", f"pay-{order}"))

    async def say(self) -> None:
        while True:
            print(json.dumps({"waiting": self._inbox.waiting, "done": self.done}), flush=True)
            await asyncio.sleep(SAY_SECONDS)


async def main(url: str, show: str, name: str, *, buyers: int, attempts: int, path: str) -> None:
    redis = open_redis(url)
    inbox = Inbox(lambda: open_wire(url), Roster(redis))
    with open(path, "w") as journal:  # noqa: ASYNC230  a journal on disk is what the process is for
        crowd = Stampede(inbox, show, name, buyers, journal)
        saying = asyncio.create_task(crowd.say())
        await asyncio.gather(*[crowd.keep_buying(attempts) for _ in range(AT_ONCE)])
        saying.cancel()
    print(json.dumps({"waiting": 0, "done": crowd.done}), flush=True)
    await inbox.aclose()
    await redis.aclose()


if __name__ == "__main__":
    url, show, name, buyers, attempts, path = sys.argv[1:]
    uvloop.run(main(url, show, name, buyers=int(buyers), attempts=int(attempts), path=path))
