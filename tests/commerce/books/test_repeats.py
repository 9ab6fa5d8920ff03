"""A key is claimed once, also by two who come at the same moment, on either kind of database."""

from __future__ import annotations

import asyncio

from commerce.books import Books
from commerce.books.repeats import KEPT_MS, KeyReused, claim, keep

NOW_MS = 1_800_000_000_000


async def ask(books: Books, fingerprint: str = "f", now_ms: int = NOW_MS) -> str | KeyReused | None:
    async with books.begin() as tx:
        kept = await claim(tx, "staff:ac-1", "k", fingerprint, now_ms)
        if kept is None:
            await keep(tx, "staff:ac-1", "k", "answer")
        return kept


async def test_the_second_gets_what_the_first_was_told(books: Books) -> None:
    assert await ask(books) is None
    assert await ask(books) == "answer"
    assert await ask(books, "other") == KeyReused("k")


async def test_of_five_at_once_one_claims(books: Books) -> None:
    kept = await asyncio.gather(*(ask(books) for _ in range(5)))
    assert sorted(kept, key=str) == [None, *["answer"] * 4]


async def test_a_key_is_forgotten_after_a_week(books: Books) -> None:
    await ask(books)
    assert await ask(books, "other", NOW_MS + KEPT_MS + 1) is None
