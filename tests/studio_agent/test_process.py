"""`python -m studio_agent` as a supervisor sees it: sentences, exit codes, pages."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.studio_agent.receiver import Receiver, running

ROOT = Path(__file__).parents[2]


async def start(*arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "studio_agent", *arguments,
        cwd=ROOT, env={**os.environ, **environment}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--source", "README.md"], {}, "is no video"),
        (["--source", "camera:/absent"], {}, "No camera at /absent"),
        ([], {"STUDIO_PRESET": "placebo"}, "STUDIO_PRESET"),
        (["--http", "nowhere"], {}, "STUDIO_HTTP"),
    ],
)
async def test_what_cannot_be_is_one_sentence_and_exit_code_two(
    arguments: list[str], environment: dict[str, str], words: str
) -> None:
    process = await start(*arguments, **environment)
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    (line,) = stderr.decode().splitlines()
    assert words in line
    assert line.endswith(".")


def test_ffmpeg_never_logs_through_python() -> None:
    """Its threads would wait for the interpreter that waits for them: the studio then stands still."""
    script = (
        "import av.logging, studio_agent.__main__ as m; m.configure_logging(); print(av.logging.get_level())"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "None"


async def test_a_studio_on_air_can_be_read_and_ends_in_order(free_port: Callable[[], int]) -> None:
    receiver, port = Receiver(token="t0ken"), free_port()
    async with running(receiver) as server:
        process = await start(
            STUDIO_WHIP=str(server.make_url("/whip/main")),
            STUDIO_TOKEN="t0ken",
            STUDIO_HTTP=f"127.0.0.1:{port}",
            STUDIO_LAYERS="1",
        )
        session = await receiver.session(0)
        await session.wait_for_pictures(5)
        async with aiohttp.ClientSession() as http:
            health = await (await http.get(f"http://127.0.0.1:{port}/healthz")).json()
            metrics = await (await http.get(f"http://127.0.0.1:{port}/metrics")).text()
        assert health["state"] == "live"
        assert "studio_live 1.0" in metrics
        process.send_signal(signal.SIGTERM)
        _, stderr = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0
        assert session.is_deleted
        assert "t0ken" not in stderr.decode()
        states = [json.loads(line)["state"] for line in stderr.decode().splitlines()]
        assert states == ["offering", "connecting", "live", "over"]
