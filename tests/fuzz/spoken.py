"""How a fuzzer's bytes become what a peer says: several datagrams, each with a byte of wishes before it."""

from __future__ import annotations

from collections.abc import Iterator

DATAGRAMS_MAX = 48
LENGTH_LIMIT = 1600


def spoken(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(wishes, datagram): one byte, two of length, the datagram; the last may be shorter."""
    at = 0
    for _ in range(DATAGRAMS_MAX):
        if at + 3 > len(data):
            return
        wishes, length = data[at], int.from_bytes(data[at + 1 : at + 3], "big") % LENGTH_LIMIT
        at += 3
        yield wishes, data[at : at + length]
        at += length


def written(*datagrams: tuple[int, bytes]) -> bytes:
    """The other way round, for seeds."""
    return b"".join(bytes([wishes]) + len(said).to_bytes(2, "big") + said for wishes, said in datagrams)
