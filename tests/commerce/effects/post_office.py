"""A mail server for tests, in the test's own loop: takes mail, turns it down, or goes away in the middle."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal

from aiosmtpd.smtp import SMTP as Protocol
from aiosmtpd.smtp import AuthResult


@dataclass
class PostOffice:
    """`box` is what it took; `says` turns a recipient down; `on_mail` is called when it has one in hand."""

    port: int = 0
    box: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    says: dict[str, str] = field(default_factory=dict)
    on_mail: Callable[[], None] = lambda: None
    heard: list[tuple[bytes, bytes]] = field(default_factory=list)  # names and passwords

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.says:
            return self.says[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.raw.append(envelope.content)
        self.box.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]  # the policy makes EmailMessage
        self.on_mail()
        await asyncio.sleep(0)
        return "250 taken"

    def sign_in(self, server: Any, session: Any, envelope: Any, mechanism: str, said: Any) -> AuthResult:
        self.heard.append((said.login, said.password))
        return AuthResult(success=True)


@asynccontextmanager
async def post_office(
    tls: Literal["tls", "starttls", "none"] = "none", context: ssl.SSLContext | None = None
) -> AsyncIterator[PostOffice]:
    """Listening: in the clear, with STARTTLS on offer, or with TLS from the first byte on."""
    office = PostOffice()
    upgrade = context if tls == "starttls" else None
    loop = asyncio.get_running_loop()
    sessions: list[Protocol] = []

    def session() -> Protocol:
        made = Protocol(
            office, hostname="post.test", enable_SMTPUTF8=False, tls_context=upgrade,
            require_starttls=upgrade is not None, auth_require_tls=upgrade is not None,
            authenticator=office.sign_in,
        )  # fmt: skip
        sessions.append(made)
        return made

    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context if tls == "tls" else None)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
        for one in sessions:
            if one.transport is not None:
                one.transport.abort()
        await asyncio.sleep(0)
