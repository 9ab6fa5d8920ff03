"""One beat of a relay in which something is broken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from streaming.relay.heart import QUICK_SECONDS, Heart


@dataclass
class Beating:
    """A feed, a show, a port: whatever is told the time. One may be broken."""

    broken: bool = False
    restless: bool = True
    ticked_s: float = 0.0
    ticks: list[float] = field(default_factory=list)
    woke: list[float] = field(default_factory=list)

    def awake(self, now: float) -> None:
        self.woke.append(now)

    def tick(self, now: float) -> None:
        if self.broken:
            raise LookupError("a fault")
        self.ticks.append(now)
        self.ticked_s = now

    def every_second(self, *_: object) -> None:
        self.ticks.append(-1.0)

    def flush(self) -> None: ...
    def keep(self) -> None: ...
    def sweep(self) -> None: ...

    def now(self) -> float:
        return self.ticked_s


class Body:
    """A relay of two publishers."""

    def __init__(self) -> None:
        self.feeds = {"faulty": Beating(broken=True), "sound": Beating()}
        self.shows, self.departure, self.port, self.telling = Beating(), Beating(), Beating(), Beating()
        self.clock, self.giving, self.seated = Beating(), Beating(), dict[str, Any]()
        self.shows.programs = {}  # type: ignore[attr-defined]  # nothing is on air
        self.ended: list[Beating] = []

    @property
    def incoming(self) -> list[Beating]:
        return list(self.feeds.values())

    def break_off(self, feed: Beating, broken: Exception) -> None:
        self.ended.append(feed)


def test_a_publisher_that_meets_a_fault_does_not_stop_the_time_of_others() -> None:
    body = Body()
    Heart(body).tick(5.0)  # type: ignore[arg-type]  # it has what a heart needs
    assert body.ended == [body.feeds["faulty"]]
    assert body.feeds["sound"].ticks == [5.0]
    assert body.shows.ticks == [5.0, -1.0]


def test_packets_do_not_make_a_restless_feed_ask_more_often_than_the_quick_beat() -> None:
    body = Body()
    del body.feeds["faulty"]
    heart = Heart(body)  # type: ignore[arg-type]  # it has what a heart needs
    for n in range(100):
        body.clock.ticked_s = 1.0 + n * QUICK_SECONDS / 10
        heart.flush()
    assert 10 <= len(body.feeds["sound"].ticks) <= 12


def test_a_relay_that_stood_still_says_so_before_it_judges_others() -> None:
    body = Body()
    del body.feeds["faulty"]
    heart = Heart(body)  # type: ignore[arg-type]  # it has what a heart needs
    for now in (5.0, 5.1, 5.2):
        heart.tick(now)
    assert body.shows.woke == []
    heart.tick(15.2)
    assert body.shows.woke == [15.2]
    assert body.shows.ticks[-2:] == [15.2, -1.0]
    heart.notice(15.3)
    heart.notice(25.3)  # the socket can be read: before anything of it is believed
    heart.tick(25.3)
    assert body.shows.woke == [15.2, 25.3]
