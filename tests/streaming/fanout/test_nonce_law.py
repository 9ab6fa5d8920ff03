"""One (key, SSRC, index) is encrypted once. Here it is attacked on purpose."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from streaming.fanout.interface import REPEAT_WINDOW, Resend
from streaming.fanout.repeat import RepeatGuard

from .rig import GCM, PROFILES, VIDEO, Rig, fresh_keys, packets


def spent(sinks: list) -> list[tuple[int, int]]:
    """(SSRC, wire sequence) of every datagram heard, for short runs without a wrap."""
    return [(int.from_bytes(d[8:12], "big"), int.from_bytes(d[2:4], "big")) for s in sinks for d in s.raw]


def test_a_repeated_packet_is_refused_and_counted(rig: Rig) -> None:
    viewer = rig.sit()
    rig.show(packets(0, [100] * 3))
    rig.show(packets(1, [100] * 3))
    assert [h.sequence for h in viewer.rtp()] == [0, 1, 2, 3]
    assert rig.fanout.counts(viewer.viewer).refused_packets == 2
    assert rig.fanout.totals().refused_packets == 2


def test_the_same_sequence_with_another_payload_is_refused(rig: Rig) -> None:
    viewer = rig.sit()
    rig.show(packets(5, [100]))
    rig.show(packets(5, [200]))
    assert [len(h.payload) for h in viewer.rtp()] == [100]


def test_a_segment_that_turns_back_is_refused(rig: Rig) -> None:
    viewer = rig.sit(offset=10)
    rig.show(packets(0, [100] * 4))
    rig.fanout.segment(viewer.viewer, rig.video, 8)
    rig.show(packets(0, [100] * 8))
    assert [h.sequence for h in viewer.rtp()] == [10, 11, 12, 13, 8, 9, 14, 15]
    assert rig.fanout.counts(viewer.viewer).refused_packets == 4


def test_an_index_below_zero_or_older_than_the_window_is_refused(rig: Rig) -> None:
    viewer = rig.sit(offset=0)
    rig.show(packets(-2, [100] * 3))
    rig.show(packets(5000, [100]))
    rig.show(packets(5000 - REPEAT_WINDOW, [100] * 2))
    assert [h.sequence for h in viewer.rtp()] == [0, 5000, 5000 - REPEAT_WINDOW + 1]


def test_a_rollover_does_not_bring_an_index_back(rig: Rig) -> None:
    viewer = rig.sit()
    rig.show(packets(0, [100]))
    for step in range(1, 5):
        rig.show(packets(step * 2**14, [100]))
    heard = viewer.rtp()
    assert [h.sequence for h in heard] == [0, 2**14, 2**15, 3 * 2**14, 0]
    assert viewer.raw[0][12:] != viewer.raw[-1][12:]


def test_keys_join_once_ever(rig: Rig) -> None:
    keys = fresh_keys()
    viewer = rig.sit(keys=keys)
    with pytest.raises(ValueError, match="nonces"):
        rig.sit(keys=keys)
    rig.fanout.leave(viewer.viewer)
    with pytest.raises(ValueError, match="nonces"):
        rig.sit(keys=keys)


def test_a_resend_never_repeats_an_index(rig: Rig) -> None:
    viewer = rig.sit()
    frame = packets(0, [100] * 4)
    rig.show(frame)
    for _ in range(50):
        rig.resend(viewer.viewer, [Resend(p.sequence, p) for p in frame])
    viewer.rtp()
    assert len(set(spent([viewer]))) == len(viewer.raw) == 204


@pytest.mark.parametrize("profile", PROFILES)
def test_no_storm_of_jobs_makes_a_nonce_twice(rigs: Callable[..., Rig], profile: str) -> None:
    """Seeded: frames out of order, twice, by `only`, after turns of segments, with resends between."""
    rig, chance = rigs(), random.Random(20261122)
    viewers = [rig.sit(profile) for _ in range(3)]
    for _ in range(400):
        viewer, first = chance.choice(viewers), chance.randrange(3000)
        move = chance.randrange(5)
        if move == 0:
            rig.fanout.segment(viewer.viewer, rig.video, chance.randrange(3000))
        elif move == 1:
            lost = packets(first, [chance.randrange(200)])[0]
            rig.fanout.resend(viewer.viewer, "video", [Resend(first, lost)])
        elif move == 2:
            rig.fanout.forward(rig.video, packets(first, [60] * 5), only=viewer.viewer)
        else:
            rig.fanout.forward(rig.video, packets(first, [chance.randrange(100)] * chance.randrange(1, 9)))
    assert rig.fanout.drain()
    for viewer in viewers:
        viewer.datagrams()
        seen = spent([viewer])
        assert len(seen) > 100
        assert len(set(seen)) == len(seen)


def test_the_guard_agrees_with_a_plain_set() -> None:
    guard, chance, used, newest = RepeatGuard(), random.Random(7), set(), -1
    for _ in range(20_000):
        index = max(0, newest + chance.randrange(-1500, 40))
        expected = index > newest or (index not in used and newest - index < REPEAT_WINDOW)
        assert guard.admit(index) == expected, index
        if expected:
            used.add(index)
            newest = max(newest, index)


def test_gcm_tags_of_two_viewers_differ_for_the_same_packet(rig: Rig) -> None:
    first, second = rig.sit(GCM), rig.sit(GCM)
    rig.show(packets(0, [100]))
    assert first.datagrams()[0][20:] != second.datagrams()[0][20:]
    assert VIDEO.ssrc == int.from_bytes(first.raw[0][8:12], "big")
