"""A WHIP or WHEP endpoint as a conformance check sees it: requests, sessions, demands."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp

from studio_agent.sdp import Party, Ssrcs, write_offer

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
ORIGIN = "https://shop.example"


class Broken(Exception):
    """A demand that is not met; the message says what was seen."""


def demand(holds: bool, seen: str) -> None:
    if not holds:
        raise Broken(seen)


def ice() -> tuple[str, str]:
    return secrets.token_hex(4), secrets.token_hex(12)


@dataclass
class Endpoint:
    """One WHIP or WHEP endpoint and the token for it."""

    kind: str  # "whip" or "whep"
    url: str
    token: str
    http: aiohttp.ClientSession
    idle_url: str = ""  # of a show that is not on air, for the same token; without it that is not asked
    moved_url: str = ""  # of an endpoint that sends who comes on to another place
    full_url: str = ""  # of one that has no room
    flood: int = 0  # how many requests may be wasted to see a limit; 0: it is not looked for
    house: bool = False  # whether it is our own relay, which promises more

    @property
    def ours(self) -> str:
        return "sendonly" if self.kind == "whip" else "recvonly"

    @property
    def theirs(self) -> str:
        return "recvonly" if self.kind == "whip" else "sendonly"

    def offer(self) -> tuple[str, tuple[str, str]]:
        """A fresh offer and its ICE credentials."""
        credentials = ice()
        fingerprint = "sha-256 " + ":".join(f"{byte:02X}" for byte in secrets.token_bytes(32))
        candidate = "1 1 udp 2130706431 192.0.2.77 40000 typ host"
        party = Party(*credentials, fingerprint, (candidate,), secrets.token_hex(4))
        text = write_offer(secrets.randbits(60), party, Ssrcs(11, {"": (22, 33)}))
        if self.kind == "whep":
            lines = [line for line in text.split("\r\n") if not line.startswith(("a=ssrc", "a=msid:"))]
            text = "\r\n".join(lines).replace("a=sendonly", "a=recvonly")
        return text, credentials

    async def ask(
        self, method: str, url: str, body: str | None = None, *, bearer: bool = True, **headers: str
    ) -> Reply:
        """One request; header names are written with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if bearer and self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        async with self.http.request(
            method,
            url,
            data=body,
            headers=sent,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=60),
        ) as response:
            text = await response.text(errors="replace")
            return Reply(response.status, list(response.headers.items()), response.content_type, text)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session of its own, deleted at the end."""
        offer, credentials = self.offer()
        reply = await self.ask("POST", self.url, offer, Content_Type=SDP)
        demand(reply.status == 201, f"a good offer was answered by {reply.status}: {reply.text[:200]}")
        location = reply.header("Location")
        session = Session(self, reply, urljoin(self.url, location), credentials)
        try:
            yield session
        finally:
            await self.ask("DELETE", session.url)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: list[tuple[str, str]]
    content_type: str
    text: str

    def header(self, name: str) -> str:
        """A header, whatever its case; Broken when it is absent."""
        found = self.all(name)
        if not found:
            raise Broken(f"there is no {name} in the answer {self.status}")
        return found[0]

    def all(self, name: str) -> list[str]:
        """Every header of that name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def has(self, name: str) -> bool:
        return bool(self.all(name))


@dataclass
class Session:
    endpoint: Endpoint
    reply: Reply
    url: str
    credentials: tuple[str, str]

    def fragment(self, credentials: tuple[str, str] | None = None) -> str:
        ufrag, password = credentials or self.credentials
        return (
            f"a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\n"
            "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
            "a=candidate:2 1 udp 1694498815 198.51.100.9 41000 typ srflx raddr 0.0.0.0 rport 0\r\n"
            "a=candidate:3 1 tcp 1518280447 192.0.2.77 9 typ host tcptype active\r\na=end-of-candidates\r\n"
        )

    async def patch(self, body: str, **headers: str) -> Reply:
        headers.setdefault("Content_Type", FRAGMENT)
        return await self.endpoint.ask("PATCH", self.url, body, **headers)


Check = Callable[[Endpoint], Awaitable[None]]


@dataclass(frozen=True)
class Demand:
    """A check and where it is demanded; of WHEP its draft demands the same."""

    name: str
    where: str
    check: Check
    basic: bool = False  # what a counterpart in tests must meet, too
    kinds: tuple[str, ...] = ("whip", "whep")
    house: bool = False  # our own promise, in no text
    needs: str = ""  # what of the endpoint must be known

    def concerns(self, endpoint: Endpoint) -> bool:
        """Whether it can be asked of this endpoint."""
        known = not self.needs or bool(getattr(endpoint, self.needs))
        return endpoint.kind in self.kinds and known and (endpoint.house or not self.house)


DEMANDS: list[Demand] = []


def must(
    where: str,
    *,
    kinds: tuple[str, ...] = ("whip", "whep"),
    basic: bool = False,
    house: bool = False,
    needs: str = "",
) -> Callable[[Check], Check]:
    def enlist(check: Check) -> Check:
        name = check.__name__.replace("_", " ")
        DEMANDS.append(Demand(name, where, check, basic, kinds, house, needs))
        return check

    return enlist
