"""RTP and RTCP on the wire, against another implementation and against anything at all."""

from __future__ import annotations

import contextlib

import pytest
from aiortc import rtp as other
from hypothesis import given
from hypothesis import strategies as st

from streaming.rtc import rtcp, rtp


def test_a_packet_with_extensions_is_read_as_it_was_built() -> None:
    data = rtp.build(102, 65_535, 2**32 - 1, 7, b"payload", marker=True, extensions={3: b"abc", 5: b"x"})
    packet = rtp.parse(data)
    assert packet == rtp.RtpPacket(102, True, 65_535, 2**32 - 1, 7, b"payload", {3: b"abc", 5: b"x"})
    theirs = other.RtpPacket.parse(data)
    assert (theirs.sequence_number, theirs.marker, theirs.payload) == (65_535, 1, b"payload")


def test_padding_is_cut_off_and_sources_are_stepped_over() -> None:
    theirs = other.RtpPacket(payload_type=96, sequence_number=5, ssrc=9, payload=b"abc")
    theirs.csrc = [1, 2]
    theirs.padding_size = 8
    packet = rtp.parse(theirs.serialize())
    assert (packet.sequence, packet.payload) == (5, b"abc")


def test_two_byte_extensions_are_read() -> None:
    data = bytes([0x90, 96, 0, 1]) + bytes(8) + b"\x10\x00\x00\x02" + b"\x20\x03abc\x00\x00\x00" + b"z"
    assert rtp.parse(data).extensions == {32: b"abc"}
    assert rtp.parse(data).payload == b"z"


def test_a_retransmission_gives_back_the_packet_it_repeats() -> None:
    packet = rtp.parse(rtp.build(109, 1, 90, 8, b"\x12\x34rest"))
    again = rtp.unwrap_retransmission(packet, 108, 7)
    assert (again.payload_type, again.sequence, again.ssrc, again.payload) == (108, 0x1234, 7, b"rest")


@pytest.mark.parametrize("data", [b"", b"\x80" * 11, b"\x40" + bytes(20), b"\xa0" + bytes(11) + b"\xff"])
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    with pytest.raises(rtp.RtpError):
        rtp.parse(data)


def test_reports_are_read_as_others_write_them() -> None:
    info = other.RtcpReceiverInfo(7, 12, -3, 70_000, 55, 1, 2)
    sender = other.RtcpSenderInfo(2**63, 90, 10, 1000)
    compound = bytes(other.RtcpSrPacket(5, sender, [info])) + bytes(
        other.RtcpSdesPacket([other.RtcpSourceInfo(5, [(1, b"name")])])
    )
    report, reception = rtcp.parse(compound)
    assert report == rtcp.SenderReport(5, 2**63, 90, 10, 1000)
    assert reception == rtcp.Reception(5, (rtcp.ReportBlock(7, 12, -3, 70_000, 55, 1, 2),))


def test_what_we_write_is_read_by_others() -> None:
    block = rtcp.ReportBlock(7, 12, 30, 70_000, 55, 1, 2)
    compound = (
        rtcp.receiver_report(1, [block])
        + rtcp.source_description(1, "relay")
        + rtcp.nack(1, 7, [65_534, 65_535, 2, 40])
        + rtcp.picture_loss(1, 7)
        + rtcp.remb(1, 4_000_000, [7, 8])
        + rtcp.goodbye([7])
    )
    rr, sdes, nack, pli, remb, bye = other.RtcpPacket.parse(compound)
    assert rr.reports[0].packets_lost == 30
    assert sdes.chunks[0].items == [(1, b"relay")]
    assert [n & 0xFFFF for n in nack.lost] == [65_534, 65_535, 2, 40]
    assert (pli.fmt, pli.media_ssrc) == (1, 7)
    bitrate, ssrcs = other.unpack_remb_fci(remb.fci)
    assert ssrcs == [7, 8]
    assert bitrate == pytest.approx(4_000_000, rel=0.001)
    assert bye.sources == [7]


def test_feedback_is_read_back() -> None:
    heard = rtcp.parse(
        rtcp.nack(1, 7, [65_535, 0, 16]) + rtcp.picture_loss(1, 9) + rtcp.remb(1, 1_234_000, [7])
    )
    assert heard[0] == rtcp.Nack(7, (65_535, 0, 16))
    assert heard[1] == rtcp.KeyframeRequest(9)
    assert isinstance(heard[2], rtcp.Remb)
    assert heard[2].bitrate == pytest.approx(1_234_000, rel=0.001)


def test_a_full_intra_request_is_a_keyframe_request() -> None:
    fir = other.RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=b"\0\0\0\x09\x01\0\0\0")
    assert rtcp.parse(bytes(fir)) == [rtcp.KeyframeRequest(9)]


def test_the_receivers_clock_is_heard() -> None:
    data = (
        bytes([0x80, 207, 0, 4]) + (5).to_bytes(4, "big") + bytes([4, 0, 0, 2]) + (2**40).to_bytes(8, "big")
    )
    assert rtcp.parse(data) == [rtcp.ReceiverTime(5, 2**40)]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(rtp.RtpError):
        rtp.parse(data)
    with contextlib.suppress(rtcp.RtcpError):
        rtcp.parse(data)


@given(st.integers(192, 223), st.integers(0, 31), st.binary(max_size=120))
def test_any_body_of_a_well_framed_compound_is_read_or_refused(kind: int, count: int, body: bytes) -> None:
    body += bytes(-len(body) % 4)
    data = bytes([0x80 | count, kind]) + (len(body) // 4).to_bytes(2, "big") + body
    with contextlib.suppress(rtcp.RtcpError):
        rtcp.parse(data)


@given(st.sampled_from([0xBEDE, 0x1000, 0x1003, 0]), st.binary(max_size=60))
def test_any_extension_block_is_read_or_refused(profile: int, block: bytes) -> None:
    block += bytes(-len(block) % 4)
    header = bytes([0x90, 96]) + bytes(10) + profile.to_bytes(2, "big") + (len(block) // 4).to_bytes(2, "big")
    with contextlib.suppress(rtp.RtpError):
        rtp.parse(header + block + b"rest")
