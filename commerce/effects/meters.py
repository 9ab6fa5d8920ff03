"""What the effects process tells of itself: /healthz and /metrics."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from commerce.effects.office import Office


class OfficeMeters:
    """Reads the office when asked."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def collect(self) -> Iterator[Metric]:
        """How far each show is booked, and how many effects are in trouble."""
        booked = GaugeMetricFamily("effects_archived_version", "last commit in the books", labels=["show"])
        for show, keeper in list(self._office.archivists.items()):
            booked.add_metric([show], keeper.at.version)
        yield booked
        yield GaugeMetricFamily("effects_in_trouble", "effects that broke lately", len(self._office.ills()))


def application(office: Office) -> web.Application:
    """The HTTP side of the process."""
    registry = CollectorRegistry()
    registry.register(OfficeMeters(office))

    async def healthz(_: web.Request) -> web.Response:
        ills = office.ills()
        body = {"shows": len(office.archivists), "trouble": ills, "mail": "on" if office.mails else "off"}
        return web.json_response(body, status=503 if ills else 200)

    async def metrics(_: web.Request) -> web.Response:
        body = generate_latest(registry) + generate_latest(REGISTRY)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics)])
    return app
