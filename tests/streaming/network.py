"""A UDP network of a test's own between peers and a relay: loss, delay, an address that changes."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable

QUEUE_SECONDS = 0.3
BINDING_REQUEST = b"\x00\x01"


def own_address() -> str | None:
    """An address that is not the loopback, which libnice and Firefox leave out; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


class Network:
    """Peers talk to `port`; each peer is one socket of ours towards the relay."""

    def __init__(self, relay_port: int, seed: int = 1, host: str = "127.0.0.1") -> None:
        self._host, self.relay = host, (host, relay_port)
        self.down_loss = self.up_loss = 0.0
        self.delay_s = 0.0
        self.rate_bps: float | None = None  # of the way down; with a queue of QUEUE_SECONDS before it
        self._free_at = 0.0
        self.without_checks = False  # connectivity checks of peers are lost; what answers ours is not
        self.closed = False  # nothing comes through, either way
        self.drop_down: Callable[[bytes], bool] = lambda data: False
        self.lost = 0
        self.spared: set[tuple[str, int]] = set()  # peers whose network is perfect
        self._random = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self._near = self._socket()
        self._near.bind((host, 0))
        self._far: dict[tuple[str, int], socket.socket] = {}
        self._loop.add_reader(self._near, self._up)

    @property
    def port(self) -> int:
        return int(self._near.getsockname()[1])

    @staticmethod
    def _socket() -> socket.socket:
        made = socket.socket(type=socket.SOCK_DGRAM)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        return made

    def rebind(self) -> None:
        """Every peer's address changes, as behind a NAT that forgot."""
        for peer, old in list(self._far.items()):
            self._loop.remove_reader(old)
            old.close()
            self._far[peer] = self._open(peer)

    def _open(self, peer: tuple[str, int]) -> socket.socket:
        far = self._socket()
        far.bind((self._host, 0))
        self._loop.add_reader(far, self._down, far, peer)
        return far

    def _up(self) -> None:
        while True:
            try:
                data, peer = self._near.recvfrom(2048)
            except BlockingIOError:
                return
            if peer not in self._far:
                self._far[peer] = self._open(peer)
            if self.without_checks and data[:2] == BINDING_REQUEST:
                self.lost += 1
                continue
            self._carry(data, peer, lambda d=data, p=peer: self._far[p].sendto(d, self.relay), self.up_loss)

    def _down(self, far: socket.socket, peer: tuple[str, int]) -> None:
        while True:
            try:
                data = far.recv(2048)
            except BlockingIOError:
                return
            if self.drop_down(data):
                self.lost += 1
            elif self.rate_bps is not None and peer not in self.spared:
                self._queue(data, peer, self.rate_bps)
            else:
                self._carry(data, peer, lambda d=data: self._near.sendto(d, peer), self.down_loss)

    def _queue(self, data: bytes, peer: tuple[str, int], rate_bps: float) -> None:
        """A bottleneck that all peers share: first in, first out; what finds the queue full is lost."""
        now = self._loop.time()
        waits = max(0.0, self._free_at - now)
        if waits > QUEUE_SECONDS:
            self.lost += 1
            return
        self._free_at = max(now, self._free_at) + len(data) * 8 / rate_bps
        self._loop.call_later(self._free_at - now + self.delay_s, self._near.sendto, data, peer)

    def spare(self) -> None:
        """The peers of now have a perfect network; those that come later have this one."""
        self.spared |= set(self._far)

    def _carry(self, data: bytes, peer: tuple[str, int], send: Callable[[], object], loss: float) -> None:
        if peer in self.spared:
            send()
        elif self.closed or (self._random.random() < loss and data[0] >= 128):
            self.lost += 1
        elif self.delay_s:
            self._loop.call_later(self.delay_s, send)
        else:
            send()

    def close(self) -> None:
        for sock in (self._near, *self._far.values()):
            self._loop.remove_reader(sock)
            sock.close()
