"""The members of aiortc and aioice that are not public and that the studio stands on."""

import pytest

from studio_agent.session import members_used


@pytest.mark.parametrize("place", sorted(members_used()))
def test_the_members_that_the_studio_uses_are_there(place: str) -> None:
    owner, names = members_used()[place]
    assert [name for name in names if not callable(getattr(owner, name, None))] == []
