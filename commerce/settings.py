"""How processes of the shop read their settings: from the environment, once, typed.

A settings class is a frozen dataclass whose fields are made by `setting`; `read` fills it.
A wrong value names itself: `load` turns it into one sentence on stderr and exit code 2.
"""

# ruff: noqa: RUF009  `setting` makes a dataclass field, as `dataclasses.field` does

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

WRONG_SETTING_EXIT: Final = 2

T = TypeVar("T")


class WrongSetting(ValueError):
    """A setting has a value that cannot be used; the text names it and says what is wanted."""


class Address(NamedTuple):
    """Where a process listens."""

    host: str
    port: int


def text(value: str) -> str:
    """Any text that is not empty."""
    if not value:
        raise ValueError("must not be empty")
    return value


def address(value: str) -> Address:
    """`HOST:PORT`; an IPv6 host stands in brackets."""
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("must be HOST:PORT")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def flag(value: str) -> bool:
    """`1` or `0`."""
    if value not in ("", "0", "1"):
        raise ValueError("must be 1 or 0")
    return value == "1"


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number between `least` and `most`, both included."""

    def parse(value: str) -> int:
        if not value.isdecimal() or not least <= int(value) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(value)

    return parse


def origin(value: str) -> str:
    """`http(s)://HOST[:PORT]` without a path."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError("must be an origin such as https://shop.example")
    return f"{parts.scheme}://{parts.netloc}"


def maybe_origin(value: str) -> str | None:
    """An origin, or nothing."""
    return origin(value) if value else None


def origins(value: str) -> tuple[str, ...]:
    """Origins separated by blanks or commas."""
    return tuple(origin(item) for item in value.replace(",", " ").split())


def ice_urls(value: str) -> tuple[str, ...]:
    """STUN and TURN URIs (RFC 7064, RFC 7065), separated by commas."""
    found = tuple(item.strip() for item in value.split(",") if item.strip())
    for item in found:
        if not re.fullmatch(r"(stuns?|turns?):[A-Za-z0-9.\-\[\]:]+(\?transport=(udp|tcp))?", item):
            raise ValueError("takes turn:HOST:PORT or stun:HOST:PORT by commas")
    return found


def absolute(value: str) -> Path:
    """A path, made absolute."""
    return Path(text(value)).absolute()


def maybe_path(value: str) -> Path | None:
    """An absolute path, or nothing."""
    return absolute(value) if value else None


def redis_url(value: str) -> str:
    """`redis://`, `rediss://` or `unix:///ABSOLUTE/PATH`."""
    if not value.startswith(("redis://", "rediss://", "unix:///")):
        raise ValueError("must begin with redis://, rediss:// or unix:///")
    return value


def database_url(value: str) -> str:
    """An SQLAlchemy URL of one of the two databases, with its asyncio driver."""
    if not value.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
        raise ValueError("must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://")
    return value


def setting(name: str, parse: Callable[[str], T], default: str = "") -> T:
    """A field read from the environment variable `name`.

    `{var}` in the default stands for the folder VAR_DIR.
    """
    field: T = dataclasses.field(metadata={"name": name, "parse": parse, "default": default})
    return field


def read(kind: type[T], environment: Mapping[str, str]) -> T:
    """Fill a settings class. Raises WrongSetting, which names the variable but never shows a secret."""
    var = Path(environment.get("VAR_DIR") or "var").absolute()
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]  # T is always a dataclass
        name, parse = field.metadata["name"], field.metadata["parse"]
        given = environment.get(name) or field.metadata["default"].replace("{var}", str(var))
        try:
            values[field.name] = parse(given)
        except ValueError as wrong:
            raise WrongSetting(f"{name} {wrong}") from None
    return kind(**values)


def load(kind: type[T], environment: Mapping[str, str]) -> T:
    """Like `read`, for the start of a process: a wrong value ends it with one sentence and code 2."""
    try:
        return read(kind, environment)
    except WrongSetting as wrong:
        print(f"{wrong}.", file=sys.stderr)  # noqa: T201  the one sentence a person sees at the start
        raise SystemExit(WRONG_SETTING_EXIT) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """Settings of a front process (`python -m commerce`)."""

    http: Address = setting("SHOP_HTTP", address, "127.0.0.1:8080")
    public_url: str | None = setting("SHOP_URL", maybe_origin)  # as browsers reach it
    var_dir: Path = setting("VAR_DIR", absolute, "{var}")
    web_dir: Path = setting("WEB_DIR", absolute, str(Path(__file__).parents[1] / "web"))
    redis_url: str = setting("REDIS_URL", redis_url, "unix://{var}/valkey/s")
    database_url: str = setting("DATABASE_URL", database_url, "sqlite+aiosqlite:///{var}/books.sqlite")
    keys_dir: Path = setting("KEYS_DIR", absolute, "{var}/keys")
    bank_url: str = setting("BANK_URL", origin, "http://127.0.0.1:8082")
    relay_origins: tuple[str, ...] = setting("RELAY_ORIGINS", origins)
    turn_urls: tuple[str, ...] = setting("TURN_URLS", ice_urls)  # told to viewers with their seat
    turn_secret_file: Path | None = setting("TURN_SECRET_FILE", maybe_path)  # shared with coturn
    proxies: int = setting("PROXIES", whole(0, 8), "0")  # trusted hops in front, for X-Forwarded-For
    tls_in_front: bool = setting("TLS_IN_FRONT", flag, "0")  # those hops end TLS
    rate_limits: int = setting("RATE_LIMITS", whole(0, 1_000), "1")  # times the usual; 0: none
    accept_data_loss: bool = setting("ACCEPT_DATA_LOSS", flag, "0")
    https: bool = setting("HTTPS", flag, "0")
    tls_cert_file: Path | None = setting("TLS_CERT_FILE", maybe_path)
    tls_key_file: Path | None = setting("TLS_KEY_FILE", maybe_path)

    def __post_init__(self) -> None:
        if self.https and not (self.tls_cert_file and self.tls_key_file):
            raise WrongSetting("HTTPS=1 needs TLS_CERT_FILE and TLS_KEY_FILE")
        if self.tls_in_front and not (self.proxies and (self.public_url or "").startswith("https:")):
            raise WrongSetting("TLS_IN_FRONT=1 needs PROXIES and a SHOP_URL that begins with https://")
        turning = any(url.startswith("turn") for url in self.turn_urls)
        if turning and (self.turn_secret_file is None or not self.turn_secret_file.is_file()):
            raise WrongSetting("TURN_SECRET_FILE must name a file with the secret that coturn has")

    @property
    def origin(self) -> str:
        """The origin of the shop in links and addresses."""
        scheme = "https" if self.https else "http"
        return self.public_url or f"{scheme}://{self.http.host}:{self.http.port}"
