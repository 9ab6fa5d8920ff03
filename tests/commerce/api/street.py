"""A whole shop for tests of the front: real Valkey, real books, a real desk in the same loop; callers."""

from __future__ import annotations

import asyncio
import atexit
import functools
import itertools
import json
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from commerce.api.app import make_app
from commerce.api.house import House
from commerce.api.opening import open_house
from commerce.books import Books, accounts, catalogue, open_books, schedule
from commerce.books.tables import accounts as account_rows
from commerce.desk.clock import RealClock
from commerce.desk.office import Office
from commerce.live.roster import Roster
from commerce.live.sessions import Holder
from commerce.live.valkey import open_redis, open_wire
from commerce.payments.provider import Provider
from commerce.settings import ShopSettings, read
from commerce.tasks import end
from tests.commerce.api.conforming import check, is_careful
from tests.commerce.api.firm import MemoryFirm

PASSWORD = "correct horse battery"
TITLE = {"en": "Silk scarf", "zh": "丝巾", "ru": "Шёлковый шарф"}
CONTACT = {"name": "Aizhan Bek", "phone": "+7 701 123 4567", "address": "1 Abay Ave\nAlmaty"}
_keys = itertools.count(1)


def new_key() -> str:
    return f"key-{next(_keys)}"


@dataclass
class Answer:
    """What came back; `body` is the JSON or None."""

    status: int
    headers: Any
    body: Any
    raw: bytes


@dataclass
class Caller:
    """Somebody with a token, or nobody."""

    http: aiohttp.ClientSession
    origin: str
    token: str = ""
    id: str = ""

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if key := options.pop("key", None):
            headers["Idempotency-Key"] = key
        if body is not None:
            options["data"] = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        async with self.http.request(method, self.origin + path, headers=headers, **options) as response:
            raw = await response.read()
            is_json = response.content_type.endswith(("/json", "+json"))
            answer = Answer(response.status, response.headers, json.loads(raw) if is_json else None, raw)
        assert is_careful(answer.headers), f"{method} {path} {answer.status}: {dict(answer.headers)}"
        check(method, path, answer.status, answer.headers.get("Content-Type", ""), answer.body)
        return answer

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        options.setdefault("key", new_key())
        return await self.ask("POST", path, {} if body is None else body, **options)

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.ask("GET", path, **options)


@dataclass
class Street:
    """The shop and who walks by."""

    house: House
    firm: MemoryFirm
    origin: str
    http: aiohttp.ClientSession
    office: Office
    staff: dict[str, Caller] = field(default_factory=dict)

    @property
    def nobody(self) -> Caller:
        return Caller(self.http, self.origin)

    async def buyer(self) -> Caller:
        born = await self.nobody.ask("POST", "/api/buyers")
        assert born.status == 201, born.body
        return Caller(self.http, self.origin, born.body["token"], born.body["buyer"])

    async def signed_in(self, name: str) -> Caller:
        """Staff with a session: seller, host, rival (of another merchant), operator."""
        if name not in self.staff:
            async with self.house.books.read() as tx:
                row = (await tx.execute(select(account_rows).where(account_rows.c.name == name))).one()
            token = await self.house.sessions.open(Holder("staff", row.id, name, row.role, row.merchant_id))
            self.staff[name] = Caller(self.http, self.origin, token)
        return self.staff[name]

    async def scheduled_show(self, units: int = 5, **offer: Any) -> str:
        seller = await self.signed_in("seller")
        plan = {
            "title": TITLE,
            "starts_at": 1_800_000_000_000,
            "time_zone": "Asia/Almaty",
            "currency": "CNY",
            "hold_seconds": 300,
            "studio": "st-one",
        }
        made = await seller.post("/api/merchant/shows", plan)
        assert made.status == 201, made.body
        show = str(made.body["id"])
        wish = {
            "title": TITLE,
            "lines": [{"sku": "scarf", "units": 1}],
            "price": 1_000,
            "image": "/web/pictures/silk-scarf.svg",
            "allot": {"scarf": units},
            **offer,
        }
        path = f"/api/merchant/shows/{show}/rundown"
        put = await seller.ask("PUT", path, {"offers": [wish]}, key=new_key())
        assert put.status == 200, put.body
        return show

    async def open_show(self, units: int = 5, **offer: Any) -> tuple[str, str]:
        """An open show and its offer."""
        show = await self.scheduled_show(units, **offer)
        host = await self.signed_in("host")
        opened = await host.post(f"/api/host/shows/{show}/open")
        assert opened.status == 200, opened.body
        return show, next(iter((await self.house.feed(show)).state.offers))

    async def order(self, show: str, offer: str, buyer: Caller, quantity: int = 1, **options: Any) -> Answer:
        price = options.pop("price", 1_000)
        body = {
            "lines": [{"offer": offer, "quantity": quantity, "price": price}],
            "contact": options.pop("contact", CONTACT),
        }
        return await buyer.post(f"/api/shows/{show}/orders", body, **options)

    async def comes_true(self, is_true: Callable[[], bool]) -> None:
        """Wait for something that other tasks bring about."""
        async with asyncio.timeout(30):
            while not is_true():  # noqa: ASYNC110  what is awaited has no event of its own
                await asyncio.sleep(0.01)

    async def to_the_bank(self, bought: str) -> Answer:
        """Follow the order's link to pay, as far as the shop goes."""
        return await self.nobody.get(f"/pay/{bought}", allow_redirects=False)

    async def pay(self, bought: str, **changes: Any) -> Answer:
        """The firm says that an order was paid; `changes` make it say something else."""
        if bought not in self.firm.bills:
            assert (await self.to_the_bank(bought)).status == 303
        body, headers = self.firm.word(bought, time.time(), **changes)
        return await self.nobody.ask("POST", "/api/webhooks/sandbox", data=body, headers=headers)


async def lay_books(books: Books) -> None:
    """Two merchants with staff, a studio and goods each."""
    now = 1_700_000_000_000
    product = partial(
        catalogue.Product, title=TITLE, image=None, price=1_000, currency="CNY", stock=10_000,
        hs_code="6214100010", origin="UZ", net_quantity="0.08", net_unit="kg",
    )  # fmt: skip
    async with books.begin() as tx:
        await catalogue.add_merchant(tx, catalogue.Merchant("mr-one", {"en": "One"}), now)
        await catalogue.add_merchant(tx, catalogue.Merchant("mr-two", {"en": "Two"}), now)
        await schedule.add_studio(tx, "mr-one", "Studio one", now, studio="st-one")
        await schedule.add_studio(tx, "mr-two", "Studio two", now, studio="st-two")
        await catalogue.add_product(tx, product(sku="scarf", merchant="mr-one"), now)
        await catalogue.add_product(tx, product(sku="tea", merchant="mr-two"), now)
        people: tuple[tuple[str, accounts.Role, str | None], ...] = (
            ("seller", "merchant", "mr-one"),
            ("host", "host", "mr-one"),
            ("rival", "merchant", "mr-two"),
            ("operator", "operator", None),
        )
        for name, role, merchant in people:
            await accounts.add_account(tx, name, PASSWORD, role=role, merchant=merchant, now_ms=now)


@functools.cache
def laid_folder() -> Path:
    """Keys and books as every test begins with them, made once."""
    folder = Path(tempfile.mkdtemp(prefix="sc-laid-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    async def lay() -> None:
        books = await open_books(f"sqlite+aiosqlite:///{folder}/books.sqlite", folder / "keys/persons.key")
        await lay_books(books)
        await books.close()

    asyncio.run(lay())
    return folder


def lay_folder(folder: Path) -> None:
    """A copy of the laid folder."""
    shutil.copytree(laid_folder(), folder, dirs_exist_ok=True)


@asynccontextmanager
async def open_street(redis_url: str, folder: Path, **environment: str) -> AsyncIterator[Street]:
    """Everything running; ended in order."""
    settings = read(ShopSettings, {"VAR_DIR": str(folder), "REDIS_URL": redis_url, **environment})
    await asyncio.to_thread(lay_folder, folder)
    firm = MemoryFirm()

    async def open_firms() -> dict[str, Provider]:
        return {firm.name: firm}

    redis = open_redis(redis_url)
    office = Office(Roster(redis), partial(open_wire, redis_url), RealClock(), lambda: secrets.token_hex(8))
    work = asyncio.create_task(office.run())
    try:
        async with (
            open_house(settings, open_firms) as house,
            aiohttp.ClientSession() as http,
            TestServer(make_app(house)) as server,
        ):
            yield Street(house, firm, str(server.make_url("")).rstrip("/"), http, office)
            await house.feeds.aclose()
    finally:
        # A test does not wait for a desk to leave in order.
        await end([work, *office._tasks.values()])
        await redis.aclose()
