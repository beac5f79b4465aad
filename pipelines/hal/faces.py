"""What the faces for Open WebUI do alike: start the core, begin a turn, collect a whole one.

Knows how chunks become Open WebUI's lines; neither reads a request, nor knows who serves it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from time import time

import anyio.to_thread
from pydantic import BaseModel

from .bridge import UNEXPECTED, Bridge
from .errors import HalError
from .outlets import Outlet, Source
from .recorder import TurnRecorder
from .runtime import Runtime
from .settings import Settings
from .settings_reader import read_valves
from .types import Chunk, Failure, Turn
from .valves import Valves
from .wire import Wire, completion

logger = logging.getLogger("hal.faces")


def read(valves: Valves, stored_problems: Iterable[str] = ()) -> Settings:
    """The settings in force; what is not in force as given is said in the log and in the chat."""
    settings = read_valves(valves)
    warnings = (*stored_problems, *settings.warnings)
    for warning in warnings:
        logger.warning("valves: %s", warning)
    return replace(settings, warnings=warnings)


async def start(settings: Callable[[], Settings]) -> Runtime | Failure:
    """A started runtime, or what is said in every turn as long as there is none. Never raises."""
    try:
        runtime = Runtime(settings())
        await anyio.to_thread.run_sync(runtime.start)
    except HalError as error:
        failure = Failure(f"hal-auto could not start: {error.sentence}", error.code)
        logger.error(failure.message)  # noqa: TRY400  (the sentence is the message)
        return failure
    except Exception:
        logger.exception("hal-auto could not start")
        return UNEXPECTED
    return runtime


def configure(runtime: Runtime | None, settings: Callable[[], Settings]) -> None:
    """New settings for the next turn. Never raises."""
    try:
        found = settings()
        if runtime is not None:
            runtime.configure(found)
    except Exception:
        logger.exception("valves not applied")


def begin(runtime: Runtime, turn: Turn, outlet: Outlet, model: str) -> tuple[Wire, Source]:
    """Start the turn; its pieces go into the outlet."""
    show = runtime.settings.answer.show_status and turn.message_id is not None
    wire = Wire(turn.id, model, int(time()), show_events=show)
    bridge = Bridge(wire, runtime.call_soon, outlet, streams=lambda: runtime.running_turns)
    runtime.call_soon(bridge.begin, lambda recorders: runtime.answer(turn, recorders))
    return wire, Source(runtime.is_alive, bridge.cancel, wire.encode(UNEXPECTED) or "")


class Whole:
    """A turn for a caller that wants no stream: begun at once, `chunks` when it has ended."""

    def __init__(self, runtime: Runtime, turn: Turn, model: str) -> None:
        self._turn, self._model = turn, model
        self._recorders: list[TurnRecorder] = []
        self.chunks: Future[list[Chunk]] = runtime.submit(self._collect(runtime))

    def cancel(self) -> None:
        """The caller has left, and got nothing of it. From any thread."""
        for recorder in self._recorders:
            recorder.delivered_chars = 0
        self.chunks.cancel()

    def reply(self, chunks: list[Chunk]) -> BaseModel:
        """One completion, or the error that ended the turn."""
        prose = self._turn.wants_prose
        return completion(chunks, self._turn.id, self._model, int(time()), lists_sources=prose)

    async def _collect(self, runtime: Runtime) -> list[Chunk]:
        return [chunk async for chunk in runtime.answer(self._turn, self._recorders)]


def first_word(failure: Failure, model: str) -> str:
    """The one line of a stream that only says what is wrong."""
    return Wire("0", model, int(time()), show_events=False).encode(failure) or ""
