"""Reading a peer's SDP offer (RFC 8866, RFC 8829) into plain values. Pure.

Knows grammar, not policy: what we answer is decided in `answers.py`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

OFFER_BYTES_MAX: Final = 64 * 1024
MEDIA_MAX: Final = 16
LINES_MAX: Final = 4096
CANDIDATES_MAX: Final = 16

_TOKEN: Final = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`{|}~-]+$")
_FINGERPRINT: Final = re.compile(r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+$")
_RID: Final = re.compile(r"^[A-Za-z0-9_-]{1,16}$")  # RFC 8851 section 10, and as long as an extension may be
_ICE: Final = re.compile(r"^[A-Za-z0-9+/]{4,256}$")


class SdpError(ValueError):
    """The offer cannot be read; the remote side is to blame, and the text says where."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hash of the peer's certificate (RFC 8122 section 5)."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """Username fragment and password (RFC 8839 section 5.4)."""

    fragment: str
    password: str


@dataclass(slots=True)
class Codec:
    """One payload type of a section: its name, clock and format parameters."""

    payload_type: int
    name: str
    clock_hz: int
    channels: int = 1
    parameters: dict[str, str] = field(default_factory=dict)
    feedback: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Section:
    """One m= section; `extensions` maps URI to id, `groups` holds (semantics, SSRCs)."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    mid: str = ""
    direction: str = "sendrecv"
    setup: str = ""
    ice: IceCredentials | None = None
    fingerprints: list[Fingerprint] = field(default_factory=list)
    codecs: dict[int, Codec] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    rtcp_mux: bool = False
    ssrcs: list[int] = field(default_factory=list)
    groups: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    rids: list[tuple[str, str]] = field(default_factory=list)
    simulcast: str = ""
    candidates: list[tuple[str, int]] = field(default_factory=list)  # UDP, by IP address

    @property
    def wanted(self) -> bool:
        """Whether the peer asks for this section at all (RFC 8829 section 5.3.1)."""
        return self.kind in ("audio", "video") and self.direction != "inactive"


@dataclass(slots=True)
class Offer:
    """A whole offer; transport attributes of the session level are copied into each section."""

    sections: list[Section]
    bundle: tuple[str, ...] = ()
    mixed_extensions: bool = False

    @property
    def transport(self) -> Section:
        """The section whose transport everything is bundled on (RFC 9143)."""
        wanted = [s for s in self.sections if s.ice and s.fingerprints]
        if not wanted:
            raise SdpError("no section has ICE credentials and a fingerprint")
        return next((s for s in wanted if s.mid in self.bundle[:1]), wanted[0])


def parse_offer(text: str) -> Offer:
    """Read an offer. Raises SdpError that names the first line it stumbled over."""
    if len(text) > OFFER_BYTES_MAX:
        raise SdpError(f"longer than {OFFER_BYTES_MAX} bytes")
    lines = list(_lines(text))
    if not lines or lines[0] != ("v", "0"):
        raise SdpError("an SDP begins with v=0")
    session = Section("session", 0, "", [])
    offer = Offer([])
    here = session
    for kind, value in lines[1:]:
        if kind == "m":
            here = _media(value)
            offer.sections.append(here)
            if len(offer.sections) > MEDIA_MAX:
                raise SdpError(f"more than {MEDIA_MAX} m= sections")
        elif kind == "a":
            _attribute(offer, here, value)
    if not offer.sections:
        raise SdpError("no m= section")
    mids = [s.mid for s in offer.sections if s.mid or s.kind in ("audio", "video")]
    if len(set(mids)) < len(mids):
        raise SdpError("two m= sections share a mid (RFC 5888 section 4)")
    for section in offer.sections:
        _inherit(section, session)
    return offer


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines()):
        if number > LINES_MAX:
            raise SdpError(f"more than {LINES_MAX} lines")
        if not line:
            continue
        if len(line) < 2 or line[1] != "=":
            raise SdpError(f"line {number + 1} is no SDP line")
        yield line[0], line[2:].rstrip()


def _number(text: str, what: str, limit: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= limit):
        raise SdpError(f"{what} is not a number up to {limit}")
    return int(text)


def _media(value: str) -> Section:
    words = value.split()
    if len(words) < 4:
        raise SdpError("an m= line needs media, port, protocol and formats")
    kind, port, protocol, *formats = words
    section = Section(
        kind, _number(port.partition("/")[0], "the port of an m= line", 65535), protocol, formats
    )
    if kind in ("audio", "video"):
        for name in formats:
            number = _number(name, "a payload type", 127)
            section.codecs[number] = Codec(number, "", 0)
    return section


def _attribute(offer: Offer, here: Section, value: str) -> None:
    name, _, rest = value.partition(":")
    reader = _READERS.get(name)
    if reader is not None:
        reader(here, rest.strip())
    elif name in ("sendrecv", "sendonly", "recvonly", "inactive"):
        here.direction = name
    elif name == "group" and rest.startswith("BUNDLE"):
        offer.bundle = tuple(rest.split()[1:])
    elif name == "extmap-allow-mixed":
        offer.mixed_extensions = True


def _read_mid(here: Section, rest: str) -> None:
    if not _TOKEN.match(rest) or len(rest) > 16:
        raise SdpError("a mid is a token of at most 16 bytes")
    here.mid = rest


def _read_setup(here: Section, rest: str) -> None:
    if rest not in ("active", "passive", "actpass", "holdconn"):
        raise SdpError("unknown a=setup")
    here.setup = rest


def _read_fragment(here: Section, rest: str) -> None:
    if not _ICE.match(rest):
        raise SdpError("a=ice-ufrag is malformed")
    here.ice = IceCredentials(rest, here.ice.password if here.ice else "")


def _read_password(here: Section, rest: str) -> None:
    if not _ICE.match(rest) or len(rest) < 22:
        raise SdpError("a=ice-pwd is malformed")
    here.ice = IceCredentials(here.ice.fragment if here.ice else "", rest)


def _read_fingerprint(here: Section, rest: str) -> None:
    algorithm, _, value = rest.partition(" ")
    if not _FINGERPRINT.match(value):
        raise SdpError("a=fingerprint is malformed")
    here.fingerprints.append(Fingerprint(algorithm.lower(), value.upper()))


def _read_rtpmap(here: Section, rest: str) -> None:
    number, _, encoding = rest.partition(" ")
    codec = here.codecs.get(_number(number, "a payload type", 127))
    parts = encoding.split("/")
    if codec is None:
        return
    if len(parts) < 2:
        raise SdpError("an a=rtpmap needs name and clock rate")
    codec.name, codec.clock_hz = parts[0], _number(parts[1], "a clock rate", 1_000_000)
    codec.channels = _number(parts[2], "channels", 255) if len(parts) > 2 else 1


def _read_fmtp(here: Section, rest: str) -> None:
    number, _, parameters = rest.partition(" ")
    codec = here.codecs.get(_number(number, "a payload type", 127))
    if codec is not None:
        for part in parameters.split(";"):
            key, _, value = part.strip().partition("=")
            codec.parameters[key.lower()] = value


def _read_feedback(here: Section, rest: str) -> None:
    number, _, kind = rest.partition(" ")
    if number == "*":
        for codec in here.codecs.values():
            codec.feedback.append(kind)
    elif (found := here.codecs.get(_number(number, "a payload type", 127))) is not None:
        found.feedback.append(kind)


def _read_extension(here: Section, rest: str) -> None:
    words = rest.split()
    if len(words) < 2:
        raise SdpError("an a=extmap needs an id and a URI")
    here.extensions.setdefault(words[1], _number(words[0].partition("/")[0], "an extension id", 4095))


def _read_ssrc(here: Section, rest: str) -> None:
    number = _number(rest.partition(" ")[0], "an SSRC", 0xFFFFFFFF)
    if number not in here.ssrcs:
        here.ssrcs.append(number)


def _read_ssrc_group(here: Section, rest: str) -> None:
    semantics, *numbers = rest.split() or [""]
    here.groups.append((semantics, tuple(_number(n, "an SSRC", 0xFFFFFFFF) for n in numbers)))


def _read_rid(here: Section, rest: str) -> None:
    words = rest.split()
    if len(words) < 2 or words[1] not in ("send", "recv"):
        raise SdpError("an a=rid needs an id and a direction")
    if not _RID.match(words[0]):
        raise SdpError("a rid is of 1 to 16 letters, digits, - and _")
    here.rids.append((words[0], words[1]))


def _read_simulcast(here: Section, rest: str) -> None:
    here.simulcast = rest


def _read_candidate(here: Section, rest: str) -> None:
    """RFC 8839 section 5.1; names (`.local`) and TCP are passed over."""
    words = rest.split()
    if len(words) < 8 or words[2].lower() != "udp" or len(here.candidates) >= CANDIDATES_MAX:
        return
    try:
        here.candidates.append((str(ipaddress.ip_address(words[4])), _number(words[5], "a port", 65535)))
    except ValueError:
        return


def _read_mux(here: Section, rest: str) -> None:
    here.rtcp_mux = True


_READERS: Final = {
    "mid": _read_mid,
    "setup": _read_setup,
    "ice-ufrag": _read_fragment,
    "ice-pwd": _read_password,
    "fingerprint": _read_fingerprint,
    "rtpmap": _read_rtpmap,
    "fmtp": _read_fmtp,
    "rtcp-fb": _read_feedback,
    "extmap": _read_extension,
    "ssrc": _read_ssrc,
    "ssrc-group": _read_ssrc_group,
    "rid": _read_rid,
    "simulcast": _read_simulcast,
    "rtcp-mux": _read_mux,
    "candidate": _read_candidate,
}


def _inherit(section: Section, session: Section) -> None:
    section.ice = section.ice or session.ice
    section.fingerprints = section.fingerprints or session.fingerprints
    section.setup = section.setup or session.setup
    if section.ice and not (section.ice.fragment and section.ice.password):
        raise SdpError("ICE needs both a=ice-ufrag and a=ice-pwd")
