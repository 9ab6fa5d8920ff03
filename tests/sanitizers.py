"""Compiles our C for the tests, and runs tests over a build that watches its own memory."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
COMPILER: Final = shutil.which("gcc") or shutil.which("cc")
HEADERS: Final = Path(sysconfig.get_paths()["include"]) / "Python.h"
needs_compiler = pytest.mark.skipif(
    not COMPILER or not HEADERS.exists() or sys.platform != "linux",
    reason="no C compiler or no Python.h here: what it would compile is not used here either",
)
_FLAGS: Final = ("-O1", "-Wall", "-Wextra", "-Werror", "-fno-omit-frame-pointer")
_WATCH: Final = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
_RUN_WITH: Final = """
import importlib.util, sys
name, built, *given = sys.argv[1:]
spec = importlib.util.spec_from_file_location(name, built)
sys.modules[name] = made = importlib.util.module_from_spec(spec)
spec.loader.exec_module(made)
import pytest
sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *given]))
"""


def compiled(sources: Iterable[Path], to: Path, *flags: str) -> Path:
    """A shared object at `to`."""
    command = [str(COMPILER), "-shared", "-fPIC", "-g", "-std=c11", *flags, "-o", str(to), *map(str, sources)]
    done = subprocess.run([*command, "-ldl", "-lpthread"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return to


def _library(name: str) -> str:
    asked = [str(COMPILER), f"-print-file-name={name}"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def passed_under_sanitizers(
    module: str, sources: Iterable[Path], folder: Path, suite: Iterable[Path], *, flags: Iterable[str] = (),
    args: Iterable[str] = (),
) -> int:  # fmt: skip
    """How many tests of the suite pass with `module` built under AddressSanitizer and
    UndefinedBehaviorSanitizer; fails where one does not, skips where the compiler came without them."""
    asan = _library("libasan.so")
    if not Path(asan).is_absolute():
        pytest.skip("this compiler came without libasan")
    built = compiled(sources, folder / "watched.so", *_FLAGS, *_WATCH, f"-I{HEADERS.parent}", *flags)
    environment = os.environ | {
        "LD_PRELOAD": f"{asan} {_library('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",  # Python itself keeps what it allocated
        "PYTHONMALLOC": "malloc",
    }
    done = subprocess.run(
        [sys.executable, "-c", _RUN_WITH, module, str(built), *args, *map(str, suite)],
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
    return int(passed[1])
