"""Holds the journals of buyers against the log and the books, without any code that decides.

`python -m benchmarks.rig.audit URL SHOW UNITS JOURNALS BOOKS` prints one JSON line: what was oversold, lost,
doubled, and bought over a limit. Reads the log entry by entry and counts for itself.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Redis

TAKES = {"single": 1, "pair": 2, "rare": 1}  # units of the one SKU in a piece
LIMIT_OF_SINGLES, CAP_OF_RARE = 2, 500


class Count:
    """What the log says, counted anew."""

    def __init__(self) -> None:
        self.placed = Counter[str]()
        self.accepted = Counter[tuple[str, str]]()
        self.refused = set[tuple[str, str]]()  # once each: what was forgotten may be refused again
        self.paid: dict[str, int] = {}
        self.ended = Counter[str]()  # payments that paid an order or are due back
        self.kept = 0
        self.most_kept = self.most_rare = self.over_limit = 0
        self._lines: dict[str, tuple[str, list[dict[str, Any]]]] = {}
        self._singles = Counter[str]()
        self._rare = 0

    def take(self, kind: str, body: dict[str, Any]) -> None:
        if kind == "OrderPlaced":
            self.placed[body["order"]] += 1
            self._lines[body["order"]] = (body["buyer"], body["lines"])
            self._move(body["order"], 1)
        elif kind == "OrderReheld":
            self._move(body["order"], 1)
        elif kind in ("OrderLapsed", "OrderCancelled"):
            self._move(body["order"], -1)
        elif kind == "CommandAccepted":
            self.accepted[body["actor"], body["key"]] += 1
        elif kind == "CommandRefused":
            self.refused.add((body["actor"], body["key"]))
        elif kind == "OrderPaid":
            self.paid[body["order"]] = body["amount"]
            self.ended[body["payment"]] += 1
        elif kind == "RefundDue":
            self.ended[body["payment"]] += 1

    def _move(self, order: str, sign: int) -> None:
        buyer, lines = self._lines[order]
        for line in lines:
            self.kept += sign * TAKES[line["offer"]] * line["quantity"]
            if line["offer"] == "single":
                self._singles[buyer] += sign * line["quantity"]
                self.over_limit += sign > 0 and self._singles[buyer] > LIMIT_OF_SINGLES
            self._rare += sign * line["quantity"] * (line["offer"] == "rare")
        self.most_kept = max(self.most_kept, self.kept)
        self.most_rare = max(self.most_rare, self._rare)


async def count_log(url: str, show: str) -> Count:
    count, after = Count(), "0-0"
    redis: Any = Redis.from_url(url)
    while entries := await redis.xrange(f"{{{show}}}:log", f"({after}", "+", count=500):
        for entry_id, fields in entries:
            expected = int(after.partition("-")[0]) + 1
            after = entry_id.decode()
            assert after == f"{expected}-0", "the log has a gap"
            for kind, _, body in msgspec.msgpack.decode(fields[b"events"]):
                count.take(kind, body)
    await redis.aclose()
    return count


def compare(count: Count, journals: Path, books: Path, units: int) -> dict[str, int]:
    lost = doubled = attempts = accepted = 0
    for path in sorted(journals.iterdir()):
        for line in path.read_text().splitlines():
            kind, actor, key, said, _, order = (line + " ").split(" ")[:6]
            if kind == "payment":
                lost += said == "accepted" and not count.ended[f"pay-{key}"]
                continue
            attempts += 1
            if said == "accepted":
                accepted += 1
                lost += not count.placed[order] or not count.accepted[actor, key]
            else:  # told no, and the log says yes, or has never heard of it
                lost += count.accepted[actor, key] > 0 or (actor, key) not in count.refused
    doubled += sum(n - 1 for n in count.placed.values()) + sum(n - 1 for n in count.ended.values())
    doubled += sum(n - 1 for n in count.accepted.values())
    with sqlite3.connect(books) as tables:
        booked = dict(tables.execute("select id, total from orders").fetchall())
    unbooked = sum(booked.get(order) != amount for order, amount in count.paid.items())
    return {
        "attempts": attempts,
        "accepted": accepted,
        "placed": len(count.placed),
        "sold": len(count.paid),
        "oversold": max(0, count.most_kept - units) + max(0, count.most_rare - CAP_OF_RARE),
        "lost": lost + unbooked + max(0, len(booked) - len(count.paid)),
        "doubled": doubled,
        "over_limit": count.over_limit,
    }


def main() -> None:
    url, show, units, journals, books = sys.argv[1:]
    count = asyncio.run(count_log(url, show))
    print(json.dumps(compare(count, Path(journals), Path(books), int(units))))


if __name__ == "__main__":
    main()
