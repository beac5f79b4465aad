"""The Pipelines face: one model, `hal-auto`, for the Pipelines server.

Translates the server's calls into turns and chunks into what the server passes on. Decides nothing
about a turn. Nothing here raises into the server: it explains.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Generator, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
from pydantic import BaseModel

from . import asgi, faces, openwebui
from .addresses import is_public
from .bridge import UNEXPECTED
from .outlets import Direct, Handover, Pulled
from .runtime import Runtime
from .settings import Settings
from .stored_valves import repair
from .types import Chunk, Failure, Turn
from .valve_notes import with_notes
from .valves import Valves, valves_class
from .wire import error_of

logger = logging.getLogger("hal.manifold")

MODEL = "hal.auto"
# Every waiting completion holds a thread of the server's pool, and so does the model list: 40, its
# default, freezes everything from the 41st on. A thread takes about 0.1 MB.
SERVER_THREADS = 256
# Closing the log takes some milliseconds; a reload must not wait for streams.
SHUTDOWN_S = 0.3
# A scrape takes milliseconds; who scrapes gives up after ten seconds, mostly.
SCRAPE_S = 5.0
PLAIN = "text/plain; charset=utf-8"
# Reading such a body, an image most often, takes more than a millisecond: not on the server's loop.
LARGE_BYTES = 256 * 1024
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    # A proxy in between must not collect what is meant to flow.
    (b"x-accel-buffering", b"no"),
)


class Manifold:
    """What the server loads as `Pipeline`. The server overlays `valves` before `on_startup`."""

    type = "manifold"
    id = "hal"
    name = ""
    pipelines = ({"id": "auto", "name": "hal-auto"},)

    def __init__(self, valves_file: Path | None = None) -> None:
        self._stored_problems = repair(valves_file) if valves_file else ()
        self._valves_class = valves_class(os.environ)
        self.valves: Valves = self._valves_class()
        self._runtime: Runtime | None = None
        self._handover: Handover
        self._failure = Failure("hal-auto has not started yet.", "starting")

    async def on_startup(self) -> None:
        try:
            limiter = anyio.to_thread.current_default_thread_limiter()
            limiter.total_tokens = max(limiter.total_tokens, SERVER_THREADS)
            # One line per model call, with no use to anyone who reads the server's log.
            logging.getLogger("httpx").setLevel(logging.WARNING)
            self._handover = Handover(asyncio.get_running_loop())
            if not asgi.install(self.answer, self.metrics):
                logger.warning("not in a Pipelines server: Stop is noticed by pulls alone")
            found = await faces.start(self._read_valves)
        except Exception:
            logger.exception("hal-auto could not start")
            found = UNEXPECTED
        if isinstance(found, Failure):
            self._failure = found
        else:
            self._runtime = found

    async def on_shutdown(self) -> None:
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.retire()
            # An idle runtime ends within this; one with running streams ends when they do.
            await anyio.to_thread.run_sync(runtime.join, SHUTDOWN_S)

    async def on_valves_updated(self) -> None:
        self._stored_problems = ()  # the save has replaced what was stored
        faces.configure(self._runtime, self._read_valves)

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
            return _pulled(self._runtime, turn)
        except Exception:
            logger.exception("request not understood")
            return _refuse(UNEXPECTED, stream=bool(body.get("stream", True)))

    async def answer(self, raw: bytes) -> asgi.Answer | None:
        """A stream for our ASGI layer, past the server; None for what the server shall handle:
        other models, whole completions, errors, and all of it while nothing has started.
        """
        try:
            if (runtime := self._runtime) is None or MODEL.encode() not in raw:
                return None
            if len(raw) > LARGE_BYTES:
                turn = await anyio.to_thread.run_sync(_read, raw)
            else:
                turn = _read(raw)
        except Exception:  # noqa: BLE001 - the server comes to the same, and says so
            return None
        return None if turn is None else partial(_answer, runtime, turn, self._handover)

    async def metrics(self, peer: str, accept: str) -> asgi.Page | None:
        """The page for a scrape; None while there are no metrics. Counts tell what a household
        does, so they are for its own network: an unknown peer is not in it."""
        if (runtime := self._runtime) is None or not runtime.has_metrics:
            return None
        if not peer or is_public(peer):
            return asgi.Page(403, PLAIN, b"The metrics are for this machine's own network.\n")
        try:
            async with asyncio.timeout(SCRAPE_S):
                found = await asyncio.wrap_future(runtime.submit(runtime.exposition(accept)))
        except Exception:
            logger.exception("the metrics could not be read")
            return asgi.Page(503, PLAIN, b"The metrics cannot be read; see the server's log.\n")
        return None if found is None else asgi.Page(200, found.content_type, found.body)

    def _read_valves(self) -> Settings:
        """The settings in force; what is not in force as given stands in the panel as well."""
        settings = faces.read(self.valves, self._stored_problems)
        self.valves = with_notes(self.valves, settings.warnings, self._valves_class)
        return settings


def _read(raw: bytes) -> Turn | None:
    """The turn of a streamed request to us, in the shape that the server would accept."""
    body = json.loads(raw)
    if body.get("model") != MODEL or body.get("stream", True) is not True:
        return None
    messages = body["messages"]
    if not messages or not all(isinstance(message["role"], str) for message in messages):
        return None
    return openwebui.read_turn(body, messages)


def _pulled(runtime: Runtime, turn: Turn) -> Generator[str, None, None]:
    outlet = Pulled()
    _, source = faces.begin(runtime, turn, outlet, MODEL)
    if (watch := asgi.CURRENT_WATCH.get()) is not None:
        watch.on_gone(source.cancel)
    return outlet.pieces(source)


async def _answer(
    runtime: Runtime, turn: Turn, handover: Handover, send: asgi.Send, watch: asgi.Watch
) -> None:
    """The whole response of one stream, as the server would send it."""
    outlet = Direct(handover)
    wire, source = faces.begin(runtime, turn, outlet, MODEL)
    watch.on_gone(outlet.close)
    watch.on_gone(source.cancel)
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await outlet.write(source, send)
    await send({"type": "http.response.body", "body": wire.end().encode()})


def _complete(runtime: Runtime, turn: Turn) -> BaseModel:
    whole = faces.Whole(runtime, turn, MODEL)
    if (watch := asgi.CURRENT_WATCH.get()) is not None:
        watch.on_gone(whole.cancel)
    chunks: list[Chunk] = []
    with suppress(CancelledError):  # the client went away: nobody reads what is returned
        chunks = whole.chunks.result()
    return whole.reply(chunks)


def _refuse(failure: Failure, *, stream: bool) -> Generator[str, None, None] | dict[str, Any]:
    if not stream:
        return error_of(failure)
    return _one(faces.first_word(failure, MODEL))


def _one(item: str) -> Generator[str, None, None]:
    yield item
