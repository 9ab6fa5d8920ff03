"""The demo's world, laid into real books."""

import json
from pathlib import Path

from commerce.books import accounts, catalogue, schedule
from commerce.books.database import open_books
from commerce.settings import ShopSettings, read
from demo import cast, seed


async def shop_in(folder: Path) -> ShopSettings:
    shop = read(ShopSettings, {"VAR_DIR": str(folder)})
    await seed.lay_books(shop, seed.new_logins())
    return shop


async def test_the_books_hold_two_houses_with_their_goods_and_studios(tmp_path: Path) -> None:
    shop = await shop_in(tmp_path)
    books = await open_books(shop.database_url, shop.keys_dir / "persons.key")
    async with books.read() as tx:
        counts = [len(await catalogue.products_of(tx, house.merchant)) for house in cast.HOUSES]
        studios = [await schedule.find_studio(tx, house.merchant, house.studio) for house in cast.HOUSES]
    await books.close()
    assert counts == [19, 11]
    assert all(studios)


async def test_seeding_again_changes_nothing(tmp_path: Path) -> None:
    shop = read(ShopSettings, {"VAR_DIR": str(tmp_path)})
    logins = seed.new_logins()
    await seed.lay_books(shop, logins)
    await seed.lay_books(shop, seed.new_logins())
    books = await open_books(shop.database_url, shop.keys_dir / "persons.key")
    async with books.read() as tx:
        account = await accounts.sign_in(tx, "host", logins["host"])
    await books.close()
    assert account is not None
    assert account.merchant == "steppe-pantry"


def test_passwords_are_made_for_each_evening_and_each_account() -> None:
    first, second = seed.new_logins(), seed.new_logins()
    assert len({*first.values(), *second.values()}) == 2 * len(cast.ACCOUNTS)


def test_every_product_speaks_three_languages_and_knows_its_customs_code() -> None:
    for house in cast.HOUSES:
        for item in cast.goods(house):
            assert set(item["title"]) == set(item["description"]) == {"en", "zh", "ru"}
            assert len(item["hs_code"]) == 10
            assert len(item["origin"]) == 2
            assert item["gross_weight_g"] > 0


def test_no_show_is_granted_more_than_the_house_has() -> None:
    for house in cast.HOUSES:
        stock = {item["sku"]: item["stock"] for item in cast.goods(house)}
        granted: dict[str, int] = {}
        for offer in cast.rundown(house):
            for sku, units in offer["allot"].items():
                granted[sku] = granted.get(sku, 0) + units
            assert {line["sku"] for line in offer["lines"]} <= set(stock)
        assert all(units <= stock[sku] for sku, units in granted.items())


def test_every_product_has_a_picture_drawn_for_it() -> None:
    drawn = json.loads((Path(__file__).parents[2] / "web/pictures/names.json").read_text())
    assert sorted(item["sku"] for house in cast.HOUSES for item in cast.goods(house)) == sorted(drawn)
