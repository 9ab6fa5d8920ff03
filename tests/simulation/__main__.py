"""`python -m tests.simulation --seeds N [--from S]`: play many evenings; `--seed S` plays one again."""

from __future__ import annotations

import argparse
import logging
import sys
import time
import traceback

import structlog

from tests.simulation.evening import play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    if given.seed is None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    first, last = (
        (given.first, given.first + given.seeds) if given.seed is None else (given.seed, given.seed + 1)
    )
    begin = time.monotonic()
    for seed in range(first, last):
        try:
            outcome = play(seed)
        except Exception:
            traceback.print_exc()
            print(
                f"seed {seed} failed; play it again: python -m tests.simulation --seed {seed}",
                file=sys.stderr,
            )
            return 1
        if given.seed is not None or seed % 1_000 == 999:
            print(
                f"{seed - first + 1} evenings, {time.monotonic() - begin:.0f} s; the last: {outcome}",
                flush=True,
            )
    print(f"{last - first} evenings, every law held, {time.monotonic() - begin:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
