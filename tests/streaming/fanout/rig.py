"""A sender on loopback and sinks that decrypt with libsrtp, as a player would."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field, replace
from itertools import count

from pylibsrtp import Policy, Session

from streaming.fanout.front import Front
from streaming.fanout.interface import Keys, Packet, Profile, Resend, Seat, SourceId, Track, ViewerId
from streaming.fanout.opening import make_sender

PROFILES: tuple[Profile, ...] = ("SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80")
GCM, CM = PROFILES
VIDEO = Track(
    ssrc=0x11111111,
    payload_type=108,
    rtx_ssrc=0x22222222,
    rtx_payload_type=109,
    first_rtx_sequence=700,
    abs_send_time_id=2,
    abs_capture_time_id=14,
)
AUDIO = Track(ssrc=0x33333333, payload_type=111, abs_send_time_id=2)
ANSWERS = {GCM: Policy.SRTP_PROFILE_AEAD_AES_128_GCM, CM: Policy.SRTP_PROFILE_AES128_CM_SHA1_80}
SALTS = {GCM: 12, CM: 14}
NOBODY = ViewerId(0)
_fresh = count(1)


def fresh_keys(profile: Profile = GCM, seed: int | None = None) -> Keys:
    """Keys that no test used before, or those of a seed."""
    octets = (next(_fresh) if seed is None else seed).to_bytes(16, "big")
    return Keys(profile, octets, octets[::-1][: SALTS[profile]].ljust(SALTS[profile], b"s"))


def packets(first: int, sizes: list[int], timestamp: int = 3000, marker: bool = True) -> list[Packet]:
    """A frame of a source: payloads of these sizes, each with bytes of its own."""
    last = len(sizes) - 1
    return [
        Packet(first + i, timestamp, marker and i == last, bytes([(first + i) % 251]) * size)
        for i, size in enumerate(sizes)
    ]


@dataclass
class Heard:
    """One decrypted RTP packet."""

    octets: bytes
    sequence: int
    timestamp: int
    ssrc: int
    payload_type: int
    marker: bool
    extensions: dict[int, bytes]
    payload: bytes
    padding: int

    @classmethod
    def read(cls, octets: bytes) -> Heard:
        first, second, sequence, timestamp, ssrc = struct.unpack("!BBHII", octets[:12])
        assert first & 0xCF == 0x80
        extensions, start = read_extensions(octets) if first & 0x10 else ({}, 12)
        padding = octets[-1] if first & 0x20 else 0
        return cls(
            octets, sequence, timestamp, ssrc, second & 0x7F, bool(second & 0x80),
            extensions, octets[start : len(octets) - padding], padding,
        )  # fmt: skip


def read_extensions(octets: bytes) -> tuple[dict[int, bytes], int]:
    """RFC 8285 read by someone who did not write it: ids and values, and where the payload begins."""
    profile, words = struct.unpack("!HH", octets[12:16])
    end, at, found = 16 + 4 * words, 16, {}
    assert profile in (0xBEDE, 0x1000)
    while at < end:
        if octets[at] == 0:
            at += 1
        elif profile == 0xBEDE:
            number, length = octets[at] >> 4, (octets[at] & 15) + 1
            found[number] = octets[at + 1 : at + 1 + length]
            at += 1 + length
        else:
            number, length = octets[at], octets[at + 1]
            found[number] = octets[at + 2 : at + 2 + length]
            at += 2 + length
    assert at == end
    return found, end


@dataclass
class Sink:
    """A viewer's socket with libsrtp behind it."""

    keys: Keys
    socket: socket.socket
    viewer: ViewerId = NOBODY
    raw: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        policy = Policy(
            key=self.keys.master_key + self.keys.master_salt,
            ssrc_type=Policy.SSRC_ANY_INBOUND,
            srtp_profile=ANSWERS[self.keys.profile],
        )
        policy.window_size = 1024
        self.session = Session(policy)

    def datagrams(self) -> list[bytes]:
        """All that has arrived and was not taken yet."""
        taken = []
        while True:
            try:
                taken.append(self.socket.recv(4096))
            except BlockingIOError:
                self.raw += taken
                return taken

    def rtp(self) -> list[Heard]:
        """Decrypted RTP that has arrived."""
        return [Heard.read(self.session.unprotect(d)) for d in self.datagrams() if not 192 <= d[1] <= 223]

    def rtcp(self) -> list[bytes]:
        """Decrypted RTCP that has arrived."""
        return [self.session.unprotect_rtcp(d) for d in self.datagrams() if 192 <= d[1] <= 223]


def sink(keys: Keys | None = None) -> Sink:
    """A sink with a socket on a free port."""
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    ear.bind(("127.0.0.1", 0))
    ear.setblocking(False)
    return Sink(keys or fresh_keys(), ear)


class Rig:
    """A sender of one twin and everything that a test says to it."""

    def __init__(self, twin: str, gso: bool = True, seats: int = 64) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.sender = make_sender(self.socket, prefer=twin, gso=gso, seats=seats)
        assert self.sender.path.startswith(twin), "built from older sources: `make setup` builds it anew"
        self.sender.freeze(1_000_000_000)  # a starved machine makes nothing late
        self.fanout = Front(self.sender, socket.AF_INET, seats)
        self.sinks: list[Sink] = []
        self.video = self.fanout.open_source("video")
        self.audio = self.fanout.open_source("audio")

    def sit(
        self,
        profile: Profile = GCM,
        video: Track | None = VIDEO,
        audio: Track | None = AUDIO,
        *,
        keys: Keys | None = None,
        offset: int | None = 0,
        **seat: object,
    ) -> Sink:
        """A new viewer that follows both sources; with offset None it follows nothing yet."""
        new = sink(keys or fresh_keys(profile))
        self.sinks.append(new)
        address = new.socket.getsockname()
        asked = replace(Seat(address, new.keys, video, audio), **seat)
        new.viewer = self.fanout.join(asked)
        if offset is not None:
            if video:
                self.fanout.segment(new.viewer, self.video, offset)
            if audio:
                self.fanout.segment(new.viewer, self.audio, offset)
        return new

    def show(self, frame: list[Packet], source: SourceId | None = None) -> None:
        """Forward a frame and wait until it left."""
        assert self.fanout.forward(self.video if source is None else source, frame)
        assert self.fanout.drain()

    def resend(self, viewer: ViewerId, lost: list[Resend]) -> bool:
        done = self.fanout.resend(viewer, "video", lost)
        assert self.fanout.drain()
        return done

    def close(self) -> None:
        self.fanout.close()
        self.socket.close()
        for open_sink in self.sinks:
            open_sink.socket.close()
