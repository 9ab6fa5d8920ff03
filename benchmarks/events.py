"""What an event costs for each browser: CPU µs per delivered 200-byte event, against the bare kernel.

    make bench-setup && python -m benchmarks.events [--json] [--quick]

Ours is the shop's front with `GET /api/shows/{show}/events`: a commit that pins an offer is folded,
projected, encoded once and written to every connection; all CPU of the process counts, from the OS.
`bare` is one send() a connection in a loop, `ws` and `socketio` are npm's, each in a process of its own;
clients are another process. The four take turns, twice; figures are medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.http_ratio import wait_for
from benchmarks.shopping.place import SHOW, Place, cpu_us, free_port, open_place, process

PEERS = Path(__file__).parent / "peers" / "events"
EVENT_BYTES = 200
ROUNDS = 2
# connections → (events, ms between them): about three seconds each
SIZES = {100: (300, 10), 2_000: (60, 50), 5_000: (24, 150)}
QUICK_SIZES = {100: (100, 10), 2_000: (10, 50)}
FEW_PER_S, ORDERS_PER_S, ORDER_SECONDS, ORDER_VIEWERS = 10, 1_000, 4, 2_000
SETTLE_SECONDS = 0.3
PATIENCE_SECONDS = 30.0


@dataclass
class Child:
    """A process that takes JSON lines and answers with JSON lines."""

    child: subprocess.Popen[str]

    def hear(self) -> dict[str, Any]:
        assert self.child.stdout is not None
        return dict(json.loads(self.child.stdout.readline()))

    def ask(self, **asked: Any) -> dict[str, Any]:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(asked) + "\n")
        self.child.stdin.flush()
        return self.hear()


@dataclass
class Server:
    """One contestant: `pid` is whose CPU counts, `teller` makes it speak."""

    kind: str
    pid: int
    port: int
    teller: Child
    path: str = "/"


@contextmanager
def child(command: list[str], environment: dict[str, str] | None = None) -> Iterator[Child]:
    with process(
        command, environment or dict(ENVIRONMENT), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as made:
        yield Child(made)


@contextmanager
def ours(place: Place) -> Iterator[Server]:
    """A front of the shop."""
    port = free_port()
    with ExitStack() as stack:
        log = stack.enter_context((place.folder / "front.log").open("w"))
        environment = {**place.environment, "SHOP_HTTP": f"127.0.0.1:{port}"}
        front = stack.enter_context(process([sys.executable, "-m", "commerce"], environment, stderr=log))
        teller = stack.enter_context(
            child([sys.executable, "-m", "benchmarks.shopping.teller"], place.environment)
        )
        wait_for(port)
        yield Server("sse", front.pid, port, teller, f"/api/shows/{SHOW}/events")


@contextmanager
def peer(kind: str, command: list[str]) -> Iterator[Server]:
    with child(command) as made:
        paths = {"sse": f"/api/shows/{SHOW}/events", "socketio": "/socket.io/?EIO=4&transport=websocket"}
        path = paths.get(kind, "/")
        yield Server(kind, made.child.pid, made.hear()["port"], made, path)


@contextmanager
def contestant(name: str) -> Iterator[Server]:
    """Start one of ours, bare, ws, socketio."""
    commands = {
        "ours": ("sse", [sys.executable, "-m", "benchmarks.shopping.front"]),
        "bare": ("raw", [sys.executable, "-m", "benchmarks.shopping.baresend"]),
        "ws": ("ws", ["node", str(PEERS / "ws.mjs")]),
        "socketio": ("socketio", ["node", str(PEERS / "socketio.mjs")]),
    }
    with peer(*commands[name]) as server:
        yield server


@contextmanager
def audience(server: Server, connections: int) -> Iterator[Child]:
    command = [sys.executable, "-m", "benchmarks.shopping.drain"]
    command += [str(server.port), server.kind, str(connections), server.path]
    with child(command) as drain:
        assert drain.hear()["ready"] == connections
        time.sleep(SETTLE_SECONDS)
        yield drain


def deliveries(drain: Child, wanted: int) -> int:
    """How many events have arrived, once no more come."""
    deadline, seen = time.monotonic() + PATIENCE_SECONDS, -1
    while time.monotonic() < deadline:
        told = drain.ask()
        if told["events"] >= wanted or told["events"] == seen:
            break
        seen = told["events"]
        time.sleep(SETTLE_SECONDS)
    assert told["gone"] == 0, told
    return int(told["events"])


def one_run(server: Server, connections: int, events: int, every_ms: int) -> float:
    """CPU µs per delivery."""
    with audience(server, connections) as drain:
        server.teller.ask(events=2, every_ms=50)
        before_events = deliveries(drain, 2 * connections)
        before = cpu_us(server.pid)
        server.teller.ask(events=events, every_ms=every_ms)
        spent = cpu_us(server.pid) - before
        arrived = deliveries(drain, before_events + events * connections) - before_events
    # on a busy machine two pins may go in one patch: what arrived counts, if it is enough to divide by
    assert arrived >= 0.2 * events * connections, (server.kind, arrived, events * connections)
    return spent / arrived


def under_orders(place: Place, viewers: int) -> dict[str, float]:
    """What a delivery costs beyond the folding while orders come in: few, that make just as many events
    (the stock of the offer, ten times a second), and many."""
    with ours(place) as server:
        wait_for_feed(server)
        alone = {rate: orders(server, rate) for rate in (FEW_PER_S, ORDERS_PER_S)}
        with audience(server, viewers) as drain:
            told = {rate: per_viewer(server, drain, rate, alone[rate]) for rate in (FEW_PER_S, ORDERS_PER_S)}
    few, many = told[FEW_PER_S], told[ORDERS_PER_S]
    return {
        "us_per_viewer_at_1000_orders_s": round(many["us"], 2),
        "us_per_viewer_at_10_orders_s": round(few["us"], 2),
        "events_per_s_at_1000_orders_s": round(many["events_per_s"] / viewers, 1),
        "events_per_s_at_10_orders_s": round(few["events_per_s"] / viewers, 1),
        "bytes_at_1000_orders_s": round(many["bytes"]),
        "orders_per_s": round(many["orders_per_s"]),
    }


def per_viewer(server: Server, drain: Child, rate: int, alone: dict[str, Any]) -> dict[str, float]:
    before = drain.ask()
    crowded = orders(server, rate)
    arrived = deliveries(drain, sys.maxsize) - before["events"]
    return {
        "us": (crowded["us"] - alone["us"]) / arrived,
        "bytes": (drain.ask()["bytes"] - before["bytes"]) / arrived,
        "events_per_s": arrived / crowded["seconds"],
        "orders_per_s": crowded["accepted"] / crowded["seconds"],
    }


def wait_for_feed(server: Server) -> None:
    with audience(server, 1):
        pass


def orders(server: Server, per_s: int) -> dict[str, Any]:
    before = cpu_us(server.pid)
    told = server.teller.ask(orders=per_s * ORDER_SECONDS, per_s=per_s)
    return {**told, "us": cpu_us(server.pid) - before}


def measure(sizes: dict[int, tuple[int, int]], names: list[str], rounds: int) -> dict[str, Any]:
    """Connections → contestant → µs per delivery."""
    found: dict[int, dict[str, list[float]]] = {size: {name: [] for name in names} for size in sizes}
    for _ in range(rounds):
        for name in names:
            with contestant(name) as server:
                for size, (events, every_ms) in sizes.items():
                    found[size][name].append(one_run(server, size, events, every_ms))
    return {
        str(size): {name: round(statistics.median(runs), 2) for name, runs in of.items()}
        for size, of in found.items()
    }


def summary(sizes: dict[str, Any], loaded: dict[str, float]) -> dict[str, Any]:
    """The line: the mean over all deliveries of all sizes; each size stands beside it."""
    weight = {size: int(size) * SIZES[int(size)][0] for size in sizes}

    def mean(name: str) -> float | None:
        if any([name not in of for of in sizes.values()]):
            return None
        return round(sum([of[name] * weight[size] for size, of in sizes.items()]) / sum(weight.values()), 2)

    ours_us, bare_us = mean("ours") or 0.0, mean("bare") or 1.0
    return {
        "bench": "events",
        "us_per_delivery": ours_us,
        "bare_send_us": bare_us,
        "ratio": round(ours_us / bare_us, 3),
        "ws_us": mean("ws"),
        "socketio_us": mean("socketio"),
        **loaded,
        "by_connections": sizes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events")
    parser.add_argument("--json", action="store_true", help="one JSON line alone")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it runs")
    asked = parser.parse_args()
    has_peers = (PEERS / "node_modules").is_dir()
    if not has_peers:
        print("npm's ws and socket.io are not there: make bench-setup", file=sys.stderr)
    names = ["bare", "ours", *(["ws", "socketio"] if has_peers else [])]
    with open_place() as place:
        ENVIRONMENT.update(place.environment)
        sizes = measure(QUICK_SIZES if asked.quick else SIZES, names, 1 if asked.quick else ROUNDS)
        told = summary(sizes, under_orders(place, 200 if asked.quick else ORDER_VIEWERS))
    if not asked.json:
        for size, of in sizes.items():
            print(f"{size:>6} connections  " + "  ".join([f"{name} {us:.1f}" for name, us in of.items()]))
    print(json.dumps(told))


ENVIRONMENT: dict[str, str] = {}

if __name__ == "__main__":
    main()
