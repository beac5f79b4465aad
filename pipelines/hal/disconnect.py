"""An ASGI layer around the server's own stack, for chat completions alone.

It notices that a client went away, which the Pipelines server itself does not: it reads the whole
body, goes on listening for the disconnect, and tells whoever asked. It lets whoever asked write
before the server does. It also lets a plain `curl -d '{...}'` in. Knows nothing of turns.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
# Returns whether it has told how the answer finished.
Writer = Callable[[Send], Awaitable[bool]]

PATH_END = "/chat/completions"
SERVERS_FINISH = b'"finish_reason": "stop"'
FORM = b"application/x-www-form-urlencoded"


class Watch:
    """One request's client. `on_gone` callbacks run on the server's loop, once."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], None]] = []
        self._writer: Writer | None = None
        self.gone = asyncio.Event()

    def on_gone(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)
        if self.gone.is_set():
            callback()

    def client_left(self) -> None:
        self.gone.set()
        for callback in list(self._callbacks):
            callback()

    def write_first(self, writer: Writer) -> None:
        """Have the writer write part of the body before the server writes its own.

        To be called before the server's first piece of the body, which waits until the writer has
        returned: so does everything after it, because an app awaits each `send`.
        """
        self._writer = writer

    def sender(self, send: Send) -> Send:
        """The `send` for the server."""

        async def send_in_turn(event: Event) -> None:
            if self._writer is not None and event["type"] == "http.response.body":
                writer, self._writer = self._writer, None
                if await writer(send) and SERVERS_FINISH in event.get("body", b""):
                    return  # the server says "stop" whatever came: one reason is enough
            await send(event)

        return send_in_turn

    def over(self) -> None:
        """The server is done with the request; a writer that never got its turn must hear of it."""
        if self._writer is not None:
            self.client_left()


# Set where the request begins and read where `pipe()` is called: the server copies the context into
# its worker threads. No state is kept in it.
CURRENT_WATCH: ContextVar[Watch | None] = ContextVar("hal_watch", default=None)


class DisconnectWatch:
    """ASGI middleware. `hal_inner` is what it wraps, so that a reload can replace it."""

    def __init__(self, inner: App) -> None:
        self.hal_inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope.get("path", "").endswith(PATH_END):
            await self.hal_inner(scope, receive, send)
            return
        body = await _whole_body(receive)
        scope = _as_json(scope, body)
        watch = Watch()
        CURRENT_WATCH.set(watch)
        listener = asyncio.create_task(_listen(receive, watch))
        try:
            await self.hal_inner(scope, _replay(body, watch), watch.sender(send))
        finally:
            watch.over()
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener


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


def install() -> bool:
    """Put the watch around the running server; False when this is no Pipelines server."""
    for name in ("main", "__main__"):
        app = getattr(sys.modules.get(name), "app", None)
        stack = getattr(app, "middleware_stack", None)
        if app is not None and stack is not None:
            # After a reload the old watch still wraps the stack; requests in flight keep it.
            app.middleware_stack = DisconnectWatch(getattr(stack, "hal_inner", stack))
            return True
    return False
