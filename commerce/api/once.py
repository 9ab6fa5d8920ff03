"""Making something once: who repeats a request with its Idempotency-Key gets the first answer again.

The answer is kept with what was made, in one transaction; a refusal keeps nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.api.ask import Ask
from commerce.api.problems import Problem
from commerce.books.repeats import KeyReused, claim, keep

T = TypeVar("T", bound=msgspec.Struct)


async def once(ask: Ask, kind: type[T], make: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """What `make` answers in its transaction, or answered to the same request before.

    Raises KeyReused for a key that came with another request, and what `make` raises.
    """
    async with ask.house.books.begin() as tx:
        if not ask.key:
            return await make(tx)
        kept = await claim(tx, ask.who.actor, ask.key, _fingerprint(ask), ask.now_ms)
        if isinstance(kept, KeyReused):
            raise Problem("KeyReused")
        if kept is not None:
            return msgspec.json.decode(kept, type=kind)
        answer = await make(tx)
        await keep(tx, ask.who.actor, ask.key, msgspec.json.encode(answer).decode())
        return answer


def _fingerprint(ask: Ask) -> str:
    asked = f"{ask.request.method} {ask.request.path_qs}\n".encode()
    return ask.house.fingerprint(asked + ask.raw)
