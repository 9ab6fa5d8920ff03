"""A wrong setting names itself and stops the start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from streaming.settings import WrongSetting, read_settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RELAY_HTTP", "8081"),
        ("RELAY_UDP", "127.0.0.1:99999"),
        ("RELAY_UDP", "localhost:8443"),
        ("RELAY_ANNOUNCE", "relay.example"),
        ("RELAY_ANNOUNCE", "192.0.2.1:x"),
        ("RELAY_VIEWERS_MAX", "many"),
        ("RELAY_HALF_OPEN_MAX", "0"),
        ("RELAY_FANOUT", "fast"),
        ("RELAY_PROXIES", "-1"),
        ("TURN_URLS", "turn.example"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(WrongSetting, match=name):
        read_settings({name: value})


def test_a_turn_server_needs_its_secret_and_a_stun_server_none(tmp_path: Path) -> None:
    secret = tmp_path / "turn.secret"
    with pytest.raises(WrongSetting, match="TURN_SECRET_FILE"):
        read_settings({"TURN_URLS": "turn:turn.example:3478", "TURN_SECRET_FILE": str(secret)})
    secret.write_text("s3cret\n")
    settings = read_settings({"TURN_URLS": "turn:turn.example:3478", "TURN_SECRET_FILE": str(secret)})
    assert settings.turn_secret == "s3cret"
    assert "s3cret" not in repr(settings)
    assert read_settings({"TURN_URLS": "stun:stun.example:3478"}).turn_secret == ""


def test_a_socket_on_all_addresses_must_be_told_which_one_peers_reach() -> None:
    with pytest.raises(WrongSetting, match="RELAY_ANNOUNCE"):
        read_settings({"RELAY_UDP": "0.0.0.0:8443"})
    settings = read_settings({"RELAY_UDP": "0.0.0.0:8443", "RELAY_ANNOUNCE": "192.0.2.1, [2001:db8::1]:9000"})
    assert settings.announce == (("192.0.2.1", 0), ("2001:db8::1", 9000))


def run(environ: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "streaming"],
        cwd=ROOT,
        env={**os.environ, "RELAY_HTTP": "127.0.0.1:0", "RELAY_UDP": "127.0.0.1:0", **environ},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_process_says_one_sentence_and_ends_with_code_2(tmp_path: Path) -> None:
    process = run({"RELAY_HTTP": "nowhere"})
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.strip() == "relay: RELAY_HTTP must be HOST:PORT, e.g. 127.0.0.1:8081"
    broken = tmp_path / "stages.json"
    broken.write_text('{"not": "a list"}')
    process = run({"STAGES_FILE": str(broken)})
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "STAGES_FILE" in said.splitlines()[-1]


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    stages = tmp_path / "stages.json"
    stages.write_text("[]")
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        process = run({"STAGES_FILE": str(stages), "RELAY_UDP": f"127.0.0.1:{taken.getsockname()[1]}"})
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cannot listen" in said.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_in_order(tmp_path: Path, number: signal.Signals) -> None:
    stages = tmp_path / "stages.json"
    stages.write_text("[]")
    process = run({"STAGES_FILE": str(stages)})
    assert process.stderr is not None
    for line in process.stderr:
        if "relay_started" in line:
            break
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait(timeout=30) == 0
    assert "relay_stopped" in rest
    process.stderr.close()
