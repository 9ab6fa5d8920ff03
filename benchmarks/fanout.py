"""What a forwarded packet costs the running relay, beside Janus: `python -m benchmarks.fanout --json`.

Each server runs alone on one core, its publisher and viewers on another (see `rig/`). A measure is a
number of frames published on time, between two quiet moments in which the sinks are counted; CPU
is what the scheduler booked for the whole process. The last line on stdout is the result.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from .rig.conditions import conditions
from .rig.frames import FRAMES_PER_SECOND, RECORDED
from .rig.servers import JanusServer, RelayServer, Told, cpu_ns, janus, memory_bytes, relay

# Janus has a tenth of its core left at 400. At 500 it has none: what it spends there is no price any more.
COMPARED_VIEWERS: Final = 400
HELD_VIEWERS: Final = (1300, 1500, 1800)
HELD_SECONDS: Final = 30
SHAPES: Final = ("burst", "paced", "recorded")
QUIET_SECONDS: Final = 0.3  # shorter than the relay's patience with a silent studio
WARM_FRAMES: Final = 60


@dataclass(frozen=True, slots=True)
class Measure:
    """One window: what was published, what arrived, what it cost."""

    viewers: int
    shape: str
    sent: int
    lost: int
    us_per_packet: float
    core_share: float

    def line(self) -> str:
        return (
            f"{self.viewers:5} viewers {self.shape:9} {self.us_per_packet:7.3f} µs a packet, "
            f"{self.core_share:5.2f} core, {self.lost} lost"
        )


class Stand:
    """A server with its publisher and its audience."""

    def __init__(self, server: RelayServer | JanusServer, publisher: Told, audience: Told) -> None:
        self._server, self._publisher, self._audience = server, publisher, audience
        self.viewers = 0
        if isinstance(server, RelayServer):
            publisher.do(whip=server.whip, token=server.publish_token)
        else:
            publisher.do(udp=server.rtp_port)
        publisher.do(run=WARM_FRAMES)

    def seat(self, viewers: int) -> None:
        """Join viewers until there are so many, on a live program."""
        if isinstance(self._server, RelayServer):
            place: dict[str, Any] = {"whep": self._server.whep, "token": self._server.view_token}
        else:
            place = {"janus": self._server.url, "mountpoint": self._server.mountpoint}
        self._publisher.do(run=0)
        said = self._audience.do(join=viewers - self.viewers, **place)
        self._publisher.do(pause=True)
        self.viewers = said["joined"]
        if self.viewers != viewers:
            raise RuntimeError(f"only {self.viewers} of {viewers} viewers joined: {said['failed']}")

    def measure(self, shape: str, seconds: float) -> Measure:
        """Publish for so long and see."""
        self._publisher.do(shape=shape)
        self._publisher.do(run=WARM_FRAMES // 2)
        time.sleep(QUIET_SECONDS)
        before, cpu, began = self._heard(), cpu_ns(self._server.pid), time.monotonic()
        sent = self._publisher.do(run=round(seconds * FRAMES_PER_SECOND))["sent"]
        time.sleep(QUIET_SECONDS)
        spent_ns, took_s = cpu_ns(self._server.pid) - cpu, time.monotonic() - began
        lost = sum(sent - (after - start) for start, after in zip(before, self._heard(), strict=True))
        us = spent_ns / 1000 / max(sent * self.viewers - lost, 1)  # of what arrived, not of what was meant
        told = Measure(self.viewers, shape, sent, lost, round(us, 3), round(spent_ns / 1e9 / took_s, 3))
        print(told.line(), file=sys.stderr)
        return told

    def _heard(self) -> list[int]:
        heard: list[int] = self._audience.do(count=True)["heard"]
        return heard

    def memory_mb(self) -> float:
        """The server's own memory."""
        return memory_bytes(self._server.pid) / 1e6


@contextlib.contextmanager
def relay_stand(**environment: str) -> Iterator[tuple[Stand, RelayServer]]:
    """A fresh relay with nobody watching."""
    with (
        tempfile.TemporaryDirectory() as place,
        relay(Path(place), **environment) as server,
        Told("benchmarks.rig.publisher") as publisher,
        Told("benchmarks.rig.audience") as audience,
    ):
        print(f"relay: {server.status()['fanout']}", file=sys.stderr)
        yield Stand(server, publisher, audience), server


@contextlib.contextmanager
def janus_stand() -> Iterator[Stand]:
    """A fresh Janus with nobody watching."""
    with (
        tempfile.TemporaryDirectory() as place,
        janus(Path(place)) as server,
        Told("benchmarks.rig.publisher") as publisher,
        Told("benchmarks.rig.audience") as audience,
    ):
        print("janus", file=sys.stderr)
        yield Stand(server, publisher, audience)


def compare(stand: Stand, viewers: int, seconds: float) -> dict[str, Measure]:
    """Every shape of publishing at one number of viewers."""
    stand.seat(viewers)
    shapes = [shape for shape in SHAPES if shape != "recorded" or RECORDED.exists()]
    return {shape: stand.measure(shape, seconds) for shape in shapes}


def hold(stand: Stand, counts: tuple[int, ...], seconds: float) -> tuple[int, list[Measure]]:
    """The largest audience that lost nothing at the sinks, and what each step showed."""
    held, steps = 0, []
    for count in counts:
        stand.seat(count)
        steps.append(stand.measure("burst", seconds))
        if steps[-1].lost:
            break
        held = count
    return held, steps


def added(steps: list[Measure]) -> dict[str, float]:
    """What one more viewer costs for each packet it gets, between one number of viewers and the next.

    The source's packets are read, decrypted and timed once however many watch: that is not in it.
    """
    return {
        f"{few.viewers}-{many.viewers}": round(
            (many.us_per_packet * many.viewers - few.us_per_packet * few.viewers)
            / (many.viewers - few.viewers),
            3,
        )
        for few, many in pairwise(steps)
    }


def run(compared: int, held: tuple[int, ...], seconds: float, held_seconds: float) -> dict[str, Any]:
    """All measures; see the issue of the fan-out for the names."""
    at: dict[str, Measure] = {}
    with relay_stand() as (stand, server):
        path = server.status()["fanout"]
        stand.seat(10)
        at["10"], first_mb = stand.measure("burst", seconds), stand.memory_mb()
        stand.seat(100)
        at["100"] = stand.measure("burst", seconds)
        native = compare(stand, compared, seconds)
        stand.seat(1000)
        at["1000"] = stand.measure("burst", seconds)
        mb_per_viewer = (stand.memory_mb() - first_mb) / 990
        held_viewers, steps = hold(stand, held, held_seconds)
        refused = server.status()["sender"]
    with relay_stand(RELAY_GSO="0") as (stand, _):
        plain = compare(stand, compared, seconds)
    with relay_stand(RELAY_FANOUT="python") as (stand, _):
        stand.seat(100)
        python = stand.measure("burst", seconds)
    with janus_stand() as peer:
        other = compare(peer, compared, seconds)
    return {
        "bench": "fanout",
        "us_per_packet": native["burst"].us_per_packet,
        "janus_us_per_packet": other["burst"].us_per_packet,
        **ratios(other, native),
        "viewers_held": held_viewers,
        "us_per_packet_at": {count: measure.us_per_packet for count, measure in at.items()},
        "added_us_per_packet": added(list(at.values())),
        "mb_per_viewer": round(mb_per_viewer, 3),
        "compared_at_viewers": compared,
        "relay_us": {shape: measure.us_per_packet for shape, measure in native.items()},
        "relay_without_gso_us": {shape: measure.us_per_packet for shape, measure in plain.items()},
        "relay_python_us": python.us_per_packet,
        "janus_us": {shape: measure.us_per_packet for shape, measure in other.items()},
        "lost_at_sinks": sum(m.lost for m in [*at.values(), *native.values()]),
        "janus_lost": sum(m.lost for m in other.values()),
        "held": [
            {"viewers": m.viewers, "core": m.core_share, "us": m.us_per_packet, "lost": m.lost} for m in steps
        ],
        "sender_dropped": refused["dropped_packets"] + refused["refused_packets"] + refused["late_jobs"],
        "path": path,
        "conditions": conditions(),
    }


def ratios(other: dict[str, Measure], native: dict[str, Measure]) -> dict[str, float]:
    """How many times cheaper, for each shape."""
    return {
        f"ratio_{shape}": round(other[shape].us_per_packet / native[shape].us_per_packet, 2)
        for shape in native
    }


def run_beside_janus(compared: int, seconds: float) -> dict[str, Any]:
    """The comparison alone."""
    with relay_stand() as (stand, server):
        path = server.status()["fanout"]
        native = compare(stand, compared, seconds)
    with janus_stand() as peer:
        other = compare(peer, compared, seconds)
    return {
        "bench": "fanout",
        **ratios(other, native),
        "compared_at_viewers": compared,
        "relay_us": {shape: measure.us_per_packet for shape, measure in native.items()},
        "janus_us": {shape: measure.us_per_packet for shape, measure in other.items()},
        "lost_at_sinks": sum(m.lost for m in native.values()),
        "janus_lost": sum(m.lost for m in other.values()),
        "path": path,
        "conditions": conditions(),
    }


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--json", action="store_true", help="print the result as one JSON line, last")
    words.add_argument("--quick", action="store_true", help="short windows and few viewers: does it work?")
    words.add_argument("--beside-janus", action="store_true", help="the comparison alone, in about a minute")
    words.add_argument("--viewers", type=int, default=COMPARED_VIEWERS, help="for the comparison")
    words.add_argument("--seconds", type=float, default=10, help="of each window but the held ones")
    asked = words.parse_args()
    quick = (150, (1100,), 2.0, 5.0)
    full = (asked.viewers, HELD_VIEWERS, asked.seconds, HELD_SECONDS)
    if asked.beside_janus:
        told = run_beside_janus(asked.viewers, asked.seconds)
    else:
        told = run(*(quick if asked.quick else full))
    print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main()
