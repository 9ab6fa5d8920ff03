"""STUN on the wire."""

from __future__ import annotations

import contextlib

import pytest
from aioice import stun as aioice_stun
from hypothesis import given
from hypothesis import strategies as st

from streaming.rtc import stun

ID = bytes(range(12))
PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
# RFC 5769 section 2.1: a sample request of another's making.
SAMPLE = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020"
    "0008001 49aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf".replace(" ", "")
)


def test_the_sample_request_of_rfc_5769_is_read_and_verified() -> None:
    message = stun.parse(SAMPLE)
    assert stun.local_fragment(SAMPLE) == "evtj"
    assert stun.integrity_holds(message, PASSWORD)
    assert not stun.integrity_holds(message, PASSWORD[:-1])


def test_a_check_of_ours_is_understood_by_another_implementation() -> None:
    data = stun.binding_request(ID, "abcd:efgh", b"secret", controlling=7, nominate=True)
    theirs = aioice_stun.parse_message(data)
    assert theirs.check_message_integrity(b"secret")
    assert theirs.attributes["USERNAME"] == "abcd:efgh"
    assert theirs.attributes["ICE-CONTROLLING"] == 7


@pytest.mark.parametrize("address", [("192.0.2.1", 32853), ("2001:db8::7", 1)])
def test_an_answer_names_the_address_it_saw(address: tuple[str, int]) -> None:
    answer = stun.binding_success(ID, address, b"secret")
    message = stun.parse(answer)
    assert stun.mapped_address(message) == address
    assert stun.integrity_holds(message, b"secret")
    theirs = aioice_stun.parse_message(answer)
    assert theirs.check_message_integrity(b"secret")
    assert theirs.attributes["XOR-MAPPED-ADDRESS"] == address


def test_an_answer_is_no_larger_than_its_request() -> None:
    request = stun.binding_request(ID, "abcdabcd:efgh", b"secret", controlling=7)
    assert len(stun.binding_success(ID, ("192.0.2.1", 1), b"secret")) <= len(request)


def test_a_changed_byte_is_noticed() -> None:
    data = bytearray(stun.binding_request(ID, "abcd:efgh", b"secret"))
    data[24] ^= 1
    with pytest.raises(stun.StunError):
        stun.parse(bytes(data))


def test_what_stands_behind_the_signature_is_not_believed() -> None:
    request = stun.binding_request(ID, "abcd:efgh", b"secret")
    forged = bytearray(request[:-8] + b"\x00\x25\x00\x00")  # USE-CANDIDATE where FINGERPRINT was
    forged[2:4] = (len(forged) - 20).to_bytes(2, "big")
    message = stun.parse(bytes(forged))
    assert stun.USE_CANDIDATE not in message.attributes
    assert stun.integrity_holds(message, b"secret")


def test_unknown_attributes_that_must_be_understood_are_named() -> None:
    body = b"\x00\x31\x00\x04abcd"
    data = (1).to_bytes(2, "big") + len(body).to_bytes(2, "big") + stun.COOKIE.to_bytes(4, "big") + ID + body
    assert stun.parse(data).unknown == (0x31,)
    error = stun.parse(stun.binding_error(ID, 420, "Unknown Attribute", b"k", (0x31,)))
    assert error.attributes[stun.UNKNOWN_ATTRIBUTES] == b"\x00\x31"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    stun.local_fragment(data)
    with contextlib.suppress(stun.StunError):
        stun.parse(data)


@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    request = bytearray(stun.binding_request(ID, "abcd:efgh", b"secret", controlling=7))
    for _ in range(data.draw(st.integers(1, 6))):
        request[data.draw(st.integers(0, len(request) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(request[: data.draw(st.integers(0, len(request)))])
    stun.local_fragment(damaged)
    with contextlib.suppress(stun.StunError):
        stun.integrity_holds(stun.parse(damaged), b"secret")
