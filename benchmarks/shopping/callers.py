"""Keep-alive callers on raw sockets: each posts, reads the answer, posts again. Lean, in one process.

    python -m benchmarks.shopping.callers PORT PATH CONNECTIONS REQUESTS < bodies

Each line of stdin is one caller's head (with token) and body as JSON: `{"headers": {…}, "body": "…"}`.
The key of each request is new. Says how many were answered 201, and the seconds, as one JSON line.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from typing import Any

import uvloop

_keys = itertools.count()


async def call(port: int, path: str, who: dict[str, Any], requests: int, spent: list[float]) -> int:
    """One caller on one connection. Returns how many requests were answered with 201."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = who["body"].encode()
    head = "".join([f"{name}: {value}\r\n" for name, value in who["headers"].items()])
    good = 0
    for _ in range(requests):
        key = f"k{next(_keys)}"
        began = time.perf_counter()
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}Idempotency-Key: {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        spent.append(time.perf_counter() - began)
        good += answer.startswith(b"HTTP/1.1 201")
    writer.close()
    return good


async def main(port: int, path: str, requests: int) -> None:
    callers = [json.loads(line) for line in sys.stdin]
    each = requests // len(callers)
    spent: list[float] = []
    began = time.perf_counter()
    good = await asyncio.gather(*[call(port, path, who, each, spent) for who in callers])
    took = time.perf_counter() - began
    spent.sort()
    print(
        json.dumps(
            {
                "good": sum(good),
                "sent": each * len(callers),
                "seconds": took,
                "p50_ms": spent[len(spent) // 2] * 1e3,
                "p99_ms": spent[len(spent) * 99 // 100] * 1e3,
            }
        )
    )


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
