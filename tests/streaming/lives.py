"""Lives of one viewer each on a road that changes, told by a seed: `python -m tests.streaming.lives`.

Everything that may differ does: when one joins in a group of pictures, when the road changes, how large
the encoder's frames are, when the network stands still, when the player's estimate falls for no
reason. Judged as `benchmarks.adapt` judges. Estimates are those of aiortc's receiver-side estimator.
"""

from __future__ import annotations

import argparse
import math
import random
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from aiortc.rate import RemoteBitrateEstimator

from benchmarks.rig import fitting
from streaming.fanout import Kind
from streaming.rtc import rtcp
from tests.streaming.players import CHROMIUM, LEAN, OVERHEAD_BYTES, PLAIN, WIDTHS, Habits, Player
from tests.streaming.roads import FILM, SOUND_BYTES, SOUND_SECONDS, House
from tests.streaming.world import Road, ShakyRoad

FIT_SECONDS, CLIMB_SECONDS = 2.0, 5.0
HABITS: Final = {
    "chromium": CHROMIUM,
    "chromium, reporting once a second": replace(CHROMIUM, report_s=1.0),
    "lean": LEAN,
    "lean, reporting ten times a second": replace(LEAN, report_s=0.1),
    "plain": PLAIN,
    "plain, reporting ten times a second": replace(PLAIN, report_s=0.1),
}
SOUND_BPS: Final = int((SOUND_BYTES + OVERHEAD_BYTES) * 8 / SOUND_SECONDS)
REMB_SECONDS: Final = 0.2
FALLS_APART_SECONDS: Final = 10.0  # between two falls of an estimate without a cause, in the mean
FALLEN: Final = 0.6
JOINED_SECONDS: Final = 2.0


class Estimating(Player):
    """A player whose estimate is that of a real estimator, and now and then wrong."""

    def __init__(self, road: Road, habits: Habits, ssrc: int) -> None:
        super().__init__(road, habits, ssrc)
        self._estimator, self._said_s, self._low_until_s = RemoteBitrateEstimator(), -1.0, -1.0
        self._dice = random.Random(road.dice.random())
        self.world.later(self._dice.expovariate(1 / FALLS_APART_SECONDS), self._fall)

    def _fall(self) -> None:
        self._low_until_s = self.world.now + self._dice.uniform(0.2, 1.5)
        self.world.later(self._dice.expovariate(1 / FALLS_APART_SECONDS), self._fall)

    def _arrive(self, kind: Kind, own: int, payload: bytes, *, repair: bool, left: float) -> None:
        now = self.world.now
        if self.habits.estimates:
            sent = int(left * (1 << 18)) & 0xFFFFFF  # abs-send-time
            found = self._estimator.add(int(now * 1000), sent, len(payload) + OVERHEAD_BYTES, self.ssrc)
            if found is not None and now - self._said_s >= REMB_SECONDS:
                self._said_s = now
                bps = int(found[0] * (FALLEN if now < self._low_until_s else 1))
                block = self._block() if self.habits.reports_at_once else b""
                self._say(block + rtcp.remb(1, bps, [self.ssrc]))
        if kind == "video":
            self._take(own, payload, now, repair=repair)

    def _estimate(self, now: float) -> None:
        """It speaks as packets arrive."""


@dataclass(frozen=True, slots=True)
class Life:
    """Who, on which road (second, Mbit/s), until when; and all chance in it."""

    habits: str
    rates: tuple[tuple[float, float], ...]
    seconds: float
    seed: int
    shaky: bool = False


@dataclass(frozen=True, slots=True)
class Lived:
    """How it went; `fits` and `climbs` in seconds, None: never."""

    fits: list[float | None]
    climbs: list[float | None]
    swings: int
    frozen_share: float
    walk: list[tuple[float, int]]

    def faults(self) -> list[str]:
        """What was not as it should be."""
        late = [f"fitted after {s}" for s in self.fits if s is None or s > FIT_SECONDS]
        late += [f"climbed after {s}" for s in self.climbs if s is None or s > CLIMB_SECONDS]
        return [*late, f"swung {self.swings} times"] if self.swings else late


def live(life: Life) -> Lived:
    """Play it."""
    dice = random.Random(life.seed)
    house = House(FILM, dice)
    house.run(dice.uniform(0.0, 2.0))
    kind = ShakyRoad if life.shaky else Road
    road = kind(house.world, life.rates[0][1] * 1e6, dice=random.Random(life.seed), jitter_s=0.01)
    player, joined = house.join(road, HABITS[life.habits], Estimating), house.world.now
    for at, mbps in life.rates[1:]:
        house.world.later(at, partial(setattr, road, "rate_bps", mbps * 1e6))
    sizes = {WIDTHS[name]: stream.bps + SOUND_BPS for name, stream in house.program.video.items()}
    house.run(life.seconds)
    walk = [(at - joined, width) for at, width in player.walk]
    rates = tuple((at, int(mbps * 1e6)) for at, mbps in life.rates)
    judged = fitting.judge(fitting.Road("", rates), walk, sizes, life.seconds)
    stood = player.stood(joined + JOINED_SECONDS, house.world.now)
    share = stood / (life.seconds - JOINED_SECONDS)
    return Lived(judged["fits"], judged["climbs"], judged["swings"], share, walk)


def steady(habits: str, seed: int) -> Life:
    """A road that stays as it is."""
    dice = random.Random(f"steady {seed}")
    return Life(habits, ((0.0, dice.choice(RATES)),), 40.0, seed, shaky=bool(seed % 2))


def changing(habits: str, seed: int) -> Life:
    """A road that gets narrower and recovers: for each of the three sizes, one of its rates."""
    dice = random.Random(f"changing {seed}")
    here, there = sorted(dice.sample(range(len(WIDE)), 2), reverse=True)
    back = dice.randrange(there + 1, len(WIDE))
    rates = [dice.choice(WIDE[size]) for size in (here, there, back)]
    drop, recovery = 8 + dice.uniform(0, 2), 24 + dice.uniform(0, 2)
    return Life(habits, ((0.0, rates[0]), (drop, rates[1]), (recovery, rates[2])), 36.0, seed)


# Mbit/s at which the small, the middle and the large size (0.24, 0.8, 2.6) is the right one beyond doubt: a
# third more than it takes, and two thirds of what the next takes. Between them the queue fills too slowly.
WIDE: Final = ((0.35, 0.4, 0.45, 0.5), (1.1, 1.2, 1.4, 1.6), (3.5, 4.0, 4.5, 5.0))
RATES: Final = (0.35, 0.4, 0.5, 0.6, 1.0, 1.1, 1.2, 1.4, 1.6, 2.0, 3.2, 3.6, 4.0, 5.0)


def _worst(values: list[float | None]) -> str:
    known = sorted(math.inf if value is None else value for value in values)
    if not known:
        return "none"
    return f"{len(known)}, median {known[len(known) // 2]:.2f} s, worst {known[-1]:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=50, help="of each kind and each player")
    parser.add_argument("--from", type=int, default=0, dest="first")
    wanted = parser.parse_args()
    for kind in (steady, changing):
        for habits in HABITS:
            lived: list[tuple[Life, Lived]] = []
            for seed in range(wanted.first, wanted.first + wanted.lives):
                life = kind(habits, seed)
                lived.append((life, live(life)))
            tell(kind.__name__, habits, lived)


def tell(kind: str, habits: str, lived: list[tuple[Life, Lived]]) -> None:
    """One line for all, and one for each with a fault."""
    fits: list[Any] = [fit for _, one in lived for fit in one.fits]
    climbs: list[Any] = [climb for _, one in lived for climb in one.climbs]
    frozen = [100 * one.frozen_share for _, one in lived]
    swung = sum(bool(one.swings) for _, one in lived)
    mean = sum(frozen) / len(frozen)
    print(f"{kind}, {habits}: {len(lived)} lives; drops {_worst(fits)}; recoveries {_worst(climbs)};")
    print(f"    {swung} with swings; frozen {mean:.1f} %, worst {max(frozen):.1f} %", flush=True)
    for life, one in lived:
        if faults := one.faults():
            print("   ", life, *faults, [(round(at, 1), width) for at, width in one.walk])


if __name__ == "__main__":
    main()
