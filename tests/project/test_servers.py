"""The servers that every other test stands on."""

import asyncio
import time

import pytest
from blockbuster import BlockingError

from tests.servers import Server


def test_a_server_keeps_what_it_acknowledged_when_it_is_killed(own_server: Server) -> None:
    assert own_server.command("XADD", "log", "1-0", "k", "v").startswith(b"$3")
    own_server.kill()
    own_server.start()
    assert own_server.command("XLEN", "log") == b":1\r\n"


def test_each_test_finds_an_empty_server(server: Server) -> None:
    assert server.command("DBSIZE") == b":0\r\n"
    assert server.command("CONFIG", "GET", "appendfsync").endswith(b"always\r\n")
    server.command("SET", "left", "behind")


async def test_blocking_the_loop_from_our_own_code_is_caught(tmp_path: object) -> None:
    """Code that claims to be in a package of ours sleeps; the guard names the call."""
    import streaming

    place = f"{streaming.__path__[0]}/pretended.py"
    scope: dict[str, object] = {"time": time}
    exec(compile("def nap():\n    time.sleep(0.001)\n", place, "exec"), scope)
    with pytest.raises(BlockingError, match=r"time\.sleep"):
        scope["nap"]()  # type: ignore[operator]  # made by exec
    await asyncio.sleep(0)
