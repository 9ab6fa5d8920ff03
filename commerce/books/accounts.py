"""Who may sign in: staff accounts with argon2id passwords, each but the operator's bound to one merchant."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.ids import new_id
from commerce.books.tables import accounts

Role: TypeAlias = Literal["host", "merchant", "operator"]
HASHER: Final = PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1
)  # OWASP's least for argon2id
# Checked where there is no such account, so that a stranger cannot tell names by the time an answer takes.
NOBODY: Final = HASHER.hash("nobody")
PASSWORD_CHARACTERS: Final = range(10, 257)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody of the staff. `merchant` is None for operators alone."""

    id: str
    name: str
    role: Role
    merchant: str | None


@dataclass(frozen=True, slots=True)
class NameTaken:
    """Refusal: there is an account of this name."""

    name: str


async def add_account(
    tx: AsyncConnection, name: str, password: str, *, role: Role, merchant: str | None, now_ms: int
) -> Account | NameTaken:
    """Add an account. Raises ValueError for a password outside 10–256 characters."""
    if len(password) not in PASSWORD_CHARACTERS:
        raise ValueError("a password has 10 to 256 characters")
    if await tx.scalar(select(accounts.c.id).where(accounts.c.name == name)):
        return NameTaken(name)
    account = Account(new_id("ac"), name, role, merchant)
    hashed = await asyncio.to_thread(HASHER.hash, password)
    await tx.execute(
        insert(accounts).values(
            id=account.id, name=name, password_hash=hashed, role=role, merchant_id=merchant, created_at=now_ms
        )
    )
    return account


async def sign_in(tx: AsyncConnection, name: str, password: str) -> Account | None:
    """The account whose name and password these are; None for all else, after the same time."""
    row = (await tx.execute(select(accounts).where(accounts.c.name == name))).one_or_none()
    known = row is not None and row.disabled_at is None
    right = await asyncio.to_thread(_matches, row.password_hash if row and known else NOBODY, password)
    if row is None or not known or not right:
        return None
    return Account(row.id, row.name, cast("Role", row.role), row.merchant_id)


async def is_password_of(tx: AsyncConnection, account: str, password: str) -> bool:
    """Whether this is the account's password; asked again before a change of how one signs in."""
    hashed = await tx.scalar(select(accounts.c.password_hash).where(accounts.c.id == account))
    return await asyncio.to_thread(_matches, hashed or NOBODY, password)


async def change_password(tx: AsyncConnection, account: str, password: str) -> None:
    """Another password. Raises ValueError for one outside 10–256 characters."""
    if len(password) not in PASSWORD_CHARACTERS:
        raise ValueError("a password has 10 to 256 characters")
    hashed = await asyncio.to_thread(HASHER.hash, password)
    await tx.execute(update(accounts).where(accounts.c.id == account).values(password_hash=hashed))


async def find_account(tx: AsyncConnection, account: str) -> Account | None:
    """The account of this id, unless it was disabled: a session is worth no more than its account."""
    row = (
        await tx.execute(select(accounts).where(accounts.c.id == account, accounts.c.disabled_at.is_(None)))
    ).one_or_none()
    return None if row is None else Account(row.id, row.name, cast("Role", row.role), row.merchant_id)


async def account_named(tx: AsyncConnection, name: str) -> Account | None:
    """The account that signs in by this name, unless it was disabled."""
    known = await tx.scalar(select(accounts.c.id).where(accounts.c.name == name))
    return None if known is None else await find_account(tx, known)


async def disable_account(tx: AsyncConnection, account: str, now_ms: int) -> None:
    """No one signs in with it any more; what it did stays in the records."""
    await tx.execute(update(accounts).where(accounts.c.id == account).values(disabled_at=now_ms))


def _matches(hashed: str, password: str) -> bool:
    try:
        return HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
