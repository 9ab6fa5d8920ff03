"""`python -m streaming`: a relay."""

from __future__ import annotations

import os
import sys

import uvloop

from .process import configure_logging, run
from .settings import WrongSetting, read_settings


def main() -> int:
    """Exit code 0 after an orderly end, 2 for a wrong setting, 1 when a port is taken."""
    configure_logging()
    try:
        settings = read_settings(os.environ)
        uvloop.run(run(settings))
    except WrongSetting as wrong:
        print(f"relay: {wrong}", file=sys.stderr)  # noqa: T201 (a sentence for whoever started us)
        return 2
    except OSError as taken:
        print(f"relay: cannot listen: {taken}", file=sys.stderr)  # noqa: T201 (the same)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
