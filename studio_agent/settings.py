"""What a studio agent is told: the environment, and a few flags that go before it.

The token never stands on a command line, where every user of the machine could read it.
"""

from __future__ import annotations

import argparse
import os
import socket
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .layers import MOST_LAYERS

PRESETS: Final = ("ultrafast", "superfast", "veryfast", "faster", "fast")
LEAST_KBPS: Final = 300
MOST_KBPS: Final = 20_000
BY_HAND: Final = ("STUDIO_WHIP", "STUDIO_TOKEN", "STUDIO_TOKEN_FILE")
MOST_NAME_LETTERS: Final = 120
LAYERED_CORES: Final = 2  # from here on a machine carries all encodings: the small two cost 3 ms a picture


class SettingsError(Exception):
    """A setting that cannot be; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the process is told, once."""

    whip_url: str
    source: str
    token: str
    token_file: Path | None
    http_host: str
    http_port: int
    bitrate_kbps: int
    preset: str
    layers: int  # encodings of the picture, sent at once to a relay that takes several
    act: str  # publish, or pair
    shop: str | None  # the origin of the shop to be paired with
    name: str  # what this machine calls itself when it is paired
    pairing_file: Path
    is_by_hand: bool  # address or token were given: no pairing is looked for

    def read_token(self) -> str:
        """The bearer token as it is now (a file may have been renewed). Raises SettingsError."""
        if self.token_file is None:
            return self.token
        try:
            return self.token_file.read_text().strip()
        except OSError as error:
            raise SettingsError(f"STUDIO_TOKEN_FILE cannot be read: {error.strerror}.") from None


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Flags before environment before defaults. Raises SettingsError; argparse exits with 2."""
    flags = _parser().parse_args(arguments)
    whip_url = flags.whip or environment.get("STUDIO_WHIP") or "http://127.0.0.1:8081/whip/main"
    address = urllib.parse.urlsplit(whip_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise SettingsError(f"STUDIO_WHIP must be an http or https address, not {whip_url!r}.")
    if address.username or address.password:
        raise SettingsError("STUDIO_WHIP must not carry a password: use STUDIO_TOKEN_FILE.")
    host, port = _host_and_port(flags.http or environment.get("STUDIO_HTTP") or "127.0.0.1:8085")
    preset = environment.get("STUDIO_PRESET", "superfast")
    if preset not in PRESETS:
        raise SettingsError(f"STUDIO_PRESET must be one of {', '.join(PRESETS)}, not {preset!r}.")
    token_file = environment.get("STUDIO_TOKEN_FILE")
    settings = Settings(
        whip_url=whip_url,
        source=flags.source or environment.get("STUDIO_SOURCE") or "scene",
        token=environment.get("STUDIO_TOKEN", ""),
        token_file=Path(token_file) if token_file else None,
        http_host=host,
        http_port=port,
        bitrate_kbps=_kbps(environment.get("STUDIO_BITRATE_KBPS", "2500")),
        preset=preset,
        layers=_layers(flags.layers or environment.get("STUDIO_LAYERS") or _layers_by_cores()),
        act=flags.act,
        shop=_origin(flags.shop or environment.get("STUDIO_SHOP") or ""),
        name=_name(flags.name or environment.get("STUDIO_NAME") or socket.gethostname()),
        pairing_file=_pairing_file(environment),
        is_by_hand=bool(flags.whip or any(environment.get(name) for name in BY_HAND)),
    )
    if settings.act == "pair" and settings.shop is None:
        raise SettingsError("STUDIO_SHOP (or --shop) must say which shop to be paired with.")
    settings.read_token()
    return settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studio_agent",
        description="Publishes a studio by WHIP. The token comes from STUDIO_TOKEN or STUDIO_TOKEN_FILE, "
        "or from the shop that the agent was paired with.",
    )
    parser.add_argument(
        "act", nargs="?", choices=("publish", "pair"), default="publish", help="pair: get let in by a shop"
    )
    parser.add_argument("--shop", metavar="URL", help="the shop to be paired with (STUDIO_SHOP)")
    parser.add_argument("--name", help="what this machine calls itself there (STUDIO_NAME; its host name)")
    parser.add_argument(
        "--source", help="scene, FILE, camera or camera:DEVICE (STUDIO_SOURCE; default scene)"
    )
    parser.add_argument("--whip", metavar="URL", help="the studio's WHIP address (STUDIO_WHIP)")
    parser.add_argument(
        "--http", metavar="HOST:PORT", help="health and metrics (STUDIO_HTTP; 127.0.0.1:8085)"
    )
    parser.add_argument(
        "--layers", metavar="N", help="sizes of the picture sent at once, 1 to 3 (STUDIO_LAYERS; by cores)"
    )
    return parser


def _pairing_file(environment: Mapping[str, str]) -> Path:
    given = environment.get("STUDIO_PAIRING_FILE")
    return Path(given) if given else Path(environment.get("VAR_DIR") or "var") / "studio" / "pairing.json"


def _origin(value: str) -> str | None:
    if not value:
        return None
    parts = urllib.parse.urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise SettingsError("STUDIO_SHOP must be an origin such as https://shop.example, without a password.")
    return f"{parts.scheme}://{parts.netloc}"


def _name(value: str) -> str:
    name = "".join(letter for letter in value if letter.isprintable()).strip()[:MOST_NAME_LETTERS]
    if not name:
        raise SettingsError("STUDIO_NAME must have letters.")
    return name


def _layers_by_cores() -> str:
    return str(MOST_LAYERS if (os.cpu_count() or 1) >= LAYERED_CORES else 1)


def _layers(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= MOST_LAYERS:
        raise SettingsError(f"STUDIO_LAYERS must be 1 to {MOST_LAYERS}, not {value!r}.")
    return int(value)


def _host_and_port(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingsError(f"STUDIO_HTTP must be HOST:PORT, not {value!r}.")
    return host.strip("[]"), int(port)


def _kbps(value: str) -> int:
    if not value.isdecimal() or not LEAST_KBPS <= int(value) <= MOST_KBPS:
        raise SettingsError(f"STUDIO_BITRATE_KBPS must be {LEAST_KBPS} to {MOST_KBPS}, not {value!r}.")
    return int(value)
