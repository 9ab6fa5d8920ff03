"""Every target of the fuzzer by name: takes bytes, returns nothing, raises when a promise was broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from . import door, media, words

CORPUS: Final = Path(__file__).parent / "corpus"
TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "stun": door.stun_checks,
    "dtls": door.dtls_records,
    "tcp": door.tcp_frames,
    "rtp": media.packets,
    "rtcp": media.feedback,
    "sdp": words.offers,
    "fragment": words.fragments,
}


def inputs(target: str) -> list[Path]:
    """The inputs that are kept for a target."""
    return sorted((CORPUS / target).iterdir())
