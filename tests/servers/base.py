"""A real HTTP server on loopback, in a thread of its own, that records what it is asked.

Subclasses answer in `handle`. The thread ends, and every connection closes, with the `with`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from .exchange import Connection, Exchange, RecordedRequest
from .ports import HOST as _HOST
from .ports import refused_port

_START_TIMEOUT_S = 10.0
# A connection that was just accepted is at hand within so many steps of the loop.
_LATE_STEPS = 5


def refused_url() -> str:
    """A loopback URL at which nobody listens."""
    return f"http://{_HOST}:{refused_port()}"


class ScriptedServer(ABC):
    """Base of the test servers: start and stop, the record of requests, and waiting for them.

    After `stop`, `start` listens on the same port again: a service that was restarted. `tls`, set
    before the start, makes it https.
    """

    # Another address of loopback where a test needs sites of several owners.
    host = _HOST

    def __init__(self) -> None:
        self.requests: list[RecordedRequest] = []
        self.tls: ssl.SSLContext | None = None
        self._changed = threading.Condition()
        self._failures: list[Exception] = []
        self._port = 0
        self._connections = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @abstractmethod
    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        """Answer one request. Cancelled the moment the client leaves."""

    @property
    def url(self) -> str:
        """Where the server listens, without a trailing slash."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self._port}"

    @property
    def connections(self) -> int:
        """How many connections were ever accepted, whatever came over them; with TLS, once the
        handshake was done."""
        return self._connections

    def start(self) -> Self:
        """Listen, and return once connections are accepted."""
        ready: concurrent.futures.Future[int] = concurrent.futures.Future()
        name = f"{type(self).__name__}"
        self._thread = threading.Thread(target=self._run, args=(ready,), name=name, daemon=True)
        self._thread.start()
        self._port = ready.result(_START_TIMEOUT_S)
        return self

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop has already ended
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_START_TIMEOUT_S)
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.stop()
        if exc is None and self._failures:
            raise self._failures[0]  # a script that raised fails its test

    def forget(self) -> None:
        """Empty the record of requests."""
        with self._changed:
            self.requests.clear()

    def asked(self, path: str) -> list[RecordedRequest]:
        """The requests to this path so far."""
        with self._changed:
            return [request for request in self.requests if request.path == path]

    def wait_for(
        self, condition: Callable[[RecordedRequest], bool], timeout_s: float = 5.0, count: int = 1
    ) -> RecordedRequest:
        """Wait until `count` requests meet the condition; returns the last of them."""

        def met() -> RecordedRequest | None:
            found = [request for request in self.requests if condition(request)]
            return found[count - 1] if len(found) >= count else None

        with self._changed:
            request = self._changed.wait_for(met, timeout_s)
        if request is None:
            seen = [(r.method, r.path, r.status, r.finished) for r in self.requests]
            raise TimeoutError(f"not seen within {timeout_s} s; requests so far: {seen}")
        return request

    def wait_for_request(
        self, timeout_s: float = 5.0, path: str | None = None, count: int = 1
    ) -> RecordedRequest:
        """Wait for the `count`-th request (to `path`)."""
        return self.wait_for(lambda r: path in (None, r.path), timeout_s, count)

    def wait_for_abort(self, timeout_s: float = 5.0, count: int = 1) -> RecordedRequest:
        """Wait until `count` clients have left before their answer was complete."""
        return self.wait_for(lambda r: r.aborted_at is not None, timeout_s, count)

    def _run(self, ready: concurrent.futures.Future[int]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except OSError as error:
            ready.set_exception(error)

    async def _serve(self, ready: concurrent.futures.Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = stopping = asyncio.Event()
        talks: dict[asyncio.Task[None], Connection] = {}

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._connections += 1
            connection = Connection(reader, writer, self._connections)
            task = asyncio.create_task(self._converse(connection))
            talks[task] = connection
            task.add_done_callback(talks.pop)

        server = await asyncio.start_server(
            accept, self.host, self._port, backlog=512, ssl=self.tls
        )
        ready.set_result(server.sockets[0].getsockname()[1])
        await stopping.wait()
        # Accept no more, let what was accepted arrive here, and only then close: what asyncio has
        # taken from the socket when the server closes, it drops unclosed.
        for listening in server.sockets:
            self._loop.remove_reader(listening.fileno())
        for _ in range(_LATE_STEPS):
            await asyncio.sleep(0)
        server.close()
        for task, connection in list(talks.items()):
            task.cancel()
            connection.abort()  # a task that has not begun cannot do it
        await asyncio.gather(*talks, return_exceptions=True)
        await asyncio.sleep(0)  # lets aborted transports close their sockets

    async def _converse(self, connection: Connection) -> None:
        try:
            while request := await connection.read_request():
                self._note(request)
                await self._answer(request, connection)
                if connection.closing or request.headers.get("connection", "").lower() == "close":
                    break
            connection.close()
        except ConnectionError:
            connection.abort()
        except asyncio.CancelledError:
            connection.abort()
            raise

    async def _answer(self, request: RecordedRequest, connection: Connection) -> None:
        """Run `handle` until it is done or the client leaves, whichever comes first."""
        answer = asyncio.create_task(self._handled(request, Exchange(connection, request)))
        gone = asyncio.create_task(connection.client_gone())
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not (answer.done() or request.finished):
                request.aborted_at = request.ended_at = time.monotonic()
        finally:
            answer.cancel()
            gone.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)
            self._notify()
        if request.aborted_at is not None:
            connection.abort()

    async def _handled(self, request: RecordedRequest, exchange: Exchange) -> None:
        try:
            await self.handle(request, exchange)
        except ConnectionError:
            # The client left between two writes: its end of file has not been read yet.
            if not request.finished:
                request.aborted_at = request.ended_at = time.monotonic()
        except Exception as error:  # noqa: BLE001 - a mistake in a test's script; shown at exit
            self._failures.append(error)
            exchange.cut()

    def _note(self, request: RecordedRequest) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
