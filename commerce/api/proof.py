"""Proving again who one is: the code of a second factor, the password before a change.

Guesses are counted before they are looked at. A wrong code after the right password goes into the trail:
somebody knows a password.
"""

from __future__ import annotations

from commerce.api.ask import Ask
from commerce.api.problems import Problem
from commerce.books import second_factor
from commerce.books.accounts import is_password_of
from commerce.live.sessions import CODES, CODES_OF_A_DAY, PASSWORDS, Holder


async def prove(ask: Ask, holder: Holder, code: str | None) -> str:
    """How somebody whose password was right proved to be who they are: `password`, `code` or `recovery`.

    Raises CodeNeeded, WrongCode or RateLimited.
    """
    async with ask.house.books.read() as tx:
        factor = await second_factor.factor_of(tx, holder.id)
    if factor is None:
        return "password"
    if code is None:
        raise Problem("CodeNeeded")
    return await take_code(ask, holder, code)


async def take_code(ask: Ask, holder: Holder, code: str) -> second_factor.Proof:
    """Use a code of the holder's second factor up. Raises WrongCode or RateLimited."""
    house = ask.house
    await demand_code_try(ask, holder)
    async with house.books.begin() as tx:
        proof = await second_factor.take_code(tx, house.books.keyring, holder.id, code, ask.now_ms)
        act = {"code": "", "recovery": "UseRecoveryCode", None: "WrongCode"}[proof]
        if act:
            await house.note_in(tx, ask, act, holder.id, actor=holder.actor)
    if proof is None:
        raise Problem("WrongCode")
    await house.sessions.forget_tries(CODES, holder.id)
    return proof


async def demand_code_try(ask: Ask, holder: Holder) -> None:
    """Count a guess at a code. Raises RateLimited."""
    await ask.house.demand_try(CODES_OF_A_DAY, holder.id)
    await ask.house.demand_try(CODES, holder.id)


async def demand_password(ask: Ask, password: str) -> None:
    """The caller's password again. Raises WrongPassword or RateLimited."""
    house, who = ask.house, ask.who
    await house.demand_try(PASSWORDS, who.name)
    async with house.books.read() as tx:
        right = await is_password_of(tx, who.id, password)
    if not right:
        raise Problem("WrongPassword")
    await house.sessions.forget_tries(PASSWORDS, who.name)
