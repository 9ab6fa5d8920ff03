"""One target under atheris: `python -m tests.fuzz.one target [libFuzzer's words…]`. See __main__.py."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["streaming"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    target, *words = sys.argv[1:]
    atheris.Setup([sys.argv[0], *words], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
