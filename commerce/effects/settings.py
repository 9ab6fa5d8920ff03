"""Settings of the effects process (`python -m commerce.effects`)."""

# ruff: noqa: RUF009  `setting` makes a dataclass field, as `dataclasses.field` does

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from commerce.settings import (
    Address,
    WrongSetting,
    absolute,
    address,
    database_url,
    maybe_origin,
    maybe_path,
    redis_url,
    setting,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsSettings:
    """Read once at the start."""

    http: Address = setting("EFFECTS_HTTP", address, "127.0.0.1:8084")
    redis_url: str = setting("REDIS_URL", redis_url, "unix://{var}/valkey/s")
    database_url: str = setting("DATABASE_URL", database_url, "sqlite+aiosqlite:///{var}/books.sqlite")
    keys_dir: Path = setting("KEYS_DIR", absolute, "{var}/keys")


class MailServer(NamedTuple):
    """Where mail is handed over, and how it is kept from being read on the way."""

    host: str
    port: int
    tls: Literal["tls", "starttls", "none"]


SCHEMES: dict[str, tuple[int, Literal["tls", "starttls", "none"]]] = {
    "smtps": (465, "tls"),
    "smtp": (587, "starttls"),
    "smtp+plain": (25, "none"),
}
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")


def mail_server(value: str) -> MailServer | None:
    """`smtps://HOST[:PORT]`, `smtp://…` (STARTTLS is demanded), `smtp+plain://…`, or nothing."""
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in SCHEMES or not parts.hostname or parts.path not in ("", "/") or "@" in value:
        raise ValueError("must be smtps://HOST, smtp://HOST or smtp+plain://HOST")
    port, tls = SCHEMES[parts.scheme]
    return MailServer(parts.hostname, parts.port or port, tls)


def is_here(host: str) -> bool:
    """Whether a host is this machine, by name or address."""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def maybe_sender(value: str) -> str:
    """An address that mail comes from, or nothing."""
    if value and not ADDRESS.fullmatch(value):
        raise ValueError("must be an address such as shop@example.org")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """Mail to buyers; without `MAIL_SERVER` none is written and none is sent."""

    server: MailServer | None = setting("MAIL_SERVER", mail_server)
    sender: str = setting("MAIL_FROM", maybe_sender)
    user: str = setting("MAIL_USER", str)
    password_file: Path | None = setting("MAIL_PASSWORD_FILE", maybe_path)
    ca_file: Path | None = setting("MAIL_CA_FILE", maybe_path)  # trusted beside the system's authorities
    public_url: str | None = setting("SHOP_URL", maybe_origin)

    def __post_init__(self) -> None:
        if self.server and not (self.sender and self.public_url):
            raise WrongSetting("MAIL_SERVER needs MAIL_FROM and SHOP_URL")
        if bool(self.user) != bool(self.password_file):
            raise WrongSetting("MAIL_USER and MAIL_PASSWORD_FILE go together")
        if self.user and self.server and self.server.tls == "none" and not is_here(self.server.host):
            raise WrongSetting(
                "MAIL_PASSWORD_FILE goes over TLS alone: MAIL_SERVER must be smtps:// or smtp://"
            )
        if self.ca_file and not self.ca_file.is_file():
            raise WrongSetting("MAIL_CA_FILE must name a file")

    @property
    def origin(self) -> str:
        """The shop, as the links in mails name it."""
        return self.public_url or ""
