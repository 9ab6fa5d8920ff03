"""Ten viewers on roads that change: `python -m benchmarks.adapt --json`.

The agent publishes three sizes; each viewer has a road of its own with a bottleneck and a queue of
300 ms before it (`rig/path.py`), from 0.3 to 5 Mbit/s. Two are Chromium; eight are lean players, five with
aiortc's receiver-side estimator (REMB) and three without any estimate. Prints how long after a drop
a picture that fits was shown, how long after a recovery the best one, how often a viewer changed its
mind while its road stayed, and for how long pictures stood still. One JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page

from .rig import fitting, path
from .rig.browser import chromium, page
from .rig.conditions import conditions
from .rig.servers import RelayServer, Told, relay
from .rig.studio import studio

RTT_MS: Final = 40.0
SECONDS: Final = 72.0
FIT_SECONDS, CLIMB_SECONDS = 2.0, 5.0  # what is asked for
LAYERS_SECONDS: Final = 15.0
WIDTHS: Final = {"q": 320, "h": 640, "f": 1280}
# Who, how it estimates, and its road: (second, Mbit/s). Changes are a little apart, as in life.
ROADS: Final = (
    ("chromium-1", "browser", ((0, 5.0), (20, 1.0), (42, 5.0))),
    ("chromium-2", "browser", ((0, 5.0), (24, 0.4), (46, 5.0))),
    ("remb-1", "remb", ((0, 4.0), (20.5, 0.35), (42.5, 4.0))),
    ("remb-2", "remb", ((0, 3.5), (22, 1.2), (45, 3.5))),
    ("remb-3", "remb", ((0, 0.3), (40, 5.0))),
    ("remb-4", "remb", ((0, 1.6),)),
    ("remb-5", "remb", ((0, 5.0), (21, 0.6), (36, 1.3), (52, 5.0))),
    ("plain-1", "none", ((0, 5.0), (23, 1.0), (44, 5.0))),
    ("plain-2", "none", ((0, 1.0), (25, 0.4), (47, 4.0))),
    ("plain-3", "none", ((0, 3.2), (30, 3.6), (40, 3.2))),
)
WATCH_WIDTHS: Final = """
globalThis.widths = [];
const look = (now, data) => {
  if (!widths.length || widths.at(-1)[1] !== data.width) widths.push([now / 1000, data.width]);
  video.requestVideoFrameCallback(look);
};
video.requestVideoFrameCallback(look);
"""


def roads() -> dict[str, path.Road]:
    """A road for each, with half of the round trip each way."""
    made = {}
    for number, (name, _, rates) in enumerate(ROADS):
        up = path.Lane(delay_s=RTT_MS / 2_000)
        down = path.Lane(delay_s=RTT_MS / 2_000, rate_bps=rates[0][1] * 1e6)
        made[name] = path.Road(("127.0.0.1", 0), up, down, random.Random(number))
    return made


async def sizes_of(server: RelayServer) -> dict[int, int]:
    """Bit/s of each width with its sound, once all three have been measured for a while."""
    until = time.monotonic() + LAYERS_SECONDS
    while time.monotonic() < until:
        await asyncio.sleep(1.0)
        (program,) = (await asyncio.to_thread(server.status))["programs"]
        found = {name: of["bps"] for name, of in program["renditions"].items()}
        if (
            set(found) == set(WIDTHS)
            and all(found.values())
            and time.monotonic() > until - LAYERS_SECONDS + 4
        ):
            return {WIDTHS[name]: bps + program["sound_bps"] for name, bps in found.items()}
    raise RuntimeError("the studio does not send three sizes")


async def narrow(all_roads: dict[str, path.Road], began_s: float) -> None:
    """Give every road its rate at its time."""
    plan = sorted((at, name, rate) for name, _, rates in ROADS for at, rate in rates if at)
    for at, name, rate in plan:
        await asyncio.sleep(max(0.0, began_s + at - time.monotonic()))
        all_roads[name].down.rate_bps = rate * 1e6


async def seen_by(viewer: Page, began: dict[str, Any]) -> dict[str, Any]:
    """What a browser has seen, in the words of the lean players."""
    behind_s = time.monotonic() - await viewer.evaluate("performance.now() / 1000")
    widths = [[at + behind_s, width] for at, width in await viewer.evaluate("widths")]
    now = await viewer.evaluate("inbound()")
    return {
        "widths": widths,
        "frames": now["framesDecoded"] - began["framesDecoded"],
        "freezes": now["freezeCount"] - began["freezeCount"],
        "frozen_s": now["totalFreezesDuration"] - began["totalFreezesDuration"],
        "nacked": now["nackCount"],
        "plis": now["pliCount"],
    }


async def run(
    server: RelayServer, lean: Told, seconds: float
) -> tuple[dict[str, Any], dict[int, int], float]:
    """Let all join, change their roads, and ask them what they saw: (by name, sizes, when it began)."""
    sizes, all_roads = await sizes_of(server), roads()
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(chromium())
        pages, begun = {}, {}
        for name in (n for n, kind, _ in ROADS if kind == "browser"):
            pages[name] = await stack.enter_async_context(page(browser, server, all_roads[name]))
        order = []
        for name, kind, _ in ROADS:
            if kind != "browser":
                all_roads[name].server = ("127.0.0.1", server.udp_port)
                await all_roads[name].open()
                stack.push_async_callback(all_roads[name].close)
                order.append({"name": name, "remb": kind == "remb", "port": all_roads[name].port})
        began_s = time.monotonic()
        for name, opened in pages.items():
            await opened.evaluate("join()")
            await opened.evaluate(WATCH_WIDTHS)
            begun[name] = await opened.evaluate("inbound()")
        await asyncio.to_thread(lean.do, join=order, whep=server.whep, token=server.view_token)
        changing = asyncio.create_task(narrow(all_roads, began_s))
        await asyncio.sleep(max(0.0, began_s + seconds - time.monotonic()))
        changing.cancel()
        seen = await asyncio.to_thread(lean.do, tell=True)
        for name, opened in pages.items():
            seen[name] = await seen_by(opened, begun[name])
    return seen, sizes, began_s


def result(seen: dict[str, Any], sizes: dict[int, int], began_s: float, seconds: float) -> dict[str, Any]:
    """The figures of all viewers, and each viewer's own."""
    viewers = {}
    fits: list[float | None] = []
    climbs: list[float | None] = []
    starts: list[float | None] = []
    for name, kind, rates in ROADS:
        one = seen[name]
        widths = [(at - began_s, width) for at, width in one["widths"]]
        road = fitting.Road(name, tuple((float(at), int(rate * 1e6)) for at, rate in rates if at < seconds))
        judged = fitting.judge(road, widths, sizes, seconds)
        fits += judged["fits"]
        climbs += judged["climbs"]
        starts += judged["starts"]
        viewers[name] = {
            "estimate": kind,
            "road_mbps": [rate for _, rate in rates],
            "start_s": [rounded(x) for x in judged["starts"]],
            "fit_s": [rounded(x) for x in judged["fits"]],
            "climb_s": [rounded(x) for x in judged["climbs"]],
            "swings": judged["swings"],
            "frozen_s": round(one["frozen_s"], 2),
            "frozen_percent": round(100 * one["frozen_s"] / seconds, 2),
            "frames": one["frames"],
            "asked_again": one["nacked"],
            "walk": [[round(at, 1), width] for at, width in widths],
        }
    return {
        "bench": "adapt",
        "viewers": len(ROADS),
        "time_to_fit_s": summary(fits, FIT_SECONDS),
        "time_to_climb_s": summary(climbs, CLIMB_SECONDS),
        "narrow_start_s": summary(starts, CLIMB_SECONDS),
        "oscillations": sum(v["swings"] for v in viewers.values()),
        "frozen_percent_worst": max(v["frozen_percent"] for v in viewers.values()),
        "frozen_percent_mean": round(statistics.mean(v["frozen_percent"] for v in viewers.values()), 2),
        "sizes_kbps": {str(width): round(bps / 1000) for width, bps in sizes.items()},
        "seconds": seconds,
        "rtt_ms": RTT_MS,
        "by_viewer": viewers,
        "conditions": {k: v for k, v in conditions().items() if k in ("cpu", "cores", "kernel", "load_1min")},
    }


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def summary(values: list[float | None], limit_s: float) -> dict[str, Any]:
    """Of all changes: median, worst, and how many came in time."""
    came = [value for value in values if value is not None]
    return {
        "changes": len(values),
        "in_time": sum(value <= limit_s for value in came),
        "median": rounded(statistics.median(came)) if came else None,
        "worst": rounded(max(came)) if len(came) == len(values) and came else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="for scripts; the result is JSON anyway")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--trace", type=Path, help="write all that was seen to this file, estimates included")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with (
            relay(place) as server,
            studio(place, server, STUDIO_LAYERS="3"),
            Told("benchmarks.rig.players") as lean,
        ):
            seen, sizes, began_s = asyncio.run(run(server, lean, wanted.seconds))
    if wanted.trace is not None:
        wanted.trace.write_text(json.dumps({"began_s": began_s, "seen": seen}))
    found = result(seen, sizes, began_s, wanted.seconds)
    for name, one in found["by_viewer"].items():
        print(json.dumps({name: one}), file=sys.stderr)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
