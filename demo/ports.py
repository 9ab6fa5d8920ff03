"""Whether the machine lets the demo listen, send UDP and see a camera; a Refusal where not."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from demo.settings import Address, Refusal, Settings

UDP_ECHO_SECONDS: Final = 1.0


def check(settings: Settings) -> None:
    """Raise a Refusal for the first thing that would keep the demo from running."""
    refuse_taken(listening(settings))
    refuse_deaf_udp(settings.relay_udp)
    refuse_missing_camera(settings.source)


def listening(settings: Settings) -> list[Address]:
    """The TCP addresses that the demo will listen on."""
    plain = [settings.shop, settings.relay, settings.bank, *settings.quiet]
    return [*plain, settings.https_shop, settings.https_relay] if settings.https else plain


def refuse_taken(addresses: Iterable[Address]) -> None:
    for address in addresses:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _bind(probe, address, "TCP")


def refuse_deaf_udp(address: Address) -> None:
    """Bind the relay's UDP port and send it one packet: a firewall may swallow it."""
    with socket.socket(type=socket.SOCK_DGRAM) as ear, socket.socket(type=socket.SOCK_DGRAM) as mouth:
        _bind(ear, address, "UDP")
        ear.settimeout(UDP_ECHO_SECONDS)
        try:
            mouth.sendto(b"silkcast", address.target)
            ear.recv(64)
        except OSError:
            raise Refusal(
                f"UDP does not get through to {address.reachable} ({address.setting}): "
                "a firewall on this machine blocks it, and pictures travel by UDP."
            ) from None


def refuse_missing_camera(source: str) -> None:
    kind, _, device = source.partition(":")
    if kind == "camera" and not os.access(device or "/dev/video0", os.R_OK):
        raise Refusal(
            f"There is no camera at {device or '/dev/video0'} that this user may read; "
            "leave SOURCE out for the drawn scene, or name a file: SOURCE=clip.mp4."
        )


def refuse_unwritable(folder: Path) -> None:
    """The folder for keys, logs and books has to be ours to write."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise Refusal(f"{folder} (VAR_DIR) cannot be made: {wrong.strerror}.") from None
    if not os.access(folder, os.W_OK):
        raise Refusal(f"{folder} (VAR_DIR) cannot be written by this user.")


def _bind(probe: socket.socket, address: Address, kind: str) -> None:
    try:
        probe.bind((address.host, address.port))
    except OSError as wrong:
        raise Refusal(
            f"{kind} port {address.port} cannot be used ({wrong.strerror or wrong}): end the program "
            f"that has it, or name another port: {address.setting}={address.host}:{address.port + 10}."
        ) from None
