"""What a viewer on a bad line sees: `python -m benchmarks.loss --json`.

The agent publishes to a relay, Chromium plays over a road of our own (`rig/path.py`) that loses and
delays both ways; then over a bottleneck narrower than the stream, where answers to NACK must not
become a storm. Prints one JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from .rig.browser import chromium, page
from .rig.path import Lane, Road
from .rig.servers import RelayServer, relay
from .rig.studio import studio

LOSS_PERCENT: Final = 5.0
RTT_MS: Final = 80.0
SECONDS: Final = 120.0
WARM_SECONDS: Final = 3.0
CONTROL_SECONDS: Final = 20.0
BOTTLENECK_BPS: Final = 1_000_000
BOTTLENECK_SECONDS: Final = 30.0
NOWHERE: Final = ("127.0.0.1", 0)  # the answer names the server


def lanes(loss_percent: float, rtt_ms: float, rate_bps: float | None = None) -> Road:
    """A road with the same loss and half of the round trip each way; narrow towards the player."""
    loss, delay_s = loss_percent / 100, rtt_ms / 2_000
    dice = random.Random(20_261_122)
    return Road(NOWHERE, Lane(loss, delay_s), Lane(loss, delay_s, rate_bps), dice)


async def watch(server: RelayServer, road: Road, seconds: float) -> dict[str, Any]:
    """Play over the road for so long; what Chromium counted in that time."""
    async with chromium() as browser, page(browser, server, road) as viewer:
        await viewer.evaluate("join()")
        await asyncio.sleep(WARM_SECONDS)
        before = await viewer.evaluate("inbound()")
        await asyncio.sleep(seconds)
        after = await viewer.evaluate("inbound()")
    elapsed_s = (after["timestamp"] - before["timestamp"]) / 1000
    counted = {
        name: after.get(name, 0) - before.get(name, 0)
        for name in (
            "totalFreezesDuration", "freezeCount", "framesDecoded", "framesDropped", "packetsReceived",
            "retransmittedPacketsReceived", "packetsLost", "nackCount", "pliCount",
        )
    }  # fmt: skip
    print(json.dumps({"seconds": round(elapsed_s, 1), **counted}), file=sys.stderr)
    return {"elapsed_s": elapsed_s, **counted}


def percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 3) if whole else 0.0


async def run(server: RelayServer, wanted: argparse.Namespace) -> dict[str, Any]:
    """A good road as control (a busy machine freezes, too), then the lossy and the narrow one."""
    good = await watch(server, lanes(0.0, wanted.rtt), min(wanted.seconds, CONTROL_SECONDS))
    road = lanes(wanted.loss, wanted.rtt)
    lossy = await watch(server, road, wanted.seconds)
    narrow_road = lanes(0.0, wanted.rtt, BOTTLENECK_BPS)
    narrow = await watch(server, narrow_road, min(wanted.seconds, BOTTLENECK_SECONDS))
    return {
        "bench": "loss",
        "loss_percent": wanted.loss,
        "rtt_ms": wanted.rtt,
        "frozen_percent": percent(lossy["totalFreezesDuration"], lossy["elapsed_s"]),
        "frames_decoded": lossy["framesDecoded"],
        "retransmitted_percent": percent(lossy["retransmittedPacketsReceived"], lossy["packetsReceived"]),
        "control_frozen_percent": percent(good["totalFreezesDuration"], good["elapsed_s"]),
        "seconds": round(lossy["elapsed_s"], 1),
        "freezes": lossy["freezeCount"],
        "frames_dropped": lossy["framesDropped"],
        "keyframe_requests": lossy["pliCount"],
        "datagrams_lost": road.up.lost + road.down.lost,
        "bottleneck_kbps": BOTTLENECK_BPS // 1000,
        "bottleneck_retransmitted_percent": percent(
            narrow["retransmittedPacketsReceived"], narrow["packetsReceived"]
        ),
        "bottleneck_frozen_percent": percent(narrow["totalFreezesDuration"], narrow["elapsed_s"]),
        "bottleneck_overflowed": narrow_road.down.overflowed,
        "bottleneck_carried": narrow_road.down.carried,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="for scripts; the result is JSON anyway")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--loss", type=float, default=LOSS_PERCENT, help="percent, each way")
    parser.add_argument("--rtt", type=float, default=RTT_MS, help="milliseconds")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with relay(place) as server, studio(place, server):
            print(json.dumps(asyncio.run(run(server, wanted))))


if __name__ == "__main__":
    main()
