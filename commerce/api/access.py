"""Becoming somebody: buyers get a token for the asking, staff for name and password.

Bearer tokens in a header are sent by nobody's browser on its own, so there is no CSRF to fend off.
"""

from __future__ import annotations

from msgspec import Struct

from commerce.api.answered import Account, Buyer, Rotated, Session, SessionFacts
from commerce.api.ask import Ask
from commerce.api.asked import Nothing, SignIn
from commerce.api.front import take
from commerce.api.house import staff_holder
from commerce.api.problems import Problem
from commerce.api.proof import prove
from commerce.books.accounts import sign_in
from commerce.books.ids import new_id
from commerce.live.sessions import BUYER_SECONDS, PASSWORDS, STAFF_SECONDS, Holder


async def become_buyer(ask: Ask, _: Nothing) -> Struct:
    """A new buyer; the browser keeps the token."""
    house = ask.house
    take(house.births, house.source_of(ask.request), 1.0)
    holder = Holder("buyer", new_id("by"))
    token = await house.sessions.open(holder)
    return Buyer(buyer=holder.id, token=token, expires_at=ask.now_ms + BUYER_SECONDS * 1000)


async def open_session(ask: Ask, body: SignIn) -> Struct:
    """Sign in. Wrong name, wrong password and too many tries cost the same time and tell nothing.

    An account with a second factor is asked for a code (`CodeNeeded`) once the password was right. A
    session whose token comes with the request ends: nobody slips into one that was made before.
    """
    house = ask.house
    take(house.sign_ins, house.source_of(ask.request), 1.0)
    await house.demand_try(PASSWORDS, body.name)
    async with house.books.read() as tx:
        account = await sign_in(tx, body.name, body.password)
    if account is None:
        raise Problem("WrongPassword")
    await house.sessions.forget_tries(PASSWORDS, body.name)
    holder = staff_holder(account)
    proof = await prove(ask, holder, body.code)
    if ask.holder is not None and ask.holder.kind == "staff":
        await house.forget_token(ask.token or "")
    async with house.books.begin() as tx:
        await house.note_in(tx, ask, "SignedIn", account.id, actor=holder.actor, proof=proof)
        token = await house.sessions.open(holder)
    return Session(token=token, account=_account(holder), expires_at=ask.now_ms + STAFF_SECONDS * 1000)


async def read_session(ask: Ask) -> Struct:
    """Who one is."""
    return SessionFacts(account=_account(ask.who), warnings=ask.house.warnings)


async def end_session(ask: Ask) -> None:
    """Sign out: the token holds no more."""
    await ask.house.forget_token(ask.token or "")


async def rotate_token(ask: Ask, _: Nothing) -> Struct:
    """A new token for the old one, which ends; for buyers and staff."""
    token = await ask.house.rotate_token(ask.token or "")
    if token is None:
        raise Problem("NotSignedIn")
    return Rotated(token=token, expires_at=ask.now_ms + ask.who.seconds * 1000)


def _account(holder: Holder) -> Account:
    return Account(id=holder.id, name=holder.name, role=holder.role, merchant=holder.merchant)  # type: ignore[arg-type]  # the books hold the three roles alone
