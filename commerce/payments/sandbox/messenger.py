"""Says the bank's words to the shop, signed when they leave; again with growing pauses until it hears 2xx."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import aiohttp
import structlog
from prometheus_client import Counter

from commerce.payments.sandbox.till import Till, Word
from commerce.payments.signatures import HEADER, sign

AT_ONCE: Final = 8
ANSWER_SECONDS: Final = 10
LONGEST_NAP_SECONDS: Final = 5.0

SAID = Counter("bank_words", "Webhooks said to the shop, by what came of it", ["result"])
log = structlog.get_logger("bank")
T = TypeVar("T")
RunInThread = Callable[..., Awaitable[Any]]


class Messenger:
    """One task that delivers; `wake` it when there may be something new."""

    def __init__(self, till: Till, run: RunInThread, *, url: str, secret: bytes) -> None:
        self._till, self._run, self._url, self._secret = till, run, url, secret
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    async def deliver_for_ever(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._news.clear()
                words = await self._run(self._till.due, _now_ms(), AT_ONCE)
                await asyncio.gather(*(self._say(session, word) for word in words))
                if not words:
                    await self._nap()

    async def _nap(self) -> None:
        due = await self._run(self._till.next_due)
        seconds = LONGEST_NAP_SECONDS if due is None else max((due - _now_ms()) / 1000, 0.01)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), min(seconds, LONGEST_NAP_SECONDS))

    async def _say(self, session: aiohttp.ClientSession, word: Word) -> None:
        result = await self._post(session, word.body.encode())
        if result == "heard":
            await self._run(self._till.heard, word)
        elif await self._run(self._till.unheard, word, _now_ms()):
            result = "given_up"
        SAID.labels(result).inc()
        log.info("word", id=word.id, tries=word.tries + 1, result=result)

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> str:
        headers = {HEADER: sign(self._secret, body, time.time()), "Content-Type": "application/json"}
        try:
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                return "heard" if answer.status // 100 == 2 else "refused"
        except (aiohttp.ClientError, TimeoutError):
            return "unreachable"


def _now_ms() -> int:
    return int(time.time() * 1000)
