"""An act and its line in the trail are one transaction: without the line nothing was done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import func, select, text

from commerce.books.tables import audit
from tests.commerce.api.booking import paid_order
from tests.commerce.api.registry import register
from tests.commerce.api.street import PASSWORD, TITLE, Answer, Street, new_key

REFUSED = "CREATE TRIGGER no_trail BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no trail'); END"
PRODUCT = {
    "sku": "shawl", "title": TITLE, "price": 1, "currency": "CNY", "stock": 1, "hs_code": "6214100010",
    "origin": "UZ", "net_quantity": "0.1", "net_unit": "kg",
}  # fmt: skip
PLAN = {"title": TITLE, "starts_at": 1, "time_zone": "UTC", "currency": "CNY"}


@asynccontextmanager
async def no_trail(street: Street) -> AsyncIterator[None]:
    """The books refuse every line of the trail; afterwards all other tables are as they were before."""
    async with street.house.books.begin() as tx:
        await tx.execute(text(REFUSED))
    before = await rows(street)
    yield
    assert await rows(street) == before
    async with street.house.books.begin() as tx:
        await tx.execute(text("DROP TRIGGER no_trail"))


async def rows(street: Street) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the books."""
    async with street.house.books.read() as tx:
        names = await tx.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"))
        return {
            name: sorted([tuple(row) for row in await tx.execute(text(f'SELECT * FROM "{name}"'))], key=repr)
            for name in names.all()
        }


async def lines(street: Street) -> int:
    async with street.house.books.read() as tx:
        return int(await tx.scalar(select(func.count()).select_from(audit)) or 0)


def busy(answer: Answer) -> bool:
    assert (answer.status, answer.body["code"]) == (503, "Busy"), answer.body
    return True


async def test_what_a_merchant_plans_is_undone_with_its_line(street: Street, relay: str) -> None:
    show, seller = await street.scheduled_show(), await street.signed_in("seller")
    path = f"/api/merchant/shows/{show}"
    rundown = (await seller.get(f"{path}/rundown")).body
    wish = {"offers": [{**rundown["offers"][0], "price": 900}]}
    async with no_trail(street):
        assert busy(await seller.ask("PATCH", path, {"starts_at": 5}))
        assert busy(await seller.ask("PUT", f"{path}/rundown", wish, key=new_key()))
        assert busy(await seller.post("/api/merchant/shows", PLAN))
        assert busy(await seller.post("/api/merchant/products", PRODUCT))
        assert busy(await seller.post("/api/merchant/studios/st-one/revoke"))
        token = await seller.post("/api/merchant/studios/st-one/token")
        assert busy(token)
        assert "token" not in token.body
        assert busy(await (await street.signed_in("host")).post(f"/api/host/shows/{show}/open"))
    before = await lines(street)
    assert (await seller.ask("PATCH", path, {"starts_at": 5})).status == 200
    assert (await seller.ask("PUT", f"{path}/rundown", wish, key=new_key())).status == 200
    assert (await seller.post("/api/merchant/studios/st-one/token")).status == 201
    assert await lines(street) == before + 3


async def test_a_device_is_neither_let_in_nor_sent_away_without_a_line(street: Street) -> None:
    seller = await street.signed_in("seller")
    waiting = (await street.nobody.ask("POST", "/api/pairings", {"agent": "PC"})).body
    named, collect = {"user_code": waiting["user_code"]}, {"device_code": waiting["device_code"]}
    async with no_trail(street):
        assert busy(await seller.ask("POST", "/api/merchant/pairings/deny", named))
    polled = await street.nobody.ask("POST", "/api/pairings/token", collect)
    assert polled.body["code"] == "PairingPending"
    assert (await seller.ask("POST", "/api/merchant/pairings/deny", named)).status == 204
    assert await lines(street) == 1


async def test_what_becomes_of_an_order_is_undone_with_its_line(street: Street) -> None:
    order, _, seller = await paid_order(street)
    path, operator = f"/api/merchant/orders/{order}", await street.signed_in("operator")
    ship, key = {"version": 1, "state": "shipped"}, new_key()
    async with no_trail(street):
        assert busy(await seller.post(f"{path}/advance", ship))
        assert busy(await seller.post(f"{path}/refund", {"version": 1, "amount": 5}))
        assert busy(await seller.post(f"{path}/cancel", {"version": 1}))
        erase = {"even_under_way": True}
        assert busy(await operator.post(f"/api/orders/{order}/erasure", erase))
    before = await lines(street)
    for _ in range(2):  # the second is the same request once more
        assert (await seller.post(f"{path}/advance", ship, key=key)).status == 200
    assert await lines(street) == before + 1


async def test_nobody_signs_in_without_a_line(street: Street) -> None:
    body = {"name": "seller", "password": PASSWORD}
    async with no_trail(street):
        assert busy(await street.nobody.ask("POST", "/api/sessions", body))
    assert [key async for key in street.house.redis.scan_iter("session:*")] == []
    await register(street.house.redis, "relay-1", "http://relay.test", street.house.now_ms())
    assert (await street.nobody.ask("POST", "/api/sessions", body)).status == 201
    assert await lines(street) == 1
