"""The press: papers are set in a process of its own, one after the other.

Setting a paper costs a second of CPU, most of it reading the Chinese faces; in a front it would hold up every
buyer. `python -m commerce.books.press` reads jobs from stdin and writes papers to stdout, both as msgpack
behind a length of four bytes, and ends when stdin does, so that nobody is left behind by a killed front.
Persons pass through the pipe alone: never a command line, never a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import sys
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Literal

import msgspec

from commerce.books.papers import NoFonts, Parcel, invoice, packing_list

LENGTH: Final = struct.Struct(">I")
MOST_BYTES: Final = 16 << 20
MOST_WAITING: Final = 16
PATIENCE_SECONDS: Final = 30.0
PAPERS: Final = {"invoice": invoice, "packing_list": packing_list}


@dataclass(frozen=True, slots=True)
class Job:
    """One paper to be set."""

    paper: Literal["invoice", "packing_list"]
    parcel: Parcel
    language: str


@dataclass(frozen=True, slots=True)
class Printed:
    """The paper, or why there is none."""

    pdf: bytes
    trouble: str = ""


class PressBusy(Exception):
    """Too many papers wait, or this one took too long; nothing is lost, ask again."""


class Press:
    """Has papers set, one at a time; starts its process when first asked. `aclose` it."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def set(self, job: Job) -> bytes:
        """The paper as PDF. Raises PressBusy, or NoFonts."""
        if self._waiting >= MOST_WAITING:
            raise PressBusy
        self._waiting += 1
        try:
            async with self._turn:
                printed = await self._ask(job)
        finally:
            self._waiting -= 1
        if printed.trouble:
            raise NoFonts(printed.trouble)
        return printed.pdf

    async def _ask(self, job: Job) -> Printed:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                reader, writer = await self._pipes()
                writer.write(framed(msgspec.msgpack.encode(job)))
                await writer.drain()
                (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
                return msgspec.msgpack.decode(await reader.readexactly(length), type=Printed)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            await self.aclose()
            raise PressBusy from None
        except asyncio.CancelledError:
            await self.aclose()  # half a paper is in the pipe: the next one begins anew
            raise

    async def _pipes(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._process is None or self._process.returncode is not None:
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", __name__, stdin=pipe, stdout=pipe, limit=MOST_BYTES
            )
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None and writer is not None  # noqa: S101, PT018  both were asked for above
        return reader, writer

    async def aclose(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def framed(body: bytes) -> bytes:
    return LENGTH.pack(len(body)) + body


def work(jobs: BinaryIO, papers: BinaryIO) -> None:
    """Set what comes until it ends."""
    while head := jobs.read(LENGTH.size):
        (length,) = LENGTH.unpack(head)
        papers.write(framed(msgspec.msgpack.encode(printed(jobs.read(length)))))
        papers.flush()


def printed(raw: bytes) -> Printed:
    """One job done."""
    job: Any = msgspec.msgpack.decode(raw, type=Job)
    try:
        return Printed(PAPERS[job.paper](job.parcel, job.language))
    except NoFonts as missing:
        return Printed(b"", str(missing))


if __name__ == "__main__":
    work(sys.stdin.buffer, sys.stdout.buffer)
