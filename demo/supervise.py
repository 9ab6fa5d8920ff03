"""supervisord as a child: starts the processes of a Procfile, restarts what dies, ends all in order.

Knows processes by name and state; never what they do.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import xmlrpc.client  # speaks to our own child over a unix socket
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from demo import procfile, rpc
from demo.settings import Refusal

PR_SET_PDEATHSIG: Final = 1  # prctl(2)
UP_SECONDS: Final = 60.0  # a machine with other work takes its time
POLL_SECONDS: Final = 0.05
KILL_SECONDS: Final = 5.0  # after every process had its own STOP_SECONDS


def _end_with_parent() -> None:
    """Runs in the child: should the demo be killed outright, supervisord still ends everything."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervision:
    """The processes of a Procfile under one supervisord. `held_back` ones start when asked."""

    def __init__(self, processes: list[procfile.Process], var: Path, held_back: Collection[str] = ()) -> None:
        self._processes = processes
        self._var = var
        self._held_back = held_back
        self._child: subprocess.Popen[bytes] | None = None
        self._lives: dict[str, set[int]] = {}

    def start(self, environ: Mapping[str, str]) -> None:
        """Start supervisord in a process group of its own, so that Ctrl-C reaches the demo alone."""
        (self._var / "log").mkdir(parents=True, exist_ok=True)
        config = self._var / "supervisor.conf"
        config.write_text(
            procfile.supervisor_config(self._processes, str(self._var), sys.executable, self._held_back)
        )
        self._child = subprocess.Popen(  # noqa: S603  # our own interpreter and file
            [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(config)],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # the demo has one thread at this moment
        )
        try:
            self._wait_until_it_answers()
        except Refusal:
            self.stop()
            raise

    def _wait_until_it_answers(self) -> None:
        child = self._running_child()
        deadline = time.monotonic() + UP_SECONDS
        while True:
            if child.poll() is not None:
                words = child.stderr.read().decode(errors="replace").strip() if child.stderr else ""
                raise Refusal(f"supervisord did not start: {words.splitlines()[-1] if words else 'no word'}")
            with contextlib.suppress(OSError, xmlrpc.client.Error):
                self._ask("getState")
                return
            if time.monotonic() > deadline:
                raise Refusal("supervisord did not answer.")
            time.sleep(POLL_SECONDS)

    def states(self) -> dict[str, str]:
        """Name → supervisor's word: RUNNING, STARTING, BACKOFF, FATAL, STOPPED …"""
        return {str(info["name"]): str(info["statename"]) for info in self._ask("getAllProcessInfo")}

    def given_up(self) -> str | None:
        """A process that supervisor does not start any more."""
        return next((name for name, state in self.states().items() if state == "FATAL"), None)

    def restless(self) -> str | None:
        """A process that was started again and again since one asks, or given up: it cannot run here."""
        for info in self._ask("getAllProcessInfo"):
            lives = self._lives.setdefault(str(info["name"]), set())
            lives |= {int(info["pid"])} - {0}
            if len(lives) > procfile.START_TRIES or info["statename"] == "FATAL":
                return str(info["name"])
        return None

    def start_process(self, name: str) -> None:
        """Start one that was held back."""
        self._ask("startProcess", name, False)

    def pid(self, name: str) -> int:
        """The process id now, 0 when it does not run."""
        return int(self._ask("getProcessInfo", name)["pid"])

    def last_words(self, name: str) -> str:
        """The last line that a process wrote, for the sentence that says why it does not run."""
        log = self._var / "log" / f"{name}.log"
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return lines[-1] if lines else "it wrote nothing"

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def stop(self) -> None:
        """SIGTERM to supervisord, which ends the processes in reverse order and waits for each."""
        if self._child is None:
            return
        if self.alive:
            self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(procfile.STOP_SECONDS * len(self._processes) + KILL_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
        if self._child.stderr:
            self._child.stderr.close()
        self._child = None

    def _running_child(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise RuntimeError("start() first")
        return self._child

    def _ask(self, method: str, *arguments: object) -> Any:
        return rpc.ask(f"{self._var}/supervisor.sock", method, *arguments)
