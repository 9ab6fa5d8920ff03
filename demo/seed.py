"""Lays the demo's world: merchants, staff and goods into the books, shows through the shop's API.

What stands already is left as it is, so a demo that is started again goes on with its show.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books import accounts, catalogue, schedule
from commerce.books.database import open_books
from commerce.keys import load_signer
from commerce.settings import ShopSettings
from demo.cast import (
    ACCOUNTS,
    CURRENCY,
    HOLD_SECONDS,
    HOUSES,
    OPERATOR,
    TIME_ZONE,
    House,
    goods,
    picture,
    rundown,
)
from demo.client import Client
from streaming.contract import ShowId, TokenClaims

SCRIPT_SECONDS: Final = 12 * 3_600


@dataclass(frozen=True, slots=True)
class OnAir:
    """A show that is open and on air: a viewer's way in and its studio's."""

    show: str
    whep: str
    whep_token: str
    whip: str
    whip_token: str


def new_logins() -> dict[str, str]:
    """Account name → a password of its own: no default password stands anywhere."""
    return {name: secrets.token_urlsafe(9) for name in ACCOUNTS}


async def lay_books(shop: ShopSettings, logins: dict[str, str]) -> None:
    """Put houses, goods and accounts into empty books; books that have a merchant are left alone."""
    books = await open_books(shop.database_url, shop.keys_dir / "persons.key")
    now_ms = _now_ms()
    try:
        async with books.begin() as tx:
            if await catalogue.find_merchant(tx, HOUSES[0].merchant) is None:
                for house in HOUSES:
                    await _lay_house(tx, house, logins, now_ms)
                await _add_account(tx, OPERATOR, logins[OPERATOR], "operator", None)
    finally:
        await books.close()


async def _lay_house(tx: AsyncConnection, house: House, logins: dict[str, str], now_ms: int) -> None:
    await catalogue.add_merchant(tx, catalogue.Merchant(house.merchant, house.name), now_ms)
    await schedule.add_studio(tx, house.merchant, house.studio_name, now_ms, studio=house.studio)
    await _add_account(tx, house.host, logins[house.host], "host", house.merchant)
    await _add_account(tx, house.seller, logins[house.seller], "merchant", house.merchant)
    for item in goods(house):
        await catalogue.add_product(tx, _product(item, house.merchant), now_ms)


async def _add_account(
    tx: AsyncConnection, name: str, password: str, role: accounts.Role, merchant: str | None
) -> None:
    now_ms = _now_ms()
    await accounts.add_account(tx, name, password, role=role, merchant=merchant, now_ms=now_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _product(item: dict[str, Any], merchant: str) -> catalogue.Product:
    return catalogue.Product(
        sku=item["sku"],
        merchant=merchant,
        title=item["title"],
        description=item["description"],
        image=picture(item["sku"]),
        price=item["price"],
        currency=item["currency"],
        stock=item["stock"],
        hs_code=item["hs_code"],
        origin=item["origin"],
        net_quantity=item["net_quantity"],
        net_unit=item["net_unit"],
    )


async def open_show(origin: str, keys_dir: Path, house: House, logins: dict[str, str]) -> OnAir:
    """The house's show on air: the one that is open already, or a new one."""
    async with Client(origin) as seller, Client(origin) as host:
        await seller.sign_in(house.seller, logins[house.seller])
        await host.sign_in(house.host, logins[house.host])
        show = await _show_of_tonight(seller, house)
        if show["state"] == "scheduled":
            await host.ask("POST", f"/api/host/shows/{show['id']}/open")
        await host.ask("POST", f"/api/host/shows/{show['id']}/on-air", {"studio": house.studio})
        way_in = await seller.ask("POST", f"/api/merchant/studios/{house.studio}/token")
        whep = await whep_of(origin, show["id"])
        token = await asyncio.to_thread(view_token, keys_dir, show["id"])
        return OnAir(show["id"], whep, token, way_in["whip"], way_in["token"])


async def _show_of_tonight(seller: Client, house: House) -> dict[str, Any]:
    """The house's show that is scheduled or open; a new one with its rundown where there is none."""
    shows = (await seller.ask("GET", "/api/merchant/shows"))["shows"]
    for show in shows:
        if show["state"] == "opened":
            return dict(show)
    show = await seller.ask(
        "POST",
        "/api/merchant/shows",
        {
            "title": house.show_title,
            "starts_at": _now_ms(),
            "time_zone": TIME_ZONE,
            "currency": CURRENCY,
            "hold_seconds": HOLD_SECONDS,
            "studio": house.studio,
        },
    )
    await seller.ask("PUT", f"/api/merchant/shows/{show['id']}/rundown", {"offers": rundown(house)})
    return dict(show)


async def whep_of(origin: str, show: str) -> str:
    """Where a player of the show sends its offer, as the shop tells anybody who asks for a seat."""
    async with Client(origin) as buyer:
        await buyer.become_buyer()
        return str((await buyer.ask("POST", f"/api/shows/{show}/seat"))["whep"])


def view_token(keys_dir: Path, show: str) -> str:
    """A viewer's token for scripts: good for hours, where the shop's own are good for minutes."""
    expires_s = int(time.time()) + SCRIPT_SECONDS
    claims = TokenClaims("view", "demo-script", expires_s, show=ShowId(show))
    return load_signer(keys_dir).sign(claims.to_jwt())
