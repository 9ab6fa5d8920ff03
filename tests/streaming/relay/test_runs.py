"""Packets that are handed over together reach viewers just as one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streaming.fanout import Packet
from streaming.rtc import rtp
from streaming.rtc.ear import Run, _as_run, _follows

from .test_bad_publishers import IDR, SLICE, VIDEO, Evening

# What a publisher's next packet may be: its number behind the last one, its payload, whether the frame ends.
MOVES = st.tuples(
    st.sampled_from([1, 1, 1, 1, 1, 1, 2, 3, 0, -1]),
    st.sampled_from([SLICE, SLICE, SLICE, IDR, b""]),
    st.booleans(),
    st.sampled_from([7, 7, 7, 7, 7, 7, 7, 8]),
)
BURSTS = st.lists(st.lists(MOVES, max_size=12), max_size=8)


def spoken(bursts: list[list[tuple[int, bytes, bool, int]]]) -> list[list[bytes]]:
    """The packets themselves; the first picture is a keyframe."""
    sequence, timestamp = 65_530, 90_000
    said = [[rtp.build(VIDEO, sequence, timestamp, 7, body) for body in (IDR,)]]
    for burst in bursts:
        packets = []
        for step, body, marker, ssrc in burst:
            sequence += step
            packets.append(rtp.build(VIDEO, sequence & 0xFFFF, timestamp, ssrc, body, marker=marker))
            timestamp += 3000 if marker else 0
        said.append(packets)
    return said


def gathered(burst: list[bytes]) -> list[Run | bytes]:
    """As an ear hands it on."""
    came: list[Run | bytes] = []
    for plain in burst:
        run = _as_run(plain, ())
        before = came[-1] if came else None
        if run is not None and isinstance(before, Run) and _follows(before, run):
            came[-1] = before._replace(marker=run.marker, payloads=before.payloads + run.payloads)
        else:
            came.append(plain if run is None else run)
    return came


def told(evening: Evening) -> tuple[object, ...]:
    program, feed = evening.program, evening.feed
    left: dict[object, list[Packet]] = {
        source: [p._replace(capture_time=None if p.capture_time is None else 1) for p in packets]
        for source, packets in evening.fanout.forwarded.items()
    }
    track, video = feed.tracks["video"], program.video[""]
    state = track.losses.highest, track.losses.received, track.losses.repeated, track.octets, track.tick
    starts = video.start_packets(evening.now)
    shown = program.cuts, program.keyframes, program.dropped, video.packets, video.octets, video.newest
    return (
        left,
        state,
        shown,
        [p.sequence for p in starts],
        list(video.keyframes),
        feed.broken_packets,
        feed.era,
    )


@given(BURSTS)
def test_a_run_leaves_as_its_packets_would(bursts: list[list[tuple[int, bytes, bool, int]]]) -> None:
    one_by_one, together = Evening(), Evening()
    for burst in spoken(bursts):
        for packet in burst:
            one_by_one.feed.rtp_came(packet, one_by_one.now)
        for came in gathered(burst):
            if isinstance(came, Run):
                together.feed.run_came(came, together.now)
            else:
                together.feed.rtp_came(came, together.now)
        for evening in (one_by_one, together):
            evening.shows.flush()
            evening.run(1 / 30)
        assert told(one_by_one) == told(together)
        assert one_by_one.asked() == together.asked()


def test_a_keyframe_that_begins_in_the_middle_of_a_run_is_found() -> None:
    evening = Evening()
    evening.feed.run_came(Run(7, VIDEO, 1, 3000, True, [IDR]), evening.now)
    evening.feed.run_came(Run(7, VIDEO, 2, 6000, True, [SLICE, SLICE, IDR, SLICE]), evening.now)
    video = evening.program.video[""]
    assert [p.sequence for p in video.start_packets(evening.now)] == [video.newest - 1, video.newest]
    assert [p.marker for p in video.start_packets(evening.now)] == [False, True]
