"""How many durable orders a second one show takes, how long one waits, and what an order costs.

    python -m benchmarks.orders [--seconds N] [--json]

Callers in front processes → inbox → desk process → log with `appendfsync always` → answers, counted where
the callers are. In the same run, each on a fresh server: the server's atomic reserve script in Lua
(benchmarks/peers/reserve.py); and what our front adds to HTTP (benchmarks/http_ratio.py).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import http_ratio
from benchmarks.peers import reserve
from benchmarks.rig.callers import BIN_US
from benchmarks.rig.shop import PRICE, TITLE, durable_server, end, folder, open_show, start_desk
from benchmarks.shopping.place import cpu_us, open_place
from commerce.desk import native, tidy
from commerce.desk.propose import propose
from commerce.live.envelope import Letter, asked, seal, seal_replies, unseal
from commerce.live.log import encode
from commerce.live.wire import Entry
from commerce.show import commands as c
from commerce.show.language import OrderLine, SkuLine
from commerce.show.state import State, fresh

NOW_MS = 1_800_000_000_000
COST_BATCH = 50
COST_ROUNDS = 60


def through_the_desk(url: str, show: str, callers: int, fronts: int, seconds: float) -> dict[str, Any]:
    """Orders a second and latencies with so many callers in so many front processes."""
    commands = [
        [
            sys.executable,
            "-m",
            "benchmarks.rig.callers",
            url,
            show,
            str(callers // fronts),
            str(seconds),
            f"f{n}",
        ]
        for n in range(fronts)
    ]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    told = [json.loads(process.communicate()[0]) for process in processes]
    assert not any(one["refused"] for one in told), "stock for ever, and yet refused"
    bins = Counter[int]()
    for one in told:
        for place, count in one["bins"]:
            bins[place] += count
    return {
        "orders_per_s": sum(one["answers"] / one["seconds"] for one in told),
        "p50_ms": quantile(bins, 0.5),
        "p99_ms": quantile(bins, 0.99),
        "front_us": 1e6 * sum(one["cpu_s"] for one in told) / max(1, sum(bins.values()) * 1.25),
    }


def quantile(bins: Counter[int], share: float) -> float:
    """In ms, the upper edge of the bin."""
    wanted, seen = share * sum(bins.values()), 0
    for place in sorted(bins):
        seen += bins[place]
        if seen >= wanted:
            return (place + 1) * BIN_US / 1_000
    return 0.0


# -- what an order costs the desk, by how many the show has --------------------------------------------


def an_open_state() -> State:
    state = fresh("cost")
    opening: list[c.Command] = [
        c.OpenShow(TITLE, "CNY", 3_600, "merchant"),
        c.AllotStock("grant", "scarf", 1_000_000_000),
        c.AddOffer("scarf", TITLE, None, (SkuLine("scarf", 1),), PRICE),
    ]
    for number, command in enumerate(opening):
        ask = asked(number, ("host", str(number), c.fingerprint(command)), NOW_MS + 1, "", command)
        propose(state, "b" * 16, [Letter(f"1-{number}", "f", [ask])], NOW_MS)
    return state


def letters(first: int, count: int) -> list[Entry]:
    asks = []
    for number in range(first, first + count):
        name, buyer = f"order-{number:09d}", f"buyer-{number % 9_973:06d}"
        order = c.PlaceOrder(name, buyer, "contact", (OrderLine("scarf", 1, PRICE),), 0, 0, 0, PRICE)
        asks.append(asked(number, (buyer, name, c.fingerprint(order)), NOW_MS + 10**6, "", order))
    return [Entry(f"2-{first}", seal("front", asks))]


def desk_work(state: State, entries: list[Entry]) -> None:
    """Everything that a desk does for a batch but the waiting."""
    proposal = propose(state, "b" * 16, [unseal(entry) for entry in entries], NOW_MS)
    assert proposal is not None
    encode(proposal.commit, native.pack)
    for replies in proposal.replies.values():
        seal_replies(replies)
    tidy.tidy()


def us_per_order(states: list[tuple[State, int]]) -> float:
    """The median cost over batches, each on the next of the states (with its count of orders)."""
    spent = []
    for state, orders in states:
        entries = letters(orders, COST_BATCH)
        began = time.process_time_ns()
        desk_work(state, entries)
        spent.append((time.process_time_ns() - began) / COST_BATCH / 1_000)
    return statistics.median(spent)


def state_with(orders: int) -> State:
    state = an_open_state()
    for first in range(0, orders, 500):
        desk_work(state, letters(first, min(500, orders - first)))
    return state


def cost_by_size() -> dict[str, float]:
    tidy.begin()
    small = [(state_with(100), 100) for _ in range(COST_ROUNDS)]
    large = state_with(100_000)
    larger = [(large, 100_000 + COST_BATCH * n) for n in range(COST_ROUNDS)]
    us_per_order(small[:5])
    # In turns, so that what else the machine does meets both alike.
    turns = [(us_per_order([small[n]]), us_per_order([larger[n]])) for n in range(5, COST_ROUNDS)]
    return {
        "100": round(statistics.median([a for a, _ in turns]), 2),
        "100000": round(statistics.median([b for _, b in turns]), 2),
    }


def by_script(seconds: float) -> dict[str, float]:
    """Orders a second of the server's Lua script, on a server of its own."""
    with folder() as place, durable_server(place) as url:
        return asyncio.run(reserve.measure(str(Path(url.removeprefix("unix://"))), seconds))


def by_desk(callers: int, fronts: int, seconds: float) -> dict[str, Any]:
    """Through a desk, on a server of its own."""
    with folder() as place, durable_server(place) as url:
        desk = start_desk(url)
        try:
            open_show(url, "show")
            before = cpu_us(desk.pid)
            told = through_the_desk(url, "show", callers, fronts, seconds)
            told["desk_us"] = (cpu_us(desk.pid) - before) / (told["orders_per_s"] * seconds)
        finally:
            end(desk)
    return told


def measure(seconds: float) -> dict[str, Any]:
    costs = cost_by_size()
    gc.enable()
    lua = by_script(seconds)
    alone, some = by_desk(1, 1, seconds), by_desk(64, 1, seconds)
    # As the script is asked by 2 and by 8 lines, so the desk by 1 front and by 2: the better counts.
    many = max([by_desk(1_000, fronts, seconds) for fronts in (1, 2)], key=lambda told: told["orders_per_s"])
    with open_place() as shop:
        http = http_ratio.measure(shop, 3_200)
    return {
        "bench": "orders",
        "orders_per_s": round(many["orders_per_s"]),
        "lua_per_s": round(lua["single"]),
        "lua_batched_per_s": round(lua["batched"]),
        "ratio": round(many["orders_per_s"] / max(lua.values()), 2),
        "p50_ms": many["p50_ms"],
        "p99_ms": many["p99_ms"],
        "alone_p50_ms": alone["p50_ms"],
        "alone_p99_ms": alone["p99_ms"],
        "orders_per_s_64": round(some["orders_per_s"]),
        "p99_ms_64": some["p99_ms"],
        "desk_us": round(many["desk_us"], 1),
        "front_us": round(many["front_us"], 1),
        "http_ratio": http["http_ratio"],
        "http_us": http["ours_us"],
        "us_per_order_at": costs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orders")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each part")
    parser.add_argument("--json", action="store_true", help="one JSON line alone")
    asked = parser.parse_args()
    told = measure(asked.seconds)
    if not asked.json:
        for name, value in told.items():
            print(f"{name:18} {value}")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
