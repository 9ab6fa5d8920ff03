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

from playwright.async_api import Page

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
BOTTLENECK_SECONDS: Final = 40.0
PICTURE: Final = (
    "totalFreezesDuration", "freezeCount", "framesDecoded", "framesDropped", "packetsReceived",
    "retransmittedPacketsReceived", "packetsLost", "nackCount", "pliCount", "jitterBufferDelay",
    "jitterBufferEmittedCount",
)  # fmt: skip
KINDS: Final = ("video", "audio")
SOUND: Final = ("concealedSamples", "totalSamplesReceived", "packetsReceived", "packetsLost")
ROADS: Final = ("control", "lossy", "narrow")
NARROW_FIGURES: Final = (
    "retransmitted_percent", "frozen_percent", "frames_decoded", "held_ms", "keyframe_requests",
    "sound_concealed_percent",
)  # fmt: skip
NOWHERE: Final = ("127.0.0.1", 0)  # the answer names the server


def lanes(loss_percent: float, rtt_ms: float, rate_bps: float | None = None) -> Road:
    """A road with the same loss and half of the round trip each way; narrow towards the player."""
    loss, delay_s = loss_percent / 100, rtt_ms / 2_000
    dice = random.Random(20_261_122)
    return Road(NOWHERE, Lane(loss, delay_s), Lane(loss, delay_s, rate_bps), dice)


async def freezes(viewer: Page, seconds: float) -> list[int]:
    """Wait so long; in which of its seconds Chromium counted freezes."""
    seen = (await viewer.evaluate("inbound()"))["freezeCount"]
    frozen: list[int] = []
    for second in range(int(seconds)):
        await asyncio.sleep(1.0)
        count = (await viewer.evaluate("inbound()"))["freezeCount"]
        frozen += [second] * (count - seen)
        seen = count
    return frozen


async def watch(server: RelayServer, road: Road, seconds: float) -> dict[str, Any]:
    """Play over the road for so long; what Chromium counted in that time."""
    async with chromium() as browser, page(browser, server, road) as viewer:
        await viewer.evaluate("join()")
        await asyncio.sleep(WARM_SECONDS)
        before = await asyncio.gather(*(viewer.evaluate(f"inbound('{kind}')") for kind in KINDS))
        frozen_at = await freezes(viewer, seconds)
        after = await asyncio.gather(*(viewer.evaluate(f"inbound('{kind}')") for kind in KINDS))
    elapsed_s = (after[0]["timestamp"] - before[0]["timestamp"]) / 1000
    picture = {name: after[0].get(name, 0) - before[0].get(name, 0) for name in PICTURE}
    sound = {name: after[1].get(name, 0) - before[1].get(name, 0) for name in SOUND}
    counted = {"elapsed_s": elapsed_s, **picture, "sound": sound}
    print(json.dumps(counted | {"frozen_at_s": frozen_at}), file=sys.stderr)
    return counted


def percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 3) if whole else 0.0


def told(seen: dict[str, Any]) -> dict[str, float]:
    """The figures of one road, by the names that the issue gives them."""
    sound = seen["sound"]
    return {
        "frozen_percent": percent(seen["totalFreezesDuration"], seen["elapsed_s"]),
        "frames_decoded": seen["framesDecoded"],
        "retransmitted_percent": percent(seen["retransmittedPacketsReceived"], seen["packetsReceived"]),
        "held_ms": round(1000 * seen["jitterBufferDelay"] / max(1, seen["jitterBufferEmittedCount"])),
        "freezes": seen["freezeCount"],
        "frames_dropped": seen["framesDropped"],
        "keyframe_requests": seen["pliCount"],
        "sound_concealed_percent": percent(sound["concealedSamples"], sound["totalSamplesReceived"]),
        "seconds": round(seen["elapsed_s"], 1),
    }


def prefixed(prefix: str, figures: dict[str, float], *names: str) -> dict[str, float]:
    return {f"{prefix}_{name}": figures[name] for name in names}


async def run(server: RelayServer, wanted: argparse.Namespace) -> dict[str, Any]:
    """A good road as control (a busy machine freezes, too), then the lossy and the narrow one."""
    result: dict[str, Any] = {"bench": "loss", "loss_percent": wanted.loss, "rtt_ms": wanted.rtt}
    good = None
    if "control" in wanted.roads:
        seconds = min(wanted.seconds, CONTROL_SECONDS)
        good = told(await watch(server, lanes(0.0, wanted.rtt), seconds))
    if "lossy" in wanted.roads:
        road = lanes(wanted.loss, wanted.rtt)
        result |= told(await watch(server, road, wanted.seconds))
        result |= {"datagrams_lost": road.up.lost + road.down.lost}
    if good is not None:
        result |= prefixed("control", good, "frozen_percent", "held_ms")
    if "narrow" in wanted.roads:
        road = lanes(0.0, wanted.rtt, BOTTLENECK_BPS)
        narrow = told(await watch(server, road, min(wanted.seconds, BOTTLENECK_SECONDS)))
        result["bottleneck_kbps"] = BOTTLENECK_BPS // 1000
        result |= prefixed("bottleneck", narrow, *NARROW_FIGURES)
        result |= {"bottleneck_overflowed": road.down.overflowed, "bottleneck_carried": road.down.carried}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="for scripts; the result is JSON anyway")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--loss", type=float, default=LOSS_PERCENT, help="percent, each way")
    parser.add_argument("--rtt", type=float, default=RTT_MS, help="milliseconds")
    parser.add_argument(
        "--layers", type=int, default=1, help="sizes of the picture; with one none is smaller"
    )
    parser.add_argument("--roads", nargs="+", choices=ROADS, default=ROADS, help="which to go")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with relay(place) as server, studio(place, server, STUDIO_LAYERS=str(wanted.layers)):
            print(json.dumps(asyncio.run(run(server, wanted))))


if __name__ == "__main__":
    main()
