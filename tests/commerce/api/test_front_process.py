"""`python -m commerce` as a process: refuses a store that may lose orders, ends in order, speaks TLS."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import trustme

from tests.commerce.api.street import PASSWORD, lay_folder
from tests.servers import Server


@pytest.fixture
def careless(short_dir: Path) -> Iterator[Server]:
    """A store that syncs now and then."""
    server = Server("valkey", short_dir, ("--appendfsync", "everysec")).start()
    yield server
    server.stop()


def start(folder: Path, redis_url: str, port: int, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "commerce"],
        env={
            **os.environ,
            "VAR_DIR": str(folder),
            "REDIS_URL": redis_url,
            "SHOP_HTTP": f"127.0.0.1:{port}",
            **environment,
        },
        stderr=subprocess.PIPE,
    )


@asynccontextmanager
async def serving(
    folder: Path, redis_url: str, port: int, **environment: str
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A front that answers; killed at the end if it has not ended."""
    await asyncio.to_thread(lay_folder, folder)
    process = start(folder, redis_url, port, **environment)
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    assert process.poll() is None, process.stderr and process.stderr.read()
                    await asyncio.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_store_that_may_lose_orders_stops_the_start(
    careless: Server, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    process = start(tmp_path, careless.url, free_port())
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    (sentence,) = said.decode().splitlines()
    assert "appendfsync" in sentence


async def test_who_accepts_the_loss_is_told_of_it_on_every_page(
    careless: Server, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    async with (
        serving(tmp_path, careless.url, port, ACCEPT_DATA_LOSS="1"),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        async with http.post("/api/sessions", json={"name": "host", "password": PASSWORD}) as signed_in:
            token = (await signed_in.json())["token"]
        async with http.get("/api/sessions", headers={"Authorization": f"Bearer {token}"}) as who:
            (warning,) = (await who.json())["warnings"]
        assert "appendfsync" in warning


async def test_sigterm_ends_a_front_in_order(
    valkey: Server, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    async with (
        serving(tmp_path, valkey.url, port) as process,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        async with http.get("/healthz") as health:
            assert await health.json() == {"ok": True, "problems": []}
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0


async def test_a_front_speaks_tls(valkey: Server, tmp_path: Path, free_port: Callable[[], int]) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for blob in issued.cert_chain_pems:
        blob.write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    port = free_port()
    settings = {"HTTPS": "1", "TLS_CERT_FILE": str(cert), "TLS_KEY_FILE": str(key)}
    async with (
        serving(tmp_path / "var", valkey.url, port, **settings),
        aiohttp.ClientSession(f"https://127.0.0.1:{port}") as http,
        http.get("/shows/sh-1", ssl=trust) as page,
    ):
        assert page.headers["Strict-Transport-Security"]
