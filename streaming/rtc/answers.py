"""What the relay answers to an offer: which codec, which numbers, which extensions. Pure.

The numbers (payload types, extension ids) are always those of the peer's offer. What a browser
needs beyond the RFCs is said beside the line that gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from .sdp import Codec, Fingerprint, IceCredentials, Offer, SdpError, Section

ABS_SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
ABS_CAPTURE_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
# Only libwebrtc (Chromium, Safari, WebView) offers this one of its own; it also takes what it did not offer.
VIDEO_TIMING: Final = "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"
PLAYOUT_DELAY: Final = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
RID: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
ENCODINGS_MAX: Final = 4  # of one picture; further ones are not asked for
START_KBPS: Final = 4000  # a foreign browser then sends full size from its first frame
_ONE_BYTE_IDS: Final = range(1, 15)
_UDP_PRIORITY: Final = 2_130_706_431  # host candidate, component 1 (RFC 8445 section 5.1.2.1)
_TCP_PRIORITY: Final = 1_671_430_143  # below every UDP candidate
_H264_PROFILES: Final = ("42e0", "42c0", "42", "4d", "64")  # the closest to Constrained Baseline first

_PROFILE: Final = {"VP9": "profile-id", "AV1": "profile"}


class NoCommonCodec(SdpError):
    """The offer can be read, but has no codec of the show (HTTP 406 or 422)."""


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of a transport: credentials, certificate, addresses."""

    ice: IceCredentials
    fingerprints: tuple[Fingerprint, ...]
    addresses: tuple[tuple[str, int], ...]
    session_id: int
    tcp_addresses: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TrackTerms:
    """What was agreed for one kind of media; an id or payload type of 0 or None is not used."""

    mid: str
    payload_type: int
    rtx_payload_type: int | None
    abs_send_time_id: int
    abs_capture_time_id: int
    ssrcs: tuple[int, ...] = ()  # as the peer announced them
    rids: tuple[str, ...] = ()  # encodings of one picture (RFC 8853), as the peer named them
    rid_id: int = 0
    repaired_rid_id: int = 0
    playout_delay_id: int = 0
    red_inside: int | None = None  # `payload_type` is RED (RFC 2198), and this is what it carries


@dataclass(frozen=True, slots=True)
class Terms:
    """The agreement with one peer."""

    role: str  # our DTLS role: "server" or "client"
    remote_ice: IceCredentials
    remote_fingerprints: tuple[Fingerprint, ...]
    video: TrackTerms | None
    audio: TrackTerms | None


@dataclass(frozen=True, slots=True)
class ViewerSsrcs:
    """Our sources towards one viewer."""

    video: int
    rtx: int
    audio: int


def agree(offer: Offer, codec: str, peer_sends: bool) -> Terms:
    """The terms for a publisher (`peer_sends`) or a viewer. Raises SdpError or NoCommonCodec."""
    free = _unoffered_extension_id(offer)
    video = _first(offer, "video", peer_sends)
    audio = _first(offer, "audio", peer_sends)
    if video is None and audio is None:
        raise SdpError("no section of sound or picture that the relay could serve")
    if video is not None and audio is not None and not {video.mid, audio.mid} <= set(offer.bundle):
        raise SdpError("sound and picture must be bundled (RFC 9725 section 4.4.1)")
    video_terms = None if video is None else _track(video, _video_codec(video, codec), free, bool(free))
    if video is not None and video_terms is not None and peer_sends:
        video_terms = _with_encodings(video, video_terms)
    if video is not None and video_terms is not None and not peer_sends:
        video_terms = replace(video_terms, playout_delay_id=_usable(video.extensions.get(PLAYOUT_DELAY, 0)))
    audio_terms = None if audio is None else _track(audio, _opus(audio), free, peer_sends and bool(free))
    if audio is not None and audio_terms is not None:
        audio_terms = _with_repeats(audio, audio_terms)
    if video_terms is None and (video is not None or audio_terms is None):
        raise NoCommonCodec(f"the show is {codec} with packetization-mode 1, which the offer lacks")
    if peer_sends:
        _check_whole(offer, audio_terms)
    transport = offer.transport
    if any(s is not None and not s.rtcp_mux for s in (video, audio)):
        raise SdpError("a=rtcp-mux is needed")
    return Terms(
        role="client" if transport.setup == "passive" else "server",
        remote_ice=transport.ice or IceCredentials("", ""),
        remote_fingerprints=tuple(transport.fingerprints),
        video=video_terms,
        audio=audio_terms,
    )


def answer_publisher(offer: Offer, terms: Terms, local: Local, codec: str) -> str:
    """SDP answer to a WHIP offer."""
    return _answer(offer, terms, local, lambda section, track: _from_publisher(section, track, codec))


def answer_viewer(offer: Offer, terms: Terms, local: Local, codec: str, ssrcs: ViewerSsrcs) -> str:
    """SDP answer to a WHEP offer."""
    return _answer(offer, terms, local, lambda section, track: _to_viewer(section, track, codec, ssrcs))


def _check_whole(offer: Offer, audio: TrackTerms | None) -> None:
    """A publisher is taken whole or not at all (RFC 9725 sections 4.4.2 and 4.4.3)."""
    kinds = [s.kind for s in offer.sections if s.wanted and s.direction in ("sendonly", "sendrecv")]
    if max(kinds.count("video"), kinds.count("audio")) > 1:
        raise SdpError("a show takes one picture and one sound of a studio")
    if "audio" in kinds and audio is None:
        raise NoCommonCodec("the sound of a show is Opus, which the offer lacks")


# -- choosing ------------------------------------------------------------------------------------


def _first(offer: Offer, kind: str, peer_sends: bool) -> Section | None:
    directions = ("sendonly", "sendrecv") if peer_sends else ("recvonly", "sendrecv")
    return next((s for s in offer.sections if s.kind == kind and s.direction in directions), None)


def _video_codec(section: Section, name: str) -> Codec | None:
    found = [c for c in section.codecs.values() if c.name.upper() == name]
    if name == "H264":
        found = [c for c in found if c.parameters.get("packetization-mode") == "1"]
    if name in _PROFILE:  # the one of 8 bits and 4:2:0 that everybody decodes; absent means the same
        found = [c for c in found if c.parameters.get(_PROFILE[name], "0") == "0"]
    return min(found, key=_distance_from_baseline, default=None)


def _distance_from_baseline(codec: Codec) -> int:
    profile = codec.parameters.get("profile-level-id", "").lower()
    return next((n for n, p in enumerate(_H264_PROFILES) if profile.startswith(p)), len(_H264_PROFILES))


def _opus(section: Section) -> Codec | None:
    return next(
        (c for c in section.codecs.values() if c.name.lower() == "opus" and c.clock_hz == 48_000), None
    )


def _track(section: Section, codec: Codec | None, free: int, name_capture_time: bool) -> TrackTerms | None:
    if codec is None:
        return None
    repair = next(
        (
            c.payload_type
            for c in section.codecs.values()
            if c.name.lower() == "rtx" and c.parameters.get("apt") == str(codec.payload_type)
        ),
        None,
    )
    capture = section.extensions.get(ABS_CAPTURE_TIME, free if name_capture_time else 0)
    return TrackTerms(
        mid=section.mid,
        payload_type=codec.payload_type,
        rtx_payload_type=repair,
        abs_send_time_id=_usable(section.extensions.get(ABS_SEND_TIME, 0)),
        abs_capture_time_id=_usable(capture),
        ssrcs=tuple(section.ssrcs),
    )


def _with_encodings(section: Section, track: TrackTerms) -> TrackTerms:
    """Simulcast as offered (RFC 8853), if the encodings can be told apart by their RIDs."""
    rid_id = _usable(section.extensions.get(RID, 0))
    rids = tuple(name for name, direction in section.rids if direction == "send")[:ENCODINGS_MAX]
    if not section.simulcast.startswith("send") or not rid_id or len(rids) < 2:
        return track
    repaired = _usable(section.extensions.get(REPAIRED_RID, 0))
    return replace(track, rids=rids, rid_id=rid_id, repaired_rid_id=repaired)


def _with_repeats(section: Section, track: TrackTerms) -> TrackTerms:
    """Sound in packets that may carry earlier ones (RFC 2198), if the peer takes them with Opus inside."""
    inside = str(track.payload_type)
    for codec in section.codecs.values():
        blocks = next(iter(codec.parameters), "").split("/")
        if codec.name.lower() == "red" and codec.clock_hz == 48_000 and set(blocks) == {inside}:
            return replace(track, payload_type=codec.payload_type, red_inside=track.payload_type)
    return track


def _usable(extension_id: int) -> int:
    return extension_id if extension_id in _ONE_BYTE_IDS else 0


def _unoffered_extension_id(offer: Offer) -> int:
    """An id for an extension that the peer did not offer, 0 where it may not be answered.

    RFC 8285 section 6 forbids it, and Firefox then refuses the whole answer.
    """
    if not any(VIDEO_TIMING in s.extensions for s in offer.sections):
        return 0
    taken = {number for s in offer.sections for number in s.extensions.values()}
    return next((n for n in reversed(_ONE_BYTE_IDS) if n not in taken), 0)


# -- writing -------------------------------------------------------------------------------------


def _answer(
    offer: Offer, terms: Terms, local: Local, media: Callable[[Section, TrackTerms], list[str]]
) -> str:
    tracks = {t.mid: t for t in (terms.video, terms.audio) if t is not None}
    agreed = [s for s in offer.sections if s.mid in tracks and _is_track(s, terms)]
    lines = [
        "v=0",
        f"o=- {local.session_id} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=group:BUNDLE " + " ".join(s.mid for s in agreed),
        "a=msid-semantic: WMS *",
    ]
    if offer.mixed_extensions:
        lines.append("a=extmap-allow-mixed")
    for section in offer.sections:
        if section in agreed:
            lines += _section(section, tracks[section.mid], terms, local, first=section is agreed[0])
            lines += media(section, tracks[section.mid])
        else:
            lines += _refused(section)
    return "\r\n".join(lines) + "\r\n"


def _is_track(section: Section, terms: Terms) -> bool:
    track = terms.video if section.kind == "video" else terms.audio if section.kind == "audio" else None
    return track is not None and track.mid == section.mid


def _refused(section: Section) -> list[str]:
    lines = [f"m={section.kind} 0 {section.protocol} {section.formats[0]}", "c=IN IP4 0.0.0.0", "a=inactive"]
    return [*lines, f"a=mid:{section.mid}"] if section.mid else lines


def _section(section: Section, track: TrackTerms, terms: Terms, local: Local, first: bool) -> list[str]:
    formats = f"{track.payload_type}"
    also = track.red_inside if track.rtx_payload_type is None else track.rtx_payload_type
    if also is not None:
        formats += f" {also}"
    lines = [f"m={section.kind} 9 {section.protocol} {formats}", "c=IN IP4 0.0.0.0"]
    if section.kind == "video" and section.direction == "sendonly":
        lines.append(f"b=AS:{START_KBPS}")
    if section.mid:
        lines.append(f"a=mid:{section.mid}")
    lines += [
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=ice-ufrag:{local.ice.fragment}",
        f"a=ice-pwd:{local.ice.password}",
        *(f"a=fingerprint:{f.algorithm} {f.value}" for f in local.fingerprints),
        f"a=setup:{'active' if terms.role == 'client' else 'passive'}",
    ]
    if first:
        lines += [f"a=candidate:{candidate}" for candidate in candidate_lines(local)]
        lines.append("a=end-of-candidates")
    return lines


def candidate_lines(local: Local) -> list[str]:
    """Our host candidates, UDP before TCP (RFC 8839 section 5.1, RFC 6544 section 4.5)."""
    lines = [
        f"{number} 1 udp {_UDP_PRIORITY - 256 * (number - 1)} {host} {port} typ host"
        for number, (host, port) in enumerate(local.addresses, 1)
    ]
    for number, (host, port) in enumerate(local.tcp_addresses, 1 + len(lines)):
        priority = _TCP_PRIORITY - 256 * (number - 1)
        lines.append(f"{number} 1 tcp {priority} {host} {port} typ host tcptype passive")
    return lines


def _codec_lines(offered: Codec, track: TrackTerms, codec: str, extra: str = "") -> list[str]:
    number = track.payload_type
    if offered.name.lower() in ("opus", "red"):
        return _sound_lines(track)
    lines = [f"a=rtpmap:{number} {codec}/90000"]
    parameters = []
    if codec == "H264":
        profile = offered.parameters.get("profile-level-id", "42e01f")
        parameters.append(f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}")
    if extra:
        parameters.append(extra)
    if parameters:
        lines.append(f"a=fmtp:{number} {';'.join(parameters)}")
    if track.rtx_payload_type is not None:
        repair = track.rtx_payload_type
        lines += [f"a=rtpmap:{repair} rtx/90000", f"a=fmtp:{repair} apt={number}"]
    return lines


def _sound_lines(track: TrackTerms) -> list[str]:
    number, outside = track.payload_type, []
    if track.red_inside is not None:
        number = track.red_inside
        outside = [
            f"a=rtpmap:{track.payload_type} red/48000/2",
            f"a=fmtp:{track.payload_type} {number}/{number}",
        ]
    return [*outside, f"a=rtpmap:{number} opus/48000/2", f"a=fmtp:{number} minptime=10;useinbandfec=1"]


def _extension_lines(track: TrackTerms) -> list[str]:
    pairs = (
        (track.abs_send_time_id, ABS_SEND_TIME),
        (track.abs_capture_time_id, ABS_CAPTURE_TIME),
        (track.playout_delay_id, PLAYOUT_DELAY),
        (track.rid_id, RID),
        (track.repaired_rid_id, REPAIRED_RID),
    )
    return [f"a=extmap:{number} {uri}" for number, uri in pairs if number]


def _feedback_lines(track: TrackTerms, kinds: tuple[str, ...]) -> list[str]:
    return [f"a=rtcp-fb:{track.payload_type} {kind}" for kind in kinds]


def _from_publisher(section: Section, track: TrackTerms, codec: str) -> list[str]:
    offered = section.codecs[track.payload_type]
    if section.kind == "audio":
        return ["a=recvonly", *_codec_lines(offered, track, codec), *_extension_lines(track)]
    # start bitrate with b=AS: full size from the first frame, without a word of the page's own.
    start = f"x-google-start-bitrate={START_KBPS}"
    lines = ["a=recvonly", *_codec_lines(offered, track, codec, start)]
    lines += _feedback_lines(track, ("ccm fir", "nack", "nack pli", "goog-remb"))
    lines += _extension_lines(track)
    if track.rids:
        lines += [f"a=rid:{rid} recv" for rid in track.rids]
        lines.append(f"a=simulcast:recv {';'.join(track.rids)}")
    return lines


def _to_viewer(section: Section, track: TrackTerms, codec: str, ssrcs: ViewerSsrcs) -> list[str]:
    offered = section.codecs[track.payload_type]
    lines = ["a=sendonly", *_codec_lines(offered, track, codec)]
    # rrtr though unoffered: the player then learns its round trip. Never transport-cc: no REMB with it.
    if section.kind == "video":
        lines += _feedback_lines(track, ("ccm fir", "nack pli", "nack", "goog-remb", "rrtr"))
    else:
        lines += [f"a=rtcp-fb:{track.red_inside or track.payload_type} rrtr"]
    lines += _extension_lines(track)
    lines.append(f"a=msid:program {section.kind}")
    if section.kind == "audio":
        return [*lines, f"a=ssrc:{ssrcs.audio} cname:program"]
    if track.rtx_payload_type is None:
        return [*lines, f"a=ssrc:{ssrcs.video} cname:program"]
    # The first a=ssrc line is the media stream: behind the repair stream, no picture comes at all.
    return [
        *lines,
        f"a=ssrc-group:FID {ssrcs.video} {ssrcs.rtx}",
        f"a=ssrc:{ssrcs.video} cname:program",
        f"a=ssrc:{ssrcs.rtx} cname:program",
    ]
