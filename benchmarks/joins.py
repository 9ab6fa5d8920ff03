"""Five hundred viewers in one second: `python -m benchmarks.joins --json`.

They POST their offers, evenly spread over a second, on a live program that others already watch. A
join has succeeded when its first picture has arrived whole. CPU of a join is what the relay spent in the
storm less what its forwarded packets cost, at the price measured just after with everybody seated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from .rig.conditions import conditions
from .rig.frames import FRAMES_PER_SECOND
from .rig.servers import RelayServer, Told, cpu_ns, relay

WATCHING: Final = 100
STORM: Final = 500
STORM_FRAMES: Final = 6 * FRAMES_PER_SECOND  # the publisher goes on while they come
PRICE_FRAMES: Final = 5 * FRAMES_PER_SECOND
QUIET_SECONDS: Final = 0.3


def run(watching: int, storm: int) -> dict[str, Any]:
    """The storm and what it cost."""
    with (
        tempfile.TemporaryDirectory() as place,
        relay(Path(place)) as server,
        Told("benchmarks.rig.publisher") as publisher,
        Told("benchmarks.rig.audience") as audience,
        Told("benchmarks.rig.audience") as crowd,
    ):
        place_of = {"whep": server.whep, "token": server.view_token}
        publisher.do(whip=server.whip, token=server.publish_token)
        publisher.do(run=2 * FRAMES_PER_SECOND)
        publisher.do(run=0)
        audience.do(join=watching, **place_of)
        publisher.do(pause=True)
        time.sleep(QUIET_SECONDS)
        before = audience.do(count=True)["heard"]
        spent = Spent(server)
        publisher.say(run=STORM_FRAMES)
        crowd.say(storm=storm, within_s=1.0, **place_of)
        joined, sent = crowd.hear(), publisher.hear()["sent"]
        time.sleep(QUIET_SECONDS)
        storm_ns, storm_packets = spent.so_far()
        heard = audience.do(count=True)["heard"]
        spent = Spent(server)
        publisher.do(run=PRICE_FRAMES)
        time.sleep(QUIET_SECONDS)
        price_ns, priced_packets = spent.so_far()
    frames_ms = sorted(1000 * s for s in joined["first_frame_s"])
    media_ns = storm_packets * price_ns / max(priced_packets, 1)
    lost = sum(sent - (after - start) for start, after in zip(before, heard, strict=True))
    print(f"failed: {joined['failed']}", file=sys.stderr)
    return {
        "bench": "joins",
        "viewers": storm,
        "succeeded": len(frames_ms),
        "first_frame_ms_p50": round(statistics.median(frames_ms)),
        "first_frame_ms_p95": round(frames_ms[int(0.95 * (len(frames_ms) - 1))]),
        "cpu_ms_per_join": round((storm_ns - media_ns) / 1e6 / storm, 2),
        "cpu_ms_per_join_with_media": round(storm_ns / 1e6 / storm, 2),
        "lost_by_others": lost,
        "others": watching,
        "conditions": conditions(),
    }


class Spent:
    """CPU and packets of a relay since now."""

    def __init__(self, server: RelayServer) -> None:
        self._server, self._cpu, self._packets = server, cpu_ns(server.pid), self._sent(server)

    @staticmethod
    def _sent(server: RelayServer) -> int:
        return int(server.status()["sender"]["datagrams"])

    def so_far(self) -> tuple[int, int]:
        """(ns of CPU, packets)."""
        return cpu_ns(self._server.pid) - self._cpu, self._sent(self._server) - self._packets


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--json", action="store_true", help="print the result as one JSON line, last")
    words.add_argument("--viewers", type=int, default=STORM)
    asked = words.parse_args()
    print(json.dumps(run(WATCHING, asked.viewers), ensure_ascii=False))


if __name__ == "__main__":
    main()
