"""Offers are read, and answered with the peer's own numbers."""

from __future__ import annotations

import contextlib

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from streaming.rtc.answers import (
    ABS_CAPTURE_TIME,
    Local,
    NoCommonCodec,
    ViewerSsrcs,
    agree,
    answer_publisher,
    answer_viewer,
)
from streaming.rtc.fragments import build_fragment, parse_fragment
from streaming.rtc.sdp import Fingerprint, IceCredentials, SdpError, parse_offer
from tests.streaming.offers import FINGERPRINT, VIDEO_CODECS, offer

LOCAL = Local(
    IceCredentials("ours", "p" * 24), (Fingerprint("sha-256", FINGERPRINT),), (("192.0.2.9", 8443),), 77
)
SSRCS = ViewerSsrcs(11, 12, 13)


def viewer_answer(text: str) -> str:
    parsed = parse_offer(text)
    return answer_viewer(parsed, agree(parsed, "H264", peer_sends=False), LOCAL, "H264", SSRCS)


def publisher_answer(text: str) -> str:
    parsed = parse_offer(text)
    return answer_publisher(parsed, agree(parsed, "H264", peer_sends=True), LOCAL, "H264")


def test_a_viewer_gets_its_own_payload_types_and_extension_ids() -> None:
    terms = agree(parse_offer(offer()), "H264", peer_sends=False)
    assert terms.video is not None
    assert terms.audio is not None
    assert (terms.video.payload_type, terms.video.rtx_payload_type) == (108, 109)
    assert (terms.video.abs_send_time_id, terms.video.abs_capture_time_id) == (2, 14)
    assert (terms.audio.payload_type, terms.audio.red_inside) == (63, 111)


def test_an_answer_is_read_by_another_implementation() -> None:
    answer = SessionDescription.parse(viewer_answer(offer()))
    video, audio = answer.media
    assert (video.port, video.direction, video.fmt) == (9, "sendonly", [108, 109])
    assert video.ice_candidates[0].port == 8443
    assert video.ice.usernameFragment == "ours"
    assert [s.ssrc for s in video.ssrc] == [11, 12]
    assert (audio.kind, audio.fmt) == ("audio", [63, 111])


def test_a_viewer_is_told_of_its_round_trip_and_never_of_transport_cc() -> None:
    answer = viewer_answer(offer())
    assert "a=rtcp-fb:108 rrtr\r\n" in answer
    assert "a=rtcp-fb:111 rrtr\r\n" in answer
    assert "a=rtcp-fb:108 goog-remb\r\n" in answer
    assert "transport-cc" not in answer


def test_a_player_that_offers_it_can_be_told_to_hold_its_frames() -> None:
    line = "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"
    text = offer().replace("a=mid:0\r\n", "a=mid:0\r\n" + line)
    assert line in viewer_answer(text)
    assert "playout-delay" not in viewer_answer(offer())


def test_a_player_that_takes_sound_in_packets_that_repeat_earlier_ones_gets_it_so() -> None:
    answer = viewer_answer(offer())
    assert "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:111 opus/48000/2\r\n" in answer
    for other in ("a=fmtp:63 0/0", "a=fmtp:63 111/0", "a=fmtp:63 x"):  # not with our codec inside
        answer = viewer_answer(offer().replace("a=fmtp:63 111/111", other))
        assert "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" in answer
        assert "red/48000" not in answer


def test_the_media_stream_is_named_before_its_repairs() -> None:
    answer = viewer_answer(offer())
    assert answer.index("a=ssrc:11 ") < answer.index("a=ssrc:12 ")
    assert "a=ssrc-group:FID 11 12\r\n" in answer


def test_hidden_candidates_are_not_repeated() -> None:
    assert ".local" not in viewer_answer(offer())


def test_a_publisher_is_told_to_start_at_full_size_and_to_stamp_its_frames() -> None:
    answer = publisher_answer(offer("sendonly"))
    video = answer.split("m=video")[1].split("m=audio")[0]
    assert video.index("b=AS:4000") < video.index("a=")
    assert "x-google-start-bitrate=4000" in video
    assert answer.count(ABS_CAPTURE_TIME) == 2
    assert "a=recvonly" in video
    assert "transport-cc" not in answer


@pytest.mark.parametrize("direction", ["sendonly", "recvonly"])
def test_a_peer_that_is_no_libwebrtc_is_answered_with_nothing_that_it_did_not_offer(direction: str) -> None:
    text = offer(direction).replace(
        "a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/video-timing\r\n", ""
    )
    answer = publisher_answer(text) if direction == "sendonly" else viewer_answer(text)
    assert ABS_CAPTURE_TIME not in answer  # Firefox refuses the whole answer


@pytest.mark.parametrize(
    ("offered", "role", "answered"),
    [("actpass", "server", "passive"), ("active", "server", "passive"), ("passive", "client", "active")],
)
def test_the_handshake_is_answered_with_the_other_role(offered: str, role: str, answered: str) -> None:
    text = offer(setup=offered)
    assert agree(parse_offer(text), "H264", peer_sends=False).role == role
    assert f"a=setup:{answered}\r\n" in viewer_answer(text)


LAYERS = (
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"
    "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n"
)


def test_all_encodings_of_a_simulcast_offer_are_taken() -> None:
    answer = publisher_answer(offer("sendonly").replace("a=mid:0\r\n", "a=mid:0\r\n" + LAYERS))
    assert "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n" in answer
    assert answer.count("a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n") == 1
    assert answer.count("a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n") == 1


@pytest.mark.parametrize("missing", ["a=extmap:10 ", "a=simulcast:"])
def test_encodings_that_cannot_be_told_apart_are_not_asked_for(missing: str) -> None:
    lines = [line for line in LAYERS.splitlines(keepends=True) if not line.startswith(missing)]
    answer = publisher_answer(offer("sendonly").replace("a=mid:0\r\n", "a=mid:0\r\n" + "".join(lines)))
    assert "a=simulcast" not in answer


def test_sections_that_are_not_served_are_refused_in_their_place() -> None:
    data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n"
    answer = viewer_answer(offer() + data)
    assert answer.count("\r\nm=") == 3
    assert "m=application 0 " in answer
    assert "a=group:BUNDLE 0 1\r\n" in answer


def test_a_publisher_is_taken_whole_or_not_at_all() -> None:
    mute = offer("sendonly").replace("opus/48000/2", "PCMU/8000")
    with pytest.raises(NoCommonCodec, match="Opus"):
        publisher_answer(mute)
    head, video, audio = offer("sendonly").split("m=")
    second = video.replace("a=mid:0", "a=mid:2")
    with pytest.raises(SdpError, match="one picture"):
        publisher_answer("m=".join([head, video, audio, second]))
    unused = second.replace("a=sendonly", "a=inactive")
    assert "m=video 0 " in publisher_answer("m=".join([head, video, audio, unused]))


def test_a_picture_alone_is_served() -> None:
    answer = viewer_answer(offer(sound=False))
    assert "m=audio" not in answer


def test_without_the_codec_of_the_show_there_is_no_answer() -> None:
    vp8 = "".join(f"{line}\n" for line in VIDEO_CODECS.splitlines()[:4])
    with pytest.raises(NoCommonCodec):
        viewer_answer(offer(codecs=vp8))


def test_packetization_mode_zero_is_no_common_codec() -> None:
    mode_0 = "a=rtpmap:106 H264/90000\na=fmtp:106 packetization-mode=0;profile-level-id=42e01f\n"
    with pytest.raises(NoCommonCodec):
        viewer_answer(offer(codecs=mode_0))


def test_a_show_may_be_vp8() -> None:
    parsed = parse_offer(offer())
    terms = agree(parsed, "VP8", peer_sends=False)
    assert terms.video is not None
    assert terms.video.payload_type == 96
    assert "a=rtpmap:96 VP8/90000" in answer_viewer(parsed, terms, LOCAL, "VP8", SSRCS)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "hello",
        "v=0\r\n",
        "v=0\r\nm=video\r\n",
        offer().replace("a=ice-ufrag:Xy12\r\n", ""),
        offer().replace("a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=ice-pwd:short"),
        offer().replace("a=fingerprint:sha-256 AB", "a=fingerprint:sha-256 ZZ"),
        offer().replace("m=video 9", "m=video 99999"),
        offer().replace("a=setup:actpass", "a=setup:sideways"),
        offer().replace("a=rtcp-mux\r\n", ""),
        offer().replace("a=group:BUNDLE 0 1\r\n", ""),
        offer("inactive"),
        "v=0\r\n" + "m=video 9 X 96\r\n" * 20,
        "v=0\r\n" + "a=x\r\n" * 5000,
    ],
)
def test_a_malformed_offer_is_refused_with_a_reason(broken: str) -> None:
    with pytest.raises(SdpError, match=r"\w"):
        viewer_answer(broken)


def test_two_sections_of_one_name_are_refused() -> None:
    with pytest.raises(SdpError, match="share a mid"):
        parse_offer(offer("recvonly").replace("a=mid:1", "a=mid:0"))


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SdpError):
        parse_offer("v=0\r\n" + text)
    with contextlib.suppress(SdpError):
        parse_fragment(text)


LINES = offer().split("\r\n")


@given(st.data())
def test_any_damage_is_answered_or_refused(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        cut = data.draw(st.integers(0, len(line)))
        lines[at] = line[:cut] + data.draw(st.text("0:=/; -a9\u00e9", max_size=4)) + line[cut + 1 :]
    with contextlib.suppress(SdpError):
        viewer_answer("\r\n".join(lines))


def test_a_fragment_gives_credentials_and_counts_candidates() -> None:
    text = build_fragment(IceCredentials("abcd", "p" * 24), ["1 1 udp 1 192.0.2.1 9 typ host"], "0")
    fragment = parse_fragment(text)
    assert fragment.ice == IceCredentials("abcd", "p" * 24)
    assert fragment.candidates == 1


@pytest.mark.parametrize("text", ["nonsense", "a=ice-ufrag:abcd\r\n", "a=ice-ufrag:a\r\na=ice-pwd:b\r\n"])
def test_a_malformed_fragment_is_refused(text: str) -> None:
    with pytest.raises(SdpError):
        parse_fragment(text)
