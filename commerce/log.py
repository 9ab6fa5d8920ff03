"""How a process of the shop writes its log: JSON lines on stderr, one event each.

A log that cannot be written (the disk is full, its reader has gone) costs lines, never work.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from typing import Any, BinaryIO, Final

import msgspec
import structlog

FLUSH_SECONDS: Final = 0.05
MOST_LINES: Final = 500  # that wait to be written


def configure() -> None:
    """Set structlog up, once, at the start of a process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(Losable(sys.stderr.buffer)),  # type: ignore[arg-type]  # it asks for these two methods
        cache_logger_on_first_use=True,
    )


class Losable:
    """A file that lets go of what it cannot write; past the buffer, which would try the same bytes again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file: BinaryIO = getattr(file, "raw", file)

    def write(self, lines: bytes) -> None:
        """Write them, or not."""
        with contextlib.suppress(OSError, ValueError):
            self._file.write(lines)

    def flush(self) -> None:
        """Nothing is kept back."""
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()


def _json(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)


class RequestLog:
    """One line for each request, written many at a time: a line of its own cost as much as a handler.

    A process that is killed loses the lines of the last twentieth of a second, and nothing else.
    """

    def __init__(self, file: BinaryIO | None = None) -> None:
        self._file = file
        self._lines: list[bytes] = []
        self._second, self._stamp = 0, ""
        self._encoder = msgspec.json.Encoder()

    def add(self, trace: str, method: str, path: str, status: int, seconds: float) -> None:
        """Note a request; it is on its way to stderr within a twentieth of a second."""
        line = {
            "event": "request",
            "trace": trace,
            "method": method,
            "path": path,
            "status": status,
            "ms": round(seconds * 1e3, 2),
            "level": "info",
            "timestamp": self._now(),
        }
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._lines.append(self._encoder.encode(line))
        if len(self._lines) >= MOST_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._lines:
            lines, self._lines = self._lines, []
            file = Losable(self._file or sys.stderr.buffer)
            file.write(b"\n".join(lines) + b"\n")
            file.flush()

    def _now(self) -> str:
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        return f"{self._stamp}.{int(now * 1000) % 1000:03d}Z"
