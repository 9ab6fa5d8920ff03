"""The contract between relay and shop, held to its wire form."""

import msgpack
import pytest

from commerce.show.language import CODECS
from streaming import contract
from streaming.contract import (
    AudienceCounted,
    Card,
    ProgramCut,
    ProgramTime,
    RelayEntry,
    RelayId,
    ShowId,
    Stage,
    StudioId,
    TokenClaims,
)

SHOW, RELAY, STUDIO = ShowId("sh-1"), RelayId("r1"), StudioId("st-1")
MESSAGES = [
    Stage(SHOW, 7, True, STUDIO, "H264", (Card("Мёд", "¥ 88.00", "/img/honey.svg"),)),
    ProgramCut(SHOW, RELAY, None, ProgramTime(2**33), 1_700_000_000_000),
    AudienceCounted(SHOW, RELAY, 12, 1_700_000_000_000),
    RelayEntry(RELAY, "http://127.0.0.1:8081", 5, 2, 0.25, (SHOW,)),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_message_survives_the_wire(message: contract.Message) -> None:
    assert contract.from_wire(msgpack.unpackb(msgpack.packb(contract.to_wire(message)))) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_newer_side_may_add_fields(message: contract.Message) -> None:
    assert contract.from_wire({**contract.to_wire(message), "added_later": 1}) == message


@pytest.mark.parametrize("wire", [None, 3, {}, {"kind": "Nothing"}, {"kind": ["Stage"]}, {"kind": "Stage"}])
def test_anything_else_is_refused(wire: object) -> None:
    with pytest.raises(ValueError, match="not a"):
        contract.from_wire(wire)


def test_golden_bytes_of_a_stage() -> None:
    stage = Stage(SHOW, 1, True, STUDIO)
    assert msgpack.packb(contract.to_wire(stage)).hex() == (
        "88a46b696e64a55374616765a473686f77a473682d31a776657273696f6e01a66f6e5f616972c3"
        "a673747564696fa473742d31a5636f646563a448323634a5636172647390"
        "a873696e63655f6d7300"
    )


def test_a_show_can_choose_what_a_relay_can_send() -> None:
    assert CODECS == contract.CODECS


def test_token_claims_survive_a_jwt() -> None:
    claims = TokenClaims("publish", "st-1", 1_900_000_000, studio=STUDIO, generation=3)
    assert TokenClaims.from_jwt(claims.to_jwt()) == claims


@pytest.mark.parametrize(
    "broken", [{}, {"role": "root", "sub": "x", "exp": 1}, {"role": "view", "sub": "x", "exp": "1"}]
)
def test_odd_claims_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="token"):
        TokenClaims.from_jwt(broken)
