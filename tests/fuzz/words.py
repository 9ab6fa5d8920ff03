"""Text that peers send by HTTP: offers, answers of another relay, fragments."""

from __future__ import annotations

import contextlib
import socket

from streaming.fanout import Keys, Seat, Track
from streaming.fanout.front import Front
from streaming.rtc.answers import (
    Local,
    NoCommonCodec,
    Terms,
    TrackTerms,
    ViewerSsrcs,
    agree,
    answer_publisher,
    answer_viewer,
)
from streaming.rtc.fragments import build_fragment, parse_fragment
from streaming.rtc.offers import read_answer
from streaming.rtc.sdp import Fingerprint, IceCredentials, Offer, SdpError, parse_offer

from .silence import SilentSender, fresh_keys

CODECS = ("H264", "VP8", "VP9", "AV1")
LOCAL = Local(
    IceCredentials("abcdefabcdef", "0" * 32),
    (Fingerprint("sha-256", ":".join(["AB"] * 32)),),
    (("192.0.2.1", 8443), ("2001:db8::1", 8443)),
    7,
    (("192.0.2.1", 8443),),
)
SSRCS = ViewerSsrcs(1, 2, 3)


def offers(data: bytes) -> None:
    """Every offer is refused with a sentence, or answered by what can be read and seated."""
    text = data.decode("utf-8", "replace")
    try:
        offer = parse_offer(text)
    except SdpError:
        return
    for codec in CODECS:
        for peer_sends in (True, False):
            with contextlib.suppress(SdpError, NoCommonCodec):
                _answer(offer, codec, peer_sends)
        with contextlib.suppress(SdpError):
            read_answer(text, codec)  # type: ignore[arg-type]  # one of the codecs


def _answer(offer: Offer, codec: str, peer_sends: bool) -> None:
    terms = agree(offer, codec, peer_sends)
    if peer_sends:
        answer = answer_publisher(offer, terms, LOCAL, codec)
    else:
        answer = answer_viewer(offer, terms, LOCAL, codec, SSRCS)
        _seat(terms)
    try:
        again = parse_offer(answer)
    except SdpError as unreadable:
        raise AssertionError("nobody can read our answer") from unreadable
    assert [s.kind for s in again.sections] == [s.kind for s in offer.sections]


def _seat(terms: Terms) -> None:
    """What was agreed, the sender takes."""
    front = Front(SilentSender(), socket.AF_INET, 4)
    video, audio = _track(terms.video, 1, 2), _track(terms.audio, 3, 0)
    front.join(Seat(("192.0.2.1", 9), Keys("SRTP_AEAD_AES_128_GCM", fresh_keys(), bytes(12)), video, audio))


def _track(terms: TrackTerms | None, ssrc: int, rtx: int) -> Track | None:
    if terms is None:
        return None
    return Track(
        ssrc,
        terms.payload_type,
        rtx,
        terms.rtx_payload_type if rtx else None,
        0,
        terms.abs_send_time_id,
        terms.abs_capture_time_id,
    )


def fragments(data: bytes) -> None:
    """A PATCH is refused with a sentence, or names credentials that a session can take."""
    try:
        fragment = parse_fragment(data.decode("utf-8", "replace"))
    except SdpError:
        return
    if fragment.ice is not None:
        fragment.ice.password.encode()
        again = parse_fragment(build_fragment(fragment.ice, ["1 1 udp 1 192.0.2.1 9 typ host"], "0"))
        assert again.ice == fragment.ice
