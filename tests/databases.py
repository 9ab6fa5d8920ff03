"""Real databases for tests: SQLite files, and a private PostgreSQL cluster on a unix socket."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

DATABASES = ("sqlite", "postgresql")
OWNER = "postgres"


def postgresql_programs() -> Path | None:
    """The folder of initdb and postgres, newest first; None when PostgreSQL is not installed."""
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda home: -int(home.parent.name))
    found = shutil.which("initdb")
    return next(iter(homes), Path(found).parent if found else None)


@dataclass
class Cluster:
    """A PostgreSQL of one's own that nobody else can reach; root hands it to the user `postgres`."""

    programs: Path
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="sc-pg-")))
    process: subprocess.Popen[bytes] | None = None
    _names: count[int] = field(default_factory=count)

    def start(self) -> Cluster:
        if os.getuid() == 0:
            shutil.chown(self.folder, OWNER)
        self._run("initdb", "-D", "data", "-U", OWNER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = [
            "-c",
            "fsync=off",
            "-c",
            "listen_addresses=",
            "-c",
            f"unix_socket_directories={self.folder}",
        ]
        command = [*self._as_owner(), str(self.programs / "postgres"), "-D", "data", *options]
        self.process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while subprocess.run([self.programs / "pg_isready", "-q", "-h", self.folder], check=False).returncode:
            assert self.process.poll() is None, "PostgreSQL ended"
            assert time.monotonic() < deadline, "PostgreSQL did not come up"
            time.sleep(0.05)
        return self

    def new_url(self) -> str:
        """The URL of a new, empty database."""
        name = f"books{next(self._names)}"
        self._run("createdb", "-h", str(self.folder), "-U", OWNER, name)
        # A password, though none is asked for: without one asyncpg would look for a file of them.
        return f"postgresql+asyncpg://{OWNER}:none@/{name}?host={self.folder}"

    def pause(self, signal_number: signal.Signals = signal.SIGSTOP) -> None:
        """All its processes stand still, and say nothing to anybody; SIGCONT has them go on."""
        head = (self.folder / "data" / "postmaster.pid").read_text().split()[0]
        for tasks in Path(f"/proc/{head}/task").iterdir():
            for pid in [*(tasks / "children").read_text().split(), head]:
                os.kill(int(pid), signal_number)
        if self.process is not None and signal_number == signal.SIGCONT:
            self.process.send_signal(signal.SIGCONT)  # `runuser` stopped by itself along with what it runs

    def stop(self) -> None:
        if self.process is not None:
            self._run("pg_ctl", "stop", "-D", "data", "-m", "immediate")
            self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        command = [*self._as_owner(), str(self.programs / program), *words]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def _as_owner(self) -> list[str]:
        return ["runuser", "-u", OWNER, "--"] if os.getuid() == 0 else []
