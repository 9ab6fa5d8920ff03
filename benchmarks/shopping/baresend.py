"""The kernel's bare send(): one call for each connection with bytes made before, and nothing else."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from typing import Any

PAYLOAD = b"d0\r\n" + b"event: patch\n" + b"x" * 185 + b"\n\n" + b"\r\n"


def main() -> None:
    ears: list[socket.socket] = []
    door = socket.create_server(("127.0.0.1", 0), backlog=4_096)

    def admit() -> None:
        while True:
            ear, _ = door.accept()
            ear.recv(64)
            ear.sendall(b"welcome")
            ear.setblocking(False)
            ears.append(ear)

    threading.Thread(target=admit, daemon=True).start()
    print(json.dumps({"port": door.getsockname()[1]}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        gone: list[Any] = []
        ears[:] = [ear for ear in ears if ear.fileno() >= 0]
        sends = [ear.send for ear in ears]
        for _ in range(asked["events"]):
            began = time.monotonic()
            for send in sends:
                try:
                    send(PAYLOAD)
                except ConnectionError:  # of the audience before this one
                    gone.append(send)
            time.sleep(max(0.0, asked["every_ms"] / 1_000 - (time.monotonic() - began)))
        for ear in [send.__self__ for send in gone]:
            ear.close()
        print(json.dumps({"told": asked["events"]}), flush=True)


if __name__ == "__main__":
    main()
