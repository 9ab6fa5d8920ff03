"""Who may sign in, and that a merchant's staff reach nothing of another's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from commerce.books import Books
from commerce.books.accounts import NameTaken, add_account, disable_account, find_account, sign_in
from commerce.books.catalogue import SkuTaken, add_product, find_product, products_of
from commerce.books.schedule import (
    Plan,
    PlannedOffer,
    ShowStarted,
    Studio,
    UnknownShow,
    UnknownSku,
    UnknownStudio,
    change_show,
    find_show,
    find_show_of,
    find_studio,
    grant_for_opening,
    note_show,
    public_shows,
    put_rundown,
    revoke_pairing,
    rundown_of,
    schedule_show,
    shows_of,
    studios_of,
)
from commerce.books.tables import accounts
from tests.commerce.stocked import MERCHANT, SHOW, TITLE, stock_books

NOW_MS = 1_800_000_000_000
PASSWORD = "correct horse battery"
OTHER = "merchant-2"


async def two_merchants(books: Books) -> None:
    await stock_books(books, 10)
    await stock_books(books, 10, show="show-2", merchant=OTHER)


async def test_one_signs_in_with_name_and_password_and_nothing_else(books: Books) -> None:
    await two_merchants(books)
    async with books.begin() as tx:
        added = await add_account(tx, "mei", PASSWORD, role="host", merchant=MERCHANT, now_ms=NOW_MS)
        again = await add_account(tx, "mei", PASSWORD, role="host", merchant=OTHER, now_ms=NOW_MS)
    assert again == NameTaken("mei")
    async with books.read() as tx:
        assert await sign_in(tx, "mei", PASSWORD) == added
        for name, password in (("mei", PASSWORD + " "), ("mei", ""), ("Mei", PASSWORD), ("nobody", PASSWORD)):
            assert await sign_in(tx, name, password) is None


async def test_a_password_is_kept_as_argon2id_alone(books: Books) -> None:
    async with books.begin() as tx:
        await add_account(tx, "op", PASSWORD, role="operator", merchant=None, now_ms=NOW_MS)
        kept = await tx.scalar(select(accounts.c.password_hash))
    assert kept is not None
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


async def test_a_disabled_account_is_as_good_as_none(books: Books) -> None:
    async with books.begin() as tx:
        account = await add_account(tx, "op", PASSWORD, role="operator", merchant=None, now_ms=NOW_MS)
        assert not isinstance(account, NameTaken)
        assert await find_account(tx, account.id) == account
        await disable_account(tx, account.id, NOW_MS)
        assert await sign_in(tx, "op", PASSWORD) is None
        assert await find_account(tx, account.id) is None


async def test_only_an_operator_belongs_to_no_merchant(books: Books) -> None:
    with pytest.raises(IntegrityError):
        async with books.begin() as tx:
            await add_account(tx, "mei", PASSWORD, role="host", merchant=None, now_ms=NOW_MS)


@pytest.mark.parametrize("password", ["short", "x" * 257])
async def test_a_password_has_a_sane_length(sqlite_books: Books, password: str) -> None:
    async with sqlite_books.begin() as tx:
        with pytest.raises(ValueError, match="10 to 256"):
            await add_account(tx, "op", password, role="operator", merchant=None, now_ms=NOW_MS)


async def test_the_wrong_merchant_finds_nothing_and_changes_nothing(books: Books) -> None:
    await two_merchants(books)
    async with books.begin() as tx:
        assert [product.sku for product in await products_of(tx, OTHER)] == [f"scarf-of-{OTHER}"]
        assert await find_product(tx, OTHER, "scarf") is None
        assert [show.id for show in await shows_of(tx, OTHER)] == ["show-2"]
        assert await find_show_of(tx, OTHER, SHOW) is None
        assert await change_show(tx, OTHER, SHOW, {"hold_seconds": 1}) == UnknownShow(SHOW)
        assert await put_rundown(tx, OTHER, SHOW, []) == UnknownShow(SHOW)
        assert await grant_for_opening(tx, OTHER, SHOW, NOW_MS) == UnknownShow(SHOW)
        studio = (await studios_of(tx, MERCHANT))[0]
        assert await find_studio(tx, OTHER, studio.id) is None
        assert await revoke_pairing(tx, OTHER, studio.id, NOW_MS) == UnknownStudio(studio.id)
        assert await find_studio(tx, MERCHANT, studio.id) == studio
        plan = Plan(TITLE, NOW_MS, "UTC", "CNY", 300, studio.id)
        assert await schedule_show(tx, OTHER, plan, NOW_MS) == UnknownStudio(studio.id)
        assert await change_show(tx, OTHER, "show-2", {"studio": studio.id}) == UnknownStudio(studio.id)
        alien = PlannedOffer("", TITLE, None, (("scarf", 1),), 100)
        assert await put_rundown(tx, OTHER, "show-2", [alien]) == UnknownSku("scarf")
        alien = PlannedOffer("", TITLE, None, ((f"scarf-of-{OTHER}", 1),), 100, allot={"scarf": 5})
        assert await put_rundown(tx, OTHER, "show-2", [alien]) == UnknownSku("scarf")


async def test_a_sku_is_one_product_of_one_merchant(books: Books) -> None:
    await two_merchants(books)
    async with books.begin() as tx:
        mine = await find_product(tx, MERCHANT, "scarf")
        assert mine is not None
        assert await add_product(tx, replace(mine, merchant=OTHER), NOW_MS) == SkuTaken("scarf")


async def test_a_rundown_comes_back_as_it_was_put_with_ids(books: Books) -> None:
    await two_merchants(books)
    scarf = (("scarf", 1),)
    one = PlannedOffer("", TITLE, "a.svg", scarf, 900, before=1_000, cap=5, limit=2, allot={"scarf": 3})
    two = PlannedOffer("of-mine", TITLE, None, scarf, 1)
    async with books.begin() as tx:
        stored = await put_rundown(tx, MERCHANT, SHOW, [one, two])
        assert isinstance(stored, list)
        assert [replace(offer, offer="") for offer in stored] == [one, replace(two, offer="")]
        assert stored[1].offer == "of-mine"
        again = await put_rundown(tx, MERCHANT, SHOW, list(reversed(stored)))
        assert again == list(reversed(stored)) == await rundown_of(tx, SHOW)
        other = PlannedOffer("of-mine", TITLE, None, ((f"scarf-of-{OTHER}", 1),), 1)
        with pytest.raises(ValueError, match="another show"):
            await put_rundown(tx, OTHER, "show-2", [other])


async def test_an_open_show_keeps_what_its_log_holds(books: Books) -> None:
    await two_merchants(books)
    async with books.begin() as tx:
        changed = await change_show(tx, MERCHANT, SHOW, {"hold_seconds": 60, "studio": None})
        assert not isinstance(changed, UnknownShow | ShowStarted | UnknownStudio)
        assert (changed.hold_seconds, changed.studio, changed.version) == (60, None, 2)
        await note_show(tx, SHOW, state="opened")
        assert await change_show(tx, MERCHANT, SHOW, {"hold_seconds": 30}) == ShowStarted(SHOW)
        studio = (await studios_of(tx, MERCHANT))[0]
        late = await change_show(tx, MERCHANT, SHOW, {"studio": studio.id})
        assert not isinstance(late, UnknownShow | ShowStarted | UnknownStudio)
        assert late.studio == studio.id


async def test_a_closed_show_leaves_the_public_list(books: Books) -> None:
    await two_merchants(books)
    async with books.begin() as tx:
        await note_show(tx, SHOW, state="closed", closed_at=NOW_MS)
        assert [show.id for show in await public_shows(tx)] == ["show-2"]
        found = await find_show(tx, SHOW)
        assert found is not None
        assert found.merchant_name["zh"] == "丝绸之家"


async def test_revoking_a_pairing_raises_its_generation(books: Books) -> None:
    await two_merchants(books)
    async with books.begin() as tx:
        before = (await studios_of(tx, MERCHANT))[0]
        after = await revoke_pairing(tx, MERCHANT, before.id, NOW_MS)
        assert isinstance(after, Studio)
        assert after.generation == before.generation + 1
