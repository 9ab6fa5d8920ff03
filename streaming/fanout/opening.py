"""Chooses the twin: the fast one where it works, the readable one everywhere."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import structlog

from .front import SOURCES_LIMIT, Front
from .interface import Fanout
from .python import UDP_SEGMENT, PythonSender
from .sender import CryptoUnfit, Sender

if TYPE_CHECKING:
    from . import _native

Twin: TypeAlias = Literal["native", "python"]
_log = structlog.get_logger(__name__)

SEND_BUFFER_BYTES: Final = 8 << 20  # the kernel grants up to net.core.wmem_max


def open_fanout(
    sock: socket.socket,
    *,
    prefer: Twin = "native",
    gso: bool = True,
    seats: int = 4096,
) -> Fanout:
    """A running sender on a bound, non-blocking UDP socket that the loop goes on reading.

    `prefer` "python" or `gso` False force the slower way (tests, benchmarks). Where the native
    twin cannot run, the reason is logged once and the Python twin serves.
    """
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    sender = make_sender(sock, prefer=prefer, gso=gso, seats=seats)
    _log.info("fanout_opened", path=sender.path)
    return Front(sender, sock.family, seats)


def make_sender(sock: socket.socket, *, prefer: Twin, gso: bool, seats: int) -> Sender:
    """The sender behind the front."""
    gso = gso and kernel_segments(sock)
    if prefer == "native":
        try:
            return native_sender(sock, gso, seats)
        except (ImportError, CryptoUnfit) as reason:
            _log.warning("fanout_native_unavailable", reason=str(reason))
    return PythonSender(sock, gso)


def native_sender(sock: socket.socket, gso: bool, seats: int) -> Sender:
    """The fast twin. Raises ImportError where it was not compiled, CryptoUnfit where no OpenSSL fits."""
    from .native import NativeSender  # noqa: PLC0415  (there may be no compiled part)

    return NativeSender(sock, gso, seats, SOURCES_LIMIT)


def native_ear(sock: socket.socket) -> _native.Ear | None:
    """The fast reader of a bound, non-blocking UDP socket; None where it cannot run."""
    try:
        from .native import open_ear  # noqa: PLC0415  (there may be no compiled part)

        return open_ear(sock)
    except (ImportError, CryptoUnfit) as reason:
        _log.warning("ear_native_unavailable", reason=str(reason))
        return None


def kernel_segments(sock: socket.socket) -> bool:
    """Whether this kernel knows UDP_SEGMENT (Linux 4.18)."""
    try:
        sock.getsockopt(socket.SOL_UDP, UDP_SEGMENT)
    except (OSError, AttributeError):
        return False
    return True
