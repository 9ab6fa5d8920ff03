"""A log that cannot be written costs lines, never work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from commerce.log import RequestLog

FULL = Path("/dev/full")  # every write to it meets a full disk
PROGRAM = """
import structlog
from commerce.log import configure
configure()
structlog.get_logger("test").warning("nobody will read this")
print("went on")
"""


def test_a_process_whose_log_meets_a_full_disk_goes_on() -> None:
    with FULL.open("wb") as full:
        run = subprocess.run([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=full, check=True)
    assert run.stdout == b"went on\n"


@pytest.mark.parametrize(
    ("package", "twin"), [("commerce", "commerce.api._crowd"), ("commerce.desk", "commerce.desk._native")]
)
def test_a_process_without_its_twin_says_so_in_its_log_alone(package: str, twin: str) -> None:
    """It stood on standard output, before the log was open, and in no line of JSON."""
    program = (
        f"import sys; sys.modules[{twin!r}] = None; import {package}.__main__ as process; process.main()"
    )
    environment = {**os.environ, "REDIS_URL": "nonsense"}  # it goes no further than its settings
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=environment, timeout=60, check=False
    )
    assert run.stdout == b""
    assert b"REDIS_URL" in run.stderr


async def test_requests_are_answered_while_their_lines_cannot_be_written(tmp_path: Path) -> None:
    """The lines were kept and tried again, and every five hundredth request failed with them."""
    file = tmp_path / "log"
    with FULL.open("wb") as full:  # noqa: ASYNC230  nothing is read from a disk
        log = RequestLog(full)
        for number in range(1_100):
            log.add(str(number), "GET", "/", 200, 0.001)
        log.flush()
    with file.open("wb") as sound:
        log = RequestLog(sound)
        log.add("a", "GET", "/", 200, 0.001)
        log.flush()
    assert msgspec.json.decode(file.read_bytes())["trace"] == "a"
