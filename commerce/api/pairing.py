"""Pairing a studio's agent: it shows a short code, the merchant types it in, it gets a credential (RFC 8628).

With the credential it asks for publish tokens, short ones, for as long as nobody revokes the studio. Codes
and credentials go in bodies: addresses are logged.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.api import answered, answered_access, seat
from commerce.api.ask import Ask
from commerce.api.asked import Credential, DeviceCode, NewPairing, Nothing, PairingChoice, UserCode
from commerce.api.front import take
from commerce.api.merchant import merchant_of
from commerce.api.problems import Problem
from commerce.books import pairings, schedule
from commerce.live.pairing import (
    INTERVAL_SECONDS,
    LIFE_SECONDS,
    Approved,
    Denied,
    Pending,
    Waiting,
    as_typed,
    shown,
)
from commerce.live.sessions import PAIRING_CODES

PAIR_PATH: Final = "/pair"


async def ask_pairing(ask: Ask, body: NewPairing) -> Struct:
    """A short code to show, and a long one to ask with what became of it."""
    house = ask.house
    source = house.source_of(ask.request)
    take(house.pairing_births, source, 1.0)
    made = await house.pairings.ask(body.agent, source, ask.now_ms)
    if made is None:
        raise Problem("Busy", "Too many devices wait to be paired", retry_after_s=30)
    return answered_access.PairingAsked(
        device_code=made.device_code,
        user_code=shown(made.user_code),
        verification_uri=house.settings.origin + PAIR_PATH,
        expires_at=ask.now_ms + LIFE_SECONDS * 1000,
        interval=INTERVAL_SECONDS,
    )


async def collect_pairing(ask: Ask, body: DeviceCode) -> Struct:
    """What became of a pairing; the credential is given once."""
    house = ask.house
    polled = await house.pairings.poll(body.device_code, ask.now_ms)
    if polled is None:
        raise Problem("UnknownPairing")
    if isinstance(polled, Pending):
        wait, code = polled.interval_seconds, "SlowDown" if polled.too_fast else "PairingPending"
        raise Problem(code, extra={"interval": wait}, retry_after_s=wait)
    if isinstance(polled, Denied):
        raise Problem("PairingDenied")
    async with house.books.begin() as tx:
        studio = await schedule.studio_at(tx, polled.studio)
        if studio is None or studio.generation != polled.generation:
            raise Problem("UnknownPairing", "The studio was revoked in between")
        made, credential = await pairings.add_pairing(tx, polled.studio, polled.agent, polled.by, ask.now_ms)
        about = {"pairing": made, "agent": polled.agent, "by": polled.by}
        await house.note_in(tx, ask, "PairStudio", studio.id, actor=f"studio:{studio.id}", **about)
    named = answered.Studio(id=studio.id, name=studio.name)
    return answered_access.Paired(studio=named, credential=credential)


async def renew_pairing(ask: Ask, body: Credential) -> Struct:
    """A publish token for a paired agent, and the credential to use next time."""
    house = ask.house
    relay = seat.choose(await house.relays.living(), "", ask.now_ms)
    if relay is None:
        raise Problem("NoRelay")
    async with house.books.begin() as tx:
        renewed = await pairings.renew_pairing(tx, body.credential, ask.now_ms)
    if renewed is None:
        raise Problem("PairingVoid")
    studio = renewed.studio
    claims = seat.publish_claims(studio.id, studio.generation, ask.now_ms, seat.PAIRED_SECONDS)
    return answered_access.StudioAccess(
        whip=seat.whip_url(relay, studio.id),
        token=house.signer.sign(claims),
        expires_at=ask.now_ms + seat.PAIRED_SECONDS * 1000,
        credential=renewed.credential,
    )


async def look_at_pairing(ask: Ask, body: UserCode) -> Struct:
    """Which device shows a code, before it is let in."""
    waiting = await _waiting(ask, body.user_code)
    return answered_access.PairingSeen(
        agent=waiting.agent,
        source=waiting.source,
        asked_at=waiting.asked_at,
        expires_at=waiting.expires_at,
    )


async def approve_pairing(ask: Ask, body: PairingChoice) -> Struct:
    """Let the device that shows the code publish for a studio, or for a new one."""
    house, merchant = ask.house, merchant_of(ask)
    waiting = await _waiting(ask, body.user_code)
    async with house.books.begin() as tx:
        studio = await _chosen(tx, ask, merchant, body)
        about = {"agent": waiting.agent, "source": waiting.source}
        await house.note_in(tx, ask, "ApprovePairing", studio.id, **about)
        approved = Approved(studio.id, studio.generation, waiting.agent, ask.who.actor)
        if not await house.pairings.approve(as_typed(body.user_code), approved):
            raise Problem("UnknownPairing")
    return answered.Studio(id=studio.id, name=studio.name)


async def deny_pairing(ask: Ask, body: UserCode) -> None:
    """Send the device that shows the code away."""
    merchant_of(ask)
    waiting = await _waiting(ask, body.user_code)
    async with ask.house.books.begin() as tx:
        await ask.house.note_in(tx, ask, "DenyPairing", waiting.agent, source=waiting.source)
        if not await ask.house.pairings.deny(as_typed(body.user_code)):
            raise Problem("UnknownPairing")


async def revoke_studio(ask: Ask, _: Nothing) -> Struct:
    """Unpair a studio: its credentials and tokens are void, who publishes is cut off within seconds."""
    house = ask.house
    async with house.books.begin() as tx:
        studio = await schedule.revoke_pairing(tx, merchant_of(ask), ask.path("studio"), ask.now_ms)
        if isinstance(studio, schedule.UnknownStudio):
            raise Problem("UnknownStudio")
        await house.note_in(tx, ask, "RevokeStudioTokens", studio.id, generation=studio.generation)
    await house.relays.raise_generation(studio.id, studio.generation)
    return answered.Studio(id=studio.id, name=studio.name)


async def _waiting(ask: Ask, user_code: str) -> Waiting:
    """The device that shows the code. A guess is counted first; a right one clears the count."""
    house = ask.house
    await house.demand_try(PAIRING_CODES, ask.who.id)
    waiting = await house.pairings.find(as_typed(user_code))
    if waiting is None:
        raise Problem("UnknownPairing")
    await house.sessions.forget_tries(PAIRING_CODES, ask.who.id)
    return waiting


async def _chosen(tx: AsyncConnection, ask: Ask, merchant: str, body: PairingChoice) -> schedule.Studio:
    if body.studio is None:
        return await schedule.add_studio(tx, merchant, body.name or "", ask.now_ms)
    studio = await schedule.find_studio(tx, merchant, body.studio)
    if studio is None:
        raise Problem("UnknownStudio", extra={"studio": body.studio})
    return studio
