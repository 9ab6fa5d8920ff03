"""`python -m tests.simulation --seeds N [--from S]` plays evenings on all cores, `--seed S` one again."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor

import structlog

from tests.simulation.evening import play

SEEDS_A_TURN = 500


class Failed(Exception):
    """An evening broke a law; the text is what a person needs to play it again."""


def play_some(seeds: range) -> tuple[int, int]:
    """Play the evenings of these seeds; how many orders they had, and how many desks were killed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    orders = kills = 0
    for seed in seeds:
        try:
            outcome = play(seed)
        except Exception as error:
            again = f"seed {seed} failed; play it again: python -m tests.simulation --seed {seed}"
            raise Failed(f"{traceback.format_exc()}{again}") from error
        orders, kills = orders + outcome.orders, kills + outcome.kills
    return orders, kills


def play_all(seeds: range, jobs: int) -> None:
    """Play on so many cores. Raises Failed at the first evening that breaks a law."""
    begin = time.monotonic()
    turns = [seeds[start : start + SEEDS_A_TURN] for start in range(0, len(seeds), SEEDS_A_TURN)]
    played = orders = kills = 0
    with ProcessPoolExecutor(jobs) as pool:
        for turn, done in zip(turns, pool.map(play_some, turns), strict=True):
            played, orders, kills = played + len(turn), orders + done[0], kills + done[1]
            told = f"{played} evenings, {orders} orders, {kills} desks killed, every law held"
            print(f"{told}, {time.monotonic() - begin:.0f} s", flush=True)


def main() -> int:
    """Play what was asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    if given.seed is not None:
        print(play(given.seed))
        return 0
    try:
        play_all(range(given.first, given.first + given.seeds), given.jobs)
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
