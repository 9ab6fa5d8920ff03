"""What the relay and the shop say to each other, and nothing else. Stdlib only.

The relay knows packets and time; the shop knows money and promises. Between them pass
*facts* (what happened to a show's picture, a stream) and the *stage* (the picture the shop
wants, a desired state that may be read at any time). Both travel as msgpack maps made by
`to_wire` and read by `from_wire`. Unknown fields are ignored, so either side may be newer.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, Literal, NewType, TypeAlias

ShowId = NewType("ShowId", str)
StudioId = NewType("StudioId", str)
RelayId = NewType("RelayId", str)

# A moment of a program in ticks of 90 kHz since it went on air (`Stage.since_ms`; without one since its
# first frame), not wrapped. The video of every
# viewer carries it mod 2**32 as RTP timestamp (RFC 3550 section 5.1); sound carries the same
# moment at 48 kHz. A browser sees only the low 32 bits, so a pin carries those.
ProgramTime = NewType("ProgramTime", int)
PROGRAM_TIME_HZ: Final = 90_000
RTP_TIMESTAMP_MODULUS: Final = 1 << 32

FACTS_KEY: Final = "relay:facts"  # stream, one entry a fact, field `fact`; capped by the relay
RELAYS_KEY: Final = "relay:registry"  # hash relay id -> RelayEntry, refreshed every second
PAIRINGS_KEY: Final = "relay:pairings"  # hash studio id -> generation; a token of an older one is void
STAGE_WISHES_KEY: Final = "relay:stages"  # stream of show ids whose stage changed: a hint, capped

CODECS: Final = ("H264", "VP8", "VP9", "AV1")
Codec: TypeAlias = Literal["H264", "VP8", "VP9", "AV1"]


def stage_key(show: ShowId) -> str:
    """The Redis key of a show's stage (a msgpack map); the braces are the Cluster hash tag."""
    return f"{{{show}}}:stage"


# -- the stage: shop -> relay ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """What the picture shows of a pin: finished text, never an offer or an amount."""

    text: str
    price_text: str
    image: str | None = None
    until_ms: int | None = None  # countdown, Unix time in ms


@dataclass(frozen=True, slots=True)
class Stage:
    """The picture a show wants. `studio` is the feed on air; None is the slate.

    `on_air` False means no viewer is admitted (409 with Retry-After). `version` is the log
    version that wished it: a relay ignores an older one. `since_ms`: when the show went on air (Unix
    time in ms), program time 0 on every relay, also on one that comes later; 0 means unknown.
    """

    show: ShowId
    version: int
    on_air: bool
    studio: StudioId | None
    codec: Codec = "H264"
    cards: tuple[Card, ...] = ()
    since_ms: int = 0


# -- facts: relay -> shop ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProgramStarted:
    """The first keyframe of a show's program left this relay."""

    show: ShowId
    relay: RelayId
    studio: StudioId
    at_ms: int  # Unix time in ms


@dataclass(frozen=True, slots=True)
class ProgramCut:
    """The program changed its feed at a keyframe; studio None is the slate."""

    show: ShowId
    relay: RelayId
    studio: StudioId | None
    program_time: ProgramTime
    at_ms: int


@dataclass(frozen=True, slots=True)
class ProgramEnded:
    """The stage went off air and the program was taken down."""

    show: ShowId
    relay: RelayId
    at_ms: int


@dataclass(frozen=True, slots=True)
class AudienceCounted:
    """How many viewers of the show this relay has now; said at most once a second, when it changes."""

    show: ShowId
    relay: RelayId
    viewers: int
    at_ms: int


Fact: TypeAlias = ProgramStarted | ProgramCut | ProgramEnded | AudienceCounted


@dataclass(frozen=True, slots=True)
class RelayEntry:
    """A live relay in the registry. An entry older than three seconds is a dead relay."""

    relay: RelayId
    url: str  # base URL of its HTTP side, as a browser reaches it
    seen_ms: int
    viewers: int
    load: float  # busiest core's share, 0..1
    shows: tuple[ShowId, ...] = ()
    draining: bool = False
    studios: tuple[StudioId, ...] = ()  # that publish to this relay itself: others pull them from here
    pulled: tuple[StudioId, ...] = ()  # from where they publish: for those who cannot reach that one


# -- tokens: signed by the shop (Ed25519, JWT with `kid`), checked by relays ----------------------

TOKEN_ALGORITHM: Final = "EdDSA"
TOKEN_ISSUER: Final = "silkcast"
TOKEN_AUDIENCE: Final = "relay"
Role: TypeAlias = Literal["publish", "view", "relay", "operate"]


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a bearer token allows: `publish` names a studio, `view` a show; `relay` may pull any show."""

    role: Role
    subject: str  # the viewer, studio or relay that it was made for
    expires_s: int  # Unix time in seconds (`exp`)
    show: ShowId | None = None
    studio: StudioId | None = None
    generation: int = 0  # of the studio's pairing; raised to revoke

    def to_jwt(self) -> dict[str, Any]:
        """The JWT payload: `iss`, `aud`, `sub`, `exp`, `role`, `show`, `studio`, `gen`."""
        claims: dict[str, Any] = {
            "iss": TOKEN_ISSUER,
            "aud": TOKEN_AUDIENCE,
            "sub": self.subject,
            "exp": self.expires_s,
            "role": self.role,
            "gen": self.generation,
        }
        if self.show is not None:
            claims["show"] = self.show
        if self.studio is not None:
            claims["studio"] = self.studio
        return claims

    @classmethod
    def from_jwt(cls, claims: dict[str, Any]) -> TokenClaims:
        """Read a verified payload. Raises ValueError when a field is missing or of the wrong kind."""
        try:
            role, subject, expires = claims["role"], claims["sub"], claims["exp"]
        except KeyError as missing:
            raise ValueError(f"token lacks {missing}") from None
        if role not in ("publish", "view", "relay", "operate") or not isinstance(expires, int):
            raise ValueError("token has an unknown role or expiry")
        show, studio, generation = claims.get("show"), claims.get("studio"), claims.get("gen", 0)
        if not isinstance(generation, int) or not all(
            x is None or isinstance(x, str) for x in (show, studio)
        ):
            raise ValueError("token has a field of the wrong kind")
        return cls(
            role=role,
            subject=str(subject),
            expires_s=expires,
            show=None if show is None else ShowId(show),
            studio=None if studio is None else StudioId(studio),
            generation=generation,
        )


# -- the wire ------------------------------------------------------------------------------------

_KINDS: Final[dict[str, type]] = {
    kind.__name__: kind
    for kind in (Stage, RelayEntry, ProgramStarted, ProgramCut, ProgramEnded, AudienceCounted)
}
Message: TypeAlias = Stage | RelayEntry | Fact


def to_wire(message: Message) -> dict[str, Any]:
    """A map of plain values for msgpack; `kind` names the message."""
    return {"kind": type(message).__name__, **dataclasses.asdict(message)}


def from_wire(wire: object) -> Message:
    """Read a map made by `to_wire`. Raises ValueError when it is none."""
    if not isinstance(wire, dict) or not isinstance(wire.get("kind"), str) or wire["kind"] not in _KINDS:
        raise ValueError("not a message of the contract")
    kind = _KINDS[wire["kind"]]
    known = {field.name for field in dataclasses.fields(kind)}
    values = {name: value for name, value in wire.items() if name in known}
    try:
        if kind is Stage:
            values["cards"] = tuple(Card(**card) for card in values.get("cards", ()))
        if kind is RelayEntry:
            values["shows"] = tuple(values.get("shows", ()))
            values["studios"] = tuple(values.get("studios", ()))
            values["pulled"] = tuple(values.get("pulled", ()))
        message: Message = kind(**values)
    except TypeError as wrong:
        raise ValueError(f"not a {wire['kind']}: {wrong}") from None
    return message
