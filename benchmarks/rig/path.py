"""A road between a player and the relay that loses, delays and narrows: a UDP relay of our own.

The kernel's netem is not everywhere. Every datagram from a player goes to the server over a socket
of the player's own, and back; each way has its own loss, delay and bottleneck.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

Address = tuple[str, int]
MOST_PLAYERS: Final = 64
RECEIVE_BYTES: Final = 4 << 20


@dataclass
class Lane:
    """One direction: a share lost at random, a delay, and, if narrow, a rate with a queue before it."""

    loss: float = 0.0
    delay_s: float = 0.0
    rate_bps: float | None = None
    queue_s: float = 0.3
    carried: int = 0
    lost: int = 0
    overflowed: int = 0
    _free_s: float = 0.0

    def due(self, size: int, now_s: float, share: float) -> float | None:
        """When a datagram comes out at the other end; None when it never does. `share` is random."""
        if share < self.loss:
            self.lost += 1
            return None
        leaves_s = now_s
        if self.rate_bps is not None:
            leaves_s = max(now_s, self._free_s) + size * 8 / self.rate_bps
            if leaves_s - now_s > self.queue_s:
                self.overflowed += 1
                return None
            self._free_s = leaves_s
        self.carried += 1
        return leaves_s + self.delay_s


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[bytes, Address], None]) -> None:
        self._heard = heard
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: Address) -> None:
        self._heard(data, address)

    def say(self, data: bytes, address: Address) -> None:
        """Send, unless the road has been closed while the datagram was on it."""
        if not self.transport.is_closing():
            self.transport.sendto(data, address)


def _widen(ear: _Ear) -> None:
    """Room for what comes at once, so that the road loses only what it was told to lose."""
    sock: socket.socket = ear.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)


@dataclass
class Road:
    """Both lanes between players and one server."""

    server: Address
    up: Lane
    down: Lane
    dice: random.Random
    port: int = 0
    _ear: _Ear | None = None
    _ways: dict[Address, asyncio.Task[_Ear]] = field(default_factory=dict)

    async def open(self) -> None:
        """Listen on a port of the kernel's choice: `port`."""
        loop = asyncio.get_running_loop()
        _, self._ear = await loop.create_datagram_endpoint(
            lambda: _Ear(self._from_player), local_addr=("127.0.0.1", 0)
        )
        _widen(self._ear)
        self.port = self._ear.transport.get_extra_info("sockname")[1]

    def _from_player(self, data: bytes, player: Address) -> None:
        loop = asyncio.get_running_loop()
        due_s = self.up.due(len(data), loop.time(), self.dice.random())
        if player not in self._ways and len(self._ways) < MOST_PLAYERS:
            self._ways[player] = loop.create_task(self._way(player))
        way = self._ways.get(player)
        if due_s is not None and way is not None:
            loop.call_at(due_s, self._to_server, way, data)

    async def _way(self, player: Address) -> _Ear:
        loop = asyncio.get_running_loop()
        _, ear = await loop.create_datagram_endpoint(
            lambda: _Ear(lambda data, _: self._from_server(data, player)), local_addr=("127.0.0.1", 0)
        )
        _widen(ear)
        return ear

    def _to_server(self, way: asyncio.Task[_Ear], data: bytes) -> None:
        if way.done():
            way.result().say(data, self.server)

    def _from_server(self, data: bytes, player: Address) -> None:
        loop = asyncio.get_running_loop()
        due_s = self.down.due(len(data), loop.time(), self.dice.random())
        if due_s is not None and self._ear is not None:
            loop.call_at(due_s, self._ear.say, data, player)

    async def close(self) -> None:
        ears = [*await asyncio.gather(*self._ways.values()), *([self._ear] if self._ear else [])]
        for ear in ears:
            ear.transport.close()
