"""What the relay says to the sender, the one owner of everything that leaves for viewers.

Unit of work is one frame x many viewers: `forward` hands the packets of a source over once, and the
sender rewrites the header for each viewer that follows the source, encrypts and sends. The loop
posts jobs to one bounded queue and is never held; nothing but the sender encrypts RTP or RTCP.
STUN and DTLS replies are not its business: the loop sends them itself on the same socket.

It knows packets, keys and addresses. It must never know a show, a person, a codec or an amount.

Sequence numbers: a source's packets carry an unwrapped `sequence` of the relay's own choice, and a
viewer's own unwrapped sequence is `sequence + offset` of its segment. Its low 16 bits are on the
wire and all of it is the SRTP index (RFC 3711 section 3.3.1), so the roll-over counter follows by
itself. Begin each viewer between 0 and 2**15, so that its player guesses the roll-over right.

The nonce law: one (key, SSRC, index) is encrypted once. A packet whose own sequence was sent
before, or lies more than `REPEAT_WINDOW` behind the newest, is refused and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, NewType, Protocol, TypeAlias

ViewerId = NewType("ViewerId", int)
SourceId = NewType("SourceId", int)
Kind: TypeAlias = Literal["video", "audio"]
# ("192.0.2.1", 4000), or ("2001:db8::1", 4000, flow, scope) on an IPv6 socket, as recvfrom gives it.
Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
# SDP and DTLS spell them so: RFC 7714 section 14.2 and RFC 5764 section 4.1.2.
Profile: TypeAlias = Literal["SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80"]

REPEAT_WINDOW: Final = 1024  # packets behind the newest that may still be sent for the first time
PAYLOAD_LIMIT_BYTES: Final = 1400  # a longer one is refused with ValueError: it would not fit a path
QUEUE_LIMIT_JOBS: Final = 8192  # the last quarter is kept for join, leave, move and segment
QUEUE_LIMIT_BYTES: Final = 64 << 20
LATE_AFTER_MS: Final = 500  # media that waited longer in the queue is dropped: live is live


class FanoutFull(Exception):
    """No seat or no room for a job: the sender is at its limit. The relay answers 503."""


class Packet(NamedTuple):
    """One RTP packet of a source, as every viewer shall get it.

    `timestamp` is program time x clock rate, taken mod 2**32. `capture_time` is the 64-bit NTP
    format of abs-capture-time (UQ32.32) or None; it leaves only where the viewer's id is not 0.
    """

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    capture_time: int | None = None


class Resend(NamedTuple):
    """A packet that a viewer lost: `own_sequence` is what the viewer calls it (only 16 bits leave)."""

    own_sequence: int
    packet: Packet


@dataclass(frozen=True, slots=True)
class Track:
    """How one viewer wants one kind of media: numbers of its own SDP offer and of our answer.

    An extension id of 0 is not sent. `constants` are extensions with a fixed value (mid, playout
    delay), at most 16 bytes each. `rtx_payload_type` None means that the viewer takes no RTX.
    """

    ssrc: int
    payload_type: int
    rtx_ssrc: int = 0
    rtx_payload_type: int | None = None
    first_rtx_sequence: int = 0  # 0 .. 2**15 - 1, random
    abs_send_time_id: int = 0
    abs_capture_time_id: int = 0
    constants: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Our master key (16 bytes) and salt (12 bytes for GCM, 14 for CM) towards one viewer.

    Without a repr: secrets stay out of logs. One pair may join once, ever (the nonce law).
    """

    profile: Profile
    master_key: bytes
    master_salt: bytes


@dataclass(frozen=True, slots=True)
class Seat:
    """All that the sender needs of a viewer. `cname` (RFC 3550 section 6.5.1) is in its reports."""

    address: Address
    keys: Keys
    video: Track | None = None
    audio: Track | None = None
    cname: str = "silkcast"


@dataclass(frozen=True, slots=True)
class TrackCounts:
    """What left on one SSRC so far. `octets` are payload without header and padding (RFC 3550 6.4.1)."""

    packets: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class ViewerCounts:
    """What the sender did for one viewer. Packets dropped were never sent: the viewer may NACK them."""

    video: TrackCounts = TrackCounts()
    audio: TrackCounts = TrackCounts()
    resent: TrackCounts = TrackCounts()  # RTX of both kinds
    rtcp_packets: int = 0
    dropped_packets: int = 0  # the kernel had no room (EAGAIN, ENOBUFS) or no route
    refused_packets: int = 0  # the nonce law
    last_send_ns: int = 0  # monotonic; 0 before the first


@dataclass(frozen=True, slots=True)
class Totals:
    """What the sender did for all viewers since the start; for /status and /metrics."""

    viewers: int
    datagrams: int
    octets: int  # of the datagrams, UDP header not counted
    system_calls: int
    dropped_packets: int
    refused_packets: int
    queue_refusals: int  # jobs of media that found the queue full
    late_jobs: int  # jobs of media that waited longer than LATE_AFTER_MS
    gso_fallbacks: int  # viewers whose path refused UDP_SEGMENT
    queue_peak_jobs: int
    busy_ns: int  # time spent on jobs


class Fanout(Protocol):
    """The sender. All methods are for the loop's thread and return at once.

    Jobs are done in the order in which they were posted: whatever is said to a viewer after
    `join` finds it joined, and nothing leaves for it after `leave` was handled.
    """

    @property
    def path(self) -> str:
        """The way in use, one line for /status: twin, crypto library, system call."""

    def open_source(self, kind: Kind) -> SourceId:
        """A new source: one rendition of one program. Raises FanoutFull."""

    def close_source(self, source: SourceId) -> None:
        """Forget a source; its viewers follow nothing of that kind until their next segment."""

    def join(self, seat: Seat) -> ViewerId:
        """Seat a viewer. Raises FanoutFull; ValueError for numbers out of range or keys seen before."""

    def leave(self, viewer: ViewerId) -> ViewerCounts:
        """Unseat a viewer and wipe its keys. Its counts so far; jobs already queued still leave."""

    def move(self, viewer: ViewerId, address: Address) -> None:
        """From now on send to another address (NAT rebinding, after an authenticated check)."""

    def segment(self, viewer: ViewerId, source: SourceId, offset: int) -> None:
        """From the next packet on, the viewer follows `source`; own sequence = sequence + offset.

        Called for the first source, for a switch of rendition, and whenever the offset changes.
        """

    def extend(self, viewer: ViewerId, kind: Kind, constants: tuple[tuple[int, bytes], ...]) -> None:
        """From the next packet on, a track's extensions with a fixed value are these (see `Track`).

        Raises ValueError for an id or value that cannot be sent, or where there is no such track.
        """

    def pause(self, viewer: ViewerId, kind: Kind) -> None:
        """The viewer follows no source of that kind until its next segment."""

    def forward(self, source: SourceId, packets: list[Packet], only: ViewerId | None = None) -> bool:
        """Send packets to all followers of the source, or to `only` one of them (the GOP of a joiner).

        Video is gathered until a marker, or for an adaptive window of at most 4 ms; audio leaves at
        once. False: the queue is full and the packets are lost for all (counted).
        """

    def resend(self, viewer: ViewerId, kind: Kind, packets: list[Resend]) -> bool:
        """RTX (RFC 4588 section 4) with the next sequences of the RTX SSRC. The budget is the relay's.

        False: queue full, or the viewer takes no RTX.
        """

    def rtcp(self, viewer: ViewerId, compound: bytes) -> bool:
        """Encrypt a plain compound (8 to 1,400 bytes) as SRTCP and send it. False: the queue is full."""

    def report(self, source: SourceId, ntp_time: int, timestamp: int) -> bool:
        """A sender report with SDES to every follower of the source, with that follower's counts.

        `ntp_time` (64-bit NTP format) and `timestamp` (RTP clock) name the same moment. Once a second.
        """

    def counts(self, viewer: ViewerId) -> ViewerCounts:
        """What was done for a viewer so far. Raises KeyError when it is not seated."""

    def totals(self) -> Totals:
        """What was done for all."""

    def drain(self, timeout_s: float = 5.0) -> bool:
        """Wait until every job posted so far is done (tests, an orderly end). False: it took longer."""

    def close(self) -> None:
        """Do what is queued for at most a second, stop, wipe all keys. The socket stays open."""
