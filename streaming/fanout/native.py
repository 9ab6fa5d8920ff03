"""The fast twin as a `Sender`: finds the crypto, tests it, and translates to and from C."""

from __future__ import annotations

import functools
import socket
from typing import Final, TypeAlias

from pylibsrtp import _binding

from . import _native
from .cipher import protection
from .interface import Profile, Totals, TrackCounts, ViewerCounts
from .keys import SALT_BYTES, SessionKeys
from .layout import Block, Layout
from .sender import Arrival, CryptoUnfit, Stream

INTERFACE: Final = 4  # of _native.c; raised with every change of what passes between C and Python
if getattr(_native, "interface", 0) != INTERFACE:  # built before this file was changed
    raise ImportError("the compiled part is of another version: `make setup` builds it anew")

_Block: TypeAlias = tuple[bytes, int, int]
# By name: asking the system which it has would start a compiler or ldconfig on the loop.
SYSTEM_LIBRARIES: Final = ("libcrypto.so.3", "libcrypto.3.dylib")
GCM: Final[Profile] = "SRTP_AEAD_AES_128_GCM"


@functools.cache
def load_crypto() -> str:
    """Load the first OpenSSL that passes the self-test; its name. Raises CryptoUnfit.

    pylibsrtp's own binary carries one, so that a system library is only the second choice.
    """
    candidates = {name: name for name in SYSTEM_LIBRARIES}
    candidates = {"pylibsrtp": _binding.__file__, **candidates}
    reasons = []
    for name, path in candidates.items():
        try:
            version = _native.load_crypto(path)
        except OSError as unfit:
            reasons.append(f"{name}: {unfit}")
            continue
        if encrypts_rightly():
            return f"{' '.join(version.split()[:2])} of {name}"
        reasons.append(f"{name}: wrong bytes")
    raise CryptoUnfit("; ".join(reasons))


def encrypts_rightly() -> bool:
    """The loaded crypto and the readable twin make the same bytes, in both profiles and protocols."""
    return all(_same_bytes(profile) for profile in SALT_BYTES)


def _same_bytes(profile: Profile) -> bool:
    keys = SessionKeys(
        key=bytes(range(16)),
        salt=bytes(range(100, 100 + SALT_BYTES[profile])),
        auth=b"" if profile == GCM else bytes(range(50, 70)),
    )
    readable = protection(profile, keys, keys)
    header, body, index = b"\x80\x60\x12\x34" + bytes(range(8)), bytes(range(250)), 0x0001_2345_1234
    fast_rtp = _native.protect(profile == GCM, _secrets(keys), header + body, len(header), index)
    fast_rtcp = _native.protect(profile == GCM, _secrets(keys), header + body, 0, 77)
    ssrc = int.from_bytes(header[8:12], "big")
    return (fast_rtp, fast_rtcp) == (
        readable.rtp(header, body, ssrc, index),
        readable.rtcp(header + body, 77),
    )


class NativeSender:
    """See `Sender` and, for what each post means, `Fanout`."""

    def __init__(self, sock: socket.socket, gso: bool, seats: int, sources: int) -> None:
        """Raises CryptoUnfit."""
        crypto = load_crypto()
        fast = _native.Sender(sock.fileno(), sock.family, seats, sources, gso)
        self._fast = fast
        call = "sendmmsg" if _native.has_sendmmsg else "sendmsg"
        self.path = f"native, {crypto}, {call}" + (" with GSO" if gso else "")
        # These need no translation: the loop calls C directly.
        self.open_source, self.close_source = fast.open_source, fast.close_source
        self.leave, self.move = fast.leave, fast.move
        self.segment, self.pause = fast.segment, fast.pause
        self.forward, self.resend = fast.forward, fast.resend
        self.rtcp, self.report = fast.rtcp, fast.report
        self.freeze, self.hold = fast.freeze, fast.hold
        self.drain, self.close = fast.drain, fast.close

    def join(self, viewer: int, arrival: Arrival) -> bool:
        video, audio = arrival.streams
        gcm = arrival.profile == GCM
        return self._fast.join(
            viewer,
            arrival.address,
            gcm,
            _secrets(arrival.rtp),
            _secrets(arrival.rtcp),
            arrival.cname,
            _track(video),
            _track(audio),
        )

    def extend(self, viewer: int, kind: int, layout: Layout) -> bool:
        return self._fast.extend(viewer, kind, _block(layout.plain), _block(layout.capture))

    def counts(self, viewer: int) -> ViewerCounts:
        numbers = self._fast.counts(viewer)
        video, audio, resent = (TrackCounts(*numbers[i : i + 2]) for i in (0, 2, 4))
        return ViewerCounts(video, audio, resent, *numbers[6:])

    def totals(self) -> Totals:
        return Totals(*self._fast.totals())


def _secrets(keys: SessionKeys) -> tuple[bytes, bytes, bytes]:
    return keys.key, keys.salt, keys.auth


def _track(stream: Stream | None) -> tuple[int, int, int, int, int, _Block, _Block] | None:
    if stream is None:
        return None
    return (
        stream.ssrc,
        stream.payload_type,
        stream.rtx_ssrc,
        stream.rtx_payload_type,
        stream.first_rtx_sequence,
        _block(stream.layout.plain),
        _block(stream.layout.capture),
    )


def _block(block: Block) -> _Block:
    return block.octets, block.send_time_at, block.capture_time_at


def open_ear(sock: socket.socket) -> _native.Ear:
    """The fast reader of a socket. Raises CryptoUnfit."""
    load_crypto()  # it signs answers to checks
    return _native.Ear(
        sock.fileno(), sock.family, _function("srtp_unprotect"), _function("srtp_unprotect_rtcp")
    )


def _function(name: str) -> int:
    """Where a function of libsrtp lies, that C calls with the peers' own states."""
    return int(_binding.ffi.cast("uintptr_t", _binding.ffi.addressof(_binding.lib, name)))
