"""The sound's repeating forms: made once, for as long as somebody listens."""

from __future__ import annotations

from streaming.domain.redundancy import Block, unwrap
from streaming.domain.timeline import AUDIO_HZ, Line
from streaming.fanout import Packet
from streaming.relay.sound import Form, Sound
from tests.streaming.fakes import NotedFanout


def sound(fanout: NotedFanout) -> Sound:
    made = Sound(fanout)
    made.cut((1, 0), 0, Line(AUDIO_HZ, 0))
    return made


def play(made: Sound, *sequences: int) -> None:
    for n in sequences:
        made.number(n)
        made.put([Packet(n, n * 960, False, b"%d" % n)], False, 0.0)


def test_all_forms_have_the_same_numbers_and_times() -> None:
    made = sound(NotedFanout())
    twice, bare = made.listen(Form(111, 2)), made.listen(Form(109, 0))
    play(made, 0, 1, 2)
    leaving = dict(made.leaving())
    assert set(leaving) == {made.source, twice, bare}
    assert len({tuple((p.sequence, p.timestamp) for p in packets) for packets in leaving.values()}) == 1
    assert [p.payload for p in leaving[made.source]] == [b"0", b"1", b"2"]
    assert [unwrap(p.payload, 109) for p in leaving[bare]] == [[Block(0, b"%d" % n)] for n in range(3)]
    assert unwrap(leaving[twice][2].payload, 111) == [Block(1920, b"0"), Block(960, b"1"), Block(0, b"2")]


def test_what_is_not_there_is_not_repeated_and_a_late_packet_is() -> None:
    made = sound(NotedFanout())
    twice = made.listen(Form(111, 2))
    play(made, 0, 2)
    assert unwrap(dict(made.leaving())[twice][1].payload, 111) == [Block(1920, b"0"), Block(0, b"2")]
    play(made, 1, 3)
    late, after = dict(made.leaving())[twice]
    assert unwrap(late.payload, 111) == [Block(960, b"0"), Block(0, b"1")]
    assert unwrap(after.payload, 111) == [Block(1920, b"1"), Block(960, b"2"), Block(0, b"3")]


def test_a_form_that_nobody_takes_is_not_made() -> None:
    fanout = NotedFanout()
    made = sound(fanout)
    one, other = made.listen(Form(111, 2)), made.listen(Form(111, 2))
    assert one == other
    made.leave(Form(111, 2))
    assert made.sources == (made.source, one)
    made.leave(Form(111, 2))
    assert made.sources == (made.source,)
    assert set(fanout.forwarded) == {made.source}


def test_who_leaves_after_the_end_disturbs_nobody() -> None:
    fanout = NotedFanout()
    made = sound(fanout)
    made.listen(Form(111, 0))
    made.close(fanout)
    made.leave(Form(111, 0))
    assert fanout.forwarded == {}
