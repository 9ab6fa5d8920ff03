"""A frame is cut into payloads of one size, and can be put together again."""

from hypothesis import given
from hypothesis import strategies as st

from studio_agent.packets import LARGEST_PAYLOAD, h264_payloads, nal_units

BODY = st.binary(min_size=1, max_size=9_000).map(lambda body: bytes(x or 1 for x in body) + b"\x80")


def put_together(payloads: list[bytes]) -> list[bytes]:
    """The NAL units of a row of payloads (RFC 6184 sections 5.6 to 5.8)."""
    units: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 0x1F
        if kind == 28:
            if payload[1] & 0x80:
                units.append(bytes((payload[0] & 0xE0 | payload[1] & 0x1F,)))
            units[-1] += payload[2:]
        elif kind == 24:
            at = 1
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                units.append(payload[at + 2 : at + 2 + size])
                at += 2 + size
        else:
            units.append(payload)
    return units


def annex_b(*units: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in units)


@given(st.lists(st.tuples(st.sampled_from((0x41, 0x65, 0x67, 0x68)), BODY), min_size=1, max_size=6))
def test_what_is_cut_is_put_together_again(parts: list[tuple[int, bytes]]) -> None:
    units = [bytes((head,)) + body for head, body in parts]
    payloads = h264_payloads(annex_b(*units))
    assert put_together(payloads) == units
    assert max(map(len, payloads)) <= LARGEST_PAYLOAD


@given(BODY)
def test_all_fragments_but_the_last_are_of_one_size(body: bytes) -> None:
    sizes = [len(payload) for payload in h264_payloads(annex_b(b"\x41" + body * 3))]
    assert len(set(sizes[:-1])) <= 1
    assert sizes[-1] <= sizes[0]


def test_parameter_sets_share_one_payload_and_chatter_is_left_out() -> None:
    stream = annex_b(b"\x09\xf0", b"\x67abc", b"\x68de", b"\x06" + b"x264" * 100, b"\x65" + b"\x11" * 5_000)
    payloads = h264_payloads(stream)
    assert payloads[0][0] & 0x1F == 24
    assert [unit[0] & 0x1F for unit in put_together(payloads)] == [7, 8, 5]


def test_nothing_comes_of_nothing() -> None:
    assert list(nal_units(b"")) == []
    assert h264_payloads(b"no start code") == []
