"""Run under faulty_kernel.c: three viewers, sends to the middle one fail. Prints what each heard."""

from __future__ import annotations

import ctypes
import json
import sys

from tests.streaming.fanout.rig import Rig, packets


def main(twin: str, error: int, gso_alone: bool) -> None:
    rig = Rig(twin)
    viewers = [rig.sit() for _ in range(3)]
    rig.show(packets(0, [1000] * 4 + [1200] * 4))
    kernel = ctypes.CDLL(None)
    ctypes.c_int.in_dll(kernel, "faulty_errno").value = error
    ctypes.c_int.in_dll(kernel, "faulty_gso_alone").value = gso_alone
    ctypes.c_int.in_dll(kernel, "faulty_port").value = viewers[1].socket.getsockname()[1]
    rig.show(packets(8, [1000] * 4 + [1200] * 4))
    ctypes.c_int.in_dll(kernel, "faulty_port").value = 0
    rig.show(packets(16, [1000] * 4 + [1200] * 4))
    told = {
        "heard": [[h.sequence for h in viewer.rtp()] for viewer in viewers],
        "dropped": [rig.fanout.counts(viewer.viewer).dropped_packets for viewer in viewers],
        "sent": [rig.fanout.counts(viewer.viewer).video.packets for viewer in viewers],
        "fallbacks": rig.fanout.totals().gso_fallbacks,
    }
    rig.close()
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "gso")
