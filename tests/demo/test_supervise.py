"""Processes under supervision: restarted when they die, ended in order, none left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.procfile import Process
from demo.settings import Refusal
from demo.supervise import Supervision

pytestmark = pytest.mark.slow

NAP = """
import signal, sys, time

def end(*_):
    open("ended", "a").write(sys.argv[1])
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
time.sleep(600)
"""
DEMO = """
import os, sys, time
from pathlib import Path
from demo.procfile import Process
from demo.supervise import Supervision
supervision = Supervision([Process("nap", "python nap.py 1", 0)], Path("var"))
supervision.start(os.environ)
print(supervision.pid("nap"), flush=True)
time.sleep(600)
"""


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def supervision(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervision]:
    monkeypatch.chdir(short_dir)
    (short_dir / "nap.py").write_text(NAP)
    names = ("first", "second", "late")
    processes = [Process(name, f"python nap.py {rank}", rank) for rank, name in enumerate(names)]
    supervision = Supervision(processes, Path("var"), held_back={"late"})
    supervision.start(os.environ)
    yield supervision
    supervision.stop()


def test_what_dies_is_started_again(supervision: Supervision) -> None:
    until(lambda: supervision.states()["first"] == "RUNNING")
    before = supervision.pid("first")
    os.kill(before, signal.SIGKILL)
    until(lambda: supervision.pid("first") not in (0, before))


def test_one_that_was_held_back_starts_when_asked(supervision: Supervision) -> None:
    assert supervision.states()["late"] == "STOPPED"
    supervision.start_process("late")
    until(lambda: supervision.states()["late"] == "RUNNING")


def test_the_end_comes_in_reverse_order_and_leaves_nobody(supervision: Supervision) -> None:
    until(lambda: supervision.states()["second"] == "RUNNING")
    pids = [supervision.pid("first"), supervision.pid("second")]
    supervision.stop()
    assert all(gone(pid) for pid in pids)
    assert Path("ended").read_text() == "10"


def test_should_the_demo_be_killed_everything_still_ends(short_dir: Path) -> None:
    (short_dir / "nap.py").write_text(NAP)
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", DEMO], stdout=subprocess.PIPE, env=environ, cwd=short_dir
    ) as demo:
        assert demo.stdout is not None
        nap = int(demo.stdout.readline())
        assert nap > 0
        assert not gone(nap)
        demo.kill()
    until(lambda: gone(nap))


def test_supervisord_that_cannot_start_says_why(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(short_dir)
    broken = Supervision([Process("late", "python nap.py 'an open quote in %(ini)s'", 0)], Path("x" * 120))
    with pytest.raises(Refusal, match="supervisord did not start"):
        broken.start(os.environ)
    assert not broken.alive
