"""SDP fragments of HTTP PATCH: trickle and ICE restart (RFC 8840, RFC 9725 section 4.3). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .sdp import IceCredentials, SdpError

FRAGMENT_BYTES_MAX: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a PATCH says: the peer's credentials, if any, and how many candidates it names."""

    ice: IceCredentials | None
    candidates: int


def parse_fragment(text: str) -> Fragment:
    """Read a fragment. Raises SdpError.

    Candidates are only counted: a lite agent learns addresses from checks.
    """
    if len(text) > FRAGMENT_BYTES_MAX:
        raise SdpError(f"longer than {FRAGMENT_BYTES_MAX} bytes")
    fragment = password = ""
    candidates = 0
    for line in text.splitlines():
        if line and line[1:2] != "=":
            raise SdpError("not an SDP fragment")
        name, _, value = line.partition(":")
        if name == "a=ice-ufrag":
            fragment = fragment or value.strip()
        elif name == "a=ice-pwd":
            password = password or value.strip()
        elif name == "a=candidate":
            candidates += 1
    if bool(fragment) != bool(password):
        raise SdpError("a=ice-ufrag and a=ice-pwd come together")
    if fragment and not (4 <= len(fragment) <= 256 and 22 <= len(password) <= 256):
        raise SdpError("ICE credentials of a wrong length")
    return Fragment(IceCredentials(fragment, password) if fragment else None, candidates)


def build_fragment(ice: IceCredentials, candidates: list[str], mid: str) -> str:
    """Our side of a restart: new credentials and all candidates."""
    lines = [
        "a=ice-lite",
        f"a=ice-ufrag:{ice.fragment}",
        f"a=ice-pwd:{ice.password}",
        "m=video 9 UDP/TLS/RTP/SAVPF 0",
        f"a=mid:{mid}",
        *(f"a=candidate:{candidate}" for candidate in candidates),
        "a=end-of-candidates",
    ]
    return "\r\n".join(lines) + "\r\n"
