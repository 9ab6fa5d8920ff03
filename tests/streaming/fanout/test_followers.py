"""Viewers come, go, move and switch while frames are on their way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from streaming.fanout.interface import FanoutFull, Seat

from .rig import CM, GCM, VIDEO, Rig, fresh_keys, packets, sink


def test_who_left_hears_nothing_and_the_others_all(rig: Rig) -> None:
    stays, goes = rig.sit(), rig.sit()
    rig.show(packets(0, [100]))
    assert rig.fanout.leave(goes.viewer).video.packets == 1
    rig.show(packets(1, [100]))
    assert [h.sequence for h in stays.rtp()] == [0, 1]
    assert [h.sequence for h in goes.rtp()] == [0]
    with pytest.raises(KeyError):
        rig.fanout.counts(goes.viewer)


def test_joins_and_leaves_between_the_packets_of_one_frame(rig: Rig) -> None:
    rig.sender.hold(True)
    stays, goes = rig.sit(), rig.sit()
    frame = packets(0, [500] * 6)
    rig.fanout.forward(rig.video, frame[:3])
    joins = rig.sit()
    rig.fanout.leave(goes.viewer)
    rig.fanout.forward(rig.video, frame[3:])
    rig.sender.hold(False)
    rig.fanout.drain()
    assert [h.sequence for h in stays.rtp()] == [0, 1, 2, 3, 4, 5]
    assert [h.sequence for h in goes.rtp()] == [0, 1, 2]
    assert [h.sequence for h in joins.rtp()] == [3, 4, 5]


def test_a_joiner_gets_the_packets_since_the_keyframe_and_no_one_else(rig: Rig) -> None:
    watching = rig.sit()
    rig.show(packets(0, [100] * 4))
    watching.rtp()
    joiner = rig.sit(offset=100)
    rig.fanout.forward(rig.video, packets(0, [100] * 4), only=joiner.viewer)
    rig.show(packets(4, [100]))
    assert [h.sequence for h in joiner.rtp()] == [100, 101, 102, 103, 104]
    assert [h.sequence for h in watching.rtp()] == [4]


def test_a_switch_goes_on_with_the_next_own_sequence(rig: Rig) -> None:
    viewer = rig.sit()
    other = rig.fanout.open_source("video")
    rig.show(packets(0, [100] * 3))
    rig.fanout.segment(viewer.viewer, other, 3 - 9000)
    rig.show(packets(3, [100]))  # nobody follows the first source now
    rig.show(packets(9000, [100] * 2), other)
    assert [h.sequence for h in viewer.rtp()] == [0, 1, 2, 3, 4]


def test_a_gap_is_closed_by_a_new_segment(rig: Rig) -> None:
    viewer = rig.sit()
    rig.show(packets(0, [100]))
    rig.fanout.segment(viewer.viewer, rig.video, -5)
    rig.show(packets(6, [100]))
    assert [h.sequence for h in viewer.rtp()] == [0, 1]


def test_a_paused_viewer_hears_sound_alone(rig: Rig) -> None:
    viewer = rig.sit()
    rig.fanout.pause(viewer.viewer, "video")
    rig.show(packets(0, [100]))
    rig.show(packets(0, [100]), rig.audio)
    assert [h.payload_type for h in viewer.rtp()] == [111]


def test_a_closed_source_leaves_its_followers_waiting_for_a_segment(rig: Rig) -> None:
    viewer = rig.sit()
    rig.fanout.close_source(rig.video)
    with pytest.raises(KeyError):
        rig.fanout.forward(rig.video, packets(0, [10]))
    new = rig.fanout.open_source("video")
    rig.fanout.segment(viewer.viewer, new, 0)
    rig.show(packets(0, [100]), new)
    assert len(viewer.rtp()) == 1


def test_a_viewer_whose_address_changed_is_found_at_the_new_one(rig: Rig) -> None:
    viewer = rig.sit()
    rig.show(packets(0, [100]))
    moved = sink(viewer.keys)
    rig.sinks.append(moved)
    rig.fanout.move(viewer.viewer, moved.socket.getsockname())
    rig.show(packets(1, [100]))
    assert [h.sequence for h in viewer.rtp()] == [0]
    assert [h.sequence for h in moved.rtp()] == [1]


def test_the_order_of_viewers_rotates(rigs: Callable[..., Rig]) -> None:
    rig = rigs()
    shared = sink()
    rig.sinks.append(shared)
    for number in range(4):
        video = replace(VIDEO, ssrc=number + 1, rtx_payload_type=None)
        rig.sit(video=video, audio=None, address=shared.socket.getsockname())
    firsts = set()
    for number in range(4):
        rig.show(packets(number, [100]))
        order = [int.from_bytes(d[8:12], "big") for d in shared.datagrams()]
        assert sorted(order) == [1, 2, 3, 4]
        firsts.add(order[0])
    assert firsts == {1, 2, 3, 4}


def test_video_waits_a_moment_for_the_rest_of_its_frame(rig: Rig) -> None:
    viewers = [rig.sit(GCM if n % 2 else CM) for n in range(20)]
    frame = packets(0, [600] * 4)
    for packet in frame:
        rig.fanout.forward(rig.video, [packet])
    rig.fanout.drain()
    assert all(len(viewer.rtp()) == 4 for viewer in viewers)


def test_video_without_a_marker_leaves_when_its_window_ends(rig: Rig) -> None:
    viewers = [rig.sit() for _ in range(20)]
    rig.fanout.forward(rig.video, packets(0, [600], marker=False))
    viewers[0].socket.settimeout(30)
    assert viewers[0].socket.recv(2000)


def test_a_seat_is_given_again_but_its_id_is_not(rigs: Callable[..., Rig]) -> None:
    rig = rigs(seats=2)
    first, second = rig.sit(), rig.sit()
    with pytest.raises(FanoutFull):
        rig.sit()
    rig.fanout.leave(first.viewer)
    third = rig.sit()
    assert third.viewer not in (first.viewer, second.viewer)
    with pytest.raises(KeyError):
        rig.fanout.rtcp(first.viewer, bytes(8))
    rig.show(packets(0, [10]))
    assert (len(first.rtp()), len(second.rtp()), len(third.rtp())) == (0, 1, 1)


def test_numbers_out_of_range_are_refused_by_name(rig: Rig) -> None:
    port = ("127.0.0.1", 9)
    bad_seats = [
        {"address": ("example.org", 9)},
        {"address": ("::1", 9, 0, 0)},
        {"address": ("127.0.0.1", 0)},
        {"cname": ""},
        {"cname": "x" * 256},
    ]
    for wrong in bad_seats:
        with pytest.raises(ValueError, match=r"address|CNAME"):
            rig.sit(**wrong)
    for track in (
        replace(VIDEO, payload_type=128),
        replace(VIDEO, ssrc=1 << 32),
        replace(VIDEO, first_rtx_sequence=1 << 15),
        replace(VIDEO, abs_send_time_id=256),
        replace(VIDEO, constants=((2, b"x"),)),
        replace(VIDEO, constants=((3, b""),)),
        replace(VIDEO, rtx_ssrc=VIDEO.ssrc),
    ):
        with pytest.raises(ValueError, match=r"range|extension|SSRC"):
            rig.sit(video=track, address=port)
    viewer = rig.sit(audio=None)
    with pytest.raises(ValueError, match="no such track"):
        rig.fanout.segment(viewer.viewer, rig.audio, 0)
    with pytest.raises(ValueError, match="too long"):
        rig.fanout.forward(rig.video, packets(0, [1401]))
    with pytest.raises(ValueError, match="compound"):
        rig.fanout.rtcp(viewer.viewer, bytes(7))
    with pytest.raises(ValueError, match="length"):
        rig.fanout.join(Seat(port, replace(fresh_keys(), master_key=b"short"), VIDEO))
