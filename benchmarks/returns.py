"""A thousand viewers whose relay is killed and started again: `python -m benchmarks.returns --json`.

Their players notice within half a second of each other (3 s without a picture) and try as our player does:
growing waits with jitter, Retry-After obeyed. The relay is started again at once, as a supervisor does,
and its studio comes back a second later. Told is how long each waited for a picture from the kill on.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from .rig.conditions import conditions
from .rig.servers import RelayServer, Told, memory_bytes, relay, revived

VIEWERS: Final = 1000
NOTICED_SECONDS: Final = 3.0  # web/elements/live-picture.js
APART_SECONDS: Final = 0.5
STUDIO_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.02


class Pulse:
    """How long the relay's loop let somebody wait for an answer, at worst."""

    def __init__(self, url: str) -> None:
        self.longest_s, self._url, self._over = 0.0, f"{url}/healthz", False
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over:
            began = time.monotonic()
            try:
                with urllib.request.urlopen(self._url, timeout=10):
                    self.longest_s = max(self.longest_s, time.monotonic() - began)
            except (urllib.error.URLError, OSError):
                pass  # it has not begun to listen
            time.sleep(LOOK_SECONDS)

    def end(self) -> float:
        """Seconds."""
        self._over = True
        self._thread.join()
        return self.longest_s


def run(viewers: int) -> dict[str, Any]:
    """One crash."""
    with (
        tempfile.TemporaryDirectory() as place,
        relay(Path(place)) as server,
        Told("benchmarks.rig.publisher") as publisher,
        Told("benchmarks.rig.publisher") as again,
        Told("benchmarks.rig.audience") as audience,
        Told("benchmarks.rig.audience") as crowd,
    ):
        publisher.do(whip=server.whip, token=server.publish_token)
        publisher.do(run=0)
        audience.do(join=viewers, whep=server.whep, token=server.view_token)
        before = memory_bytes(server.pid)
        publisher.do(pause=True)
        os.kill(server.pid, signal.SIGKILL)
        killed = time.monotonic()
        with revived(server, Path(place)) as anew:
            pulse = Pulse(server.url)
            time.sleep(STUDIO_SECONDS)
            studio = threading.Thread(target=_publish, args=(again, anew), daemon=True)
            studio.start()
            time.sleep(max(0.0, NOTICED_SECONDS - (time.monotonic() - killed)))
            said = crowd.do(
                **{"return": viewers}, within_s=APART_SECONDS, whep=anew.whep, token=anew.view_token
            )
            after, stall_s = memory_bytes(anew.pid), pulse.end()
            studio.join()
    back = sorted(NOTICED_SECONDS + s for s in said["back_s"])
    return {
        "bench": "returns",
        "viewers": viewers,
        "back": len(back),
        "back_s_p50": round(back[len(back) // 2], 2),
        "back_s_p95": round(back[int(0.95 * (len(back) - 1))], 2),
        "back_s_last": round(back[-1], 2),
        "tries": said["tries"],
        "refused": said["refused"],
        "longest_answer_ms": round(1000 * stall_s),
        "memory_mb": [round(before / 1e6), round(after / 1e6)],
        "conditions": conditions(),
    }


def _publish(studio: Told, server: RelayServer) -> None:
    studio.do(whip=server.whip, token=server.publish_token)
    studio.do(run=0)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--json", action="store_true", help="print the result as one JSON line, last")
    words.add_argument("--viewers", type=int, default=VIEWERS)
    print(json.dumps(run(words.parse_args().viewers), ensure_ascii=False))


if __name__ == "__main__":
    main()
