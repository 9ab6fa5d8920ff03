"""The way into the relay: an address, and the token that opens it now. Knows not where tokens come from."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from .settings import Settings


@dataclass(frozen=True, slots=True)
class WayIn:
    """Where to publish, and with which bearer token (never shown)."""

    whip: str
    token: str = field(repr=False)


class NoWay(Exception):
    """There is none at the moment; the message says why, and another try may help."""


class WayClosed(Exception):
    """There will be none until a person does something; the message says what."""


class Way(Protocol):
    """Finds the way in, before each offer."""

    async def find(self) -> WayIn:
        """The way as it is now. Raises NoWay, WayClosed, SettingsError."""

    async def find_other(self, refused: WayIn) -> bool:
        """Whether there is another way than the one whose token was refused. Raises as `find` does."""

    async def keep(self) -> None:
        """Keep the way open until cancelled."""


class GivenWay:
    """Address and token of the settings; a token file that was renewed is another way."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def find(self) -> WayIn:
        token = await asyncio.to_thread(self._settings.read_token)
        return WayIn(self._settings.whip_url, token)

    async def find_other(self, refused: WayIn) -> bool:
        return await self.find() != refused

    async def keep(self) -> None:
        await asyncio.Event().wait()
