"""The offer of a studio and what its answer says (RFC 8829, RFC 9725 section 4.2). Pure text.

The offer is bundled, sends only, carries H.264 Constrained Baseline with RTX and Opus, and names
every candidate at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .rtp import ExtensionIds

OPUS: Final = 111
OPUS_REPEATED: Final = 63  # RED (RFC 2198)
H264: Final = 108
H264_RTX: Final = 109
MID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
SEND_TIME_URI: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
CAPTURE_TIME_URI: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
RID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
EXTENSIONS: Final = {MID_URI: 1, SEND_TIME_URI: 2, CAPTURE_TIME_URI: 3}
LAYER_EXTENSIONS: Final = {RID_URI: 4, REPAIRED_RID_URI: 5}
LARGEST_ANSWER_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Party:
    """Our side: ICE credentials, certificate fingerprint, candidates as SDP lines, CNAME."""

    ufrag: str
    password: str
    fingerprint: str  # "sha-256 AB:CD:…"
    candidates: tuple[str, ...]
    cname: str


@dataclass(frozen=True, slots=True)
class Ssrcs:
    """Our sources: sound, and picture with its repairs for each encoding (rid; "" where there is one)."""

    audio: int
    video: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Track:
    """What the answer says of one medium; `payload_type` None when it was refused."""

    mid: str
    payload_type: int | None
    rtx_payload_type: int | None
    ids: ExtensionIds
    red_payload_type: int | None = None  # sound that repeats itself, where the other side prefers it


@dataclass(frozen=True, slots=True)
class Answer:
    """The other side of the session."""

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    is_lite: bool
    is_dtls_client: bool
    candidates: tuple[str, ...]
    audio: Track
    video: Track
    rids: tuple[str, ...] = ()  # encodings of the picture that it takes; none: one without a name


def write_offer(session_id: int, party: Party, ssrcs: Ssrcs) -> str:
    """The offer, lines ended by CRLF. Several encodings are told apart by RID alone, as browsers do."""
    rids = [rid for rid in ssrcs.video if rid]
    head = [
        "v=0",
        f"o=- {session_id} 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS *",
    ]
    audio = [
        f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS} {OPUS_REPEATED}",
        *_common("0", party, "studio audio"),
        f"a=rtpmap:{OPUS} opus/48000/2",
        f"a=fmtp:{OPUS} minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1",
        f"a=rtpmap:{OPUS_REPEATED} red/48000/2",
        f"a=fmtp:{OPUS_REPEATED} {OPUS}/{OPUS}",
        f"a=ssrc:{ssrcs.audio} cname:{party.cname}",
    ]
    video = [
        f"m=video 9 UDP/TLS/RTP/SAVPF {H264} {H264_RTX}",
        *_common("1", party, "studio video"),
        "a=rtcp-rsize",
        f"a=rtpmap:{H264} H264/90000",
        f"a=fmtp:{H264} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        *(f"a=rtcp-fb:{H264} {kind}" for kind in ("nack", "nack pli", "ccm fir", "goog-remb")),
        f"a=rtpmap:{H264_RTX} rtx/90000",
        f"a=fmtp:{H264_RTX} apt={H264}",
        *(_layer_lines(rids) if rids else _source_lines(*ssrcs.video[""], party.cname)),
    ]
    return "\r\n".join([*head, *audio, *video, ""])


def _source_lines(video: int, rtx: int, cname: str) -> list[str]:
    return [f"a=ssrc-group:FID {video} {rtx}", f"a=ssrc:{video} cname:{cname}", f"a=ssrc:{rtx} cname:{cname}"]


def _layer_lines(rids: list[str]) -> list[str]:
    return [
        *(f"a=extmap:{number} {uri}" for uri, number in LAYER_EXTENSIONS.items()),
        *(f"a=rid:{rid} send" for rid in rids),
        f"a=simulcast:send {';'.join(rids)}",
    ]


def _common(mid: str, party: Party, msid: str) -> list[str]:
    return [
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        "a=sendonly",
        "a=rtcp-mux",
        f"a=ice-ufrag:{party.ufrag}",
        f"a=ice-pwd:{party.password}",
        f"a=fingerprint:{party.fingerprint}",
        "a=setup:actpass",
        f"a=msid:{msid}",
        *(f"a=extmap:{number} {uri}" for uri, number in EXTENSIONS.items()),
        *(f"a=candidate:{candidate}" for candidate in party.candidates),
        "a=end-of-candidates",
    ]


def read_answer(text: str) -> Answer:
    """What a WHIP server answered. Raises ValueError, saying what is missing."""
    if len(text) > LARGEST_ANSWER_BYTES:
        raise ValueError("the answer is too long")
    head, *media = _sections(text)
    if len(media) != 2 or not media[0][0].startswith("audio ") or not media[1][0].startswith("video "):
        raise ValueError("the answer does not have the two media of the offer")
    lines = [*head, *(line for section in media for line in section)]

    def first(name: str) -> str:
        found = next((line.partition(":")[2] for line in lines if line.startswith(name + ":")), "")
        if not found:
            raise ValueError(f"the answer lacks a={name}")
        return found.strip()

    prints = [line.partition(":")[2].split() for line in lines if line.startswith("fingerprint:")]
    fingerprints = tuple(dict.fromkeys((words[0], words[1]) for words in prints if len(words) == 2))
    if not fingerprints:
        raise ValueError("the answer lacks a=fingerprint")
    setup = first("setup")
    if setup not in ("active", "passive"):
        raise ValueError(f"the answer says setup:{setup}, not active or passive")
    return Answer(
        ufrag=first("ice-ufrag"),
        password=first("ice-pwd"),
        fingerprints=fingerprints,
        is_lite="ice-lite" in head,
        is_dtls_client=setup == "active",
        candidates=tuple(dict.fromkeys(x.partition(":")[2] for x in lines if x.startswith("candidate:"))),
        audio=_track(media[0], "0", "opus"),
        video=_track(media[1], "1", "h264"),
        rids=_rids(media[1]),
    )


def accepted_rids(text: str) -> tuple[str, ...]:
    """The encodings that an answer takes; none where it cannot be read or knows only one picture."""
    try:
        return read_answer(text).rids
    except ValueError:
        return ()


def _rids(section: list[str]) -> tuple[str, ...]:
    """Encodings that the other side takes (RFC 8853 section 5.1); of alternatives the first."""
    if not any(RID_URI in line for line in section if line.startswith("extmap:")):
        return ()
    for line in section:
        words = line.partition(":")[2].split()
        if line.startswith("simulcast:") and "recv" in words[:-1]:
            listed = words[words.index("recv") + 1].split(";")
            return tuple(name.split(",")[0].lstrip("~") for name in listed if name)
    return ()


def _sections(text: str) -> list[list[str]]:
    """Attributes (without `a=`) of the session and of each medium; a medium begins with its m= line."""
    sections: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("m="):
            sections.append([line[2:]])
        elif line.startswith("a="):
            sections[-1].append(line[2:])
    return sections


def _track(section: list[str], mid: str, codec: str) -> Track:
    port, *formats = section[0].split()[1:2] + section[0].split()[3:]
    names: dict[int, str] = {}
    repairs: dict[int, int] = {}
    ids: dict[str, int] = {}
    for line in section[1:]:
        name, _, value = line.partition(":")
        words = value.split()
        if name == "rtpmap" and len(words) == 2:
            names[_number(words[0])] = words[1].partition("/")[0].lower()
        elif name == "fmtp" and len(words) == 2 and words[1].startswith("apt="):
            repairs[_number(words[1][4:])] = _number(words[0])
        elif name == "extmap" and len(words) >= 2:
            ids[words[1]] = _number(words[0].partition("/")[0])
    wanted = [_number(x) for x in formats if names.get(_number(x)) == codec]
    chosen = wanted[0] if wanted and port != "0" and "inactive" not in section else None
    first = _number(formats[0]) if formats else -1  # the most preferred (RFC 3264 section 6.1)
    return Track(
        mid=mid,
        payload_type=chosen,
        rtx_payload_type=None if chosen is None else repairs.get(chosen),
        ids=ExtensionIds(
            ids.get(MID_URI),
            ids.get(SEND_TIME_URI),
            ids.get(CAPTURE_TIME_URI),
            ids.get(RID_URI),
            ids.get(REPAIRED_RID_URI),
        ),
        red_payload_type=first if chosen is not None and names.get(first) == "red" else None,
    )


def _number(word: str) -> int:
    if not word.isdecimal() or int(word) > 255:
        raise ValueError(f"the answer has {word!r} where a small number belongs")
    return int(word)
