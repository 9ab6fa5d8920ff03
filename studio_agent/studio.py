"""The shell of the studio: two source threads, the uplink machine, one session at a time.

The threads draw or read, encode and hand access units to the loop. While nobody takes them nothing
is encoded. The uplink machine decides; this page only carries its actions out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

import aiohttp
import structlog

from .encoder import AccessUnit, LayeredEncoder, SoundEncoder
from .health import Health
from .layers import Layer, layers_of, shared
from .mixer import SILENT_DBFS, Mixer
from .publish import WhipClient
from .sdp import accepted_rids
from .session import Feedback, Session, SessionFailed
from .settings import Settings, SettingsError
from .sources import Clock, Source, SourceFailed
from .uplink import (
    Action,
    Answered,
    CloseSession,
    Connect,
    Connected,
    Event,
    GiveUp,
    Lost,
    Offer,
    Refused,
    Replaced,
    StartAsked,
    StopAsked,
    TimePassed,
    Unreachable,
    Uplink,
    WakeAt,
)
from .way import GivenWay, NoWay, Way, WayClosed, WayIn

KEYFRAME_GAP_S: Final = 0.3  # requests closer than this share a keyframe
MOST_HANDED: Final = 24  # access units on their way from the threads to the loop
CLOSE_LIMIT_S: Final = 3.0
STILL_LIMIT_S: Final = 10.0  # a source that gives no picture for so long has gone, whatever it says
NOT_UNDERSTOOD: Final = (400, 406, 422)  # what a server may say to an offer of several encodings
GONE: Final = 410  # what our relay answers for a session that a newer publisher replaced
EXIT_OK: Final = 0
EXIT_SOURCE: Final = 2
EXIT_REFUSED: Final = 3

log = structlog.get_logger("studio")


class Meter:
    """How much came in the last second. Written by one thread, read by any."""

    def __init__(self) -> None:
        self.total = 0
        self._recent: deque[tuple[float, int]] = deque(maxlen=2_000)

    def add(self, amount: int, now_s: float) -> None:
        self.total += amount
        self._recent.append((now_s, amount))

    def per_second(self, now_s: float) -> int:
        return sum(amount for at_s, amount in tuple(self._recent) if at_s > now_s - 1)


class Studio:
    """One source on its way to one WHIP address. `run()` gives the exit code."""

    def __init__(
        self,
        settings: Settings,
        source: Source,
        still_limit_s: float = STILL_LIMIT_S,
        way: Way | None = None,
    ) -> None:
        self._settings = settings
        self._way = way or GivenWay(settings)
        self._way_in = WayIn(settings.whip_url, "")
        self._source = source
        self._still_limit_s = still_limit_s
        self._picture_s = time.monotonic()
        self._clock = Clock()
        self._uplink = Uplink()
        self._session: Session | None = None
        self._stop_threads = threading.Event()
        self._layers = layers_of(settings.layers, settings.bitrate_kbps * 1000)
        self._is_layered = len(self._layers) > 1  # until a server shows that it takes one encoding only
        self._sent: tuple[Layer, ...] = ()  # what the session carries; read by the picture's thread
        self._wants_keyframe: deque[str] = deque(maxlen=64)  # rids
        self._is_live = threading.Event()
        self._keyframe_asked_s: dict[str, float] = {}
        self._keyframe_requests = 0
        self._target_bps = sum(layer.bps for layer in self._layers)
        self._handed = 0
        self._dropped = 0
        self._resent = 0
        self._pictures = Meter()
        self._bits = Meter()
        self._mixer = Mixer()
        self._exit_code = EXIT_OK
        self._sentence = ""
        self._wake: asyncio.TimerHandle | None = None
        self._work: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Publish until `stop()`, a refusal that no repetition mends, or the source's end."""
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        threads = [
            threading.Thread(target=self._carry, args=(carry,), name=name, daemon=True)
            for name, carry in (("picture", self._carry_pictures), ("sound", self._carry_sounds))
        ]
        for thread in threads:
            thread.start()
        async with aiohttp.ClientSession() as http:
            self._whip = WhipClient(http, self._way_in.whip, lambda: self._way_in.token)
            self._tell(StartAsked())
            beside = [asyncio.create_task(work) for work in (self._watch_source(), self._way.keep())]
            await self._over.wait()
            for task in beside:
                task.cancel()
            await self._finish()
        self._stop_threads.set()
        for thread in threads:
            await asyncio.to_thread(thread.join, 2.0)
        if self._sentence:
            log.error("studio stopped", detail=self._sentence)
        return self._exit_code

    def stop(self) -> None:
        """End in order: DELETE the session, close it, end the threads."""
        self._tell(StopAsked())
        self._over.set()

    async def _finish(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT_S):
                while self._work:
                    await asyncio.gather(*self._work, return_exceptions=True)
        for task in self._work:
            task.cancel()

    # -- the uplink ------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        before = self._uplink.state
        actions = self._uplink.receive(event, time.monotonic(), random.random())
        if self._uplink.state != before:
            log.info("uplink", state=self._uplink.state, detail=self._uplink.detail)
        if self._uplink.state != "live":
            self._is_live.clear()
        for action in actions:
            self._do(action)

    def _do(self, action: Action) -> None:
        match action:
            case Offer():
                self._start(self._offer())
            case Connect(answer):
                self._start(self._connect(answer))
            case CloseSession(location):
                self._start(self._close(self._session, location))
                self._session = None
            case WakeAt(at_s):
                if self._wake is not None:
                    self._wake.cancel()
                delay_s = max(0.0, at_s - time.monotonic())
                self._wake = self._loop.call_later(delay_s, self._tell, TimePassed())
            case GiveUp(sentence):
                self._exit_code, self._sentence = EXIT_REFUSED, sentence
                self._over.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _offer(self) -> None:
        """Offer all encodings; to a server that does not take them, the plain offer at once."""
        outcome = await self._ask(self._is_layered)
        if outcome is None:
            outcome = await self._ask(False)
            self._is_layered = not isinstance(outcome, Answered)
        if isinstance(outcome, Answered | Refused | Unreachable):
            self._tell(outcome)

    async def _ask(self, is_layered: bool) -> Answered | Refused | Unreachable | None:
        """One session and its offer; None when the server does not know what several encodings are."""
        rids = tuple(layer.rid for layer in self._layers) if is_layered else ("",)
        feedback = Feedback(self._ask_keyframe, self._steer, self._lost)
        session = Session(self._clock.now, feedback, rids)
        try:
            self._way_in = await self._way.find()
            self._whip.url = self._way_in.whip
            offer = await session.offer()
        except (SessionFailed, SettingsError, NoWay) as error:
            await session.close()
            return Unreachable(str(error))
        except WayClosed as closed:
            await session.close()
            return Refused(401, str(closed))
        outcome = await self._whip.offer(offer, time.time())
        if not isinstance(outcome, Answered):
            await session.close()
            if is_layered and isinstance(outcome, Refused) and outcome.status in NOT_UNDERSTOOD:
                return None
            return await self._or_renewed(outcome)
        if self._uplink.state == "offering" and (not is_layered or accepted_rids(outcome.answer)):
            self._session = session
            return outcome
        await session.close()
        await self._whip.delete(outcome.location)
        return None if self._uplink.state == "offering" else outcome

    async def _or_renewed(self, outcome: Refused | Unreachable) -> Refused | Unreachable:
        """A token that was renewed while we asked with the old one is tried before giving up."""
        if isinstance(outcome, Refused) and outcome.status == 401:
            try:
                if await self._way.find_other(self._way_in):
                    return Unreachable("the token was renewed")
            except (SettingsError, WayClosed) as error:
                return Refused(401, str(error))
            except NoWay as none:
                return Unreachable(str(none))
        return outcome

    async def _connect(self, answer: str) -> None:
        session = self._session
        if session is None:
            return
        try:
            await session.connect(answer)
        except SessionFailed as error:
            if session is self._session:
                self._tell(Lost(str(error)))
            return
        if session is self._session:
            self._tell(Connected())
            self._sent = tuple(layer for layer in self._layers if layer.rid in session.rids)
            self._sent = self._sent or self._layers[:1]
            self._steer(sum(layer.bps for layer in self._sent))
            self._wants_keyframe.extend(layer.rid for layer in self._sent)
            self._is_live.set()

    async def _close(self, session: Session | None, location: str | None) -> None:
        if session is not None:
            self._resent += session.resent
            self._dropped += session.dropped_frames
            await session.close()
        if location is not None and await self._whip.delete(location) == GONE:
            self._tell(Replaced())

    # -- feedback of the session -----------------------------------------------------------------

    def _ask_keyframe(self, rid: str | None) -> None:
        """Of one encoding; "" or None: of all that are sent."""
        self._keyframe_requests += 1
        now_s = time.monotonic()
        for layer in self._sent:
            asked_s = self._keyframe_asked_s.get(layer.rid, 0.0)
            if (not rid or rid == layer.rid) and now_s - asked_s >= KEYFRAME_GAP_S:
                self._keyframe_asked_s[layer.rid] = now_s
                self._wants_keyframe.append(layer.rid)

    def _steer(self, bitrate_bps: int) -> None:
        self._target_bps = min(bitrate_bps, sum(layer.bps for layer in self._sent))

    def _lost(self, why: str, by_peer: bool) -> None:
        self._tell(Lost(why, by_peer))

    # -- the threads -------------------------------------------------------------------------------

    def _carry(self, carry: Callable[[], None]) -> None:
        """Run one thread's work; what ends it ends the studio with a sentence."""
        try:
            carry()
        except SourceFailed as error:
            self._loop.call_soon_threadsafe(self._source_failed, str(error))
        except Exception as error:
            log.exception("a source thread failed")
            self._loop.call_soon_threadsafe(self._source_failed, f"The source failed: {error!r}.")

    async def _watch_source(self) -> None:
        """A camera may hang without an error: then the process ends, and a supervisor opens it anew."""
        self._picture_s = time.monotonic()
        while True:
            await asyncio.sleep(self._still_limit_s / 10)
            if time.monotonic() - self._picture_s > self._still_limit_s:
                self._source_failed(f"The source has given no picture for {self._still_limit_s:g} s.")

    def _source_failed(self, sentence: str) -> None:
        if not self._over.is_set():
            self._exit_code, self._sentence = EXIT_SOURCE, sentence
            self.stop()

    def _carry_pictures(self) -> None:
        encoder = LayeredEncoder(self._source.fps, self._layers, self._settings.preset)
        for picture in self._source.pictures(self._clock, self._stop_threads):
            self._picture_s = time.monotonic()
            if not self._is_live.is_set():
                continue
            self._pictures.add(1, time.monotonic())
            rates = shared(self._target_bps, self._sent)
            for rid, unit in encoder.encode(picture, self._keyframes_wanted(), rates):
                self._hand(self._send_picture, unit, rid)

    def _keyframes_wanted(self) -> frozenset[str]:
        return frozenset(self._wants_keyframe.popleft() for _ in range(len(self._wants_keyframe)))

    def _carry_sounds(self) -> None:
        encoder = SoundEncoder()
        for sound in self._source.sounds(self._clock, self._stop_threads):
            for chunk in self._mixer.mix(sound):
                if self._is_live.is_set():
                    unit = encoder.encode(chunk)
                    if unit is not None:
                        self._hand(self._send_sound, unit)

    def _hand(self, send: Callable[[AccessUnit, str], None], unit: AccessUnit, rid: str = "") -> None:
        """To the loop, unless it is so far behind that the unit would be stale."""
        if self._handed >= MOST_HANDED:
            self._dropped += 1
            self._wants_keyframe.extend([rid] if rid else ())
            return
        self._handed += 1
        self._loop.call_soon_threadsafe(send, unit, rid)

    def _send_picture(self, unit: AccessUnit, rid: str) -> None:
        self._handed -= 1
        if self._session is not None:
            self._session.send_picture(unit, rid if rid in self._session.rids else "")
            self._bits.add(len(unit.data) * 8, time.monotonic())

    def _send_sound(self, unit: AccessUnit, _: str) -> None:
        self._handed -= 1
        if self._session is not None:
            self._session.send_sound(unit)
            self._bits.add(len(unit.data) * 8, time.monotonic())

    # -- how it is -----------------------------------------------------------------------------------

    def health(self) -> Health:
        """How the studio is now."""
        session, now_s = self._session, time.monotonic()
        return Health(
            state=self._uplink.state,
            detail=self._uplink.detail,
            source=self._settings.source,
            fps=self._pictures.per_second(now_s),
            bitrate_bps=self._bits.per_second(now_s),
            target_bps=self._target_bps,
            level_dbfs=round(max(SILENT_DBFS, self._mixer.level_dbfs), 1),
            rtt_ms=round(session.rtt_s * 1000, 1) if session else 0.0,
            loss_percent=round(session.loss_share * 100, 1) if session else 0.0,
            pictures=self._pictures.total,
            skipped_pictures=self._source.skipped,
            dropped_frames=self._dropped + (session.dropped_frames if session else 0),
            keyframe_requests=self._keyframe_requests,
            resent_packets=self._resent + (session.resent if session else 0),
            connections=self._uplink.connections,
            layers=len(self._sent),
            losses=self._uplink.losses,
        )
