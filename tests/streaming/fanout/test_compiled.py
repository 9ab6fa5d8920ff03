"""What needs a compiler: sanitizers over the native twin, and a kernel that refuses on demand."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sanitizers import ROOT, compiled, needs_compiler, passed_under_sanitizers

HERE = Path(__file__).parent
FANOUT = ROOT / "streaming/fanout"
pytestmark = needs_compiler
SUITE = [
    "test_packets.py",
    "test_followers.py",
    "test_nonce_law.py",
    "test_kernel.py",
    "test_twins.py",
    "test_receiving.py",
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kernel", ["SENDMMSG", "WITHOUT_SENDMMSG"])
def test_the_native_twin_under_address_and_undefined_behaviour_sanitizers(
    tmp_path: Path, kernel: str
) -> None:
    passed = passed_under_sanitizers(
        "streaming.fanout._native",
        [FANOUT / "_native.c", *FANOUT.glob("c/*.c")],
        tmp_path,
        [HERE / name for name in SUITE],
        flags=[f"-D{kernel}"],
        args=["-k", "not [python"],
    )
    assert passed > 100


@pytest.fixture(scope="module")
def faulty_kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled([HERE / "faulty_kernel.c"], tmp_path_factory.mktemp("kernel") / "faulty.so")


def told(shim: Path, twin: str, error: int, which: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.streaming.fanout.faulty_viewers", twin, str(error), which],
        cwd=ROOT,
        env=os.environ | {"LD_PRELOAD": str(shim)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    story: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return story


@pytest.mark.parametrize("error", [errno.EAGAIN, errno.ENOBUFS, errno.EPERM])
def test_a_viewer_without_room_loses_its_frame_and_delays_nobody(
    twin: str, error: int, faulty_kernel: Path
) -> None:
    story = told(faulty_kernel, twin, error, "all")
    rest = [*range(8), *range(16, 24)]
    assert story["heard"] == [list(range(24)), rest, list(range(24))]
    assert story["dropped"] == [0, 8, 0]
    assert story["sent"] == [24, 16, 24]
    assert story["fallbacks"] == 0


@pytest.mark.parametrize("error", [errno.EIO, errno.EINVAL])
def test_a_path_without_gso_gets_the_same_packets_one_by_one(
    twin: str, error: int, faulty_kernel: Path
) -> None:
    story = told(faulty_kernel, twin, error, "gso")
    assert story["heard"] == [list(range(24))] * 3
    assert story["dropped"] == [0, 0, 0]
    assert story["sent"] == [24, 24, 24]
    assert story["fallbacks"] in (1, 2)  # one for each run that was already cut
