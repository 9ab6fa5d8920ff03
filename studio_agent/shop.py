"""What a paired agent asks its shop, and nothing else: a code to show, what became of it, a token.

Codes and credentials stand in bodies. A redirection is not followed: they would go along with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

ANSWER_LIMIT_S: Final = 10.0
LARGEST_BODY_BYTES: Final = 65_536


class ShopSilent(Exception):
    """The shop did not answer, or not as a shop does; another try may help."""


class ShopRefused(Exception):
    """The shop said no: the `code` of its problem document, and the interval that it wishes, if any."""

    def __init__(self, code: str, detail: str = "", interval_s: float | None = None) -> None:
        super().__init__(f"the shop said {code}: {detail}" if detail else f"the shop said {code}")
        self.code, self.interval_s = code, interval_s


@dataclass(frozen=True, slots=True)
class Asked:
    """A pairing under way: what to show, and what to ask with."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    expires_at_ms: int
    interval_s: float


@dataclass(frozen=True, slots=True)
class Paired:
    """The studio that the agent may publish for, and its first credential."""

    studio: str
    studio_name: str
    credential: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """A publish token until `expires_at_ms`, and the credential to use next time."""

    whip: str
    token: str = field(repr=False)
    expires_at_ms: int
    credential: str = field(repr=False)


class Shop:
    """One shop by its origin. Every call raises ShopSilent or ShopRefused."""

    def __init__(self, http: aiohttp.ClientSession, origin: str) -> None:
        self._http, self.origin = http, origin.rstrip("/")

    async def ask_pairing(self, agent: str) -> Asked:
        """A short code to show."""
        said = await self._post("/api/pairings", {"agent": agent})
        return Asked(
            device_code=_text(said, "device_code"),
            user_code=_text(said, "user_code"),
            verification_uri=_text(said, "verification_uri"),
            expires_at_ms=_number(said, "expires_at"),
            interval_s=_number(said, "interval"),
        )

    async def collect_pairing(self, device_code: str) -> Paired:
        """What became of the code, once somebody let the device in."""
        said = await self._post("/api/pairings/token", {"device_code": device_code})
        studio = said.get("studio")
        if not isinstance(studio, dict):
            raise ShopSilent("the shop's answer names no studio")
        return Paired(_text(studio, "id"), _text(studio, "name"), _text(said, "credential"))

    async def renew(self, credential: str) -> Access:
        """A publish token."""
        said = await self._post("/api/pairings/renewal", {"credential": credential})
        return Access(
            whip=_text(said, "whip"),
            token=_text(said, "token"),
            expires_at_ms=_number(said, "expires_at"),
            credential=_text(said, "credential"),
        )

    async def _post(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)
        url = self.origin + path
        try:
            async with self._http.post(url, json=body, timeout=limit, allow_redirects=False) as response:
                said = json.loads(await response.content.read(LARGEST_BODY_BYTES))
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ShopSilent(f"the shop does not answer: {error or type(error).__name__}") from None
        except ValueError:
            raise ShopSilent("the shop's answer is no JSON") from None
        if not isinstance(said, dict):
            raise ShopSilent("the shop's answer is no object")
        if status < 300:
            return said
        if status >= 500:
            raise ShopSilent(f"the shop said {status} {said.get('code', '')}".rstrip())
        interval = said.get("interval")
        seconds = float(interval) if isinstance(interval, int) and interval > 0 else None
        raise ShopRefused(str(said.get("code", status)), str(said.get("detail", ""))[:200], seconds)


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise ShopSilent(f"the shop's answer lacks {name}")
    return value


def _number(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    if not isinstance(value, int) or value <= 0:
        raise ShopSilent(f"the shop's answer lacks {name}")
    return value
