"""Reading the socket: many datagrams at a call where the native twin is there, one by one elsewhere."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from typing import Final, TypeAlias

from .interface import Address

RECEIVED_AT_ONCE: Final = 32
DATAGRAM_ROOM_BYTES: Final = 2048  # what is longer is cut off, and then no peer's

Receive: TypeAlias = Callable[[], list[tuple[bytes, Address]]]


def open_receiver(sock: socket.socket, *, native: bool = True) -> Receive:
    """A call that gives what has come to a non-blocking UDP socket, at most RECEIVED_AT_ONCE at a time.

    Fewer than that: there is no more just now. Errors that the network reports are passed over.
    """
    if native:
        try:
            from .native import receive  # noqa: PLC0415  (there may be no compiled part)
        except ImportError:
            return functools.partial(receive_one_by_one, sock)
        return functools.partial(receive, sock)
    return functools.partial(receive_one_by_one, sock)


def receive_one_by_one(sock: socket.socket) -> list[tuple[bytes, Address]]:
    """The readable way."""
    came: list[tuple[bytes, Address]] = []
    for _ in range(RECEIVED_AT_ONCE):
        try:
            came.append(sock.recvfrom(DATAGRAM_ROOM_BYTES))
        except (
            OSError
        ):  # nothing more; or an ICMP error of an earlier datagram: the loop comes back for the rest
            break
    return came
