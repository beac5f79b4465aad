"""The HTTP face of the embedded engine: Ollama's routes over aiohttp.

It does not know how a model runs. An error before the first line is a status with {"error": ...};
after it, a line in a 200, as Ollama does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from aiohttp import web

from .answer import Answerer
from .errors import BadRequest, Cancelled, EmbeddedError, ModelNotFound
from .fetch import ensure_model
from .library import Library
from .progress import Step
from .protocol import (
    ChatRequest,
    EmbedRequest,
    GenerateRequest,
    Generation,
    ModelRequest,
    parse,
)
from .replies import VERSION, encode, listed, shown, timestamp
from .upstream import Event

_MAX_BODY_BYTES = 64 << 20  # a conversation with long documents; aiohttp's own limit is 1 MiB
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Routes:
    """One method for each route."""

    answerer: Answerer
    library: Library

    def table(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/", self.alive),
            web.get("/api/version", self.version),
            web.get("/api/tags", self.tags),
            web.get("/api/ps", self.ps),
            web.post("/api/show", self.show),
            web.post("/api/chat", self.chat),
            web.post("/api/generate", self.generate),
            web.post("/api/embed", self.embed),
            web.post("/api/pull", self.pull),
        ]

    async def alive(self, _request: web.Request) -> web.Response:
        """Say what Ollama says."""
        return web.Response(text="Ollama is running")

    async def version(self, _request: web.Request) -> web.Response:
        """Report a version from which clients conclude what we can do."""
        return web.json_response({"version": VERSION})

    async def tags(self, _request: web.Request) -> web.Response:
        """List the models that are here."""
        return web.json_response({"models": [listed(served) for served in self.library.all()]})

    async def ps(self, _request: web.Request) -> web.Response:
        """List the models that are loaded."""
        loaded = [
            {
                **listed(running.served),
                "expires_at": timestamp(running.expires_at),
                "size_vram": 0,
                "context_length": running.context_tokens,
            }
            for running in self.answerer.engine.running()
        ]
        return web.json_response({"models": loaded})

    async def show(self, request: web.Request) -> web.Response:
        """Describe one model."""
        wanted = parse(ModelRequest, await request.read()).wanted
        return web.json_response(shown(self.library.find(wanted)))

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer a conversation; without messages, load or unload."""
        return await self._generation(request, parse(ChatRequest, await request.read()))

    async def generate(self, request: web.Request) -> web.StreamResponse:
        """Continue a prompt; without one, load or unload."""
        return await self._generation(request, parse(GenerateRequest, await request.read()))

    async def embed(self, request: web.Request) -> web.Response:
        """Turn texts into vectors, with a second worker of the same model."""
        body = parse(EmbedRequest, await request.read())
        if not body.model:
            raise BadRequest("model is required")
        return web.json_response(await self.answerer.embeddings(body))

    async def pull(self, request: web.Request) -> web.StreamResponse:
        """Fetch a model of the catalogue, reporting how far it is."""
        body = parse(ModelRequest, await request.read())
        async with aclosing(_pulling(self.library, body.wanted)) as lines:
            if body.stream:
                return await _ndjson(request, lines)
            last = [line async for line in lines][-1]
        return web.json_response(last, status=500 if "error" in last else 200)

    async def _generation(self, request: web.Request, body: Generation) -> web.StreamResponse:
        async with aclosing(self.answerer.lines(body)) as lines:
            if body.stream is False:
                return web.json_response(await anext(lines))
            return await _ndjson(request, lines)


async def _ndjson(request: web.Request, lines: AsyncIterator[Event]) -> web.StreamResponse:
    """Stream lines; the first one is awaited before the status goes out."""
    first = await anext(lines)
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    try:
        await response.write(encode(first))
        async for line in lines:
            await response.write(encode(line))
    except EmbeddedError as error:
        await response.write(encode({"error": str(error)}))
    await response.write_eof()
    return response


async def _pulling(library: Library, name: str) -> AsyncGenerator[Event, None]:
    """Yield Ollama's lines for a pull, while a thread does the work."""
    yield {"status": "pulling manifest"}
    try:
        model = library.known(name)
    except ModelNotFound:
        yield {"error": f"pull model manifest: '{name}' is not one this server can fetch"}
        return
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event | None] = asyncio.Queue()
    gone = threading.Event()

    def tell(line: Event | None) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it all who listened
            loop.call_soon_threadsafe(queue.put_nowait, line)

    def report(step: Step) -> None:
        if gone.is_set():
            raise Cancelled("request canceled")
        tell(_step_line(step))

    def work() -> None:
        try:
            ensure_model(model, library.folder, report)
            tell({"status": "success"})
        except EmbeddedError as error:
            tell({"error": str(error)})
        tell(None)

    # A thread of its own: it must not keep the process from ending, as an executor's would.
    threading.Thread(target=work, name=f"pull {model.name}", daemon=True).start()
    try:
        while (line := await queue.get()) is not None:
            yield line
    finally:
        gone.set()


def _step_line(step: Step) -> Event:
    if not step.total_bytes:
        return {"status": step.status}
    line: Event = {"status": step.status, "digest": step.digest, "total": step.total_bytes}
    return {**line, "completed": step.completed_bytes} if step.completed_bytes else line


@web.middleware
async def _errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer our own errors as Ollama would."""
    try:
        return await handler(request)
    except EmbeddedError as error:
        return web.json_response({"error": str(error)}, status=error.status)


@web.middleware
async def _same_machine(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Refuse web pages: those in the user's browser reach loopback, and names can be rebound."""
    origin = request.headers.get("Origin", "")
    hosts = [request.host, origin.partition("://")[2]] if origin else [request.host]
    if all(_host_name(host) in _LOOPBACK_NAMES for host in hosts):
        return await handler(request)
    return web.json_response({"error": "only this machine may ask"}, status=403)


def _host_name(host: str) -> str:
    return host.lower() if host.endswith("]") else host.lower().rpartition(":")[0] or host.lower()


def application(answerer: Answerer, *, loopback_only: bool) -> web.Application:
    """Return the server's application; `loopback_only` refuses requests from web pages."""
    guards = [_same_machine] if loopback_only else []
    app = web.Application(middlewares=[_errors, *guards], client_max_size=_MAX_BODY_BYTES)
    app.add_routes(Routes(answerer, answerer.library).table())
    return app
