"""STUN messages as bytes in and bytes out (RFC 8489), as much of them as ICE needs (RFC 8445).

Knows the wire format, MESSAGE-INTEGRITY and FINGERPRINT. Must never know sockets, sessions or
time: who asks, and whether the answer is sent, is decided in `port.py`.
"""

from __future__ import annotations

import functools
import hmac
import ipaddress
import struct
import zlib
from typing import Final, NamedTuple

COOKIE: Final = 0x2112A442
HEADER_BYTES: Final = 20
BINDING_REQUEST: Final = 0x0001
BINDING_INDICATION: Final = 0x0011
BINDING_SUCCESS: Final = 0x0101
BINDING_ERROR: Final = 0x0111
SUCCESS_BYTES: Final = BINDING_SUCCESS.to_bytes(2, "big")

USERNAME: Final = 0x0006
MESSAGE_INTEGRITY: Final = 0x0008
ERROR_CODE: Final = 0x0009
UNKNOWN_ATTRIBUTES: Final = 0x000A
XOR_MAPPED_ADDRESS: Final = 0x0020
PRIORITY: Final = 0x0024
USE_CANDIDATE: Final = 0x0025
SOFTWARE: Final = 0x8022
FINGERPRINT: Final = 0x8028
ICE_CONTROLLED: Final = 0x8029
ICE_CONTROLLING: Final = 0x802A

_UNDERSTOOD: Final = {USERNAME, MESSAGE_INTEGRITY, PRIORITY, USE_CANDIDATE, XOR_MAPPED_ADDRESS, ERROR_CODE}
SOFTWARE_BYTES_MAX: Final = 763
_FILLING: Final = 0x20  # a space
_CHECK_BYTES: Final = HEADER_BYTES + 4 + 8 + 12 + 4 + 24 + 8  # of a controlled agent, but for the user's name
_FIRST_OPTIONAL: Final = 0x8000  # RFC 8489 section 14: below it an attribute must be understood
_FINGERPRINT_XOR: Final = 0x5354554E
_ATTRIBUTES_MAX: Final = 32  # a check carries six; a longer list is somebody playing

_HEADER: Final = struct.Struct("!HHI12s")
_ATTRIBUTE: Final = struct.Struct("!HH")

Address = tuple[str, int]


class StunError(ValueError):
    """The bytes are not a STUN message; the remote side is to blame."""


class StunMessage(NamedTuple):
    """A parsed message. `covered` is what MESSAGE-INTEGRITY signs, with its length field set."""

    kind: int
    transaction: bytes
    attributes: dict[int, bytes]
    covered: bytes = b""

    @property
    def unknown(self) -> tuple[int, ...]:
        """Attributes that must be understood and are not (RFC 8489 section 6.3.1)."""
        return tuple(a for a in self.attributes if a < _FIRST_OPTIONAL and a not in _UNDERSTOOD)


def looks_like_stun(data: bytes) -> bool:
    """Whether a datagram is STUN by its first bytes (RFC 7983, RFC 8489 section 5)."""
    return (
        len(data) >= HEADER_BYTES
        and data[0] < 4
        and int.from_bytes(data[4:8], "big") == COOKIE
        and len(data) == HEADER_BYTES + int.from_bytes(data[2:4], "big")
    )


def local_fragment(data: bytes) -> str | None:
    """The receiver's half of USERNAME, or None; reads no attribute behind it (RFC 8445 section 7.2.2)."""
    at = HEADER_BYTES
    for _ in range(_ATTRIBUTES_MAX):
        if at + 4 > len(data):
            return None
        kind, size = _ATTRIBUTE.unpack_from(data, at)
        if kind == USERNAME:
            local, colon, _ = data[at + 4 : at + 4 + size].partition(b":")
            return local.decode("ascii", "replace") if colon else None
        at += 4 + size + (-size % 4)
    return None


def parse(data: bytes) -> StunMessage:
    """Read a message whose FINGERPRINT, if any, is right. Raises StunError."""
    if not looks_like_stun(data) or len(data) % 4:
        raise StunError("not a STUN message")
    kind, _, _, transaction = _HEADER.unpack_from(data)
    attributes: dict[int, bytes] = {}
    covered = b""
    at = HEADER_BYTES
    for _ in range(_ATTRIBUTES_MAX):
        if at == len(data):
            return StunMessage(kind, transaction, attributes, covered)
        name, size = _ATTRIBUTE.unpack_from(data, at)
        value = data[at + 4 : at + 4 + size]
        if len(value) < size:
            raise StunError("an attribute is longer than the message")
        if name == FINGERPRINT:
            _check_fingerprint(data, at, value)
        elif not covered:  # behind MESSAGE-INTEGRITY only FINGERPRINT counts (section 14.5)
            if name == MESSAGE_INTEGRITY:
                covered = _with_length(data[:at], at + 24)
            attributes.setdefault(name, value)
        at += 4 + size + (-size % 4)
    raise StunError("too many attributes")


def integrity_holds(message: StunMessage, password: bytes) -> bool:
    """Whether MESSAGE-INTEGRITY was made with this password (RFC 8489 section 14.5)."""
    signature = message.attributes.get(MESSAGE_INTEGRITY, b"")
    return bool(message.covered) and hmac.compare_digest(
        signature, hmac.digest(password, message.covered, "sha1")
    )


def binding_success(transaction: bytes, seen_from: Address, password: bytes) -> bytes:
    """The answer to a good check: the address it was seen from, signed."""
    return _signed(
        BINDING_SUCCESS, transaction, [(XOR_MAPPED_ADDRESS, _xor_address(seen_from, transaction))], password
    )


def binding_error(
    transaction: bytes, code: int, reason: str, password: bytes, unknown: tuple[int, ...] = ()
) -> bytes:
    """An error answer, signed; `unknown` lists attributes for code 420."""
    attributes = [(ERROR_CODE, struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode())]
    if unknown:
        attributes.append((UNKNOWN_ATTRIBUTES, struct.pack(f"!{len(unknown)}H", *unknown)))
    return _signed(BINDING_ERROR, transaction, attributes, password)


def binding_request(
    transaction: bytes,
    username: str,
    password: bytes,
    *,
    priority: int = 0x6E7F1EFF,
    controlling: int | None = None,
    controlled: int | None = None,
    nominate: bool = False,
    size_bytes: int = 0,
) -> bytes:
    """A connectivity check (RFC 8445 section 7.1.1), as a full agent sends it; filled up to `size_bytes` by
    SOFTWARE, which is nobody's concern (RFC 8489 section 14.14)."""
    attributes = [(USERNAME, username.encode()), (PRIORITY, struct.pack("!I", priority))]
    if controlling is not None:
        attributes.append((ICE_CONTROLLING, struct.pack("!Q", controlling)))
    if controlled is not None:
        attributes.append((ICE_CONTROLLED, struct.pack("!Q", controlled)))
    filling = size_bytes - _CHECK_BYTES - len(username)
    if filling > 0:
        attributes.append((SOFTWARE, bytes([_FILLING]) * min(SOFTWARE_BYTES_MAX, filling)))
    if nominate:
        attributes.append((USE_CANDIDATE, b""))
    return _signed(BINDING_REQUEST, transaction, attributes, password)


def mapped_address(message: StunMessage) -> Address:
    """XOR-MAPPED-ADDRESS of a success answer. Raises StunError when there is none."""
    value = message.attributes.get(XOR_MAPPED_ADDRESS, b"")
    if len(value) not in (8, 20):
        raise StunError("no mapped address")
    mask = struct.pack("!I", COOKIE) + message.transaction
    port = int.from_bytes(value[2:4], "big") ^ (COOKIE >> 16)
    octets = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
    return str(ipaddress.ip_address(octets)), port


@functools.lru_cache(maxsize=4096)
def packed(host: str) -> bytes:
    """The 4 or 16 bytes of an address as text."""
    return ipaddress.ip_address(host.partition("%")[0]).packed


def _xor_address(address: Address, transaction: bytes) -> bytes:
    octets = packed(address[0])
    mask = (struct.pack("!I", COOKIE) + transaction)[: len(octets)]
    masked = int.from_bytes(octets, "big") ^ int.from_bytes(mask, "big")
    family = 1 if len(octets) == 4 else 2
    return struct.pack("!BBH", 0, family, address[1] ^ (COOKIE >> 16)) + masked.to_bytes(len(octets), "big")


def _with_length(data: bytes, total_bytes: int) -> bytes:
    return data[:2] + struct.pack("!H", total_bytes - HEADER_BYTES) + data[4:]


def _check_fingerprint(data: bytes, at: int, value: bytes) -> None:
    expected = zlib.crc32(data[:at]) ^ _FINGERPRINT_XOR
    if at + 8 != len(data) or value != struct.pack("!I", expected):
        raise StunError("wrong fingerprint")


def _signed(kind: int, transaction: bytes, attributes: list[tuple[int, bytes]], password: bytes) -> bytes:
    body = b"".join(
        _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4) for name, value in attributes
    )
    unsigned = _HEADER.pack(kind, len(body) + 24, COOKIE, transaction) + body
    signed = unsigned + _ATTRIBUTE.pack(MESSAGE_INTEGRITY, 20) + hmac.digest(password, unsigned, "sha1")
    whole = _with_length(signed, len(signed) + 8)
    return whole + _ATTRIBUTE.pack(FINGERPRINT, 4) + struct.pack("!I", zlib.crc32(whole) ^ _FINGERPRINT_XOR)
