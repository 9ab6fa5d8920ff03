"""ICE-TCP (RFC 6544, passive): peers whose network lets no UDP through.

Each connection becomes a datagram socket of its own towards the relay's port, so that sessions,
DTLS and the sender know one kind of path only. Knows the framing of RFC 4571; never a session.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Final

import structlog

from . import stun

CONNECTIONS_MAX: Final = 512
FIRST_FRAME_SECONDS: Final = 5.0  # a connection that says nothing useful by then is closed
IDLE_SECONDS: Final = 60.0  # a peer that lives checks its path every few seconds (RFC 7675)
FRAME_BYTES_MAX: Final = 2048
UNSENT_BYTES_MAX: Final = 256 * 1024  # beyond it the peer is too slow: its packets are dropped, not kept
DATAGRAMS_PER_TURN: Final = 64

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class TcpCounts:
    """What passed and what was dropped."""

    connections: int = 0
    refused: int = 0
    dropped: int = 0


class TcpFront:
    """The listening side, on the number of the UDP port."""

    def __init__(self, relay: tuple[str, int], idle_seconds: float = IDLE_SECONDS) -> None:
        """`relay` is where the UDP port can be reached from this very host; who says nothing for
        `idle_seconds` has gone without a word, and gives its place to others."""
        self.counts = TcpCounts()
        self._idle_seconds = idle_seconds
        self._relay = relay
        self._server: asyncio.Server | None = None
        self._open: set[_Bridge] = set()

    async def listen(self, host: str, port: int) -> None:
        """Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._serve, host, port, backlog=256)

    async def close(self) -> None:
        """End all connections."""
        if self._server is not None:
            self._server.close()
        for bridge in list(self._open):
            bridge.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= CONNECTIONS_MAX:
            self.counts.refused += 1
            writer.close()
            return
        try:
            bridge = _Bridge(writer, self._relay, self.counts)
        except OSError as refused:  # no file is left for its socket
            _log.warning("no_way_for_tcp", why=str(refused))
            self.counts.refused += 1
            writer.close()
            return
        self.counts.connections += 1
        self._open.add(bridge)
        try:
            await bridge.carry(reader, self._idle_seconds)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError, OSError):
            pass
        finally:
            self._open.discard(bridge)
            bridge.close()


class _Bridge:
    """One connection and its datagram socket."""

    def __init__(self, writer: asyncio.StreamWriter, relay: tuple[str, int], counts: TcpCounts) -> None:
        self._writer, self._counts = writer, counts
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(
            socket.AF_INET6 if ":" in relay[0] else socket.AF_INET, socket.SOCK_DGRAM
        )
        self._socket.setblocking(False)
        try:
            self._socket.connect(relay)
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket.fileno(), self._to_peer)
        self._closed = False

    async def carry(self, reader: asyncio.StreamReader, idle_seconds: float = IDLE_SECONDS) -> None:
        """Frames of the peer become datagrams, until it ends. The first must be a check."""
        async with asyncio.timeout(FIRST_FRAME_SECONDS):
            first = await self._frame(reader)
        if not stun.looks_like_stun(first):
            return
        self._to_relay(first)
        async with asyncio.timeout(idle_seconds) as patience:
            while True:
                self._to_relay(await self._frame(reader))
                patience.reschedule(self._loop.time() + idle_seconds)

    @staticmethod
    async def _frame(reader: asyncio.StreamReader) -> bytes:
        size = int.from_bytes(await reader.readexactly(2), "big")
        if not 0 < size <= FRAME_BYTES_MAX:
            raise ConnectionError("a frame of an impossible size")
        return await reader.readexactly(size)

    def _to_relay(self, frame: bytes) -> None:
        try:
            self._socket.send(frame)
        except OSError:
            self._counts.dropped += 1

    def _to_peer(self) -> None:
        transport = self._writer.transport
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                data = self._socket.recv(FRAME_BYTES_MAX)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue
            if transport.is_closing() or transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
                self._counts.dropped += 1
            else:
                self._writer.write(len(data).to_bytes(2, "big") + data)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._writer.close()
