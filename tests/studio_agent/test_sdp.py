"""What the offer says, and what can be made of an answer."""

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from studio_agent.rtp import ExtensionIds
from studio_agent.sdp import Party, Ssrcs, accepted_rids, read_answer, write_offer

PARTY = Party("ufra", "p" * 22, "sha-256 AA:BB", ("1 1 udp 2130706431 192.0.2.7 5000 typ host",), "name")
ANSWER = """v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=ice-lite
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:rela
a=ice-pwd:secretsecretsecretsecret
a=fingerprint:sha-256 CC:DD
a=setup:passive
a=recvonly
a=rtpmap:111 opus/48000/2
a=candidate:1 1 udp 2130706431 192.0.2.9 8443 typ host
m=video 9 UDP/TLS/RTP/SAVPF 108 109
a=mid:1
a=recvonly
a=rtpmap:108 H264/90000
a=fmtp:108 packetization-mode=1;profile-level-id=42e01f
a=rtpmap:109 rtx/90000
a=fmtp:109 apt=108
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time
"""


def test_the_offer_is_read_by_another_house() -> None:
    offer = SessionDescription.parse(write_offer(7, PARTY, Ssrcs(1, {"": (2, 3)})))
    assert [(media.kind, media.direction, media.rtcp_mux) for media in offer.media] == [
        ("audio", "sendonly", True),
        ("video", "sendonly", True),
    ]
    assert [codec.mimeType for codec in offer.media[1].rtp.codecs] == ["video/H264", "video/rtx"]
    assert [source.ssrc for source in offer.media[1].ssrc] == [2, 3]
    assert all(media.ice_candidates_complete for media in offer.media)


def test_an_answer_is_read() -> None:
    answer = read_answer(ANSWER)
    assert (answer.ufrag, answer.is_lite, answer.is_dtls_client) == ("rela", True, False)
    assert answer.fingerprints == (("sha-256", "CC:DD"),)
    assert answer.candidates == ("1 1 udp 2130706431 192.0.2.9 8443 typ host",)
    assert (answer.audio.payload_type, answer.audio.rtx_payload_type) == (111, None)
    assert (answer.video.payload_type, answer.video.rtx_payload_type) == (108, 109)
    assert answer.video.ids == ExtensionIds(None, 2, 3)


def test_sound_repeats_itself_where_the_other_side_would_rather_have_it_so() -> None:
    """The first format of an answer is the preferred one; others may be sent as well, and are not."""
    assert "a=rtpmap:63 red/48000/2" in write_offer(7, PARTY, Ssrcs(1, {"": (2, 3)}))
    red = "a=rtpmap:63 red/48000/2\na=fmtp:63 111/111\na=rtpmap:111 "
    for formats, number in (("63 111", 63), ("111 63", None)):
        answer = ANSWER.replace("SAVPF 111\n", f"SAVPF {formats}\n").replace("a=rtpmap:111 ", red)
        track = read_answer(answer).audio
        assert (track.payload_type, track.red_payload_type) == (111, number)


def test_several_encodings_are_offered_by_name_alone() -> None:
    text = write_offer(7, PARTY, Ssrcs(1, {"f": (2, 3), "h": (4, 5)}))
    assert [line for line in text.splitlines() if "rid:" in line or "simulcast" in line] == [
        "a=rid:f send",
        "a=rid:h send",
        "a=simulcast:send f;h",
    ]
    offer = SessionDescription.parse(text)
    assert [source.ssrc for source in offer.media[1].ssrc] == []


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("a=simulcast:recv f;h\n", ("f", "h")),
        ("a=simulcast:recv h,q\n", ("h",)),
        ("a=simulcast:recv ~q;f send x\n", ("q", "f")),
        ("a=simulcast:send f\n", ()),
        ("a=simulcast:recv\n", ()),
        ("", ()),
    ],
)
def test_the_encodings_that_are_taken_are_read(said: str, taken: tuple[str, ...]) -> None:
    rid = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\n"
    assert accepted_rids(ANSWER + rid + said) == taken
    assert accepted_rids(ANSWER + said) == ()  # without the extension nobody could tell them apart


def test_a_refused_medium_has_no_payload_type() -> None:
    assert read_answer(ANSWER.replace("m=audio 9", "m=audio 0")).audio.payload_type is None
    assert read_answer(ANSWER.replace("108 H264", "108 VP8")).video.payload_type is None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("a=ice-ufrag:rela\n", "ice-ufrag"),
        ("a=ice-pwd:secretsecretsecretsecret\n", "ice-pwd"),
        ("a=fingerprint:sha-256 CC:DD\n", "fingerprint"),
        ("a=setup:passive\n", "setup"),
    ],
)
def test_an_answer_that_lacks_something_says_what(line: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_answer(ANSWER.replace(line, ""))


def test_an_answer_of_another_shape_is_refused() -> None:
    for text in ("", "hello", ANSWER.replace("setup:passive", "setup:actpass"), "x" * 70_000):
        with pytest.raises(ValueError, match="answer"):
            read_answer(text)


@given(st.integers(0, len(ANSWER)), st.text(max_size=20), st.integers(0, 40))
def test_a_damaged_answer_is_read_or_refused_but_never_breaks(at: int, noise: str, cut: int) -> None:
    complaint = ""
    try:
        read_answer(ANSWER[:at] + noise + ANSWER[at + cut :])
    except ValueError as error:
        complaint = str(error)
    assert not complaint or "answer" in complaint
