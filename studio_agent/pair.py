"""Pairing: show a short code, ask now and then whether it was typed in, keep what is given (RFC 8628)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from .credential import Credential, write_credential
from .settings import SettingsError
from .shop import Asked, Paired, Shop, ShopRefused, ShopSilent

MOST_CODES: Final = 6  # of ten minutes each
LONGEST_INTERVAL_S: Final = 60.0
PENDING: Final = ("PairingPending", "SlowDown", "RateLimited")

Show = Callable[[str], None]
Sleep = Callable[[float], Awaitable[None]]


class NotPaired(Exception):
    """Nobody let this agent in; the message says why."""


async def pair(shop: Shop, agent: str, file: Path, show: Show, sleep: Sleep = asyncio.sleep) -> Credential:
    """Pair this agent and keep its credential in the file. Raises NotPaired and SettingsError."""
    for _ in range(MOST_CODES):
        asked = await _ask(shop, agent, sleep)
        show(invitation(asked))
        paired = await _collect(shop, asked, sleep)
        if paired is not None:
            return await _keep(shop, paired, file)
        show("Nobody typed the code in; here is another.")
    raise NotPaired("Nobody typed a code in.")


def invitation(asked: Asked) -> str:
    """What the person at the studio reads."""
    return f"Open   {asked.verification_uri}\nEnter  {asked.user_code}\n"


async def _ask(shop: Shop, agent: str, sleep: Sleep) -> Asked:
    """A code; a shop that is silent is asked for as long as a code would live."""
    for _ in range(round(600 / LONGEST_INTERVAL_S)):
        try:
            return await shop.ask_pairing(agent)
        except ShopRefused as refused:
            if refused.code not in PENDING:
                raise NotPaired(f"No code: {refused}.") from None
            wait_s = LONGEST_INTERVAL_S
        except ShopSilent:
            wait_s = 5.0
        await sleep(wait_s)
    raise NotPaired(f"{shop.origin} does not answer.")


async def _collect(shop: Shop, asked: Asked, sleep: Sleep) -> Paired | None:
    """What was given for the code; None when its time is over."""
    interval_s = asked.interval_s
    while time.time() * 1000 < asked.expires_at_ms:
        await sleep(interval_s)
        try:
            return await shop.collect_pairing(asked.device_code)
        except ShopSilent:
            continue
        except ShopRefused as refused:
            if refused.code == "UnknownPairing":
                return None
            if refused.code not in PENDING:
                raise NotPaired(f"The shop sent this device away: {refused}.") from None
            interval_s = min(LONGEST_INTERVAL_S, max(interval_s, refused.interval_s or 0))
    return None


async def _keep(shop: Shop, paired: Paired, file: Path) -> Credential:
    credential = Credential(shop.origin, paired.studio, paired.studio_name, paired.credential)
    try:
        await asyncio.to_thread(write_credential, file, credential)
    except OSError as error:
        raise SettingsError(f"STUDIO_PAIRING_FILE {file} cannot be written: {error.strerror}.") from None
    return credential
