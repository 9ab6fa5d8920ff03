"""What the shop adds to HTTP: CPU µs per request of a bare aiohttp handler ÷ ours.

    python -m benchmarks.http_ratio [--requests N] [--json]

Ours is `POST /api/shows/{show}/orders` of a real front process: token, rate limits off, validation,
the contact sealed into the books, idempotency at the desk, one log line each. Bare reads the same
body and answers. Both with 64 keep-alive connections from another process, in turns; the CPU of
the serving process from the OS. `measure()` is what `benchmarks.orders` prints as `http_ratio`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from typing import Any

from benchmarks.shopping.place import OFFER, PRICE, SHOW, Place, cpu_us, free_port, open_place, process

CONNECTIONS = 64
ROUNDS = 3
PATH = f"/api/shows/{SHOW}/orders"
BODY = {
    "lines": [{"offer": OFFER, "quantity": 1, "price": PRICE}],
    "contact": {"name": "Aizhan Bek", "phone": "+7 701 123 4567", "address": "1 Abay Ave, Almaty"},
}


def born(port: int) -> str:
    """The token of a new buyer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/buyers", method="POST")
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["token"])


def wait_for(port: int) -> None:
    """Until something answers there."""
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"nothing answers at port {port}")


def run(port: int, pid: int, callers: str, requests: int) -> dict[str, Any]:
    """CPU µs per request of the process while the callers call it."""
    command = [sys.executable, "-m", "benchmarks.shopping.callers", str(port), PATH, str(requests)]
    before = cpu_us(pid)
    done = subprocess.run(command, input=callers, text=True, capture_output=True, check=True)
    told = json.loads(done.stdout)
    assert told["good"] == told["sent"], told
    return {**told, "us": (cpu_us(pid) - before) / told["sent"]}


def measure(place: Place, requests: int) -> dict[str, Any]:
    """`{"http_ratio", "bare_us", "ours_us", …}` against a place with an open show."""
    with ExitStack() as stack:
        bare_port, port = free_port(), free_port()
        bare = stack.enter_context(
            process([sys.executable, "-m", "benchmarks.shopping.bare", str(bare_port)], place.environment)
        )
        log = stack.enter_context((place.folder / "front.log").open("w"))
        environment = {**place.environment, "SHOP_HTTP": f"127.0.0.1:{port}"}
        front = stack.enter_context(process([sys.executable, "-m", "commerce"], environment, stderr=log))
        wait_for(bare_port)
        wait_for(port)
        callers = "\n".join(
            [
                json.dumps({"headers": {"Authorization": f"Bearer {born(port)}"}, "body": json.dumps(BODY)})
                for _ in range(CONNECTIONS)
            ]
        )
        for each in ((bare_port, bare.pid), (port, front.pid)):
            run(*each, callers, CONNECTIONS * 5)
        rounds = [
            (run(bare_port, bare.pid, callers, requests), run(port, front.pid, callers, requests))
            for _ in range(ROUNDS)
        ]
    bare_us = statistics.median([one["us"] for one, _ in rounds])
    ours_us = statistics.median([one["us"] for _, one in rounds])
    return {
        "http_ratio": round(bare_us / ours_us, 3),
        "bare_us": round(bare_us, 1),
        "ours_us": round(ours_us, 1),
        "orders_per_s": round(statistics.median([one["sent"] / one["seconds"] for _, one in rounds])),
        "p50_ms": round(statistics.median([one["p50_ms"] for _, one in rounds]), 1),
        "p99_ms": round(statistics.median([one["p99_ms"] for _, one in rounds]), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http_ratio")
    parser.add_argument("--requests", type=int, default=6_400, help="for each round")
    parser.add_argument("--json", action="store_true", help="one JSON line alone")
    asked = parser.parse_args()
    with open_place() as place:
        told = {"bench": "http_ratio", **measure(place, asked.requests)}
    if not asked.json:
        for name, value in told.items():
            print(f"{name:14} {value}")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
