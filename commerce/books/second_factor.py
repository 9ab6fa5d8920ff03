"""The second factor of an account: one-time codes by the clock (RFC 6238), and codes for a lost phone.

The shared secret is sealed under the key of the account's person; recovery codes are kept as keyed digests.
A code counts once: the step of the last one is moved by compare-and-set. Never knows sessions or HTTP.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import pyotp
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.ids import ALPHABET
from commerce.books.keyring import Keyring, seal, unseal
from commerce.books.persons import key_for, key_of
from commerce.books.tables import recovery_codes, second_factors

SECRET_BYTES: Final = 20  # of HMAC-SHA-1 (RFC 4226 section 4, R6)
STEP_SECONDS: Final = 30
STEPS_ASIDE: Final = 1  # a clock may be this many steps off (RFC 6238 section 5.2)
ENROLMENT_MS: Final = 15 * 60_000
CODES: Final = 10
CODE_LETTERS: Final = 10  # 50 bits
MISREAD: Final = str.maketrans("oil", "011", " -")

Proof: TypeAlias = Literal["code", "recovery"]


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor that is on since `confirmed_at`, with so many recovery codes left."""

    confirmed_at: int
    codes_left: int


@dataclass(frozen=True, slots=True)
class FactorStands:
    """Refusal: there is a second factor already; it has to be taken off first."""


@dataclass(frozen=True, slots=True)
class NothingEnrolled:
    """Refusal: no enrolment waits to be confirmed, or it waited too long."""


@dataclass(frozen=True, slots=True)
class WrongCode:
    """Refusal: this is not the code of now."""


def matching_step(secret: str, code: str, now_ms: int) -> int | None:
    """The step whose code this is, within a step of now; None for another code."""
    clock = pyotp.TOTP(secret, interval=STEP_SECONDS)
    now = now_ms // 1000 // STEP_SECONDS
    steps = range(now - STEPS_ASIDE, now + STEPS_ASIDE + 1)
    return next((step for step in steps if secrets.compare_digest(clock.generate_otp(step), code)), None)


def otpauth(secret: str, name: str) -> str:
    """The URI that authenticator apps read."""
    return pyotp.TOTP(secret, name=name, issuer="Silkcast").provisioning_uri()


async def factor_of(tx: AsyncConnection, account: str) -> Factor | None:
    """The account's second factor, if it is on."""
    confirmed = await tx.scalar(
        select(second_factors.c.confirmed_at).where(second_factors.c.account_id == account)
    )
    if confirmed is None:
        return None
    left = select(func.count()).where(
        recovery_codes.c.account_id == account, recovery_codes.c.used_at.is_(None)
    )
    return Factor(confirmed, int(await tx.scalar(left) or 0))


async def enrol(tx: AsyncConnection, keyring: Keyring, account: str, now_ms: int) -> str | FactorStands:
    """A new secret in base 32, which counts once a code of it was confirmed."""
    if await factor_of(tx, account) is not None:
        return FactorStands()
    await take_off(tx, account)
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    key = await key_for(tx, keyring, account, now_ms)
    sealed = seal(key, secret.encode(), _bound(account))
    await tx.execute(
        insert(second_factors).values(account_id=account, sealed=sealed, last_step=0, created_at=now_ms)
    )
    return secret


async def confirm(
    tx: AsyncConnection, keyring: Keyring, account: str, code: str, now_ms: int
) -> list[str] | NothingEnrolled | WrongCode:
    """The first code proves that the app has the secret: the factor is on. Gives the recovery codes."""
    query = select(second_factors).where(
        second_factors.c.account_id == account,
        second_factors.c.confirmed_at.is_(None),
        second_factors.c.created_at > now_ms - ENROLMENT_MS,
    )
    row = (await tx.execute(query)).one_or_none()
    secret = None if row is None else await _secret(tx, keyring, account, row.sealed)
    if secret is None:
        return NothingEnrolled()
    step = matching_step(secret, code, now_ms)
    if step is None:
        return WrongCode()
    await tx.execute(
        update(second_factors)
        .where(second_factors.c.account_id == account)
        .values(confirmed_at=now_ms, last_step=step)
    )
    return await renew_codes(tx, keyring, account)


async def take_code(
    tx: AsyncConnection, keyring: Keyring, account: str, code: str, now_ms: int
) -> Proof | None:
    """Which kind of code this is, if it counts; it never counts again."""
    typed = code.lower().translate(MISREAD)
    if len(typed) == CODE_LETTERS:
        used = await tx.execute(
            update(recovery_codes)
            .where(
                recovery_codes.c.digest == keyring.digest(_bound(account), typed),
                recovery_codes.c.used_at.is_(None),
            )
            .values(used_at=now_ms)
        )
        return "recovery" if used.rowcount == 1 else None
    return "code" if await _take_step(tx, keyring, account, typed, now_ms) else None


async def renew_codes(tx: AsyncConnection, keyring: Keyring, account: str) -> list[str]:
    """Fresh recovery codes; those before are void. Shown once: only digests are kept."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LETTERS)) for _ in range(CODES)]
    await tx.execute(delete(recovery_codes).where(recovery_codes.c.account_id == account))
    bound = _bound(account)
    rows = [{"digest": keyring.digest(bound, code), "account_id": account} for code in codes]
    await tx.execute(insert(recovery_codes), rows)
    half = CODE_LETTERS // 2
    return [f"{code[:half]}-{code[half:]}" for code in codes]


async def take_off(tx: AsyncConnection, account: str) -> None:
    """No second factor any more, nor a trace of its secret."""
    for table in (recovery_codes, second_factors):
        await tx.execute(delete(table).where(table.c.account_id == account))


async def reset(tx: AsyncConnection, account: str) -> bool:
    """Take the factor of somebody else off who lost it; False where none was on. Ask for proof before."""
    was_on = await factor_of(tx, account) is not None
    await take_off(tx, account)
    return was_on


async def _take_step(tx: AsyncConnection, keyring: Keyring, account: str, code: str, now_ms: int) -> bool:
    query = select(second_factors.c.sealed).where(
        second_factors.c.account_id == account, second_factors.c.confirmed_at.is_not(None)
    )
    sealed = await tx.scalar(query)
    secret = None if sealed is None else await _secret(tx, keyring, account, sealed)
    step = None if secret is None else matching_step(secret, code, now_ms)
    if step is None:
        return False
    moved = await tx.execute(
        update(second_factors)
        .where(second_factors.c.account_id == account, second_factors.c.last_step < step)
        .values(last_step=step)
    )
    return moved.rowcount == 1


async def _secret(tx: AsyncConnection, keyring: Keyring, account: str, sealed: bytes) -> str | None:
    key = await key_of(tx, keyring, account)
    return None if key is None else unseal(key, sealed, _bound(account)).decode()


def _bound(account: str) -> str:
    return f"second factor:{account}"
