"""Real processes for end-to-end tests: a relay with stages and keys in a folder, agents, their health."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROOT = Path(__file__).parents[2]
MEDIA = ROOT.parent / "shared" / "media"
BUNNY = MEDIA / "bunny-720p25-aac-5s.mp4"
SHOW, STUDIO = "sh-1", "st-1"
START_LIMIT_S = 60.0  # a machine may be busy with other tests
END_LIMIT_S = 30.0


class Keys:
    """The shop's signing key, for tests: makes tokens and the file that a relay reads."""

    def __init__(self, folder: Path) -> None:
        self._private = Ed25519PrivateKey.generate()
        self.file = folder / "public.json"
        raw = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        self.file.write_text(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "test"}]}))

    def token(self, role: str, *, expires_in_s: int = 3_600, **claims: str) -> str:
        """A signed token; `studio=` for publish, `show=` for view."""
        payload = {
            "iss": "silkcast",
            "aud": "relay",
            "sub": "test",
            "exp": int(time.time()) + expires_in_s,
            "role": role,
            "gen": 0,
            **claims,
        }
        return jwt.encode(payload, self._private, algorithm="EdDSA", headers={"kid": "test"})

    def publish(self, studio: str = STUDIO) -> str:
        return self.token("publish", studio=studio)

    def view(self, show: str = SHOW) -> str:
        return self.token("view", show=show)


class Process:
    """`python -m MODULE` in the project; its stderr goes to a file in the folder."""

    def __init__(self, module: str, log: Path, health_url: str, **environment: str) -> None:
        self._module, self._log, self._health_url = module, log, health_url
        self._environment = {**os.environ, **environment}
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it answers /healthz."""
        with self._log.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module, cwd=ROOT, env=self._environment, stderr=log, stdout=log
            )
        await wait_until(
            self._answers, START_LIMIT_S, f"{self._module} did not come up:\n{self._log.read_text()[-2_000:]}"
        )

    async def _answers(self) -> bool:
        assert self._child is not None
        assert self._child.returncode is None, self._log.read_text()[-2_000:]
        try:
            await self.health()
        except aiohttp.ClientError:
            return False
        return True

    async def health(self) -> dict[str, Any]:
        async with aiohttp.ClientSession() as http, http.get(self._health_url) as response:
            return dict(await response.json())

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self._child is not None
        if self._child.returncode is None:
            self._child.send_signal(number)
        try:
            return await asyncio.wait_for(self._child.wait(), END_LIMIT_S)
        except TimeoutError:
            self._child.kill()
            await self._child.wait()
            raise AssertionError(f"{self._module} did not end:\n{self._log.read_text()[-2_000:]}") from None

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.returncode is None

    @property
    def log(self) -> str:
        return self._log.read_text()


async def wait_until(condition: Callable[[], Any], seconds: float, complaint: str = "") -> None:
    """Ask an async condition until it holds."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, complaint or f"{condition} did not hold within {seconds} s"
        await asyncio.sleep(0.05)


class Stage:
    """One relay with one show on air, the keys to it, and as many agents as a test starts."""

    def __init__(
        self, folder: Path, free_port: Callable[[], int], announce: str = "127.0.0.1", *, tcp: bool = True
    ) -> None:
        self.folder, self._free_port = folder, free_port
        self.keys = Keys(folder)
        stages = folder / "stages.json"
        stages.write_text(json.dumps([{"show": SHOW, "version": 1, "on_air": True, "studio": STUDIO}]))
        http, udp = free_port(), free_port()
        self.url = f"http://127.0.0.1:{http}"
        self.udp_port = udp
        self.relay = Process(
            "streaming",
            folder / "relay.log",
            f"{self.url}/status",
            RELAY_HTTP=f"127.0.0.1:{http}",
            RELAY_UDP=f"{announce}:{udp}",
            RELAY_ID="r-test",
            RELAY_TCP="1" if tcp else "0",
            STAGES_FILE=str(stages),
            TOKEN_KEYS_FILE=str(self.keys.file),
        )
        self.agents: list[Process] = []

    @property
    def whip(self) -> str:
        return f"{self.url}/whip/{STUDIO}"

    @property
    def whep(self) -> str:
        return f"{self.url}/whep/{SHOW}"

    async def status(self) -> dict[str, Any]:
        """What the relay says of itself."""
        return await self.relay.health()

    async def add_agent(self, source: str, **environment: str) -> Process:
        """An agent process that publishes the show's studio; not yet on air when this returns."""
        token = self.folder / "studio.token"
        await asyncio.to_thread(token.write_text, self.keys.publish())
        port = self._free_port()
        agent = Process(
            "studio_agent",
            self.folder / f"agent-{len(self.agents)}.log",
            f"http://127.0.0.1:{port}/healthz",
            STUDIO_HTTP=f"127.0.0.1:{port}",
            STUDIO_WHIP=self.whip,
            STUDIO_TOKEN_FILE=str(token),
            STUDIO_SOURCE=source,
            **environment,
        )
        self.agents.append(agent)
        await agent.start()
        return agent

    async def until_live(self, agent: Process, seconds: float = 60) -> None:
        async def is_live() -> bool:
            return (await agent.health())["state"] == "live"

        await wait_until(is_live, seconds, f"the agent did not go live:\n{agent.log[-2_000:]}")

    async def end(self) -> None:
        """End what still runs, all at once; nothing is left even where one does not obey."""
        running = [process for process in (*self.agents, self.relay) if process.is_running]
        await asyncio.gather(*(process.end() for process in running))


def clip_or_scene() -> str:
    """The real clip where it is; else the drawn scene, saying so."""
    if BUNNY.is_file():
        return str(BUNNY)
    print(f"{BUNNY.name} is not on this machine: the drawn scene is published instead")
    return "scene"
