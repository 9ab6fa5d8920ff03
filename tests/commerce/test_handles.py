"""A process takes as many open files as the system lets it have."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import resource
from commerce.handles import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 256))
print(raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_a_process_raises_its_limit_of_open_files() -> None:
    assert subprocess.check_output([sys.executable, "-c", PROGRAM]) == b"256 256 256\n"
