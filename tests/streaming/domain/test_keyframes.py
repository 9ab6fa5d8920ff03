"""Keyframes are seen without decoding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.contract import CODECS, Codec
from streaming.domain.keyframes import begins_keyframe, h264_units

STAP_A = bytes([0x18]) + b"\x00\x02\x67\x42" + b"\x00\x02\x68\xce"


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        (bytes([0x67, 0x42]), True),  # SPS alone
        (bytes([0x65, 0x88]), True),  # IDR slice
        (bytes([0x41, 0x9A]), False),  # slice of another picture
        (bytes([0x06, 0x05]), False),  # SEI
        (STAP_A, True),  # SPS and PPS aggregated
        (bytes([0x18]) + b"\x00\x02\x06\x05\x00\x02\x41\x9a", False),
        (bytes([0x7C, 0x85, 0x00]), True),  # FU-A, start of an IDR slice
        (bytes([0x7C, 0x05, 0x00]), False),  # FU-A, middle of it
        (bytes([0x7C, 0x81, 0x00]), False),  # FU-A, start of another slice
        (b"", False),
        (bytes([0x7C]), False),  # FU-A cut off
    ],
)
def test_h264(payload: bytes, begins: bool) -> None:
    assert begins_keyframe("H264", payload) is begins


@pytest.mark.parametrize(
    ("payload", "begins"),
    [
        (bytes([0x10, 0x00]), True),
        (bytes([0x10, 0x01]), False),  # not a keyframe
        (bytes([0x00, 0x00]), False),  # not the start of a partition
        (bytes([0x90, 0x80, 0x81, 0x23, 0x00]), True),  # with a 15-bit picture id
        (bytes([0x90, 0x80, 0x81, 0x23, 0x01]), False),
        (bytes([0x90]), False),
    ],
)
def test_vp8(payload: bytes, begins: bool) -> None:
    assert begins_keyframe("VP8", payload) is begins


def test_vp9_and_av1() -> None:
    assert begins_keyframe("VP9", bytes([0x08, 0x00]))
    assert not begins_keyframe("VP9", bytes([0x48, 0x00]))
    assert begins_keyframe("AV1", bytes([0x18, 0x0A]))
    assert not begins_keyframe("AV1", bytes([0x10, 0x0A]))


@given(st.sampled_from(CODECS), st.binary(max_size=64))
def test_no_payload_breaks_the_detection(codec: Codec, payload: bytes) -> None:
    begins_keyframe(codec, payload)
    h264_units(payload)


@pytest.mark.parametrize(
    ("codec", "payload", "begins"),
    [
        ("VP8", "908084b6f03e009d012a4001b4003903", True),
        ("VP8", "90808491b11a00e38b5fb8b7dfa747a7", False),
        ("VP8", "808084926dcbd66f6bfb62d5dfe9645c", False),  # the rest of a frame
        ("VP9", "9bf7b510014000b4824983420013f00b", True),  # with a scalability structure
        ("VP9", "91f792f72d07fbf9ba363716efdeadc9", False),  # not predicted, but the frame's middle
        ("VP9", "95f79221fb84a8190c19c4ad7eec7195", False),  # and its end
        ("VP9", "ddf7930286004092b82c5083c0603018", False),
        ("AV1", "680b08000000043cfecc01a008301042", True),  # N, and goes on in the next packet
        ("AV1", "103030c040fdf8012303403ba01dd000", False),
        ("AV1", "902b5c6c7aafa22a8b20e31b4d3a41ac", False),
        ("AV1", "50303000857df8012703403b501d9000", False),
    ],
)
def test_packets_of_chromiums_own_encoders(codec: Codec, payload: str, begins: bool) -> None:
    """The first bytes as they came by WHIP (Chromium 156; libvpx, libaom; 320 x 180)."""
    assert begins_keyframe(codec, bytes.fromhex(payload)) is begins
