"""What a desk process tells: /healthz and /metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from commerce.desk.office import Office

_COUNTERS: Final = {
    "tenures": "times this process took over the show",
    "commits": "commits that stand",
    "commands": "commands decided",
    "fenced": "appends refused because another desk wrote the version",
    "lookups": "appends whose outcome had to be looked up",
    "illegible": "inbox entries that could not be read",
    "outages": "outages that extended holds",
}
_GAUGES: Final = {"version": "newest version written here", "inbox_lag": "letters read but not decided"}


class OfficeMeters:
    """Reads the shifts' tallies when asked; the desk itself counts plain integers."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def collect(self) -> Iterator[Metric]:
        """The metrics of every show, labelled by show."""
        shifts = list(self._office.shifts.items())
        for name, words in _COUNTERS.items():
            counter = CounterMetricFamily(f"desk_{name}", words, labels=["show"])
            for show, shift in shifts:
                counter.add_metric([show], getattr(shift.tally, name))
            yield counter
        for name, words in _GAUGES.items():
            gauge = GaugeMetricFamily(f"desk_{name}", words, labels=["show"])
            for show, shift in shifts:
                gauge.add_metric([show], getattr(shift.tally, name))
            yield gauge
        age = GaugeMetricFamily("desk_last_commit_age_seconds", "since the last commit", labels=["show"])
        for show, shift in shifts:
            if shift.tally.committed_at_ms:
                age.add_metric([show], time.monotonic() - shift.tally.committed_at_ms / 1_000)
        yield age
        yield GaugeMetricFamily(
            "desk_broken_shows", "shows whose log raised an alarm", len(self._office.broken)
        )


def application(office: Office) -> web.Application:
    """The HTTP side of the desk."""
    registry = CollectorRegistry()
    registry.register(OfficeMeters(office))

    async def healthz(_: web.Request) -> web.Response:
        status = 503 if office.broken else 200
        return web.json_response({"shows": len(office.shifts), "broken": office.broken}, status=status)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", metrics)
    return app
