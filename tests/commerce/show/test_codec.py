"""In what a show's picture is sent: chosen with its opening, and said to the relays."""

from __future__ import annotations

import json

import pytest

from commerce.live.stage import same_picture, stage_of
from commerce.show import commands as c
from commerce.show import events as e
from commerce.show.freeze import freeze, thaw
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import TITLE


def opened(**options: str) -> DeskInHand:
    desk = DeskInHand("show-1")
    desk.ask(c.OpenShow(TITLE, "CNY", 300, "merchant-1", **options), "host")  # type: ignore[arg-type]  # any text
    return desk


def test_the_usual_codec_is_not_worth_an_event_and_keeps_the_prints_of_old_commands() -> None:
    desk = opened()
    assert [type(event) for commit in desk.commits for event in commit.events] == [
        e.ShowOpened,
        e.CommandAccepted,
    ]
    name, body = c.to_wire(c.OpenShow(TITLE, "CNY", 300, "merchant-1"))
    assert "codec" not in body
    assert c.from_wire(name, body) == c.OpenShow(TITLE, "CNY", 300, "merchant-1", codec="H264")


@pytest.mark.parametrize("codec", ["VP8", "VP9", "AV1"])
def test_another_codec_is_chosen_once_and_stands_on_the_stage(codec: str) -> None:
    desk = opened(codec=codec)
    assert e.CodecChosen(codec) in desk.commits[0].events  # type: ignore[arg-type]  # one of them
    desk.ask(c.PutOnAir("studio-1"), "host")
    stage = stage_of(desk.state)
    assert stage.codec == codec
    usual = opened()
    usual.ask(c.PutOnAir("studio-1"), "host")
    assert not same_picture(stage, stage_of(usual.state))


def test_a_codec_that_nobody_knows_is_malformed() -> None:
    with pytest.raises(c.Malformed, match=r"OpenShow\.codec"):
        c.from_wire(
            "OpenShow",
            {"title": TITLE, "currency": "CNY", "hold_seconds": 1, "merchant": "m", "codec": "H265"},
        )


def test_a_snapshot_keeps_the_choice_and_one_of_before_it_is_good() -> None:
    plain = json.loads(json.dumps(freeze(opened(codec="VP9").state)))
    assert thaw(plain).codec == "VP9"
    del plain["codec"]
    assert thaw(plain).codec == "H264"
