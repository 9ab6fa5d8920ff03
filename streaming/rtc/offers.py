"""The offer with which one relay asks another for a show (WHEP), and the answer to it. Pure."""

from __future__ import annotations

from typing import Final

from ..contract import Codec
from .answers import ABS_CAPTURE_TIME, ABS_SEND_TIME, Local, Terms, ViewerSsrcs, agree, answer_viewer
from .sdp import Offer, parse_offer

VIDEO: Final = 96
REPAIR: Final = 97
SOUND: Final = 111
REPEATING: Final = 112  # sound that carries earlier packets with it (RFC 2198)
CAPTURE_TIME_ID: Final = 1
SEND_TIME_ID: Final = 2
_PARAMETERS: Final = {
    "H264": ["a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"],
}


def pull_offer(local: Local, codec: Codec, *, sound: bool = True, repeating: bool = True) -> str:
    """An offer to receive picture and sound. We are the full agent, and will be the DTLS client.

    `repeating`: sound as RED, so that a lossy path between two relays is not everybody's behind it.
    """
    bundle = "0 1" if sound else "0"
    head = ["v=0", f"o=- {local.session_id} 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {bundle}"]
    video = [
        f"m=video 9 UDP/TLS/RTP/SAVPF {VIDEO} {REPAIR}",
        *_transport(local, "0"),
        f"a=rtpmap:{VIDEO} {codec}/90000",
        *_PARAMETERS.get(codec, []),
        f"a=rtcp-fb:{VIDEO} nack",
        f"a=rtcp-fb:{VIDEO} nack pli",
        f"a=rtpmap:{REPAIR} rtx/90000",
        f"a=fmtp:{REPAIR} apt={VIDEO}",
    ]
    audio = [
        f"m=audio 9 UDP/TLS/RTP/SAVPF {f'{REPEATING} {SOUND}' if repeating else SOUND}",
        *_transport(local, "1"),
        *([f"a=rtpmap:{REPEATING} red/48000/2", f"a=fmtp:{REPEATING} {SOUND}/{SOUND}"] if repeating else []),
        f"a=rtpmap:{SOUND} opus/48000/2",
    ]
    return "\r\n".join([*head, *video, *(audio if sound else [])]) + "\r\n"


def counter_offer(local: Local, codec: Codec, ssrcs: ViewerSsrcs) -> str:
    """What we would send a player, as an offer: the answer to a wish of our own, its role left open."""
    wished = parse_offer(pull_offer(local, codec, repeating=False))
    for section in wished.sections:  # a player estimates its path by it; a relay does not
        section.extensions[ABS_SEND_TIME] = SEND_TIME_ID
    answer = answer_viewer(wished, agree(wished, codec, peer_sends=False), local, codec, ssrcs)
    return answer.replace("a=setup:passive", "a=setup:actpass")


def _transport(local: Local, mid: str) -> list[str]:
    return [
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        "a=recvonly",
        "a=rtcp-mux",
        f"a=ice-ufrag:{local.ice.fragment}",
        f"a=ice-pwd:{local.ice.password}",
        *(f"a=fingerprint:{f.algorithm} {f.value}" for f in local.fingerprints),
        "a=setup:actpass",
        f"a=extmap:{CAPTURE_TIME_ID} {ABS_CAPTURE_TIME}",
    ]


def read_answer(text: str, codec: Codec) -> tuple[Terms, list[tuple[str, int]]]:
    """What the other relay agreed to, and where it is. Raises SdpError."""
    answer: Offer = parse_offer(text)
    addresses = [address for section in answer.sections for address in section.candidates]
    return agree(answer, codec, peer_sends=True), addresses
