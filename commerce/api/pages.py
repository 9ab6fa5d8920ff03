"""The folder `web/` over HTTP: page shells, modules, styles, pictures; each with strict headers.

Files are read once by a thread and kept with their digest as ETag; a change on the disk is seen
within a second of the next request. Nothing outside the folder can be named.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

from commerce.api.front import problem_response, trace_of
from commerce.api.problems import Problem

SHELLS: Final = {
    "/": "index.html",
    "/shows/{show}": "show.html",
    "/orders/{order}": "order.html",
    "/host": "host.html",
    "/host/{show}": "host.html",
    "/merchant": "merchant.html",
    "/operator": "merchant.html",
    "/pair": "merchant.html",  # short, to be typed by hand
    "/merchant/{rest:.*}": "merchant.html",
}
TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
RESCAN_SECONDS: Final = 1.0
MOST_FILES: Final = 2_000
MOST_FILE_BYTES: Final = 8 << 20
LEAST_COMPRESSED_BYTES: Final = 1_024

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), payment=()",
}


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file as it is sent."""

    body: bytes
    packed: bytes | None  # gzip, where that is shorter
    etag: str
    type: str


@dataclass
class Shelf:
    """The files of a folder by their path below it, rescanned at most once a second."""

    folder: Path
    files: Mapping[str, WebFile] = field(default_factory=dict)
    _stamps: dict[str, tuple[int, int]] = field(default_factory=dict)
    _scanned_s: float = -RESCAN_SECONDS
    _scan: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, name: str) -> WebFile | None:
        """The file of this relative path, or None."""
        if time.monotonic() - self._scanned_s >= RESCAN_SECONDS and not self._scan.locked():
            async with self._scan:
                self.files = await asyncio.to_thread(self._read)
                self._scanned_s = time.monotonic()
        return self.files.get(name)

    def _read(self) -> dict[str, WebFile]:
        found: dict[str, WebFile] = {}
        for path in sorted(self.folder.rglob("*"))[:MOST_FILES]:
            if not path.is_file() or path.is_symlink() or any(part[0] in "._" for part in path.parts[-2:]):
                continue
            name, stat = path.relative_to(self.folder).as_posix(), path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            old = self.files.get(name)
            if old is not None and self._stamps.get(name) == stamp:
                found[name] = old
            elif stat.st_size <= MOST_FILE_BYTES:
                found[name], self._stamps[name] = web_file(name, path.read_bytes()), stamp
        return found


def web_file(name: str, body: bytes) -> WebFile:
    """A file with its type, digest and compressed twin."""
    suffix = Path(name).suffix
    kind = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    worth = suffix in TYPES and len(body) >= LEAST_COMPRESSED_BYTES
    packed = gzip.compress(body, mtime=0) if worth else None
    if packed is not None and len(packed) >= len(body):
        packed = None
    return WebFile(body, packed, f'"{hashlib.sha256(body).hexdigest()[:24]}"', kind)


def policy(connect: tuple[str, ...]) -> str:
    """The Content-Security-Policy (CSP level 3): nothing inline, `connect` beside our own origin."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "media-src 'self' blob:",
            "worker-src 'self'",
            "manifest-src 'self'",
            " ".join(("connect-src", "'self'", *connect)),
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def is_for_a_person(request: web.Request) -> bool:
    """Whether a browser went to an address of its own bar, and no script or program asked."""
    machine = request.path.startswith(("/api/", "/web/", "/.well-known/"))
    return request.method == "GET" and not machine and "text/html" in request.headers.get("Accept", "")


def answer(
    request: web.Request, file: WebFile, headers: Mapping[str, str], status: int = 200
) -> web.Response:
    """The file, or 304 when the caller has it (RFC 9110 section 13.1.2)."""
    sent = {**HEADERS, **headers, "ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
    if file.etag in known and status == 200:
        return web.Response(status=304, headers=sent)
    sent["Content-Type"] = file.type
    if file.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=file.packed, headers={**sent, "Content-Encoding": "gzip"}, status=status)
    return web.Response(body=file.body, headers=sent, status=status)


PageHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def shell(
    shelf: Shelf, name: str, headers: Callable[[], Mapping[str, str]], status: int = 200
) -> PageHandler:
    """The handler of a page: the same file for every id in the path."""

    async def show(request: web.Request) -> web.StreamResponse:
        file = await shelf.find(f"pages/{name}")
        if file is None:
            return problem_response(Problem("UnknownPath"), trace_of(request))
        return answer(request, file, headers(), status)

    return show


def files(shelf: Shelf, headers: Callable[[], Mapping[str, str]]) -> PageHandler:
    """The handler of `/web/{path}`."""

    async def show(request: web.Request) -> web.StreamResponse:
        file = await shelf.find(request.match_info["path"])
        if file is None:
            return problem_response(Problem("UnknownPath"), trace_of(request))
        return answer(request, file, headers())

    return show
