"""What the demo is told by its environment, read once.

Knows the addresses that the processes share with their own settings, and nothing else of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

QUIET: Final = {"DESK_HTTP": 8083, "EFFECTS_HTTP": 8084, "STUDIO_HTTP": 8085}
SOURCES: Final = ("scene", "camera")  # or the path of a file that PyAV opens


class Refusal(Exception):
    """Why the demo cannot run here: one plain sentence for a person."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host and port, and the name of the setting that says so."""

    setting: str
    host: str
    port: int

    @property
    def target(self) -> tuple[str, int]:
        """Host and port as a client on this machine reaches them (a wildcard is none)."""
        return ("127.0.0.1" if self.host in ("", "0.0.0.0") else self.host, self.port)  # noqa: S104  # compared

    @property
    def reachable(self) -> str:
        """`target` as it stands in a URL."""
        host, port = self.target
        return f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things run, for how long, and what the camera shows."""

    shop: Address
    relay: Address
    relay_udp: Address
    bank: Address
    quiet: tuple[Address, ...]  # health and metrics of the processes that no browser asks
    https_shop: Address
    https_relay: Address
    var: Path
    redis_url: str | None
    seconds: float | None
    https: bool
    source: str


def read(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`. Raises Refusal, which names the wrong one."""
    return Settings(
        shop=address(environ, "SHOP_HTTP", 8080),
        relay=address(environ, "RELAY_HTTP", 8081),
        relay_udp=address(environ, "RELAY_UDP", 8443),
        bank=address(environ, "BANK_HTTP", 8082),
        quiet=tuple(address(environ, name, port) for name, port in QUIET.items()),
        https_shop=address(environ, "SHOP_HTTPS", 9080),
        https_relay=address(environ, "RELAY_HTTPS", 9081),
        var=Path(environ.get("VAR_DIR", "var")),
        redis_url=environ.get("REDIS_URL") or None,
        seconds=_seconds(environ.get("DEMO_SECONDS")),
        https=_yes("HTTPS", environ.get("HTTPS", "0")),
        source=_source(environ.get("SOURCE", "scene")),
    )


def address(environ: Mapping[str, str], setting: str, port: int) -> Address:
    """`HOST:PORT` of a setting, 127.0.0.1 and `port` when it is not given."""
    text = environ.get(setting, f"127.0.0.1:{port}")
    host, colon, digits = text.rpartition(":")
    if not colon or not digits.isascii() or not digits.isdigit() or not 0 < int(digits) < 1 << 16:
        raise Refusal(f"{setting}={text} is no HOST:PORT; write it like {setting}=127.0.0.1:{port}.")
    return Address(setting, host, int(digits))


def _seconds(text: str | None) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 1e9:
        raise Refusal(f"DEMO_SECONDS={text} is no number of seconds; write it like DEMO_SECONDS=60.")
    return seconds


def _yes(setting: str, text: str) -> bool:
    if text not in ("", "0", "1"):
        raise Refusal(f"{setting}={text} is neither 1 nor 0.")
    return text == "1"


def _source(text: str) -> str:
    if text.partition(":")[0] not in SOURCES and not Path(text).is_file():
        raise Refusal(f"SOURCE={text} is no file here; write scene, camera, camera:/dev/video1 or a file.")
    return text
