"""The trail of privileged acts, read back on either kind of database."""

from __future__ import annotations

from commerce.books import Books
from commerce.books.accounts import NameTaken, add_account
from commerce.books.audit import list_acts, note_act


async def test_an_act_names_the_account_behind_it(books: Books) -> None:
    async with books.begin() as tx:
        mei = await add_account(tx, "mei", "correct horse", role="operator", merchant=None, now_ms=1)
        assert not isinstance(mei, NameTaken)
        await note_act(tx, f"staff:{mei.id}", "SignedIn", mei.id, details={"trace": "t"}, now_ms=2)
        await note_act(tx, "studio:st-1", "PairStudio", "st-1", details={}, now_ms=3)
        newest, oldest = await list_acts(tx)
        assert (newest.actor, newest.name) == ("studio:st-1", None)
        assert (oldest.name, oldest.act, oldest.details) == ("mei", "SignedIn", {"trace": "t"})
        assert await list_acts(tx, name="mei") == [oldest]
        assert await list_acts(tx, before=newest.number) == [oldest]
        assert await list_acts(tx, act="PairStudio", subject="st-2") == []
