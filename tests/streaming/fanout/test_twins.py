"""The twins send the same bytes, and the choice between them is named."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import struct
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streaming.fanout import open_fanout
from streaming.fanout.interface import Packet, Resend, Totals
from streaming.fanout.python import PythonSender

from .conftest import TWINS
from .rig import AUDIO, PROFILES, VIDEO, Rig, fresh_keys, packets, sink

both = pytest.mark.skipif(len(TWINS) < 2, reason="the native twin was not compiled: no C compiler here")
TRACKS = (
    VIDEO,
    replace(VIDEO, abs_send_time_id=0),
    replace(VIDEO, abs_capture_time_id=0, rtx_payload_type=None),
    replace(VIDEO, abs_send_time_id=200, constants=((3, b"0"), (9, b"\0\x01\x02"))),
    replace(VIDEO, abs_send_time_id=0, abs_capture_time_id=0),
)


def story(twin: str, gso: bool, seed: int) -> list[list[bytes]]:
    """Everything that ten viewers hear of one seeded story told to one twin."""
    chance, rig = random.Random(seed), Rig(twin, gso=gso)
    rig.sender.freeze(1_234_567_890_123_456_789)
    viewers = [
        rig.sit(
            PROFILES[n % 2],
            TRACKS[n % 5],
            AUDIO,
            keys=fresh_keys(PROFILES[n % 2], seed=1 << 64 | seed << 8 | n),
            offset=chance.randrange(40_000),
        )
        for n in range(10)
    ]
    sequence = 0
    for step in range(120):
        count = chance.choice([1, 1, 2, 3, 8, 9, 70])
        size = chance.randrange(1, 1200)
        frame = packets(sequence, [size + chance.choice([0, 0, 1, 20]) for _ in range(count)], step * 3000)
        if step % 7 == 0:
            frame[0] = frame[0]._replace(capture_time=chance.getrandbits(64))
        sequence += count + chance.randrange(3)
        viewer = chance.choice(viewers)
        rig.show(frame)
        rig.show(packets(step, [chance.randrange(1, 200)], step * 960), rig.audio)
        rig.resend(viewer.viewer, [Resend(chance.getrandbits(20), p) for p in frame])
        rig.fanout.rtcp(viewer.viewer, struct.pack("!BBHI", 0x80, 207, 1, step) + bytes(4 * (step % 9)))
        rig.fanout.report(rig.video, chance.getrandbits(64), chance.getrandbits(32))
        if step % 13 == 0:
            constants = ((5, chance.randbytes(3)),) if step % 2 else ()
            rig.fanout.extend(viewer.viewer, chance.choice(["video", "audio"]), constants)
        if step % 11 == 0:
            rig.fanout.segment(viewer.viewer, rig.video, chance.randrange(1 << 20))
            rig.fanout.forward(rig.video, frame, only=viewer.viewer)
    rig.fanout.drain()
    heard = [viewer.datagrams() for viewer in viewers]
    counts = [rig.fanout.counts(viewer.viewer) for viewer in viewers]
    assert all(count.dropped_packets == 0 for count in counts)
    rig.close()
    return heard


@both
@pytest.mark.parametrize("gso", [True, False])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_twins_send_the_same_bytes(gso: bool, seed: int) -> None:
    slow, fast = story("python", gso, seed), story("native", gso, seed)
    assert sum(map(len, slow)) > 2000
    assert fast == slow


@both
def test_both_twins_count_the_same() -> None:
    totals = []
    for twin in TWINS:
        rig = Rig(twin)
        viewer = rig.sit()
        rig.show(packets(0, [500, 501, 500, 20]))
        rig.show(packets(2, [500] * 3))
        rig.fanout.report(rig.video, 1, 2)
        rig.fanout.drain()
        counts = replace(rig.fanout.counts(viewer.viewer), last_send_ns=0)
        totals.append((counts, replace(rig.fanout.totals(), busy_ns=0, queue_peak_jobs=0)))
        rig.close()
    assert totals[0] == totals[1]


def test_the_chosen_way_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        with capture_logs() as logs:
            fanout = open_fanout(sock, prefer="python", gso=False)
        assert fanout.path == "python, AES of cryptography, sendmsg"
        assert [entry["path"] for entry in logs] == [fanout.path]
        fanout.close()


@both
def test_the_native_way_names_its_crypto() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        fanout = open_fanout(sock)
        assert fanout.path.startswith("native, OpenSSL 3")
        fanout.close()


def test_an_ipv6_socket_serves_ipv6_viewers(twin: str) -> None:
    ear = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    mouth = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        ear.bind(("::1", 0))
        mouth.bind(("::1", 0))
    except OSError:
        ear.close(), mouth.close()
        pytest.skip("this machine has no IPv6 loopback")
    viewer = sink()
    viewer.socket.close()
    viewer.socket = ear
    ear.setblocking(False)
    fanout = open_fanout(mouth, prefer=twin)
    source = fanout.open_source("video")
    from streaming.fanout.interface import Seat

    seated = fanout.join(Seat(ear.getsockname(), viewer.keys, VIDEO))
    fanout.segment(seated, source, 0)
    fanout.forward(source, packets(0, [1000] * 12))
    fanout.close()
    assert len(viewer.rtp()) == 12
    ear.close(), mouth.close()


# Every face that ever was, by the INTERFACE of native.py and _native.c: a new face is a new line here.
FACES = {1: "9ea2acf874a13045", 2: "f80d7ea9c8031e5d", 3: "133f01102d1378cc", 4: "ab30c30dae76956a"}
# What a build of other sources looks like: every name is there, but not the version of today.
STALE = """
import socket, sys, types
stale = types.ModuleType("streaming.fanout._native")
stale.interface, stale.has_sendmmsg, stale.Sender = int(sys.argv[1]), 1, object
sys.modules["streaming.fanout._native"] = stale
import structlog
as_json = structlog.processors.JSONRenderer()
structlog.configure(processors=[as_json], logger_factory=structlog.PrintLoggerFactory())
from streaming.fanout import open_fanout
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("127.0.0.1", 0))
    open_fanout(sock, gso=False).close()
"""


@pytest.mark.parametrize("version", [0, 1_000_000])
def test_a_stale_build_gives_way_to_the_python_twin_and_says_so_once(version: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STALE, str(version)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    refused, opened = [json.loads(line) for line in done.stdout.splitlines()]
    assert refused["event"] == "fanout_native_unavailable"
    assert "another version" in refused["reason"]
    assert opened["path"].startswith("python")


@both
def test_whoever_changes_the_face_of_the_native_twin_raises_its_version() -> None:
    """Otherwise an old build is taken for a new one."""
    from streaming.fanout import native

    said = (Path(native.__file__).parent / "_native.pyi").read_text()
    passed = [Packet._fields, Resend._fields, [field.name for field in fields(Totals)]]
    face = hashlib.sha256(f"{said}{passed}".encode()).hexdigest()[:16]
    assert FACES[native.INTERFACE] == face


@both
def test_crypto_that_is_no_openssl_is_refused_by_name() -> None:
    from streaming.fanout import _native

    with pytest.raises(OSError, match="libc"):
        _native.load_crypto("libc.so.6")


def test_a_sender_ends_its_thread() -> None:
    import threading

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender = PythonSender(sock, gso=False)
    sender.close()
    assert not [t for t in threading.enumerate() if t.name == "fanout" and t is sender._thread]
    sock.close()
