"""How one relay asks another for a show: WHEP, with a few headers of our own.

Knows HTTP and the registry's addresses; what becomes of the answer is `upstream.py`'s matter.
"""

from __future__ import annotations

import contextlib
from typing import Final, NamedTuple
from urllib.parse import urljoin

import aiohttp

from ..contract import RelayEntry, RelayId, ShowId
from ..rtc.answers import ENCODINGS_MAX
from ..rtc.sdp import OFFER_BYTES_MAX

RELAY_ID: Final = "Relay-Id"  # who asks: nobody is given what comes from himself
RELAY_STEPS: Final = "Relay-Steps"  # how far the answering relay stands from the studio
RELAY_RENDITIONS: Final = "Relay-Renditions"  # which there are; who names none gets the first
RENDITION: Final = "rendition"  # in the query: the one that is wanted
STEPS_GIVEN_MAX: Final = 1  # from the studio: what is farther away is not given on


class Given(NamedTuple):
    """What the other relay answered."""

    answer: str
    resource: str  # the session's URL there
    steps: int  # how far we are from the studio now
    names: tuple[str, ...]  # of its renditions, at least one; the first is what it gives by itself


class Asking:
    """One relay's way to ask, with the shop's token of role `relay`."""

    def __init__(self, http: aiohttp.ClientSession, token: str, relay: RelayId) -> None:
        self._http, self._relay = http, relay
        self._bearer = {"Authorization": f"Bearer {token}"}

    async def ask(self, source: RelayEntry, show: ShowId, offer: str, rendition: str | None) -> Given:
        """Open a session there. Raises aiohttp.ClientError, TimeoutError, OSError."""
        url = f"{source.url.rstrip('/')}/whep/{show}"
        headers = {**self._bearer, "Content-Type": "application/sdp", RELAY_ID: self._relay}
        query = {} if rendition is None else {RENDITION: rendition}
        async with self._http.post(
            url, params=query, data=offer, headers=headers, allow_redirects=False
        ) as response:
            body = await _body(response)
            if response.status != 201:
                raise aiohttp.ClientError(f"{response.status} from {source.relay}")
            told = response.headers.get(RELAY_STEPS, "")
            steps = 1 + (int(told) if told.isdecimal() else STEPS_GIVEN_MAX)  # who says nothing is no origin
            names = response.headers.get(RELAY_RENDITIONS, "").split(",")[:ENCODINGS_MAX]
            resource = urljoin(url, response.headers.get("Location", url))
            return Given(body.decode("utf-8", "replace"), resource, steps, tuple(dict.fromkeys(names)))

    async def leave(self, resource: str) -> None:
        """End the session there, if it can be told."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError, RuntimeError):
            await self._http.delete(resource, headers=self._bearer)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """All of it, in however many pieces it comes; no more than an answer may have."""
    body = bytearray()
    while piece := await response.content.read(OFFER_BYTES_MAX + 1 - len(body)):
        body += piece
        if len(body) > OFFER_BYTES_MAX:
            raise aiohttp.ClientPayloadError("the answer is too long")
    return bytes(body)
