"""One evening of the demo with all its processes: it opens, tells where to look, leaves nothing behind."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from demo.own import addresses
from demo.procfile import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

FIELDS = {
    "show", "viewer", "host", "merchant", "api", "whep", "whep_token", "whip_idle", "whip_idle_token",
    "whep_idle", "whep_idle_token", "relay_status", "logins",
}  # fmt: skip


class Evening:
    """`python -m demo` as a child, with ports and a folder of its own."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.addresses = addresses()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo"],
            cwd=ROOT,
            env={**os.environ, **self.addresses, "VAR_DIR": str(folder), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sheet(self) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while not (self.folder / "demo.json").exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        content: dict[str, Any] = json.loads((self.folder / "demo.json").read_text())
        return content

    def end(self, number: signal.Signals | None = signal.SIGINT) -> tuple[int, str, str]:
        """Exit code, and what it said."""
        if number is not None:
            self.process.send_signal(number)
        try:
            out, err = self.process.communicate(timeout=150)  # a machine with other work takes its time
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, out, err

    def processes(self) -> list[str]:
        """Command lines of everything on this machine that was started for this evening's folder.

        Valkey writes its title over its environment, but it lives in the folder.
        """
        mark = f"VAR_DIR={self.folder}".encode()
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                ours = mark in (place / "environ").read_bytes().split(b"\0")
                if ours or Path(os.readlink(place / "cwd")).is_relative_to(self.folder):
                    found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found


def asked(place: str) -> str:
    """The body of a 200."""
    with urllib.request.urlopen(place, timeout=60) as answer:
        return str(answer.read(), "utf-8")


@pytest.fixture
def folder(short_dir: Path) -> Path:
    return short_dir


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_evening_opens_completely_and_ends_without_a_trace(folder: Path, number: signal.Signals) -> None:
    evening = Evening(folder)
    sheet = evening.sheet()
    assert set(sheet) == FIELDS
    assert all(sheet.values())
    assert stat.S_IMODE((folder / "demo.json").stat().st_mode) == 0o600
    names = " ".join(evening.processes())
    for module in (
        "valkey",
        "commerce.desk",
        "streaming",
        "commerce.effects",
        "studio_agent",
        "sandbox",
    ):
        assert module in names
    for setting, address in evening.addresses.items():
        if setting.endswith("_HTTP"):
            assert asked(f"http://{address}/healthz").startswith("{"), setting
            assert "# HELP" in asked(f"http://{address}/metrics"), setting
    code, out, err = evening.end(number)
    assert (code, err) == (0, "")
    assert sheet["viewer"] in out
    assert sheet["logins"]["host"]["password"] in out
    assert evening.processes() == []
    assert not (folder / "demo.json").exists()


def test_an_evening_of_some_seconds_ends_by_itself_and_goes_on_the_next_day(folder: Path) -> None:
    first = Evening(folder, DEMO_SECONDS="3")
    show, logins = (sheet := first.sheet())["show"], sheet["logins"]
    assert first.end(None)[0] == 0
    second = Evening(folder, DEMO_SECONDS="1")
    sheet = second.sheet()
    assert second.end(None)[0] == 0
    assert (sheet["show"], sheet["logins"]) == (show, logins)
    assert second.processes() == []


def test_an_evening_interrupted_while_it_opens_ends_as_well(folder: Path) -> None:
    evening = Evening(folder)
    deadline = time.monotonic() + 90
    while not any("commerce.desk" in line for line in evening.processes()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    code, _, err = evening.end()
    assert (code, err) == (0, "")
    assert evening.processes() == []


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
def test_a_port_that_is_taken_is_one_plain_sentence(folder: Path, kind: socket.SocketKind) -> None:
    with socket.socket(type=kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        setting = "SHOP_HTTP" if kind is socket.SOCK_STREAM else "RELAY_UDP"
        code, out, err = Evening(folder, **{setting: f"127.0.0.1:{port}"}).end(None)
    assert code == 1
    assert out == ""
    assert err.startswith("make demo: ")
    assert str(port) in err
    assert err.count("\n") == 1


def test_a_missing_camera_is_one_plain_sentence(folder: Path) -> None:
    code, _, err = Evening(folder, SOURCE="camera:/dev/video99").end(None)
    assert code == 1
    assert "no camera at /dev/video99" in err
    assert err.count("\n") == 1


def test_a_clip_that_is_no_video_is_one_plain_sentence_of_the_agent(folder: Path) -> None:
    evening = Evening(folder, SOURCE=str(ROOT / "LICENSE"))
    code, _, err = evening.end(None)
    assert code == 1
    assert err.startswith("make demo: The process agent does not stay up: ")
    assert "LICENSE" in err
    assert err.count("\n") == 1
    assert evening.processes() == []


def relay_of(folder: Path) -> int:
    """The process of the relay that keeps its things in the folder."""
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # others come and go meanwhile
            if (
                b"-m\0streaming\0" in (place / "cmdline").read_bytes()
                and f"VAR_DIR={folder}".encode() in (place / "environ").read_bytes()
            ):
                return int(place.name)
    raise AssertionError("there is no relay")


def test_what_dies_in_the_evening_is_back_before_it_is_missed(folder: Path) -> None:
    evening = Evening(folder)
    sheet = evening.sheet()
    os.kill(relay_of(folder), signal.SIGKILL)
    deadline = time.monotonic() + 90
    while True:
        try:
            status = json.load(urllib.request.urlopen(sheet["relay_status"], timeout=20))
            if [feed["studio"] for feed in status["feeds"]] == ["st-pantry"]:
                break
        except (OSError, ValueError):
            pass
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert evening.end()[0] == 0
