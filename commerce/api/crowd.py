"""The browsers that listen to one show: bytes made once, handed to each connection.

Knows connections and bytes, never a show. What is sent is an HTTP/1.1 chunk (RFC 9112 section 7.1)
made beforehand; the loop over all who listen has a compiled twin. A listener whose buffer grows past its
bound is cut off, counted, and comes back with Last-Event-ID: nobody waits for the slow.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

MOST_BUFFERED_BYTES: Final = 256 * 1024
BREATH_EVERY: Final = 400  # listeners written to before the loop gets a turn
INTERFACE: Final = 1  # of _crowd.c; raised with every change of what it knows of Listener

_write: Final = os.write
PING: Final = b"8\r\n: ping\n\n\r\n"


def said(event: str, event_id: str, data: bytes) -> bytes:
    """One server-sent event; `data` is JSON on one line."""
    return b"event: %b\nid: %b\ndata: %b\n\n" % (event.encode(), event_id.encode(), data)


def chunk(event: bytes) -> bytes:
    """An event as one HTTP chunk, ready for any number of connections."""
    return b"%x\r\n%b\r\n" % (len(event), event)


class Listener:
    """One connection. `joined` is the version of the snapshot or patch it began with."""

    __slots__ = ("_transport", "_waiting", "buyer", "closed", "fd", "host", "is_closing", "joined", "stuffed")

    def __init__(
        self, transport: asyncio.Transport, buyer: str | None, *, host: bool = False, joined: int = 0
    ) -> None:
        self._transport = transport
        self.is_closing, self._waiting = transport.is_closing, transport.get_write_buffer_size
        self.buyer, self.host, self.joined = buyer, host, joined
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        socket = transport.get_extra_info("socket")
        secure = transport.get_extra_info("ssl_object") is not None
        # A plain socket takes bytes without the transport's detour, as long as nothing waits in it.
        self.stuffed = True  # something may wait in the transport: only then one has to look
        self.fd = -1 if secure or socket is None else socket.fileno()

    def send(self, payload: bytes) -> bool:
        """Hand the bytes over; False when the listener is gone or was cut off for being slow."""
        if self.is_closing():
            self.leave()
            return False
        if self.stuffed and not self._emptied():
            return False
        if self.fd >= 0 and not self.stuffed:
            try:
                sent = _write(self.fd, payload)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.cut_off()
                return False
            if sent == len(payload):
                return True
            payload = payload[sent:]
        self.keep(payload)
        return True

    def keep(self, rest: bytes) -> None:
        """Let the transport send what the socket did not take."""
        self.stuffed = True
        self._transport.write(rest)

    def _emptied(self) -> bool:
        """Look what still waits in the transport; False when it is so much that the listener is cut off."""
        waiting = self._waiting()
        if waiting > MOST_BUFFERED_BYTES:
            self.cut_off()
            return False
        self.stuffed = waiting > 0
        return True

    def cut_off(self) -> None:
        """Close at once; what waits in the buffer is lost, and asked for again by the browser."""
        self._transport.abort()
        self.leave()

    def leave(self) -> None:
        """Let the handler of the request end."""
        if not self.closed.done():
            self.closed.set_result(None)


# What came of writing to those who did not get it all: so many bytes were sent, or one of the two below.
LOOK_YOURSELF: Final = -1  # something may be in the way: `Listener.send` finds out
GONE: Final = -2
Write: TypeAlias = Callable[[tuple[Listener, ...], bytes], list[tuple[Listener, int]]]


def write_each(listeners: tuple[Listener, ...], payload: bytes) -> list[tuple[Listener, int]]:
    """Write to all with nothing in their way; who did not get it all, and why.

    All are looked at before any is written to: in turns each look waits for memory that the writing pushed
    out (1.53 of a bare `send()`, against 1.25).
    """
    ways = [
        listener.fd if not listener.stuffed and listener.fd >= 0 and not listener.is_closing() else -1
        for listener in listeners
    ]
    others, size = [], len(payload)
    for place, way in enumerate(ways):
        if way >= 0:
            try:
                fate = _write(way, payload)
            except BlockingIOError:
                fate = 0
            except OSError:
                fate = GONE
        else:
            fate = LOOK_YOURSELF
        if fate != size:
            others.append((listeners[place], fate))
    return others


def _loaded() -> tuple[Write, str]:
    try:
        from commerce.api import _crowd  # noqa: PLC0415  may be missing: it is compiled where it can be

        if getattr(_crowd, "interface", 0) != INTERFACE:
            raise ImportError("it was built before it was changed: make setup")
        _crowd.learn(Listener)
    except (ImportError, TypeError, AttributeError) as reason:
        return write_each, str(reason)
    return _crowd.tell, ""


write, no_twin = _loaded()  # and why there is none, for the process to tell once its log is open


class Crowd:
    """All listeners of one show in this process, and those of each buyer."""

    def __init__(self, write: Write = write) -> None:
        self._write = write
        self._public: dict[Listener, None] = {}
        self._hosts: dict[Listener, None] = {}
        self._buyers: dict[str, list[Listener]] = {}
        self._everyone: list[Listener] | None = None  # of the public, until somebody comes or goes
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._public) + len(self._hosts)

    @property
    def has_hosts(self) -> bool:
        return bool(self._hosts)

    @property
    def has_buyers(self) -> bool:
        return bool(self._buyers)

    def join(self, listener: Listener) -> None:
        """From now on the listener hears what is said."""
        (self._hosts if listener.host else self._public)[listener] = None
        self._everyone = None
        if listener.buyer is not None and not listener.host:
            self._buyers.setdefault(listener.buyer, []).append(listener)

    def leave(self, listener: Listener) -> None:
        """The listener hears no more."""
        (self._hosts if listener.host else self._public).pop(listener, None)
        self._everyone = None
        own = self._buyers.get(listener.buyer or "", [])
        if listener in own:
            own.remove(listener)
            if not own:
                del self._buyers[listener.buyer or ""]

    def of_buyer(self, buyer: str) -> Iterable[Listener]:
        """The connections of one buyer: several tabs are several."""
        return tuple(self._buyers.get(buyer, ()))

    async def tell_public(self, payload: bytes) -> None:
        """To everyone but the hosts."""
        if self._everyone is None:
            self._everyone = list(self._public)
        await self._tell(self._everyone, payload)

    async def tell_hosts(self, payload: bytes) -> None:
        """To the hosts alone."""
        await self._tell(list(self._hosts), payload)

    async def ping(self) -> None:
        """Keep proxies from closing what is quiet, and find out who has gone."""
        await self._tell([*self._public, *self._hosts], PING)

    async def _tell(self, listeners: list[Listener], payload: bytes) -> None:
        for start in range(0, len(listeners), BREATH_EVERY):
            if start:
                await asyncio.sleep(0)
            for listener, fate in self._write(tuple(listeners[start : start + BREATH_EVERY]), payload):
                if fate >= 0:
                    listener.keep(payload[fate:])
                elif fate == GONE:
                    listener.cut_off()
                    self._drop(listener)
                elif not listener.send(payload):
                    self._drop(listener)

    def _drop(self, listener: Listener) -> None:
        self.dropped += 1
        self.leave(listener)

    def close(self) -> None:
        """The process ends: let every handler finish its response."""
        for listener in [*self._public, *self._hosts]:
            listener.leave()
