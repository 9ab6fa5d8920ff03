"""The embedded server: keeps what it acknowledges, and a server that does not is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rig.shop import wait_for_socket
from commerce.live import server as embedded
from commerce.live.durability import NotDurable, check, check_when_up
from commerce.live.valkey import open_redis
from tests.servers import Server


@pytest.fixture
def running(short_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "VAR_DIR": str(short_dir)}
    environment.pop("REDIS_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "commerce.live.server"], env=environment, stdout=subprocess.DEVNULL
    )
    wait_for_socket(short_dir / "valkey" / "s")
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()


async def test_the_embedded_server_is_durable(running: subprocess.Popen[bytes], short_dir: Path) -> None:
    redis = open_redis(embedded.default_url(short_dir))
    assert await check(redis, accept_loss=False) == []
    await redis.set("kept", "yes")
    await redis.aclose()


def test_it_ends_in_order_and_keeps_everything(running: subprocess.Popen[bytes], short_dir: Path) -> None:
    reached = Server("valkey", short_dir / "valkey")
    assert reached.command("SET", "kept", "yes") == b"+OK\r\n"
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0
    again = embedded.start(short_dir / "valkey", output=subprocess.DEVNULL)
    wait_for_socket(short_dir / "valkey" / "s")
    assert reached.command("GET", "kept") == b"$3\r\nyes\r\n"
    again.terminate()
    assert again.wait(10) == 0


def test_another_server_named_by_redis_url_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert embedded.run({"REDIS_URL": "redis://elsewhere"}) == 0
    assert "REDIS_URL" in capsys.readouterr().err


def test_a_path_too_long_for_a_socket_is_said_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert embedded.run({"VAR_DIR": str(tmp_path / ("x" * 100))}) == 1
    assert "shorter VAR_DIR" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (("--appendfsync", "everysec"), "appendfsync"),
        (("--appendonly", "no"), "appendonly"),
        (("--maxmemory-policy", "allkeys-lru"), "maxmemory-policy"),
    ],
)
async def test_a_server_that_may_lose_orders_is_refused(
    short_dir: Path, options: tuple[str, ...], name: str
) -> None:
    loose = Server("valkey", short_dir, options).start()
    redis = open_redis(loose.url)
    try:
        with pytest.raises(NotDurable, match=name):
            await check(redis, accept_loss=False)
        (why,) = await check(redis, accept_loss=True)
        assert name in why
    finally:
        await redis.aclose()
        loose.stop()


async def test_a_server_that_never_comes_up_is_named(short_dir: Path) -> None:
    redis = open_redis(f"unix://{short_dir}/nothing")
    with pytest.raises(NotDurable, match="answers"):
        await check_when_up(redis, accept_loss=False, wait_seconds=0.2)
    await redis.aclose()
