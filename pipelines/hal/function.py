"""The Function face: hal-auto inside of Open WebUI, without a Pipelines server.

Translates Open WebUI's call into a turn and chunks into the lines that it reads. Decides nothing
about a turn. The core keeps the loop of its own thread: what Open WebUI does on its loop never
holds up a model's stream, and the other way round. Nothing here raises into Open WebUI: it
explains.
"""

from __future__ import annotations

import asyncio
import logging
import os
import weakref
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

from . import faces, openwebui
from .bridge import UNEXPECTED
from .outlets import Direct, Handover
from .runtime import Runtime
from .types import Failure, Turn
from .user_valves import UserValves, with_wishes
from .valves import Valves, valves_class
from .wire import error_of

logger = logging.getLogger("hal.function")

Lines = AsyncGenerator[str, None]


class Pipe:
    """What Open WebUI makes one of per load. It sets `valves` before every call, and drops the
    object when the Function is saved or deleted: then the core ends with its last turn."""

    def __init__(self) -> None:
        self.Valves = valves_class(os.environ)
        self.UserValves = UserValves
        self.valves: Valves = self.Valves()
        self._core = _Core()
        # Nobody says when it is over. At the end of the process there is nothing to wait for: the
        # log is whole after every row.
        weakref.finalize(self, self._core.retire).atexit = False

    async def pipe(
        self,
        body: Mapping[str, Any],
        __metadata__: Mapping[str, Any] | None = None,
        __user__: Mapping[str, Any] | None = None,
        __task__: str | None = None,
    ) -> Lines | dict[str, Any]:
        """One turn: the lines of a stream, or one completion when no stream is wanted.

        Status lines and sources stand among the lines: Open WebUI hands each of them to the very
        emitter that it offers to Functions, and in the right order with the text.
        """
        streams = body.get("stream") is True
        model = str(body.get("model") or "hal_auto")
        try:
            turn = _read(body, __metadata__ or {}, __user__ or {}, __task__)
            found = await self._core.runtime(self.valves)
            if isinstance(found, Failure):
                return _refusal(found, model, streams=streams)
            if not streams:
                return await _whole(found, turn, model)
            return _lines(found, turn, model)
        except Exception:
            logger.exception("request not understood")
            return _refusal(UNEXPECTED, model, streams=streams)


class _Core:
    """One runtime, from the first turn on, under the valves of the last one."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._runtime: Runtime | None = None
        self._valves: Valves | None = None

    async def runtime(self, valves: Valves) -> Runtime | Failure:
        """What could not start is tried again in the next turn: somebody may have mended it."""
        async with self._lock:
            if self._runtime is None:
                found = await faces.start(partial(faces.read, valves))
                if isinstance(found, Failure):
                    return found
                self._runtime = found
            elif valves != self._valves:
                faces.configure(self._runtime, partial(faces.read, valves))
            self._valves = valves
            return self._runtime

    def retire(self) -> None:
        if self._runtime is not None:
            self._runtime.retire()


def _read(
    body: Mapping[str, Any], metadata: Mapping[str, Any], user: Mapping[str, Any], task: str | None
) -> Turn:
    known = {**metadata, "task": task or metadata.get("task")}
    context = openwebui.context_of(known, user)
    # Open WebUI takes a missing `stream` for a no, the Pipelines server for a yes.
    asked = {**body, openwebui.CONTEXT_KEY: context, "stream": body.get("stream") is True}
    turn = openwebui.read_turn(asked, body.get("messages") or [])
    wishes = user.get("valves")
    return with_wishes(turn, UserValves.model_validate(_fields(wishes)))


def _fields(valves: Any) -> Any:
    """They may be of a class of the load before."""
    return valves.model_dump() if hasattr(valves, "model_dump") else valves


async def _lines(runtime: Runtime, turn: Turn, model: str) -> Lines:
    """One line of the stream at a time: Open WebUI reads no more than one event in a piece.

    Stop cancels the task that asks for them, or lets go of them: both ends the turn.
    """
    outlet = Direct(Handover(asyncio.get_running_loop()))
    _, source = faces.begin(runtime, turn, outlet, model)
    async with aclosing(outlet.payloads(source)) as payloads:
        async for payload in payloads:
            for line in payload.split("\n\n"):
                yield line


async def _whole(runtime: Runtime, turn: Turn, model: str) -> dict[str, Any]:
    whole = faces.Whole(runtime, turn, model)
    try:
        chunks = await asyncio.shield(asyncio.wrap_future(whole.chunks))
    except asyncio.CancelledError:
        whole.cancel()
        raise
    return whole.reply(chunks).model_dump()


def _refusal(failure: Failure, model: str, *, streams: bool) -> Lines | dict[str, Any]:
    return _one(faces.first_word(failure, model)) if streams else error_of(failure)


async def _one(line: str) -> Lines:
    yield line
