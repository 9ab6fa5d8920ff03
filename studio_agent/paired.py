"""The way of a paired agent: a publish token asked of the shop, and asked anew long before it expires.

A shop that is away for half a token's life is not noticed. The new credential is on the disk before the
token is used, so that a crash in between leaves one that counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog

from .credential import Credential, write_credential
from .shop import Access, Shop, ShopRefused, ShopSilent
from .way import NoWay, WayClosed, WayIn

AGAIN_SECONDS: Final = 5.0  # after the shop was silent
VOID: Final = "PairingVoid"
CLOSED: Final = "The shop has revoked this pairing: pair the studio again"

log = structlog.get_logger("pairing")


def unix_ms() -> int:
    return time.time_ns() // 1_000_000


class PairedWay:
    """Finds the way in by a credential. One renewal at a time."""

    def __init__(
        self, shop: Shop, credential: Credential, file: Path, now_ms: Callable[[], int] = unix_ms
    ) -> None:
        self._shop, self._credential, self._file, self._now_ms = shop, credential, file, now_ms
        self._access: Access | None = None
        self._renew_at_ms = 0
        self._renewing = asyncio.Lock()

    async def find(self) -> WayIn:
        """The token at hand while half of its life is left, else another; a silent shop spends the rest."""
        async with self._renewing:
            if self._access is None or self._now_ms() >= self._renew_at_ms:
                try:
                    await self._renew()
                except ShopSilent as silent:
                    if self._access is None or self._now_ms() >= self._access.expires_at_ms:
                        raise NoWay(str(silent)) from None
            return self._way()

    async def find_other(self, refused: WayIn) -> bool:
        """A token that the relay refused may be of an older generation: ask for another at once."""
        async with self._renewing:
            if self._access is None or self._way() == refused:
                try:
                    await self._renew()
                except ShopSilent as silent:
                    raise NoWay(str(silent)) from None
            return self._way() != refused

    async def keep(self) -> None:
        """Renew at half of each token's life."""
        while True:
            wait_s = max(AGAIN_SECONDS, (self._renew_at_ms - self._now_ms()) / 1000)
            await asyncio.sleep(wait_s)
            try:
                await self.find()
            except NoWay as none:
                log.warning("no token", detail=str(none))
            except WayClosed as closed:
                log.error("no token", detail=str(closed))
                return

    async def _renew(self) -> None:
        try:
            access = await self._shop.renew(self._credential.secret)
        except ShopRefused as refused:
            if refused.code == VOID:
                raise WayClosed(CLOSED) from None
            raise ShopSilent(str(refused)) from None
        self._credential = replace(self._credential, secret=access.credential)
        try:
            await asyncio.to_thread(write_credential, self._file, self._credential)
        except OSError as error:
            log.error("the credential could not be kept", file=str(self._file), detail=error.strerror)
        now_ms = self._now_ms()
        self._access = access
        self._renew_at_ms = now_ms + (access.expires_at_ms - now_ms) // 2

    def _way(self) -> WayIn:
        assert self._access is not None  # noqa: S101  (both callers made one)
        return WayIn(self._access.whip, self._access.token)
