"""What the kernel refuses: GSO, an address, room. Real refusals of the real kernel where it has them."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from streaming.fanout.interface import QUEUE_LIMIT_JOBS, FanoutFull

from .rig import CM, GCM, Rig, packets

SO_NO_CHECK = 11  # asm-generic/socket.h: without checksums Linux refuses UDP_SEGMENT with EINVAL
linux = pytest.mark.skipif(not hasattr(socket, "SO_BINDTODEVICE"), reason="UDP_SEGMENT is Linux's")


@linux
def test_a_frame_of_equal_packets_is_one_system_call(rig: Rig) -> None:
    viewer = rig.sit()
    rig.show(packets(0, [1100] * 10))
    assert len(viewer.rtp()) == 10
    assert rig.fanout.totals().system_calls == 1
    assert "GSO" in rig.fanout.path


@linux
@pytest.mark.parametrize("profile", [GCM, CM])
def test_refused_gso_resends_the_same_ciphertext_one_by_one(rigs: Callable[..., Rig], profile: str) -> None:
    rig, viewers = rigs(), []
    rig.socket.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    viewers = [rig.sit(profile) for _ in range(3)]
    rig.show(packets(0, [1100] * 5 + [40]))
    rig.show(packets(6, [1100] * 5))
    for viewer in viewers:
        assert [h.sequence for h in viewer.rtp()] == list(range(11))
        assert len({d[:12] for d in viewer.raw}) == len(viewer.raw)
    totals = rig.fanout.totals()
    assert totals.gso_fallbacks == 3
    assert totals.dropped_packets == totals.refused_packets == 0


def test_an_unreachable_viewer_loses_its_frames_alone(rig: Rig) -> None:
    near = rig.sit()
    lost = rig.sit(address=("255.255.255.255", 9))  # EACCES: the socket may not broadcast
    far = rig.sit()
    rig.show(packets(0, [100, 900, 100]))
    assert len(near.rtp()) == len(far.rtp()) == 3
    counts = rig.fanout.counts(lost.viewer)
    assert (counts.dropped_packets, counts.video.packets) == (3, 0)
    assert rig.fanout.totals().dropped_packets == 3


def test_a_full_queue_refuses_media_and_keeps_room_for_leaving(rig: Rig) -> None:
    viewer = rig.sit()
    rig.fanout.drain()
    rig.sender.hold(True)
    frame = packets(0, [10])
    taken = sum(rig.fanout.forward(rig.video, frame) for _ in range(QUEUE_LIMIT_JOBS))
    assert taken == QUEUE_LIMIT_JOBS * 3 // 4
    assert rig.fanout.totals().queue_refusals == QUEUE_LIMIT_JOBS - taken
    rig.fanout.leave(viewer.viewer)
    for _ in range(QUEUE_LIMIT_JOBS // 4 - 1):
        rig.fanout.open_source("video")
    with pytest.raises(FanoutFull):
        rig.fanout.open_source("video")
    rig.sender.hold(False)


def test_a_queue_is_bounded_by_bytes_too(rig: Rig) -> None:
    rig.sender.hold(True)
    frame = packets(0, [1400] * 300)
    taken = 0
    while rig.fanout.forward(rig.video, frame):
        taken += 1
    assert 100 < taken < 200  # 64 MiB of 420,000 bytes each
    rig.sender.hold(False)


def test_media_that_waited_too_long_is_dropped(rig: Rig) -> None:
    import time

    rig.sender.freeze(None)
    viewer = rig.sit()
    rig.fanout.drain()
    rig.sender.hold(True)
    rig.fanout.forward(rig.video, packets(0, [10]))
    time.sleep(0.6)  # the queue reads the real clock: live media is late after half a second
    rig.sender.hold(False)
    assert rig.fanout.drain()
    rig.sender.freeze(0)
    rig.show(packets(1, [10]))
    assert [h.sequence for h in viewer.rtp()] == [1]
    assert rig.fanout.totals().late_jobs == 1


def test_closing_sends_what_was_posted(rigs: Callable[..., Rig]) -> None:
    rig = rigs()
    viewer = rig.sit()
    rig.fanout.forward(rig.video, packets(0, [100] * 3))
    rig.fanout.close()
    assert len(viewer.rtp()) == 3
