"""Merchants and their goods. Every query of goods names the merchant whose goods they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, and_, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.stock import OUTSIDE, SHELF, Move, move
from commerce.books.tables import merchants, products, stock


@dataclass(frozen=True, slots=True)
class Merchant:
    """A seller. `name` maps language to text; `details` are the lines of an invoice about them."""

    id: str
    name: Mapping[str, str]
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Product:
    """One kind of goods. `stock` is what lies on the shelf: not granted to a show, not sold."""

    sku: str
    merchant: str
    title: Mapping[str, str]
    image: str | None
    price: int  # minor units
    currency: str
    stock: int
    hs_code: str
    origin: str  # ISO 3166-1, two letters
    net_quantity: str  # a decimal as on the label
    net_unit: str
    description: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SkuTaken:
    """Refusal: the SKU is in use."""

    sku: str


async def add_merchant(tx: AsyncConnection, merchant: Merchant, now_ms: int) -> None:
    """Add a merchant; raises IntegrityError when the id is in use."""
    await tx.execute(
        insert(merchants).values(
            id=merchant.id, name=dict(merchant.name), details=dict(merchant.details), created_at=now_ms
        )
    )


async def find_merchant(tx: AsyncConnection, merchant: str) -> Merchant | None:
    row = (await tx.execute(select(merchants).where(merchants.c.id == merchant))).one_or_none()
    return None if row is None else Merchant(row.id, row.name, row.details)


async def add_product(tx: AsyncConnection, product: Product, now_ms: int) -> SkuTaken | None:
    """Add a product and lay `product.stock` units on the shelf."""
    if await tx.scalar(select(products.c.sku).where(products.c.sku == product.sku)):
        return SkuTaken(product.sku)
    await tx.execute(
        insert(products).values(
            sku=product.sku, merchant_id=product.merchant, title=dict(product.title),
            description=dict(product.description), image=product.image, price=product.price,
            currency=product.currency, hs_code=product.hs_code, origin=product.origin,
            net_quantity=product.net_quantity, net_unit=product.net_unit, created_at=now_ms,
        )
    )  # fmt: skip
    if product.stock:
        await move(tx, Move(f"first:{product.sku}", product.sku, OUTSIDE, SHELF, product.stock), now_ms)
    return None


async def products_of(tx: AsyncConnection, merchant: str) -> list[Product]:
    """The merchant's products that are not withdrawn, oldest first."""
    found = await tx.execute(
        _with_stock()
        .where(products.c.merchant_id == merchant, products.c.withdrawn_at.is_(None))
        .order_by(products.c.created_at, products.c.sku)
    )
    return [_product(row) for row in found]


async def find_product(tx: AsyncConnection, merchant: str, sku: str) -> Product | None:
    """The product, if it is this merchant's."""
    query = _with_stock().where(products.c.merchant_id == merchant, products.c.sku == sku)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _product(row)


async def find_products(tx: AsyncConnection, merchant: str, skus: Sequence[str]) -> dict[str, Product]:
    """Those of the products that are this merchant's, by SKU."""
    query = _with_stock().where(products.c.merchant_id == merchant, products.c.sku.in_(skus))
    return {row.sku: _product(row) for row in await tx.execute(query)}


def _with_stock() -> Any:
    shelf = and_(stock.c.sku == products.c.sku, stock.c.place == SHELF)
    return select(products, stock.c.units).outerjoin(stock, shelf)


def _product(row: Row[Any]) -> Product:
    return Product(
        row.sku, row.merchant_id, row.title, row.image, row.price, row.currency, row.units or 0, row.hs_code,
        row.origin, row.net_quantity, row.net_unit, row.description,
    )  # fmt: skip
