"""Owns what outlives a turn: the event loop's thread, the HTTP session, the log and the services.

One per load of the pipeline. Turns lease it: after `retire()` no new turn begins, running ones end
in peace, and the last one closes everything. Knows no server and no wire format.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import aiohttp

from .chats import ChatMemory
from .errors import HalError
from .policies import SharedPolicies
from .recorder import TurnRecorder
from .services import Services, Web, build_services
from .sessions.reader import SessionReader
from .sessions.retention import Retention
from .sessions.store import SessionStore
from .settings import Settings
from .shield import PrivacyState
from .telemetry.live import LiveView
from .telemetry.metrics import Exposition, Now
from .turn import run_turn
from .types import Chunk, Turn

try:
    import uvloop
except ImportError:
    new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    new_event_loop = uvloop.new_event_loop

logger = logging.getLogger("hal.runtime")

# Making a session and a thread takes milliseconds; more means that the process is starving.
START_LIMIT_S = 10.0
# anyio, under the client of Ollama, loses a connection whose task is cancelled just after it was
# made; on this machine making one takes a few milliseconds.
SETTLE_S = 0.05
# A task that was cancelled ends within one round of the loop; one that does not must not hold up
# the end.
CANCEL_LIMIT_S = 1.0
# Idle connections to a local server cost nothing, and the pool must not be what limits a household.
MAX_CONNECTIONS = 512


class Runtime:
    """`start()` from any thread, then `submit()` coroutines to its loop. `retire()` never waits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="hal-loop", daemon=True)
        self._store = SessionStore(
            settings.log.database,
            log_content=settings.log.content,
            content_days=settings.log.content_days,
            retention=_retention(settings),
        )
        self._policies = SharedPolicies.make(settings, self._store)
        self._privacy = PrivacyState(settings.log)
        self._chats = ChatMemory(SessionReader(settings.log.database))
        self._live = LiveView()
        self._live_change = asyncio.Lock()
        self._leases = 0
        self._retired = False
        self._opened = False
        self._closing: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession
        self._web: Web
        self._services: Services
        self._replaced: list[Services] = []

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def warnings(self) -> tuple[str, ...]:
        return (
            *self._settings.warnings,
            *self._store.warnings,
            *self._policies.warnings,
            *self._privacy.warnings,
            *self._live.warnings,
        )

    def start(self) -> None:
        """Start the loop and the log's writer. Raises ConfigError when a prompt is missing."""
        self._thread.start()
        self._store.start()
        self._live.apply(self._settings)
        try:
            self.submit(self._open()).result(START_LIMIT_S)
        except BaseException:
            self.retire()
            raise

    def submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call_soon(self, callback: Any, *args: Any) -> None:
        """Run a callback on the loop; a loop that has ended is no error."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *args)

    def configure(self, settings: Settings) -> None:
        """New settings for the next turn; running turns keep what they began with."""
        self._settings = settings
        log = settings.log
        self._store.configure(log.content, log.content_days, _retention(settings))
        self.submit(self._configure(settings))

    @property
    def has_metrics(self) -> bool:
        return self._live.has_metrics

    @property
    def running_turns(self) -> int:
        return self._leases

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def retire(self) -> None:
        """End when the last turn has ended. Idempotent, returns at once, callable from anywhere."""
        self.call_soon(self._retire)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end after `retire()`; False when turns are still running."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    async def answer(self, turn: Turn, recorders: list[TurnRecorder]) -> AsyncIterator[Chunk]:
        """The chunks of one turn, on this loop. The turn's recorder is put into `recorders`."""
        services = self._services
        recorder = TurnRecorder(turn, self._store, services.policy_id)
        recorder.observe = self._live.observer
        recorder.cloud_price = services.cloud_price
        recorders.append(recorder)
        self._leases += 1
        chunks = run_turn(turn, services, self._chats, recorder)
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            try:
                await chunks.aclose()
            finally:
                self._leases -= 1
                self._close_if_done()

    async def warmed(self) -> None:
        """Wait until what runs beside the turns has ended, the warming up above all."""
        await asyncio.gather(*self._background, return_exceptions=True)

    async def exposition(self, accept: str) -> Exposition | None:
        """The metrics for one scrape, on this loop; None while they are off."""
        if not self._live.has_metrics:
            return None
        now = Now(self._leases, self._policies.breakers.views())
        return await asyncio.to_thread(self._live.exposition, accept, now)

    async def services(self) -> Services:
        """The services in force, for the command line."""
        return self._services

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    async def _open(self) -> None:
        connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS)
        # Neither a proxy from the environment nor cookies: what leaves, leaves as written.
        self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        self._web = Web.open()
        try:
            self._services = self._build(self._settings)
        except BaseException:
            await self._http.close()
            await self._web.close()
            raise
        self._policies.start(self._settings, self._services.models)
        self._opened = True
        self._warm_all(self._services)

    def _build(self, settings: Settings) -> Services:
        return build_services(
            *(settings, self._http, self._store, self._policies, self._privacy, self._web),
            sent=self._live.sent,
        )

    async def _configure(self, settings: Settings) -> None:
        try:
            services = self._build(settings)
        except HalError as error:
            logger.warning("settings not applied: %s", error.sentence)
            return
        self._policies.configure(settings, services.models)
        self._services.shadows.stop()
        # Running turns still use the old ones; their idle connections close with the runtime.
        self._replaced.append(self._services)
        self._services = services
        self._warm_all(services)
        self._later(self._apply_live())

    async def _apply_live(self) -> None:
        """One change after the other, each to what is in force by then."""
        async with self._live_change:
            await asyncio.to_thread(self._live.apply, self._settings)

    def _warm_all(self, services: Services) -> None:
        self._later(services.shield.warm())
        self._later(self._warm(services))

    async def _warm(self, services: Services) -> None:
        """Load and calibrate the classifier before the first turn; a failure shows in that turn."""
        with suppress(HalError):
            await services.catalogue.offers()
            await services.classifier.warm()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _retire(self) -> None:
        self._retired = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._retired and self._leases == 0 and self._closing is None:
            self._closing = self._loop.create_task(self._close())

    async def _close(self) -> None:
        await _cancel(self._background)
        for services in (*self._replaced, *([self._services] if self._opened else [])):
            await services.close()
        await self._policies.close()
        if self._opened:
            await self._http.close()
            await self._web.close()
        await asyncio.to_thread(self._live.close)
        # What others have begun and nobody waits for, such as measuring a classifier's bias: its
        # connections end with it, and must have before the loop does.
        await _cancel(asyncio.all_tasks() - {self._closing})
        await asyncio.to_thread(self._store.close)
        self._loop.stop()


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Let what is nearly done end, cancel the rest, and wait until all have ended."""
    if not (running := list(tasks)):
        return
    await asyncio.wait(running, timeout=SETTLE_S)
    for task in running:
        task.cancel()
    await asyncio.wait(running, timeout=CANCEL_LIMIT_S)


def _retention(settings: Settings) -> Retention:
    return Retention(settings.log.days, settings.log.max_bytes)
