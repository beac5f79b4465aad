"""Our layer in the Pipelines server's ASGI stack, around all that the server does itself.

For a chat completion it reads the whole body and goes on listening for the disconnect, which the
server does not. A stream that is ours it may have answered at once: the server's own way there
costs two middlewares, a validation and worker threads for every turn. Everything else passes, but
for the metrics if they are on. It also lets a plain `curl -d '{...}'` in. Knows nothing of turns.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH_END = "/chat/completions"
METRICS_PATH = "/metrics"
FORM = b"application/x-www-form-urlencoded"


class Watch:
    """One request's client. `on_gone` callbacks run on the server's loop, once."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], None]] = []
        self.gone = asyncio.Event()

    def on_gone(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)
        if self.gone.is_set():
            callback()

    def client_left(self) -> None:
        self.gone.set()
        for callback in list(self._callbacks):
            callback()


# Sends the whole response; the watch tells when nobody reads it any more.
Answer = Callable[[Send, Watch], Awaitable[None]]
# The answer to a request's body, or None: the server shall have it. Must not raise.
Answers = Callable[[bytes], Awaitable[Answer | None]]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole small response."""

    status: int
    content_type: str
    body: bytes


# The metrics, for this peer and by its Accept header; None: the server shall have it.
Metrics = Callable[[str, str], Awaitable[Page | None]]

# Set where the request begins and read where `pipe()` is called: the server copies the context into
# its worker threads. No state is kept in it.
CURRENT_WATCH: ContextVar[Watch | None] = ContextVar("hal_watch", default=None)


class Layer:
    """ASGI middleware. `hal_inner` is what it wraps, so that a reload can replace it."""

    def __init__(
        self, inner: App, answers: Answers | None = None, metrics: Metrics | None = None
    ) -> None:
        self.hal_inner = inner
        self._answers = answers
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope.get("path", "").endswith(PATH_END):
            if (page := await self._page(scope)) is not None:
                await _send_page(page, send)
            else:
                await self.hal_inner(scope, receive, send)
            return
        body = await _whole_body(receive)
        scope = _as_json(scope, body)
        watch = Watch()
        CURRENT_WATCH.set(watch)
        listener = asyncio.create_task(_listen(receive, watch))
        try:
            if (answer := await self._answer(scope, body)) is not None:
                await answer(send, watch)
            else:
                await self.hal_inner(scope, _replay(body, watch), send)
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    async def _page(self, scope: Scope) -> Page | None:
        if self._metrics is None or scope["type"] != "http" or scope.get("path") != METRICS_PATH:
            return None
        if scope.get("method") != "GET":
            return None
        headers = {name.lower(): value for name, value in scope.get("headers", [])}
        peer = (scope.get("client") or ("",))[0]
        return await self._metrics(peer, headers.get(b"accept", b"").decode("latin-1"))

    async def _answer(self, scope: Scope, body: list[Event]) -> Answer | None:
        if self._answers is None or not _is_plain(scope) or body[-1]["type"] != "http.request":
            return None
        return await self._answers(b"".join(event.get("body", b"") for event in body))


async def _send_page(page: Page, send: Send) -> None:
    headers = [
        (b"content-type", page.content_type.encode()),
        (b"content-length", str(len(page.body)).encode()),
    ]
    await send({"type": "http.response.start", "status": page.status, "headers": headers})
    await send({"type": "http.response.body", "body": page.body})


def _is_plain(scope: Scope) -> bool:
    """A POST of JSON by a program; to a browser's script the server adds headers of its own."""
    headers = {name.lower(): value for name, value in scope.get("headers", [])}
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return (
        scope.get("method") == "POST" and kind == b"application/json" and b"origin" not in headers
    )


async def _whole_body(receive: Receive) -> list[Event]:
    events = [await receive()]
    while events[-1]["type"] == "http.request" and events[-1].get("more_body"):
        events.append(await receive())
    return events


def _as_json(scope: Scope, body: list[Event]) -> Scope:
    """Call a JSON body JSON: to `curl -d` everything is a form, which the server refuses."""
    headers = [(name.lower(), value) for name, value in scope.get("headers", [])]
    said = dict(headers).get(b"content-type", b"")
    if said != FORM or not body[0].get("body", b"").lstrip().startswith(b"{"):
        return scope
    kept = [pair for pair in headers if pair[0] != b"content-type"]
    return {**scope, "headers": [*kept, (b"content-type", b"application/json")]}


async def _listen(receive: Receive, watch: Watch) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    watch.client_left()


def _replay(events: list[Event], watch: Watch) -> Receive:
    waiting = list(events)

    async def receive() -> Event:
        if waiting:
            return waiting.pop(0)
        await watch.gone.wait()
        return {"type": "http.disconnect"}

    return receive


def install(answers: Answers, metrics: Metrics | None = None) -> bool:
    """Put the layer around the running server; False when this is no Pipelines server."""
    for name in ("main", "__main__"):
        app = getattr(sys.modules.get(name), "app", None)
        stack = getattr(app, "middleware_stack", None)
        if app is not None and stack is not None:
            # After a reload the old layer still wraps the stack; requests in flight keep it.
            app.middleware_stack = Layer(getattr(stack, "hal_inner", stack), answers, metrics)
            return True
    return False
