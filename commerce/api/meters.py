"""What a front process counts: plain numbers on the way, Prometheus families when asked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from commerce.api.routes import Route

BOUNDS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
GAUGES: Final = {
    "listeners": "connections to events",
    "listeners_dropped": "listeners that were gone or too slow",
    "inbox_waiting": "callers who wait for a desk",
    "feeds": "shows followed",
    "feeds_stopped": "logs that could not be followed",
    "rate_limited": "requests refused by a rate limit",
}


@dataclass(slots=True)
class Tally:
    """Answers of one route with one status."""

    count: int = 0
    seconds: float = 0.0
    below: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_SECONDS) + 1))


class Meters:
    """Counts requests. `gauges` are set by whoever answers /metrics, just before."""

    def __init__(self) -> None:
        self.gauges: dict[str, float] = dict.fromkeys(GAUGES, 0.0)
        self._tallies: dict[tuple[str, str, int], Tally] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def request(self, route: Route, status: int, seconds: float) -> None:
        """One request was answered."""
        tally = self._tallies.get((route.method, route.path, status))
        if tally is None:
            tally = self._tallies[route.method, route.path, status] = Tally()
        tally.count += 1
        if not route.streams:
            tally.seconds += seconds
            tally.below[bisect_left(BOUNDS_SECONDS, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        """The families (prometheus_client's Collector)."""
        requests = CounterMetricFamily("shop_requests", "Requests answered", labels=["route", "status"])
        times = HistogramMetricFamily("shop_request_seconds", "Time to answer", labels=["route", "status"])
        for (method, path, status), tally in self._tallies.items():
            labels = [f"{method} {path}", str(status)]
            requests.add_metric(labels, tally.count)
            times.add_metric(labels, _cumulative(tally.below), tally.seconds)
        yield requests
        yield times
        for name, words in GAUGES.items():
            yield GaugeMetricFamily(f"shop_{name}", words, value=self.gauges[name])

    def text(self) -> bytes:
        """The exposition format of Prometheus."""
        return generate_latest(self._registry)


def _cumulative(below: list[int]) -> list[tuple[str, float]]:
    found, total = [], 0
    for bound, count in zip([*map(str, BOUNDS_SECONDS), "+Inf"], below, strict=True):
        total += count
        found.append((bound, float(total)))
    return found
