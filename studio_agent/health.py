"""How the studio is: `GET /healthz` for people and supervisors, `GET /metrics` for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Health:
    """What the studio says of itself; levels in dBFS, rates per second."""

    state: str
    detail: str
    source: str
    fps: float
    bitrate_bps: int
    target_bps: int
    level_dbfs: float
    rtt_ms: float
    loss_percent: float
    pictures: int
    skipped_pictures: int
    dropped_frames: int
    keyframe_requests: int
    resent_packets: int
    connections: int
    losses: int
    layers: int  # encodings of the picture that go out


GAUGES = {
    "fps": "pictures encoded in the last second",
    "bitrate_bps": "bits sent in the last second",
    "target_bps": "bit rate that the encoder aims at",
    "level_dbfs": "peak of the sound",
    "rtt_ms": "round trip to the relay",
    "loss_percent": "packets that the relay missed",
    "layers": "encodings of the picture that go out",
}
COUNTERS = {
    "pictures": "pictures encoded",
    "skipped_pictures": "pictures that were too late",
    "dropped_frames": "frames that did not fit into the send queue",
    "keyframe_requests": "keyframes asked for by the relay",
    "resent_packets": "packets sent again",
    "connections": "times that the studio went live",
    "losses": "times that a live session was lost",
}


class HealthCollector(Collector):
    """Reads the studio when Prometheus asks, so nothing is counted twice."""

    def __init__(self, read: Callable[[], Health]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        values = asdict(self._read())
        live = GaugeMetricFamily("studio_live", "1 while the studio is on its relay")
        live.add_metric([], float(values["state"] == "live"))
        yield live
        for name, text in GAUGES.items():
            yield GaugeMetricFamily(f"studio_{name}", text, value=values[name])
        for name, text in COUNTERS.items():
            yield CounterMetricFamily(f"studio_{name}", text, value=values[name])


def health_app(read: Callable[[], Health]) -> web.Application:
    """The two pages; `/healthz` is 200 while the process works, whatever the relay does."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HealthCollector(read))

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response(asdict(read()))

    async def metrics(request: web.Request) -> web.Response:
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", metrics)
    return app
