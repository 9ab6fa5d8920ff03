"""A local certificate, and a TLS door before each HTTP port: bytes in, the same bytes out.

For HTTPS=1 alone. Knows no HTTP: what passes through is none of its business.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from pathlib import Path
from typing import Final

import trustme

from demo.settings import Address

CHUNK_BYTES: Final = 65_536
OPEN_DOORS: Final = 1_000  # connections at a time; more are closed at once


def certificate(folder: Path) -> Path:
    """Make a local authority and a certificate for this machine when absent.

    Returns the authority's certificate: a person may tell a browser to trust it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority_file, chain = folder / "local-authority.pem", folder / "local-https.pem"
    if not (authority_file.exists() and chain.exists()):
        authority = trustme.CA(organization_name="Silkcast demo")
        issued = authority.issue_cert("localhost", "127.0.0.1", "::1")
        descriptor = os.open(chain, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(issued.private_key_pem.bytes() + b"".join(c.bytes() for c in issued.cert_chain_pems))
        authority.cert_pem.write_to_path(authority_file)
    return authority_file


class Door:
    """Listens with TLS on one address and hands every connection's bytes to another."""

    def __init__(self, outside: Address, inside: Address, folder: Path) -> None:
        self._outside, self._inside = outside, inside
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(folder / "local-https.pem")
        self._open: set[asyncio.Task[None]] = set()
        self.refused = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(
            self._enter, self._outside.host, self._outside.port, ssl=self._context
        )

    async def close(self) -> None:
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= OPEN_DOORS:
            self.refused += 1
            writer.close()
            return
        self._open.add(task)
        try:
            inner_reader, inner_writer = await asyncio.open_connection(*self._inside.target)
            try:
                await _both_ways((reader, inner_writer), (inner_reader, writer))
            finally:
                inner_writer.close()
        except OSError:
            self.refused += 1  # nobody is at home inside: the browser sees a closed connection
        finally:
            writer.close()
            self._open.discard(task)


async def _both_ways(*ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Carry bytes both ways until one side ends; then end the other."""
    tasks = [asyncio.create_task(_carry(reader, writer)) for reader, writer in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
