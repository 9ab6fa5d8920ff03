"""`make fuzz`: every target for a while, guided by coverage. Fails when something is found.

Inputs that reach new code gather in var/fuzz/<target>; one that breaks a promise is written to
var/fuzz/found/<target>-…, to be mended and then kept in tests/fuzz/corpus/<target>.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .targets import CORPUS, TARGETS

WORK = Path("var/fuzz")
INPUT_BYTES_MAX = 4096
MEMORY_MB_MAX = 1024
ONE_INPUT_SECONDS_MAX = 20


@dataclass(frozen=True)
class Ended:
    """How the fuzzing of one target ended."""

    target: str
    runs: int
    features: int
    found: list[Path]
    healthy: bool

    def line(self) -> str:
        found = ", ".join(map(str, self.found)) or ("nothing" if self.healthy else "it broke off")
        return f"{self.target:10} {self.runs:9} inputs, {self.features:5} features, found: {found}"


def fuzz(target: str, seconds: int) -> Ended:
    """Fuzz one target in a process of its own."""
    gathered, found = WORK / target, WORK / "found"
    for folder in (gathered, found):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(found.glob(f"{target}-*"))
    words = [
        f"-max_total_time={seconds}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-rss_limit_mb={MEMORY_MB_MAX}",
        f"-timeout={ONE_INPUT_SECONDS_MAX}",
        f"-artifact_prefix={found / target}-",
        "-print_final_stats=1",
    ]
    folders = [str(gathered), str(CORPUS / target)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.one", target, *words, *folders],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    heard = process.stdout.readlines() if process.stdout else []
    healthy = process.wait() == 0
    if not healthy:
        print("".join(heard[-60:]))
    return Ended(
        target,
        _last(r"number_of_executed_units: (\d+)", heard),
        _last(r"ft: (\d+)", heard),
        sorted(set(found.glob(f"{target}-*")) - before),
        healthy,
    )


def _last(pattern: str, lines: list[str]) -> int:
    found = [int(match[1]) for line in lines if (match := re.search(pattern, line))]
    return found[-1] if found else 0


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=int, default=60, help="for each target")
    words.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="all, unless some are named")
    asked = words.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("no atheris for this machine: what follows is by chance alone")
        return
    ended = []
    for target in asked.targets or TARGETS:
        ended.append(fuzz(target, asked.seconds))
        print(ended[-1].line(), flush=True)
    sys.exit(0 if all(one.healthy for one in ended) else 1)


if __name__ == "__main__":
    main()
