"""What a relay says of itself: /status for people and scripts, /healthz, /metrics for Prometheus."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ..relay.program import Program
from ..relay.pulled import Incoming
from ..relay.relay import Relay
from ..relay.viewer import Viewer
from .sessions import RELAY
from .visitors import VISITORS, Visitors


def status_of(relay: Relay) -> dict[str, Any]:
    """One picture of all live things; plain values."""
    return {
        "relay": relay.id,
        "viewers": relay.shows.viewers(),
        "draining": relay.departure.begun,
        "half_open": relay.attendance.half_open,
        "fanout": relay.fanout.path,
        "feeds": [_feed(feed) for feed in relay.incoming],
        "repairs": _repairs(relay),
        "programs": [_program(program) for program in relay.shows.programs.values()],
        "sender": dataclasses.asdict(relay.fanout.totals()),
        "port": dataclasses.asdict(relay.port.counts),
        "totals": {**dataclasses.asdict(relay.totals), "facts_dropped": relay.shows.facts_dropped},
    }


def _repairs(relay: Relay) -> dict[str, int]:
    """What all viewers of now asked for again, and what became of it."""
    viewers = [s.peer for s in relay.seated.values() if isinstance(s.peer, Viewer)]
    names = ("nacked", "resent", "echoed", "refused", "too_old", "given_up", "keyframe_requests")
    counted = {name: sum(getattr(viewer.figures, name) for viewer in viewers) for name in names}
    held_back = sum(viewer.figures.narrow_bps is not None for viewer in viewers)
    patient = sum(viewer.figures.patience_ms > 0 for viewer in viewers)
    repeating = sum(viewer.figures.sound_repeats > 0 for viewer in viewers)
    return counted | {
        "on_narrow_paths": held_back,
        "told_to_wait": patient,
        "sound_repeated_to": repeating,
    }


def _feed(feed: Incoming) -> dict[str, Any]:
    return {
        "studio": feed.studio,
        "codec": feed.codec,
        "tracks": {
            kind: {
                "packets": track.losses.received,
                "octets": track.octets,
                "given_up": track.losses.given_up,
                "jitter_ms": round(1000 * track.reception.jitter / track.rate_hz, 1),
            }
            for kind, track in feed.tracks.items()
        },
    }


def _program(program: Program) -> dict[str, Any]:
    return {
        "show": program.show,
        "studio": program.studio,
        "codec": program.codec,
        "viewers": len(program.viewers),
        "packets": dict(program.packets),
        "keyframes": program.keyframes,
        "sound_bps": program.audio.bps,
        "renditions": {name: {"bps": r.bps, "viewers": n} for name, r, n in program.renditions()},
        "cuts": program.cuts,
        "dropped": program.dropped,
        "queue_full": program.queue_full,
        "program_time": program.clock.last_ticks,
    }


class _Collector:
    def __init__(self, relay: Relay, visitors: Visitors) -> None:
        self._relay, self._visitors = relay, visitors

    def collect(self) -> Iterator[Metric]:
        relay, sender = self._relay, self._relay.fanout.totals()
        yield GaugeMetricFamily("relay_viewers", "Viewers connected", value=relay.shows.viewers())
        yield GaugeMetricFamily("relay_feeds", "Publishers connected", value=len(relay.incoming))
        yield CounterMetricFamily("relay_datagrams_in", "Received", value=relay.port.counts.datagrams)
        yield CounterMetricFamily("relay_datagrams_out", "Sent", value=sender.datagrams)
        dropped = CounterMetricFamily("relay_dropped", "Packets dropped, by reason", labels=["reason"])
        dropped.add_metric(["kernel"], sender.dropped_packets)
        dropped.add_metric(["nonce"], sender.refused_packets)
        dropped.add_metric(["queue"], sender.queue_refusals + sender.late_jobs)
        dropped.add_metric(["stranger"], relay.port.counts.strangers)
        yield dropped
        yield CounterMetricFamily(
            "relay_rate_limited", "POSTs told to wait", value=self._visitors.buckets.refused
        )
        packets = CounterMetricFamily("relay_program_packets", "Forwarded once", labels=["show", "kind"])
        for program in relay.shows.programs.values():
            for kind, count in program.packets.items():
                packets.add_metric([program.show, kind], count)
        yield packets


async def get_status(request: web.Request) -> web.Response:
    """The picture as JSON."""
    return web.json_response(status_of(request.app[RELAY]), headers={"Cache-Control": "no-store"})


async def get_health(request: web.Request) -> web.Response:
    """200 while the loop turns."""
    return web.json_response({"ok": True})


async def get_metrics(request: web.Request) -> web.Response:
    """Prometheus text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(request.app[RELAY], request.app[VISITORS]))
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
