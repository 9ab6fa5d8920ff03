"""What a viewer receives, decrypted by libsrtp: headers, extensions, sizes, wraps, resends, reports."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from streaming.fanout.interface import Profile, Resend, Track

from .rig import AUDIO, CM, GCM, PROFILES, VIDEO, Rig, packets

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize("profile", PROFILES)
def test_a_frame_reaches_every_viewer_with_its_own_numbers(rig: Rig, profile: Profile) -> None:
    first = rig.sit(profile)
    other = replace(VIDEO, ssrc=0x44444444, rtx_ssrc=5, payload_type=96)
    second = rig.sit(profile, video=other, offset=5000)
    frame = packets(7, [1000, 1000, 400], timestamp=(1 << 32) + 90_000)
    rig.show(frame)
    for sink, ssrc, payload_type, offset in ((first, VIDEO.ssrc, 108, 0), (second, 0x44444444, 96, 5000)):
        heard = sink.rtp()
        assert [h.sequence for h in heard] == [7 + offset, 8 + offset, 9 + offset]
        assert {(h.ssrc, h.payload_type, h.timestamp) for h in heard} == {(ssrc, payload_type, 90_000)}
        assert [h.marker for h in heard] == [False, False, True]
        assert [h.payload for h in heard] == [p.payload for p in frame]


@pytest.mark.parametrize("gso", [True, False])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("count", [1, 2, 10, 63, 64, 65, 130, 300])
def test_frames_of_any_length_arrive_whole(
    rigs: Callable[..., Rig], gso: bool, profile: Profile, count: int
) -> None:
    rig = rigs(gso=gso)
    viewer = rig.sit(profile)
    sizes = [1150] * count
    rig.show(packets(0, sizes))
    heard = viewer.rtp()
    assert [h.sequence for h in heard] == list(range(count))
    assert [len(h.payload) for h in heard] == sizes


@pytest.mark.parametrize(
    "sizes",
    [
        [1174, 1174, 1174, 1175, 1175],  # as browsers cut a frame
        [1175, 1175, 1174],
        [20, 1200, 20, 1200, 20],
        [100, 200, 300, 400],
        [400, 300, 200, 100],
        [1],
        [0, 5],
        [1400] * 3,
    ],
)
@pytest.mark.parametrize("profile", PROFILES)
def test_unequal_sizes_arrive_as_they_were(rig: Rig, sizes: list[int], profile: Profile) -> None:
    viewer = rig.sit(profile)
    frame = packets(0, sizes)
    rig.show(frame)
    assert [h.payload for h in viewer.rtp()] == [p.payload for p in frame]


def test_sizes_that_differ_by_a_byte_are_padded_into_one_send(rig: Rig) -> None:
    viewer = rig.sit()
    rig.show(packets(0, [1174] * 4 + [1175] * 4 + [300]))
    heard = viewer.rtp()
    assert [h.padding for h in heard] == [1] * 4 + [0] * 5
    assert {len(h.octets) for h in heard[:8]} == {12 + 8 + 1175}
    assert rig.fanout.totals().system_calls == 1
    assert rig.fanout.counts(viewer.viewer).video.octets == 1174 * 4 + 1175 * 4 + 300


@pytest.mark.parametrize("profile", PROFILES)
def test_the_sequence_wraps_and_the_rollover_counter_follows(rig: Rig, profile: Profile) -> None:
    viewer = rig.sit(profile, offset=30_000)
    heard = []
    for first in range(0, 230_001, 10_000):  # libsrtp guesses the roll-over from steps below 2**15
        rig.show(packets(first, [500, 500], timestamp=first))
        heard += viewer.rtp()
    rig.show(packets(4 * 2**16 - 30_001, [700, 700], timestamp=5))
    wrapped = viewer.rtp()
    assert [h.sequence for h in wrapped] == [65535, 0]
    assert [h.sequence for h in heard[::2]] == [(30_000 + n) % 2**16 for n in range(0, 230_001, 10_000)]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_late_packet_from_before_the_wrap_is_sent_with_the_older_rollover(
    rig: Rig, profile: Profile
) -> None:
    viewer = rig.sit(profile, offset=65_530)
    rig.show(packets(0, [50] * 3) + packets(4, [50] * 6))
    rig.show(packets(3, [50]))
    assert [h.sequence for h in viewer.rtp()][-1] == 65_533


LAYOUTS: dict[str, tuple[Track, set[int]]] = {
    "none": (replace(VIDEO, abs_send_time_id=0, abs_capture_time_id=0), set()),
    "send time": (replace(VIDEO, abs_capture_time_id=0), {2}),
    "send and capture": (VIDEO, {2, 14}),
    "capture alone": (replace(VIDEO, abs_send_time_id=0), {14}),
    "with constants": (replace(VIDEO, constants=((4, b"0"), (5, b"\0\0\0"))), {2, 14, 4, 5}),
    "two bytes": (replace(VIDEO, abs_send_time_id=17, abs_capture_time_id=18), {17, 18}),
    "two bytes by a constant": (replace(VIDEO, constants=((200, b"mid"),)), {2, 14, 200}),
    "fifteen needs two bytes": (replace(VIDEO, abs_send_time_id=15), {15, 14}),
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_of_extensions_is_read_back(rig: Rig, profile: Profile, name: str) -> None:
    track, expected = LAYOUTS[name]
    viewer = rig.sit(profile, video=track)
    rig.sender.freeze(64 * SECOND_NS + 3 * SECOND_NS + SECOND_NS // 2)
    frame = packets(0, [900, 900])
    rig.show([frame[0]._replace(capture_time=0x0102030405060708), frame[1]])
    first, second = viewer.rtp()
    assert set(first.extensions) == expected
    assert set(second.extensions) == expected - {track.abs_capture_time_id}
    if track.abs_capture_time_id:
        assert first.extensions[track.abs_capture_time_id] == bytes(range(1, 9))
    if track.abs_send_time_id:
        assert int.from_bytes(first.extensions[track.abs_send_time_id], "big") == 3 << 18 | 1 << 17
    for number, value in track.constants:
        assert first.extensions[number] == second.extensions[number] == value
    assert [first.payload, second.payload] == [p.payload for p in frame]


def test_the_send_time_runs_with_the_clock(rig: Rig) -> None:
    rig.sender.freeze(None)
    viewer = rig.sit()
    for number in range(3):
        rig.show(packets(number, [10]))
    stamps = [int.from_bytes(h.extensions[2], "big") for h in viewer.rtp()]
    ahead = [(later - earlier) % (1 << 24) for earlier, later in pairwise(stamps)]
    assert all(0 < step < 1 << 20 for step in ahead)  # forward, by less than four seconds


@pytest.mark.parametrize("profile", PROFILES)
def test_a_lost_packet_is_sent_again_as_rtx(rig: Rig, profile: Profile) -> None:
    viewer = rig.sit(profile, offset=65_535)
    frame = packets(0, [800, 800], timestamp=77)
    rig.show(frame)
    viewer.rtp()
    assert rig.resend(viewer.viewer, [Resend(65_536 + 0, frame[1]), Resend(65_535, frame[0])])
    assert rig.resend(viewer.viewer, [Resend(65_536, frame[1])])
    again = viewer.rtp()
    assert [h.sequence for h in again] == [700, 701, 702]
    assert {(h.ssrc, h.payload_type, h.timestamp) for h in again} == {(VIDEO.rtx_ssrc, 109, 77)}
    assert [h.payload[:2] for h in again] == [b"\0\0", b"\xff\xff", b"\0\0"]
    assert [h.payload[2:] for h in again] == [frame[i].payload for i in (1, 0, 1)]
    assert rig.fanout.counts(viewer.viewer).resent.packets == 3


def test_a_viewer_without_rtx_gets_none(rig: Rig) -> None:
    viewer = rig.sit(video=replace(VIDEO, rtx_payload_type=None))
    assert not rig.resend(viewer.viewer, [Resend(0, packets(0, [9])[0])])
    assert viewer.rtp() == []


@pytest.mark.parametrize("profile", PROFILES)
def test_rtcp_is_encrypted_with_an_index_of_its_own(rig: Rig, profile: Profile) -> None:
    viewer = rig.sit(profile)
    compounds = [struct.pack("!BBHI", 0x80, 207, 1, n) for n in range(20)]
    for compound in compounds:
        rig.fanout.rtcp(viewer.viewer, compound)
    assert rig.fanout.drain()
    assert viewer.rtcp() == compounds
    indices = [int.from_bytes(raw[-4:] if profile == GCM else raw[-14:-10], "big") for raw in viewer.raw]
    assert indices == [1 << 31 | n for n in range(20)]
    assert rig.fanout.counts(viewer.viewer).rtcp_packets == 20


@pytest.mark.parametrize("cname", ["a", "silkcast", "x" * 255])
def test_a_report_tells_each_follower_its_own_counts(rig: Rig, cname: str) -> None:
    early = rig.sit(cname=cname)
    rig.show(packets(0, [100, 200]))
    late = rig.sit(CM, cname=cname)
    silent = rig.sit(offset=None)
    rig.show(packets(2, [300]))
    assert rig.fanout.report(rig.video, 0x0123456789ABCDEF, 4_000_000_000)
    assert rig.fanout.drain()
    for viewer, sent in ((early, (3, 600)), (late, (1, 300))):
        viewer.raw.clear()
        (report,) = [viewer.session.unprotect_rtcp(d) for d in viewer.datagrams() if d[1] == 200]
        fields = struct.unpack("!BBHIQIII", report[:28])
        assert fields == (0x80, 200, 6, VIDEO.ssrc, 0x0123456789ABCDEF, 4_000_000_000, *sent)
        assert struct.unpack("!BBHI", report[28:36])[3] == VIDEO.ssrc
        assert report[36:38] == bytes([1, len(cname)])
        assert report[38:].rstrip(b"\0") == cname.encode()
        assert len(report) % 4 == 0
        assert len(report) == 28 + 4 * (1 + struct.unpack("!H", report[30:32])[0])
    assert silent.datagrams() == []


def test_sound_leaves_on_its_own_stream(rig: Rig) -> None:
    viewer = rig.sit()
    rig.show(packets(0, [160], marker=False), rig.audio)
    (heard,) = viewer.rtp()
    assert (heard.ssrc, heard.payload_type) == (AUDIO.ssrc, AUDIO.payload_type)
    assert rig.fanout.counts(viewer.viewer).audio.packets == 1


def test_capture_time_makes_its_packet_longer_and_the_others_are_padded(rig: Rig) -> None:
    viewer = rig.sit()
    frame = packets(0, [1000] * 5)
    rig.show([frame[0]._replace(capture_time=1), *frame[1:]])
    heard = viewer.rtp()
    assert [h.payload for h in heard] == [p.payload for p in frame]
    assert rig.fanout.totals().system_calls == 1


def test_an_extension_changes_for_one_viewer_from_the_next_packet_on(rig: Rig) -> None:
    one, other = rig.sit(), rig.sit(video=replace(VIDEO, ssrc=7, rtx_ssrc=8))
    frame = packets(0, [500, 500])
    rig.show(frame)
    rig.fanout.extend(one.viewer, "video", ((5, b"abc"),))
    rig.show(packets(2, [500, 500]))
    rig.resend(one.viewer, [Resend(0, frame[0])])
    rig.fanout.extend(one.viewer, "video", ())
    rig.show(packets(4, [500]))
    said = [h.extensions.get(5) for h in one.rtp()]
    assert said == [None, None, b"abc", b"abc", b"abc", None]
    assert all(5 not in h.extensions for h in other.rtp())


def test_an_extension_that_cannot_be_sent_is_refused(rig: Rig) -> None:
    viewer = rig.sit(audio=None)
    with pytest.raises(ValueError, match="differ"):
        rig.fanout.extend(viewer.viewer, "video", ((VIDEO.abs_send_time_id, b"a"),))
    with pytest.raises(ValueError, match="track"):
        rig.fanout.extend(viewer.viewer, "audio", ())
