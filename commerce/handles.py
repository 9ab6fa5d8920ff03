"""How many files and connections a process may have open. Knows nothing of what they are."""

from __future__ import annotations

import contextlib
import resource


def raise_limit() -> int:
    """Take as many as the system lets the process have; so many they are.

    Most shells begin with 1,024: the viewer after the thousandth would be turned away, and the books too.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems forbid what they call the limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft
