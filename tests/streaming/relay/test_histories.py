"""Whatever happens to studios and relays: time never goes back, never leaps, and is one everywhere."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import pytest

from tests.streaming.relay.histories import Host, Sent, Village

FRAME_SECONDS: Final = 1 / 25 + 1e-6
AHEAD_SECONDS: Final = 0.25  # what time may run ahead of what it was within a second
HAPPENINGS: Final = 15
SETTLED_SECONDS: Final = 2.0


@pytest.fixture(scope="module", params=range(24))
def village(request: pytest.FixtureRequest) -> Village:
    made = Village(request.param)
    made.evening(HAPPENINGS)
    return made


def leaps(sent: list[Sent], rate_hz: int) -> list[tuple[float, float]]:
    """When time ran ahead of what was before: by more than a frame at once, or by more within a second."""
    found, lead, older, before = [], float("-inf"), float("-inf"), 0
    for packet in sent:
        now = packet.timestamp / rate_hz - packet.at
        while sent[before].at < packet.at - 1.0:
            older = max(older, sent[before].timestamp / rate_hz - sent[before].at)
            before += 1
        slowly = before == 0 or now - older <= AHEAD_SECONDS
        if lead > float("-inf") and (now - lead > FRAME_SECONDS or not slowly):
            found.append((packet.at - 1000, now - lead, now - older))
        lead = max(lead, now)
    return found


def test_time_never_goes_back(village: Village) -> None:
    for host in village.hosts:
        for kind, sent in host.fanout.sent.items():
            back = [
                (b.at - 1000, kind, b.timestamp - a.timestamp, b.name)
                for a, b in pairwise(sent)
                if b.timestamp < a.timestamp
            ]
            assert not back, (host.name, back[:3], village.told)


def test_time_never_leaps(village: Village) -> None:
    for host in village.hosts:
        found = leaps(host.fanout.sent["video"], 90_000)
        assert not found, (host.name, found[:3], village.told)


def test_a_picture_has_one_time_on_every_relay(village: Village) -> None:
    times = [named(host, "video", village.now) for host in village.hosts]
    shown = set(times[0]) & set(times[1]) & set(times[2])
    assert shown, village.told
    for name in shown:
        apart = max(t[name] for t in times) - min(t[name] for t in times)
        assert apart <= 3000, (name, apart, village.told)


def test_sound_stands_beside_its_picture(village: Village) -> None:
    times = [named(host, "audio", village.now) for host in village.hosts]
    shown = set(times[0]) & set(times[1]) & set(times[2])
    assert shown, village.told
    for name in shown:
        apart = max(t[name] for t in times) - min(t[name] for t in times)
        assert apart <= 0.04 * 48_000, (name, apart, village.told)


def named(host: Host, kind: str, now: float) -> dict[str, int]:
    return {s.name: s.timestamp for s in host.fanout.sent[kind] if s.name and s.at > now - SETTLED_SECONDS}
