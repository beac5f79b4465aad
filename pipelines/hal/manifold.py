"""The Pipelines face: one model, `hal-auto`, for the Pipelines server.

Translates the server's calls into turns and chunks into what the server passes on. Decides nothing
about a turn. Nothing here raises into the server: it explains.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Generator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import time
from typing import Any

import anyio.to_thread
from pydantic import BaseModel

from . import disconnect, openwebui
from .bridge import UNEXPECTED, Bridge
from .errors import HalError
from .outlets import Direct, Handover, Pulled, Source
from .recorder import TurnRecorder
from .runtime import Runtime
from .settings import Settings
from .stored_valves import repair
from .types import Chunk, Failure, Turn
from .valves import Valves, valves_class
from .wire import Wire, completion, error_of

logger = logging.getLogger("hal.manifold")

MODEL = "hal.auto"
# Every waiting completion holds a thread of the server's pool, and so does the model list: 40, its
# default, freezes everything from the 41st on. A thread takes about 0.1 MB.
SERVER_THREADS = 256
# Closing the log takes some milliseconds; a reload must not wait for streams.
SHUTDOWN_S = 0.3


class Manifold:
    """What the server loads as `Pipeline`. The server overlays `valves` before `on_startup`."""

    type = "manifold"
    id = "hal"
    name = ""
    pipelines = ({"id": "auto", "name": "hal-auto"},)

    def __init__(self, valves_file: Path | None = None) -> None:
        self._stored_problems = repair(valves_file) if valves_file else ()
        self.valves: Valves = valves_class(os.environ)()
        self._runtime: Runtime | None = None
        self._handover: Handover
        self._failure = Failure("hal-auto has not started yet.", "starting")

    async def on_startup(self) -> None:
        try:
            limiter = anyio.to_thread.current_default_thread_limiter()
            limiter.total_tokens = max(limiter.total_tokens, SERVER_THREADS)
            # One line per model call, with no use to anyone who reads the server's log.
            logging.getLogger("httpx").setLevel(logging.WARNING)
            if not disconnect.install():
                logger.warning("not in a Pipelines server: Stop is noticed by pulls alone")
            self._handover = Handover(asyncio.get_running_loop())
            runtime = Runtime(Settings.from_valves(self.valves))
            self._report(runtime.settings)
            await anyio.to_thread.run_sync(runtime.start)
            self._runtime = runtime
        except HalError as error:
            self._failure = Failure(f"hal-auto could not start: {error.sentence}", error.code)
            logger.error(self._failure.message)  # noqa: TRY400  (the sentence is the message)
        except Exception:
            self._failure = UNEXPECTED
            logger.exception("hal-auto could not start")

    async def on_shutdown(self) -> None:
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.retire()
            # An idle runtime ends within this; one with running streams ends when they do.
            await anyio.to_thread.run_sync(runtime.join, SHUTDOWN_S)

    async def on_valves_updated(self) -> None:
        try:
            settings = Settings.from_valves(self.valves)
            self._report(settings)
            if self._runtime is not None:
                self._runtime.configure(settings)
        except Exception:
            logger.exception("valves not applied")

    async def inlet(self, body: Any, user: Any = None) -> Any:
        """Adds `hal_ctx`: the one place where chat, message and task are known."""
        try:
            metadata = body.get("metadata") or {}
            body[openwebui.CONTEXT_KEY] = openwebui.context_of(metadata, user)
        except Exception:
            logger.exception("inlet: request passed on without context")
        return body

    def pipe(
        self,
        user_message: Any = None,
        model_id: str = "",
        messages: list[dict[str, Any]] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Generator[str, None, None] | BaseModel | dict[str, Any]:
        """One turn: a generator of SSE lines, or one completion when no stream is wanted."""
        del user_message, model_id  # The first is wrong for files and images, the second is ours.
        body = body or {}
        try:
            turn = openwebui.read_turn(body, messages or [])
            if self._runtime is None:
                return _refuse(self._failure, stream=turn.stream)
            if not turn.stream:
                return _complete(self._runtime, turn)
            return _stream(self._runtime, turn, self._handover)
        except Exception:
            logger.exception("request not understood")
            return _refuse(UNEXPECTED, stream=bool(body.get("stream", True)))

    def _report(self, settings: Settings) -> None:
        for warning in (*self._stored_problems, *settings.warnings):
            logger.warning("valves: %s", warning)


def _stream(runtime: Runtime, turn: Turn, handover: Handover) -> Generator[str, None, None]:
    show = runtime.settings.answer.show_status and turn.message_id is not None
    wire = Wire(turn.id, MODEL, int(time()), show_events=show)
    watch = disconnect.CURRENT_WATCH.get()
    outlet = Pulled() if watch is None else Direct(handover)
    bridge = Bridge(wire, runtime.call_soon, outlet, streams=lambda: runtime.running_turns)
    source = Source(runtime.is_alive, bridge.cancel, wire.encode(UNEXPECTED) or "")
    if watch is not None and isinstance(outlet, Direct):
        watch.on_gone(outlet.close)
        watch.on_gone(bridge.cancel)
        watch.write_first(partial(_write, outlet, source, wire))
    runtime.call_soon(bridge.begin, lambda recorders: runtime.answer(turn, recorders))
    return outlet.pieces(source) if isinstance(outlet, Pulled) else _nothing()


async def _write(outlet: Direct, source: Source, wire: Wire, send: disconnect.Send) -> bool:
    await outlet.write(source, send)
    return wire.has_finished


def _complete(runtime: Runtime, turn: Turn) -> BaseModel:
    recorders: list[TurnRecorder] = []
    future = runtime.submit(_collect(runtime, turn, recorders))
    if (watch := disconnect.CURRENT_WATCH.get()) is not None:
        watch.on_gone(partial(_cancel, future, recorders))
    chunks: list[Chunk] = []
    with suppress(CancelledError):  # the client went away: nobody reads what is returned
        chunks = future.result()
    return completion(chunks, turn.id, MODEL, int(time()))


def _cancel(future: Future[Any], recorders: list[TurnRecorder]) -> None:
    for recorder in recorders:
        recorder.delivered_chars = 0
    future.cancel()


async def _collect(runtime: Runtime, turn: Turn, recorders: list[TurnRecorder]) -> list[Chunk]:
    return [chunk async for chunk in runtime.answer(turn, recorders)]


def _refuse(failure: Failure, *, stream: bool) -> Generator[str, None, None] | dict[str, Any]:
    if not stream:
        return error_of(failure)
    return _one(Wire("0", MODEL, int(time()), show_events=False).encode(failure) or "")


def _nothing() -> Generator[str, None, None]:
    """All that the server pulls of an answer that is written past it: it adds its own ending."""
    yield from ()


def _one(item: str) -> Generator[str, None, None]:
    yield item
