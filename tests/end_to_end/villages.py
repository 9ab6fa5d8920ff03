"""Hosts of a test's own: network namespaces on one switch, whose links can go dead without a word."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator

import pytest

NOBODY = "02:00:00:00:00:99"  # no card has this address: what is sent there is lost without a word
_numbers = itertools.count()


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Village:
    """`count` hosts; the test's own host is on the switch too."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._name = f"sc{os.getpid() % 100_000}-{next(_numbers)}"
        self._here = str(os.getpid())
        self._net = f"198.18.{secrets.randbelow(254) + 1}"  # RFC 2544: of no real network

    def host(self, number: int) -> str:
        """The address of a host."""
        return f"{self._net}.{number + 1}"

    def inside(self, number: int) -> tuple[str, ...]:
        """What a command begins with to run on a host."""
        return ("ip", "netns", "exec", self._space(number))

    def _space(self, number: int | str) -> str:
        return f"{self._name}-{number}"

    def part(self, one: int, other: int) -> None:
        """From now on what these two send each other is lost; neither is told."""
        for here, there in ((one, other), (other, one)):
            _ip(
                "-n", self._space(here), "neigh", "replace", self.host(there),
                "lladdr", NOBODY, "dev", "net0", "nud", "permanent",
            )  # fmt: skip

    def build(self) -> None:
        """Raises OSError where the kernel or our rights do not allow it."""
        switch = self._space("s")
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", "name", "br0", "type", "bridge")
        _ip("-n", switch, "link", "set", "br0", "up")
        for number in range(self.count):
            _ip("netns", "add", self._space(number))
            _ip(
                "-n", switch, "link", "add", "name", f"p{number}", "type", "veth",
                "peer", "name", "net0", "netns", self._space(number),
            )  # fmt: skip
            _ip("-n", self._space(number), "link", "set", "lo", "up")
            self._plug(switch, f"p{number}", ("-n", self._space(number)), "net0", self.host(number))
        ours = f"{self._name[:11]}h"
        _ip(
            "-n", switch, "link", "add", "ph", "type", "veth", "peer", "name", ours, "netns", str(os.getpid())
        )
        self._plug(switch, "ph", (), ours, self.host(249))

    @staticmethod
    def _plug(switch: str, port: str, at: tuple[str, ...], name: str, address: str) -> None:
        _ip("-n", switch, "link", "set", port, "master", "br0", "up")
        _ip(*at, "address", "add", f"{address}/24", "dev", name)
        _ip(*at, "link", "set", name, "up")

    def clear(self) -> None:
        """Take everything down; the cards go with their namespaces."""
        for number in (*range(self.count), "s"):
            with contextlib.suppress(OSError):
                _ip("netns", "del", self._space(number))


@contextlib.contextmanager
def village(count: int) -> Iterator[Village]:
    """Skips the test, saying why, where network namespaces cannot be made."""
    if not shutil.which("ip"):
        pytest.skip("no `ip` on this machine (Debian: iproute2): no network namespaces")
    made = Village(count)
    try:
        try:
            made.build()
        except OSError as refused:
            pytest.skip(f"no network namespaces here (CAP_NET_ADMIN is needed): {refused}")
        yield made
    finally:
        made.clear()
