"""XML-RPC over a unix socket: how supervisord is asked. Closes what it opens."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from typing import Any, Final

ANSWER_SECONDS: Final = 30.0


class _Wire(http.client.HTTPConnection):
    """An HTTP connection whose other end is a file."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        wire = socket.socket(socket.AF_UNIX)
        wire.settimeout(ANSWER_SECONDS)
        try:
            wire.connect(self._path)
        except OSError:
            wire.close()
            raise
        self.sock = wire


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # `host` is nothing here
        wire = _Wire(self._path)
        self._connection = host, wire  # what close() closes
        return wire


def ask(path: str, method: str, *arguments: Any) -> Any:
    """Call `supervisor.<method>`. Raises OSError when nobody listens, xmlrpc.client.Error when refused."""
    with xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(path)) as proxy:
        return getattr(proxy.supervisor, method)(*arguments)
