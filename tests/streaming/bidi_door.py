"""Firefox behind a door for WebDriver BiDi: `bidi_door.py FIREFOX ARGUMENT…`, as if it were Firefox.

Playwright sends `emulation.setMediaFeaturesOverride` for every page and gives up where it is unknown, as
it is to Firefox ESR 153. The door answers it, and hands everything else on unread, both ways.
Its lines on stderr are Firefox's, but for the port.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Final

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

ANSWERED_HERE: Final = "emulation.setMediaFeaturesOverride"
LARGEST_MESSAGE: Final = 64 << 20  # a screenshot
Socket = web.WebSocketResponse | ClientWebSocketResponse
ADDRESS: Final = re.compile(rb"WebDriver BiDi listening on ws://([\d.]+):(\d+)")


async def hand_on(here: Socket, there: Socket) -> None:
    async for message in here:
        if message.type is not WSMsgType.TEXT:
            break
        said = str(message.data)
        if ANSWERED_HERE in said and (command := json.loads(said)).get("method") == ANSWERED_HERE:
            await here.send_json({"type": "success", "id": command["id"], "result": {}})
        else:
            await there.send_str(said)
    await there.close()


def door_to(address: str) -> web.Application:
    """An application that is a WebSocket to what listens there, whatever the path."""

    async def pass_through(request: web.Request) -> web.WebSocketResponse:
        caller = web.WebSocketResponse(max_msg_size=LARGEST_MESSAGE)
        await caller.prepare(request)
        async with (
            ClientSession() as http,
            http.ws_connect(address + request.path, max_msg_size=LARGEST_MESSAGE) as browser,
        ):
            await asyncio.gather(hand_on(caller, browser), hand_on(browser, caller))
        return caller

    app = web.Application()
    app.router.add_get("/{path:.*}", pass_through)
    return app


async def main(program: str, *arguments: str) -> int:
    child = await asyncio.create_subprocess_exec(program, *arguments, stderr=asyncio.subprocess.PIPE)
    assert child.stderr is not None
    runners = []
    async for line in child.stderr:
        said = line
        if found := ADDRESS.search(line):
            runner = web.AppRunner(door_to(f"ws://{found[1].decode()}:{found[2].decode()}"))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            runners.append(runner)
            said = f"WebDriver BiDi listening on ws://127.0.0.1:{runner.addresses[0][1]}\n".encode()
        sys.stderr.buffer.write(said)
        sys.stderr.flush()
    code = await child.wait()
    for runner in runners:
        await runner.cleanup()
    return code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
