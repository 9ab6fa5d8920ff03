"""Bytes for a crowd: by the readable loop and by its compiled twin alike."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

import pytest

from commerce.api import crowd
from commerce.api.crowd import BREATH_EVERY, GONE, LOOK_YOURSELF, Crowd, Listener, Write, write_each

PAYLOAD = b"5\r\nhello\r\n"
LARGE = b"x" * 4_000_000  # more than a socket takes that nobody reads
needs_twin = pytest.mark.skipif(
    find_spec("commerce.api._crowd") is None, reason="no compiler here: Python serves"
)


class Line(asyncio.Transport):
    """A connection whose other end is at hand; what it is given to send later stays in `kept`."""

    def __init__(self, *, secure: bool = False) -> None:
        super().__init__()
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.far.setblocking(False)
        self.kept, self.closing, self.aborted, self._secure = b"", False, False, secure

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"socket": self.near, "ssl_object": self if self._secure else None}.get(name, default)

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return len(self.kept)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.kept += bytes(data)

    def abort(self) -> None:
        self.aborted = self.closing = True

    def read(self) -> bytes:
        read = b""
        while True:
            try:
                more = self.far.recv(1 << 20)
            except BlockingIOError:
                return read
            if not more:
                return read
            read += more


class Street:
    """Lines, and a crowd that writes to them in one of the two ways."""

    def __init__(self, stack: ExitStack, write: Write) -> None:
        self.write, self.crowd, self._stack = write, Crowd(write), stack

    def line(self, *, secure: bool = False) -> Line:
        made = Line(secure=secure)
        self._stack.callback(made.near.close)
        self._stack.callback(made.far.close)
        return made

    def join(self, line: Line) -> Listener:
        """A listener with nothing in its way."""
        listener = Listener(line, None)
        listener.stuffed = False
        self.crowd.join(listener)
        return listener


@pytest.fixture(params=["readable", pytest.param("twin", marks=needs_twin)])
def street(request: pytest.FixtureRequest) -> Iterator[Street]:
    with ExitStack() as stack:
        yield Street(stack, write_each if request.param == "readable" else crowd.write)


@needs_twin
def test_the_twin_was_built_and_is_used() -> None:
    assert crowd.write is not write_each


async def test_everybody_gets_the_bytes_also_behind_a_breath(street: Street) -> None:
    lines = [street.line() for _ in range(5)]
    listeners = [street.join(lines[number % 5]) for number in range(BREATH_EVERY + 50)]
    await street.crowd.tell_public(PAYLOAD)
    assert [line.read() for line in lines] == 5 * [PAYLOAD * (len(listeners) // 5)]
    assert (len(street.crowd), street.crowd.dropped) == (len(listeners), 0)


async def test_what_a_socket_does_not_take_its_transport_sends(street: Street) -> None:
    line = street.line()
    listener = street.join(line)
    await street.crowd.tell_public(LARGE)
    assert 0 < len(line.kept) < len(LARGE)
    assert listener.stuffed
    assert len(line.read()) + len(line.kept) == len(LARGE)
    line.kept = b"some"
    await street.crowd.tell_public(PAYLOAD)  # behind what waits, and not before it
    assert (line.read(), line.kept) == (b"", b"some" + PAYLOAD)
    line.kept = b""
    await street.crowd.tell_public(PAYLOAD)
    assert (line.read(), line.kept) == (PAYLOAD, b"")


async def test_who_reads_nothing_is_cut_off(street: Street) -> None:
    line = street.line()
    street.join(line)
    await street.crowd.tell_public(LARGE)
    assert len(line.kept) > crowd.MOST_BUFFERED_BYTES
    await street.crowd.tell_public(PAYLOAD)
    assert line.aborted
    assert (len(street.crowd), street.crowd.dropped) == (0, 1)


async def test_who_has_gone_is_dropped_and_the_others_are_told(street: Street) -> None:
    gone, leaving, here = street.line(), street.line(), street.line()
    listeners = [street.join(line) for line in (gone, leaving, here)]
    gone.far.close()
    leaving.closing = True
    await street.crowd.tell_public(PAYLOAD)
    assert [line.aborted for line in (gone, leaving, here)] == [True, False, False]
    assert [listener.closed.done() for listener in listeners] == [True, True, False]
    assert leaving.read() == b""
    assert here.read() == PAYLOAD
    assert (len(street.crowd), street.crowd.dropped) == (1, 2)


async def test_an_encrypted_line_is_written_by_its_transport(street: Street) -> None:
    line = street.line(secure=True)
    street.join(line)
    await street.crowd.tell_public(PAYLOAD)
    assert (line.read(), line.kept) == (b"", PAYLOAD)


async def test_those_who_did_not_get_it_all_are_named_with_the_reason(street: Street) -> None:
    lines = [street.line() for _ in range(6)]
    full, stuffed, closing, gone, none, fine = listeners = [street.join(line) for line in lines]
    for _ in range(2):
        street.write((full,), LARGE)
    stuffed.stuffed = True
    lines[2].closing = True
    lines[3].far.close()
    none.fd = -1
    found = street.write(tuple(listeners), PAYLOAD)
    assert found == [
        (full, 0),
        (stuffed, LOOK_YOURSELF),
        (closing, LOOK_YOURSELF),
        (gone, GONE),
        (none, LOOK_YOURSELF),
    ]
    assert fine not in dict(found)


async def test_a_fault_of_a_line_is_not_swallowed(street: Street) -> None:
    def broken() -> bool:
        raise RuntimeError("a transport of another make")

    listener = street.join(street.line())
    listener.is_closing = broken
    with pytest.raises(RuntimeError, match="another make"):
        street.write((listener,), PAYLOAD)


@needs_twin
async def test_the_twin_takes_nothing_but_listeners_and_bytes(street: Street) -> None:
    listener = street.join(street.line())
    wrong: Any
    for wrong in (((object(),), b"x"), ([listener], b"x"), ((listener,), "x"), (1_025 * (listener,), b"x")):
        with pytest.raises(TypeError):
            crowd.write(*wrong)
