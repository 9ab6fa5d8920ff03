"""What a front process counts, for Prometheus; one registry a process, no globals."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from commerce.api.routes import Route

BOUNDS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Meters:
    """Counters of requests and gauges of listeners."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "shop_requests", "Requests answered", ("route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "shop_request_seconds",
            "Time to answer",
            ("route",),
            buckets=BOUNDS_SECONDS,
            registry=self.registry,
        )
        self.listeners = Gauge("shop_listeners", "Connections to events", registry=self.registry)
        self.dropped = Gauge(
            "shop_listeners_dropped", "Listeners that were gone or too slow", registry=self.registry
        )
        self.waiting = Gauge("shop_inbox_waiting", "Callers who wait for a desk", registry=self.registry)
        self.feeds = Gauge("shop_feeds", "Shows followed", registry=self.registry)
        self.stopped = Gauge("shop_feeds_stopped", "Logs that could not be followed", registry=self.registry)
        self.limited = Gauge("shop_rate_limited", "Requests refused by a rate limit", registry=self.registry)

    def request(self, route: Route, status: int, seconds: float) -> None:
        """One request was answered."""
        name = f"{route.method} {route.path}"
        self._requests.labels(name, str(status)).inc()
        if not route.streams:
            self._seconds.labels(name).observe(seconds)

    def text(self) -> bytes:
        """The exposition format of Prometheus."""
        return generate_latest(self.registry)
