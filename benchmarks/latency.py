"""From the studio's clock to the eye: `python -m benchmarks.latency --json`.

Glass to glass: the agent draws Unix time into the picture before it encodes, Chromium reads it from
the frame that it shows (`requestVideoFrameCallback`), on the same machine and clock. Joins: one
viewer at a time on a relay with nobody else. The relay alone: a witness (`rig/witness.py`) among
100 and 500 lean viewers. Prints one JSON line last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Page

from studio_agent.sources.strip import CELLS, STRIP_HEIGHT, STRIP_TOP, read_strip

from .rig.browser import chromium, page
from .rig.conditions import conditions
from .rig.servers import RelayServer, Told, relay
from .rig.studio import studio

SECONDS: Final = 60.0
WARM_SECONDS: Final = 4.0
JOINS: Final = 15
LATE_JOIN_AFTER_S: Final = 2.0
LATE_SECONDS: Final = 4.0
PRESET: Final = "superfast"
WITNESS_SECONDS: Final = 10.0
# Reads the strip of every fourth shown frame: 64 grey levels, and the moment of its display.
READ_STRIP: Final = """
({top, cells}) => {
  const canvas = new OffscreenCanvas(cells, 1);
  const paper = canvas.getContext("2d", { willReadFrequently: true });
  paper.imageSmoothingEnabled = false;
  globalThis.shown = [];
  let number = 0;
  const each = (now, frame) => {
    video.requestVideoFrameCallback(each);
    if (number++ % 4) return;
    const row = top * video.videoHeight / 720;  // of whichever size is shown
    paper.drawImage(video, 0, row, video.videoWidth, 1, 0, 0, cells, 1);
    const pixels = paper.getImageData(0, 0, cells, 1).data;
    const levels = Array.from({ length: cells }, (_, i) => pixels[4 * i]);
    const at_ms = Date.now() - performance.now() + frame.expectedDisplayTime;
    shown.push({ levels, at_ms });
  };
  video.requestVideoFrameCallback(each);
}
"""


async def start_reading(viewer: Page) -> None:
    await viewer.evaluate(READ_STRIP, {"top": STRIP_TOP + STRIP_HEIGHT // 2, "cells": CELLS})


async def forget(viewer: Page) -> None:
    """Leave out the frames until now: of a warm-up, where some may be no picture of a studio yet."""
    await viewer.evaluate("shown.length = 0")


async def ages_ms(viewer: Page) -> list[float]:
    """How old each frame was when it was shown, since the last time of asking."""
    shown = await viewer.evaluate("shown.splice(0)")
    read = [(each["at_ms"], read_strip(each["levels"])) for each in shown]
    ages = [at_ms - drawn_ms for at_ms, drawn_ms in read if drawn_ms is not None]
    if len(ages) < len(read) * 0.9 or not ages:
        raise RuntimeError(f"only {len(ages)} of {len(read)} clock strips could be read")
    return ages


async def glass(browser: Browser, server: RelayServer, seconds: float) -> dict[str, float]:
    """Ages over the time; then a second viewer joins in the middle of a group of pictures."""
    async with page(browser, server) as first:
        await first.evaluate("join()")
        await start_reading(first)
        await asyncio.sleep(WARM_SECONDS)
        await forget(first)
        await asyncio.sleep(seconds)
        ages = await ages_ms(first)
        async with page(browser, server) as late:
            await late.evaluate("join()")
            await start_reading(late)
            await asyncio.sleep(LATE_JOIN_AFTER_S)
            await forget(late)
            await forget(first)
            await asyncio.sleep(LATE_SECONDS)
            behind = statistics.median(await ages_ms(late)) - statistics.median(await ages_ms(first))
    cuts = statistics.quantiles(ages, n=20)
    return {
        "glass_ms_p50": round(statistics.median(ages), 1),
        "glass_ms_p95": round(cuts[18], 1),
        "glass_frames": len(ages),
        "late_joiner_ms": round(behind, 1),
    }


async def joins(browser: Browser, server: RelayServer, count: int) -> dict[str, float]:
    """First frames of viewers that come one at a time; the first visit only warms the browser."""
    times = []
    for _ in range(count + 1):
        async with page(browser, server) as viewer:
            times.append(float(await viewer.evaluate("join()")))
    print(f"first frames, ms: {[round(t) for t in times]}", file=sys.stderr)
    return {"first_frame_ms_p50": round(statistics.median(times[1:]), 1)}


async def in_the_browser(server: RelayServer, seconds: float, count: int) -> dict[str, float]:
    async with chromium() as browser:
        return {**await joins(browser, server, count), **await glass(browser, server, seconds)}


def through_the_relay(server: RelayServer, counts: tuple[int, ...], seconds: float) -> dict[str, float]:
    """What the relay adds, among so many viewers: p99 of the packets of one, and the flush of a frame."""
    told: dict[str, float] = {}
    with Told("benchmarks.rig.witness") as witness, Told("benchmarks.rig.audience") as audience:
        witness.do(
            whip=server.whip, whep=server.whep,
            publish_token=server.publish_token, view_token=server.view_token,
        )  # fmt: skip
        seated = 0
        for count in counts:
            witness.say(run=2 + count / 40)  # so that those who join find a program on air
            joined = audience.do(join=count - 1 - seated, whep=server.whep, token=server.view_token)
            witness.hear()
            seated = joined["joined"]
            if seated != count - 1:
                raise RuntimeError(f"only {seated} viewers joined: {joined['failed']}")
            before = server.status()["sender"]
            heard = witness.do(run=seconds)
            after = server.status()["sender"]
            delays = sorted(heard["delays_ms"])
            frames = seconds * 30
            told[f"relay_ms_p99_{count}"] = round(delays[len(delays) * 99 // 100], 2)
            told[f"relay_ms_p50_{count}"] = round(statistics.median(delays), 2)
            told[f"flush_ms_{count}"] = round((after["busy_ns"] - before["busy_ns"]) / frames / 1e6, 2)
            told[f"witness_lost_{count}"] = heard["sent"] - len(delays)
            print(json.dumps(told), file=sys.stderr)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="for scripts; the result is JSON anyway")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of glass to glass, after warm-up")
    parser.add_argument("--joins", type=int, default=JOINS)
    parser.add_argument("--quick", action="store_true", help="a short run, to see that it works")
    wanted = parser.parse_args()
    seconds, count = (8.0, 5) if wanted.quick else (wanted.seconds, wanted.joins)
    told: dict[str, Any] = {"bench": "latency"}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with relay(place) as server, studio(place, server, STUDIO_PRESET=PRESET):
            told |= asyncio.run(in_the_browser(server, seconds, count))
        with relay(place, RELAY_SLATE="0") as server:
            told |= through_the_relay(server, (100, 500), 3.0 if wanted.quick else WITNESS_SECONDS)
            told["path"] = server.status()["fanout"]
    told["encoder"] = f"x264 {PRESET}, zerolatency, 2500 kbit/s, vbv 0.5 s, keyframe every 2 s, one slice"
    told["conditions"] = conditions()
    print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main()
