"""A clock that jumps, and roads with a bottleneck and a queue on it."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field


class World:
    """A clock that jumps to the next thing that happens."""

    def __init__(self) -> None:
        self.now = 0.0
        self._number = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (max(when, self.now), next(self._number), act))

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        self.at(self.now + seconds, act)

    def every(self, seconds: float, act: Callable[[], None]) -> None:
        def again() -> None:
            act()
            self.later(seconds, again)

        self.later(seconds, again)

    def run(self, until: float) -> None:
        while self._due and self._due[0][0] <= until:
            self.now, _, act = heapq.heappop(self._due)
            act()
        self.now = until


@dataclass
class Road:
    """A bottleneck towards the player, with a queue before it, and half of the round trip each way."""

    world: World
    rate_bps: float
    queue_s: float = 0.3
    rtt_s: float = 0.04
    loss: float = 0.0
    jitter_s: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    overflowed: int = 0
    _free_s: float = 0.0
    _back_s: float = 0.0

    def down(self, size: int, deliver: Callable[[], None]) -> None:
        now = self.world.now
        leaves = max(now, self._free_s) + size * 8 / self.rate_bps
        if leaves - now > self.queue_s:
            self.overflowed += 1
            return
        self._free_s = leaves
        if self.dice.random() >= self.loss:
            self.world.at(leaves + self.rtt_s / 2, deliver)

    def up(self, deliver: Callable[[], None]) -> None:
        self._back_s = max(self._back_s, self.world.now + self.rtt_s / 2 + self.dice.random() * self.jitter_s)
        if self.dice.random() >= self.loss:
            self.world.at(self._back_s, deliver)


@dataclass
class ShakyRoad(Road):
    """A road on which all stands still for a moment now and then, both ways: a radio, or a busy machine."""

    stall_s: float = 0.2  # at most
    stalls_apart_s: float = 1.5  # in the mean
    _stands_until_s: float = 0.0
    _down_s: float = 0.0
    _up_s: float = 0.0

    def __post_init__(self) -> None:
        self.world.later(self.dice.expovariate(1 / self.stalls_apart_s), self._stall)

    def _stall(self) -> None:
        self._stands_until_s = self.world.now + self.dice.random() ** 2 * self.stall_s
        self.world.later(self.dice.expovariate(1 / self.stalls_apart_s), self._stall)

    def down(self, size: int, deliver: Callable[[], None]) -> None:
        def come() -> None:
            self._down_s = max(self._down_s, self._stands_until_s, self.world.now)
            self.world.at(self._down_s, deliver)

        super().down(size, come)

    def up(self, deliver: Callable[[], None]) -> None:
        self._up_s = max(self._up_s, self._stands_until_s, self.world.now)
        self.world.at(self._up_s, lambda: super(ShakyRoad, self).up(deliver))
