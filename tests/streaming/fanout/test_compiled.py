"""What needs a compiler: sanitizers over the native twin, and a kernel that refuses on demand."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
FANOUT = ROOT / "streaming/fanout"
COMPILER = shutil.which("gcc") or shutil.which("cc")
HEADERS = Path(sysconfig.get_paths()["include"]) / "Python.h"
pytestmark = pytest.mark.skipif(
    not COMPILER or not HEADERS.exists() or sys.platform != "linux",
    reason="no C compiler or no Python.h here: what it would compile is not used here either",
)
SUITE = [
    "test_packets.py",
    "test_followers.py",
    "test_nonce_law.py",
    "test_kernel.py",
    "test_twins.py",
    "test_receiving.py",
]
RUN_WITH = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("streaming.fanout._native", sys.argv[1])
built = importlib.util.module_from_spec(spec)
spec.loader.exec_module(built)
sys.modules["streaming.fanout._native"] = built
import pytest
sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-k", "not [python", *sys.argv[2:]]))
"""


def compiled(sources: list[Path], to: Path, *flags: str) -> Path:
    command = [str(COMPILER), "-shared", "-fPIC", "-g", "-std=c11", *flags, "-o", str(to), *map(str, sources)]
    done = subprocess.run([*command, "-ldl", "-lpthread"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return to


def library(name: str) -> str:
    asked = [str(COMPILER), f"-print-file-name={name}"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kernel", ["SENDMMSG", "WITHOUT_SENDMMSG"])
def test_the_native_twin_under_address_and_undefined_behaviour_sanitizers(
    tmp_path: Path, kernel: str
) -> None:
    asan = library("libasan.so")
    if not Path(asan).is_absolute():
        pytest.skip("this compiler came without libasan")
    built = compiled(
        [FANOUT / "_native.c", *FANOUT.glob("c/*.c")],
        tmp_path / "_native.so",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fno-omit-frame-pointer",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        f"-I{HEADERS.parent}",
        f"-D{kernel}",
    )
    environment = os.environ | {
        "LD_PRELOAD": f"{asan} {library('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",  # Python itself keeps what it allocated
        "PYTHONMALLOC": "malloc",
    }
    suite = [str(HERE / name) for name in SUITE]
    done = subprocess.run(
        [sys.executable, "-c", RUN_WITH, str(built), *suite],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > 100


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
