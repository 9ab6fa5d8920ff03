"""What a datagram costs the running relay that nobody vouches for: `python -m benchmarks.strangers --json`.

Each kind is thrown at the UDP port of a relay that does nothing else, in bursts; CPU is what the scheduler
booked for the whole process (the kernel's receiving included), less what it costs to do nothing, divided
by the datagrams that the relay says it has read. Wrong passwords come from many addresses, because one
address is not even verified after the twentieth.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import struct
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

from streaming.rtc import stun

from .rig.conditions import conditions
from .rig.servers import CLIENTS_CORE, RelayServer, cpu_ns, relay
from .rig.signalling import offer
from .rig.transport import Client

DATAGRAMS: Final = 10_000
BURST: Final = 20
PAUSE_SECONDS: Final = 0.001
SETTLE_SECONDS: Final = 0.2
SOURCES: Final = 600  # x 20 wrong passwords that are verified
LIFTED_SECONDS: Final = 1.5  # until limits are lifted
ID: Final = bytes(12)
LONG_BYTES: Final = 1400


def check(fragment: str, *, before: bytes = b"", behind: bytes = b"") -> bytes:
    """A connectivity check signed by a wrong password, with attributes before and behind the name."""
    name = f"{fragment}:strange".encode()
    attributes = (
        before + _attribute(stun.USERNAME, name) + behind + _attribute(stun.MESSAGE_INTEGRITY, bytes(20))
    )
    return struct.pack("!HHI", stun.BINDING_REQUEST, len(attributes), stun.COOKIE) + ID + attributes


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def kinds(fragment: str) -> dict[str, tuple[bytes, int]]:
    """Name -> datagram and from how many addresses it comes."""
    padding = _attribute(0x8022, bytes(36)) * 30
    hello = b"\x16\xfe\xfd" + bytes(8) + b"\x00\xb0\x01" + bytes(175)
    return {
        "rtp": (b"\x80\x60" + bytes(1100), 1),
        "dtls": (hello, 1),
        "unknown_fragment": (check("nobody"), 1),
        "unknown_fragment_long": (check("nobody", before=padding), 1),
        "wrong_password": (check(fragment), SOURCES),
        "wrong_password_long": (check(fragment, behind=_attribute(0x8022, bytes(LONG_BYTES - 100))), SOURCES),
        "limited": (check(fragment), 1),
    }


def known_fragment(server: RelayServer) -> str:
    """The fragment of a session that waits for its publisher."""
    body = offer(Client(), "sendonly").encode()
    headers = {"Authorization": f"Bearer {server.publish_token}", "Content-Type": "application/sdp"}
    with urllib.request.urlopen(urllib.request.Request(server.whip, body, headers)) as answer:
        found = re.search(r"a=ice-ufrag:(\S+)", answer.read().decode())
    if found is None:
        raise RuntimeError("the answer names no fragment")
    return found[1]


def mouths(count: int) -> list[socket.socket]:
    """Sockets on as many addresses of this host."""
    made = []
    for number in range(count):
        made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        made[-1].bind((f"127.1.{number >> 8}.{number & 255}", 0))
    return made


def throw(server: RelayServer, data: bytes, sources: int) -> tuple[float, int]:
    """Nanoseconds a datagram, and how many came back."""
    senders, to = mouths(sources), ("127.0.0.1", server.udp_port)
    before = server.status()["port"]["datagrams"]
    cpu, began = cpu_ns(server.pid), time.monotonic()
    for number in range(DATAGRAMS):
        senders[number % sources].sendto(data, to)
        if number % BURST == 0:
            time.sleep(PAUSE_SECONDS)
    time.sleep(SETTLE_SECONDS)
    spent, took = cpu_ns(server.pid) - cpu, time.monotonic() - began
    read = server.status()["port"]["datagrams"] - before
    answered = sum(_answered(one) for one in senders)
    return (spent - idle_ns(server, took)) / max(read, 1), answered


def _answered(one: socket.socket) -> int:
    one.setblocking(False)
    try:
        one.recv(2048)
    except BlockingIOError:
        return 0
    finally:
        one.close()
    return 1


def idle_ns(server: RelayServer, seconds: float) -> float:
    """What so long a time of nothing costs."""
    before = cpu_ns(server.pid)
    time.sleep(1.0)
    return (cpu_ns(server.pid) - before) * seconds


def run() -> dict[str, Any]:
    """Every kind in turn."""
    us, answered = {}, 0
    with tempfile.TemporaryDirectory() as place, relay(Path(place), RELAY_SLATE="0") as server:
        for name in kinds(""):
            data, sources = kinds(known_fragment(server))[name]  # anew: a half-open session lives for 15 s
            ns, more = throw(server, data, sources)
            us[name], answered = round(ns / 1000, 2), answered + more
            print(f"{name:24} {us[name]:7.2f} µs", file=sys.stderr)
            time.sleep(LIFTED_SECONDS)
    return {
        "bench": "strangers",
        "us_per_packet": us,
        "us_per_packet_max": max(us.values()),
        "answered": answered,
        "datagrams_each": DATAGRAMS,
        "conditions": conditions(),
    }


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--json", action="store_true", help="print the result as one JSON line, last")
    words.parse_args()
    if CLIENTS_CORE in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {CLIENTS_CORE})
    print(json.dumps(run(), ensure_ascii=False))


if __name__ == "__main__":
    main()
