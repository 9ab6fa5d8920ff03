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
