"""Who is seated is counted, never searched."""

from __future__ import annotations

from streaming.relay.figures import Attendance


def test_a_session_is_half_open_until_it_has_keys_or_ends() -> None:
    here = Attendance()
    here.come("a", publishes=True)
    here.come("b", publishes=False)
    here.come("c", publishes=False)
    assert (here.publishers, here.viewers, here.half_open) == (1, 2, 3)
    here.connect("b")
    assert here.half_open == 2
    here.go("c", publishes=False)
    here.go("b", publishes=False)
    here.go("a", publishes=True)
    assert (here.publishers, here.viewers, here.half_open) == (0, 0, 0)
