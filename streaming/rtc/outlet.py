"""The way to one address from a socket of its own, for a session that we open ourselves.

Two sessions between the same two ports cannot be told apart, since DTLS names nobody; so each call
leaves from a new port. Towards the relay's port an outlet looks like any peer (as in `tcp.py`), and
sessions and the sender know one kind of path. Knows datagrams; never what they say.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from ..fanout import Address
from .port import open_socket

DATAGRAM_BYTES_MAX: Final = 2048
DATAGRAMS_PER_TURN: Final = 64


class Outlet:
    """Carries what the relay's port sends to `address` on to `target`, and back what comes from there."""

    def __init__(self, home: tuple[str, int], target: tuple[str, int]) -> None:
        """`home` is where the relay's port can be reached from this very host. Raises OSError."""
        self.dropped = 0
        self._loop = asyncio.get_running_loop()
        self._inner, self._outer = open_socket(home[0], 0), open_socket(_any_of(target[0]), 0)
        try:
            self._inner.connect(home)
            self._outer.connect(target)
        except OSError:
            self._inner.close()
            self._outer.close()
            raise
        self.address: Address = self._inner.getsockname()
        self._loop.add_reader(self._inner.fileno(), lambda: self._carry(self._inner, self._outer.send))
        self._loop.add_reader(self._outer.fileno(), lambda: self._carry(self._outer, self._inner.send))

    def _carry(self, source: socket.socket, send: Callable[[bytes], int]) -> None:
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                data = source.recv(DATAGRAM_BYTES_MAX)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # the target said that nobody is there: its silence tells the same
                continue
            try:
                send(data)
            except OSError:
                self.dropped += 1

    def close(self) -> None:
        """May be called again."""
        for side in (self._inner, self._outer):
            if side.fileno() >= 0:
                self._loop.remove_reader(side.fileno())
                side.close()


def _any_of(host: str) -> str:
    return "::" if ":" in host else "0.0.0.0"  # noqa: S104 (we call from it; what others send is dropped)
