"""Ports for processes that are told where to listen before they do."""

from __future__ import annotations

import random
import socket
from typing import Final

# The kernel gives ports from 32768 on to whoever asks for any (ip_local_port_range): one of those that is
# free now may be a stranger's connection by the time that a process listens there. It gives none of these.
PORTS: Final = range(16_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """A port on 127.0.0.1 that is free for TCP and UDP; never the same one twice in a process."""
    while True:
        port = random.choice(PORTS)
        if port in _given or not _is_free(port):
            continue
        _given.add(port)
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        try:
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
