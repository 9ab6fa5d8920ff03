"""Clients that only read, thousands in one process on one epoll, and count what arrives.

    python -m benchmarks.shopping.drain PORT KIND CONNECTIONS [PATH]

KIND is sse, raw, ws or socketio. Says `{"ready": N}` when all are connected and have been greeted; then
each line of stdin is answered with `{"events": …, "bytes": …}` counted so far.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from typing import Final

UPGRADE: Final = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
# kind → (what a client says first, what begins an event, what ends the greeting)
KINDS: Final = {
    "sse": ("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"event: patch", b"event: snapshot"),
    "raw": ("hello\n", b"event: patch", b"welcome"),
    "ws": (UPGRADE, b"\x81\x7e\x00\xc8", b"\r\n\r\n"),
    "socketio": (UPGRADE, b'42["e"', b"40{"),
}
CONNECT: Final = b"\x81\x82\x00\x00\x00\x0040"  # a masked frame (with a mask of zeros): namespace "/"
READ_BYTES: Final = 65_536
GREETED_SECONDS: Final = 30.0


class Drain:
    """All connections of one process."""

    def __init__(self, port: int, kind: str, path: str) -> None:
        hello, self._mark, self._greeting = KINDS[kind]
        self._hello = hello.format(path=path).encode()
        self._connects = kind == "socketio"
        self._port = port
        self._ears = selectors.EpollSelector()
        self.events = self.bytes = self.greeted = self.gone = 0

    def open(self, count: int) -> None:
        """Connect one after another, reading meanwhile, until each has been greeted."""
        for _ in range(count):
            ear = socket.create_connection(("127.0.0.1", self._port))
            ear.sendall(self._hello)
            if self._connects:
                self._answer_open(ear)
            ear.setblocking(False)
            self._ears.register(ear, selectors.EVENT_READ)
            self.read(0)
        deadline = time.monotonic() + GREETED_SECONDS
        while self.greeted < count:
            self.read(1)
            if time.monotonic() > deadline or self.gone:
                raise TimeoutError(f"{self.greeted} of {count} were greeted, {self.gone} turned away")

    def _answer_open(self, ear: socket.socket) -> None:
        """socket.io: after its open packet the client asks for the namespace."""
        heard = b""
        while b"sid" not in heard:
            heard += ear.recv(READ_BYTES)
        ear.sendall(CONNECT)

    def watch(self, file: int) -> None:
        """Wake up when there is something on stdin, too."""
        self._ears.register(file, selectors.EVENT_READ)

    def read(self, wait_s: float | None) -> bool:
        """Read what is there; True when stdin has something."""
        asked = False
        for key, _ in self._ears.select(wait_s):
            if isinstance(key.fileobj, int):
                asked = True
                continue
            data = key.fileobj.recv(READ_BYTES)  # type: ignore[union-attr]  # all others are sockets
            if not data:
                self.gone += 1
                self._ears.unregister(key.fileobj)
            self.bytes += len(data)
            self.events += data.count(self._mark)
            self.greeted += data.count(self._greeting)
        return asked


def main() -> None:
    port, kind, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    drain = Drain(port, kind, sys.argv[4] if len(sys.argv) > 4 else "/")
    drain.open(count)
    print(json.dumps({"ready": count}), flush=True)
    drain.watch(sys.stdin.fileno())
    while True:
        if drain.read(None):
            if not sys.stdin.readline():
                return
            told = {"events": drain.events, "bytes": drain.bytes, "gone": drain.gone}
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
