"""What the relay is told from outside: the environment, read once, wrong values named."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .api.ice import is_ice_url


class WrongSetting(Exception):
    """A setting has a value that cannot be used; the text names it and says what is wanted."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a relay process must know before it starts."""

    relay_id: str
    http: tuple[str, int]
    udp: tuple[str, int]
    announce: tuple[tuple[str, int], ...]  # addresses that peers are told; port 0 is the bound one
    url: str  # base of our HTTP side, as a browser reaches it
    token_keys_file: Path
    relay_token_file: Path  # the shop's token with which other relays let us pull
    redis_url: str | None  # None: no bulletin; stages come from the file
    stages_file: Path | None
    viewers_max: int
    half_open_max: int
    fanout: str  # "native" or "python"
    gso: bool  # whether the kernel may cut a frame into datagrams (UDP_SEGMENT)
    tcp: bool  # whether media may come over TCP too, on the number of the UDP port
    proxies: int  # trusted ones before our HTTP side, for X-Forwarded-For
    rate_limits: int  # times the usual rate; 0: none
    turn_urls: tuple[str, ...]  # told to peers
    turn_secret: str = field(repr=False)  # shared with coturn
    drain_seconds: int  # for viewers to move to other relays when this one is asked to end
    slate: bool  # whether a picture stands in for a studio that is away


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the environment. Raises WrongSetting."""
    var = environ.get("VAR_DIR", "var")
    http = _address(environ, "RELAY_HTTP", "127.0.0.1:8081")
    udp = _address(environ, "RELAY_UDP", "127.0.0.1:8443")
    stages = environ.get("STAGES_FILE")
    host = "127.0.0.1" if http[0] in ("0.0.0.0", "::") else http[0]  # noqa: S104 (a comparison, not a bind)
    fanout = environ.get("RELAY_FANOUT", "native")
    if fanout not in ("native", "python"):
        raise WrongSetting("RELAY_FANOUT must be native or python")
    return Settings(
        relay_id=environ.get("RELAY_ID") or f"{socket.gethostname()}-{http[1]}",
        http=http,
        udp=udp,
        announce=_announced(environ, udp[0]),
        url=environ.get("RELAY_URL") or f"http://{host}:{http[1]}",
        token_keys_file=Path(environ.get("TOKEN_KEYS_FILE") or f"{var}/keys/public.json"),
        relay_token_file=Path(environ.get("RELAY_TOKEN_FILE") or f"{var}/keys/relay.token"),
        redis_url=None if stages else environ.get("REDIS_URL") or f"unix://{Path(var).absolute()}/valkey/s",
        stages_file=Path(stages) if stages else None,
        viewers_max=_number(environ, "RELAY_VIEWERS_MAX", 2000),
        half_open_max=_number(environ, "RELAY_HALF_OPEN_MAX", 600),
        fanout=fanout,
        gso=_flag(environ, "RELAY_GSO", "1"),
        tcp=_flag(environ, "RELAY_TCP", "1"),
        proxies=_number(environ, "RELAY_PROXIES", 0, least=0),
        rate_limits=_number(environ, "RELAY_RATE_LIMITS", 1, least=0),
        turn_urls=_turn_urls(environ),
        turn_secret=_turn_secret(environ),
        drain_seconds=_number(environ, "RELAY_DRAIN_SECONDS", 5, least=0),
        slate=_flag(environ, "RELAY_SLATE", "1"),
    )


def _address(environ: Mapping[str, str], name: str, default: str) -> tuple[str, int]:
    host, _, port = environ.get(name, default).rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise WrongSetting(f"{name} must be HOST:PORT, e.g. {default}")
    return host.strip("[]"), int(port)


def _announced(environ: Mapping[str, str], bound: str) -> tuple[tuple[str, int], ...]:
    """IP or IP:PORT, separated by commas; a port only where a router maps it to another."""
    named = [
        _candidate(item.strip()) for item in environ.get("RELAY_ANNOUNCE", "").split(",") if item.strip()
    ]
    try:
        unspecified = ipaddress.ip_address(bound).is_unspecified
    except ValueError:
        raise WrongSetting("RELAY_UDP takes an IP address and a port") from None
    if named or not unspecified:
        return tuple(named) or ((bound, 0),)
    raise WrongSetting("RELAY_ANNOUNCE must name the address that viewers reach, since RELAY_UDP binds all")


def _candidate(text: str) -> tuple[str, int]:
    host, port = text, "0"
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":") or "0"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise WrongSetting(f"RELAY_ANNOUNCE takes IP addresses, and {host} is none") from None
    if not port.isdigit() or int(port) > 65535:
        raise WrongSetting(f"RELAY_ANNOUNCE has a port that is none: {port}")
    return host, int(port)


def _turn_urls(environ: Mapping[str, str]) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in environ.get("TURN_URLS", "").split(",") if url.strip())
    for url in urls:
        if not is_ice_url(url):
            raise WrongSetting(
                f"TURN_URLS takes turn:HOST:PORT or stun:HOST:PORT by commas, and {url} is none"
            )
    return urls


def _turn_secret(environ: Mapping[str, str]) -> str:
    """A TURN server without credentials would relay for anybody, so the secret must be there."""
    if not any(url.startswith("turn") for url in _turn_urls(environ)):
        return ""
    try:
        secret = Path(environ.get("TURN_SECRET_FILE", "")).read_text().strip()
    except (OSError, UnicodeDecodeError):
        secret = ""
    if not secret:
        raise WrongSetting("TURN_SECRET_FILE must name a file with the secret that coturn has")
    return secret


def _flag(environ: Mapping[str, str], name: str, default: str) -> bool:
    text = environ.get(name) or default
    if text not in ("0", "1"):
        raise WrongSetting(f"{name} must be 0 or 1")
    return text == "1"


def _number(environ: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = environ.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= 1_000_000:
        raise WrongSetting(f"{name} must be a number from {least} to 1000000")
    return int(text)
