"""A browser whose network lets nothing through but a TURN server plays, over UDP and over TCP to it."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from commerce.api.turn import read_turn
from tests.end_to_end.player import playing, until_frames
from tests.streaming.house import SHOW, House, open_house, post_offer, publish, until
from tests.streaming.offers import offer

pytestmark = pytest.mark.browser
SECRET = "a-secret-of-this-test-alone"
# As a network that blocks everything else would: no candidate but the TURN server's.
CLOSED = """
const Open = RTCPeerConnection;
globalThis.RTCPeerConnection = class extends Open {
  constructor(settings) { super({ ...settings, iceTransportPolicy: "relay" }); }
};
"""
PAIR = """
async () => {
  const all = [...(await watch.session.peer.getStats()).values()];
  const pair = all.find((each) => each.type === "candidate-pair" && each.nominated);
  const ours = all.find((each) => each.id === pair.localCandidateId);
  return [ours.candidateType, ours.relayProtocol];
}
"""


@pytest.fixture
async def coturn(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[int]:
    """A turnserver of the test's own; its port."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("no turnserver on this machine: make system installs coturn")
    port = free_port()
    settings = tmp_path / "turnserver.conf"
    settings.write_text(
        f"listening-port={port}\nlistening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nrealm=silkcast.test\n"
        f"use-auth-secret\nstatic-auth-secret={SECRET}\nallow-loopback-peers\n"
        f"no-tls\nno-dtls\nno-cli\npidfile={tmp_path / 'pid'}\nuserdb={tmp_path / 'db'}\n"
        f"log-file={tmp_path / 'turn.log'}\nsimple-log\n"
    )
    child = await asyncio.create_subprocess_exec(
        program, "-c", str(settings), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(30):
            while not await answers(port):
                assert child.returncode is None, (tmp_path / "turn.log").read_text()
                await asyncio.sleep(0.05)
        yield port
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def told_by_the_relay(house: House) -> list[dict[str, Any]]:
    """The TURN servers of the Link headers of a session, as a browser takes them."""
    _, _, headers = await post_offer(f"{house.url}/whep/{SHOW}", house.view_token(), offer())
    found = []
    for link in headers.getall("Link"):
        named = re.fullmatch(
            r'<(turn:.+?)>; rel="ice-server"; username="(.+?)"; credential="(.+?)"; .+', link
        )
        if named is not None:
            found.append({"urls": [named[1]], "username": named[2], "credential": named[3]})
    return found


@pytest.mark.parametrize(("transport", "teller"), [("udp", "relay"), ("tcp", "shop")])
async def test_chromium_plays_through_coturn(
    tmp_path: Path, coturn: int, transport: str, teller: str
) -> None:
    secret = tmp_path / "turn.secret"
    await asyncio.to_thread(secret.write_text, f"{SECRET}\n")
    url = f"turn:127.0.0.1:{coturn}?transport={transport}"
    async with open_house(tmp_path, TURN_URLS=url, TURN_SECRET_FILE=str(secret)) as house:
        studio = await publish(house, width=640, height=360)
        await until(lambda: house.process.relay.shows.programs[SHOW].started)
        shop = await asyncio.to_thread(read_turn, (url,), secret)

        async def seat(_: dict[str, Any]) -> dict[str, Any]:
            ice = (
                shop.servers("viewer", int(time.time()))
                if teller == "shop"
                else await told_by_the_relay(house)
            )
            return {"whep": f"{house.url}/whep/{SHOW}", "token": house.view_token(), "ice": ice}

        async with playing(seat, CLOSED) as page:
            await until_frames(page, 40)
            assert await page.evaluate(PAIR) == ["relay", transport]
        await studio.close()
