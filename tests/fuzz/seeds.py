"""Where the corpora began: honest conversations, written down. `python -m tests.fuzz.seeds` writes them.

What a fuzzer found beside them lies in the same folders, and so does every input that broke a promise.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import Callable, Iterator

from aioice import stun as aioice_stun

from streaming.contract import Codec
from streaming.rtc import rtcp, rtp, stun
from streaming.rtc.dtls import Certificate, Dtls
from streaming.rtc.fragments import build_fragment
from streaming.rtc.offers import counter_offer, pull_offer
from streaming.rtc.sdp import IceCredentials
from tests.streaming.offers import offer

from .door import ID, OURS
from .media import AUDIO, KEYFRAME, RTX, SLICE, SSRC, VIDEO
from .spoken import written
from .targets import CORPUS
from .words import CODECS, LOCAL, SSRCS

SIGNED, ENDED = 4, 8  # wishes of a check: signed for the attacker, with a fingerprint


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def checks() -> Iterator[bytes]:
    ours = stun.binding_request(ID, "ours:theirs", OURS.password.encode(), controlling=1, nominate=True)
    wrong = stun.binding_request(ID, "ours:theirs", b"wrong", controlling=1)
    victims = stun.binding_request(ID, "victim:theirs", b"guess", controlling=1)
    theirs = aioice_stun.Message(aioice_stun.Method.BINDING, aioice_stun.Class.REQUEST)
    theirs.attributes["USERNAME"], theirs.attributes["PRIORITY"] = "ours:theirs", 7
    theirs.attributes["ICE-CONTROLLED"] = 9
    theirs.add_message_integrity(OURS.password.encode())
    yield written((0, ours), (1, ours), (0x10, ours), (2, ours))
    yield written((0, wrong), (2, victims), (0, bytes(theirs)))
    yield written(*[(0, wrong)] * 30)
    for name in (stun.PRIORITY, stun.USE_CANDIDATE, stun.ICE_CONTROLLED, stun.ICE_CONTROLLING, 0x31, 0x8022):
        yield written((SIGNED | ENDED, _attribute(name, b"abcd")), (SIGNED | 2, _attribute(name, bytes(8))))
    yield written((SIGNED, b""), (SIGNED | 1, b""), (0xF0 | SIGNED | 2, b""))
    yield written((0, stun.binding_success(ID, ("192.0.2.1", 1), OURS.password.encode())))
    yield written(
        (0, stun.binding_error(ID, 487, "Role Conflict", b"k")), (0, b"\x16\xfe\xfd"), (3, b"\x80\x60")
    )


def records() -> Iterator[bytes]:
    flights = asyncio.run(_flights())
    yield written(*[(0, flight) for flight in flights])
    yield written((1, flights[0]), (0, flights[0]), (0, flights[0]))
    yield written((0, flights[0]), (0, flights[-1]), (0, flights[0][:40]))
    alert = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x01\x00"
    yield written((0, alert), (0, flights[0]), (0, alert), (0, b"\x80\x60" + bytes(30)))
    yield written((0, b"\x14\xfe\xfd" + bytes(8) + b"\x00\x01\x01"), (0, b"\x17\xfe\xfd" + bytes(10)))


async def _flights() -> list[bytes]:
    """What a client sends in a whole handshake."""
    here, there = Certificate.generateCertificate(), Certificate.generateCertificate()
    sent: list[bytes] = []
    pair: dict[str, Dtls] = {}

    async def at_once() -> None: ...

    def from_client(data: bytes) -> None:
        sent.append(data)
        pair["server"].receive(data)

    def from_server(data: bytes) -> None:
        pair["client"].receive(data)

    pair["server"] = Dtls(here, "server", there.fingerprints(), from_server, at_once)
    pair["client"] = Dtls(there, "client", here.fingerprints(), from_client, at_once)
    await asyncio.gather(*(side.handshake() for side in pair.values()))
    for side in pair.values():
        await side.stop()
    return sent


def frames() -> Iterator[bytes]:
    check = stun.binding_request(ID, "ours:theirs", b"secret", controlling=1)

    def framed(*parts: bytes) -> bytes:
        return b"".join(len(part).to_bytes(2, "big") + part for part in parts)

    yield framed(check, b"\x16\xfe\xfd" + bytes(20), b"\x80\x60" + bytes(30))
    yield framed(check, check)[:-3]
    yield framed(check) + b"\x00\x00"
    yield framed(check) + b"\xff\xff" + bytes(30)
    yield framed(b"GET / HTTP/1.1\r\n\r\n")


def media() -> Iterator[bytes]:
    def numbered(sequence: int, timestamp: int, payload: bytes) -> bytes:
        return struct.pack("!HI", sequence, timestamp) + payload

    stamp = {14: bytes(8), 3: b"0"}
    raw = rtp.build(VIDEO, 41, 123_000, SSRC, SLICE, marker=True, extensions=stamp)
    again = rtp.build(RTX, 1, 123_000, 8, b"\x00\x30" + SLICE)
    report = rtcp.sender_report(rtcp.SenderReport(SSRC, 2**63, 126_000, 50, 5000))
    yield written((0, raw), (0, again), (1, report), (0x20, raw), (0, rtp.build(AUDIO, 5, 960, 9, b"opus")))
    yield written(*[(18, numbered(n, n * 3000, SLICE)) for n in (41, 42, 45, 44, 43, 60)])
    yield written(*[(18, numbered(n, n * 3000, KEYFRAME)) for n in (41, 600, 1200, 65_535, 0)])
    yield written(
        (18, numbered(41, 2**32 - 1, SLICE)), (18, numbered(42, 10, SLICE)), (18, numbered(43, 2**31, b""))
    )
    yield written(
        (2 | 8, numbered(1, 960, b"opus")),
        (2 | 8, numbered(2, 1920, b"opus")),
        (2 | 4, numbered(3, 1, b"\x00\x2a" + SLICE)),
    )
    red = b"\xef\x0f\x00\x04\x6fopusopus"  # one packet before, 960 ticks old, and itself
    yield written(*[(2 | 8 | 16, numbered(n, 960 * n, red)) for n in (1, 3, 5, 4)])
    units = bytes([24]) + b"\x00\x03\x67ab\x00\x02\x68c" + bytes(4)
    yield written((18, numbered(41, 123_000, units)), (18, numbered(42, 123_000, b"\x7c\x85" + bytes(9))))
    yield written((18, numbered(41, 123_000, bytes(1450))), (1, rtcp.goodbye([SSRC])))


def compounds() -> Iterator[bytes]:
    block = rtcp.ReportBlock(7, 12, 30, 70_000, 55, 1, 2)
    reported = rtcp.receiver_report(1, [block]) + rtcp.source_description(1, "player")
    ssrc = _viewers_video()
    yield written((0, reported + rtcp.nack(1, ssrc, [2000, 2001, 2005, 2030])), (0x40, reported))
    yield written(*[(0, rtcp.nack(1, ssrc, [2000 + n, 2020 + n])) for n in range(9)])
    yield written(
        (0, rtcp.picture_loss(1, ssrc)), (0, rtcp.remb(1, 1_000_000, [ssrc])), (0, rtcp.goodbye([7]))
    )
    yield written((0, rtcp.remb(1, 2**60, [])), (0xC0, rtcp.nack(1, ssrc, list(range(2000, 2040)))))
    clock = struct.pack("!BBHIBBHQ", 0x80, 207, 4, 5, 4, 0, 2, 2**40)
    yield written((0, clock), (0, clock + clock), (0, reported + clock))
    yield written(*[(1 | kind << 1, bytes([count]) + bytes(27)) for kind in range(8) for count in (1, 4, 15)])


def _viewers_video() -> int:
    from .media import Hall

    return Hall().viewer._ssrcs.video


def texts() -> Iterator[bytes]:
    for direction in ("recvonly", "sendonly", "sendrecv", "inactive"):
        yield offer(direction).encode()
    yield offer("sendonly", setup="passive", sound=False).encode()
    codec: Codec
    for codec in CODECS:  # type: ignore[assignment]  # one of the codecs
        yield pull_offer(LOCAL, codec).encode()
        yield counter_offer(LOCAL, codec, SSRCS).encode()
    layers = "a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n"
    ids = "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    yield offer("sendonly").replace("a=sendonly\r\n", f"{ids}{layers}a=sendonly\r\n", 1).encode()
    groups = "a=ssrc:1 cname:x\r\na=ssrc-group:FID 1 2\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
    yield offer("sendonly").replace("a=sendonly\r\n", f"{groups}a=sendonly\r\n", 1).encode()
    yield offer("recvonly").replace("extmap:2 ", "extmap:14 ").encode()


def patches() -> Iterator[bytes]:
    ice = IceCredentials("abcd", "e" * 24)
    yield build_fragment(ice, ["1 1 udp 1 192.0.2.1 9 typ host"], "0").encode()
    yield b"a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
    yield b"a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n"
    yield b"a=ice-ufrag:half\r\n"


SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "stun": checks,
    "dtls": records,
    "tcp": frames,
    "rtp": media,
    "rtcp": compounds,
    "sdp": texts,
    "fragment": patches,
}


def main() -> None:
    for target, seeds in SEEDS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds():
            (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


if __name__ == "__main__":
    main()
