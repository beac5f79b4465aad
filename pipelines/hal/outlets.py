"""How one turn's pieces reach the server: pulled by its worker threads, or written past them.

An outlet is filled on the turn's loop and emptied elsewhere. Knows ASGI events and SSE framing;
knows neither turns nor chunks.
"""

from __future__ import annotations

import asyncio
import queue
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from .asgi import Send

# How often a waiting reader looks whether the turn's loop is still there.
LOOK_S = 15.0


@dataclass(frozen=True, slots=True)
class Piece:
    """What is handed over at once: SSE events, and how many characters of the answer they hold.

    The last event has no blank line of its own: the server adds it to what it pulls.
    """

    payload: str
    chars: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """The turn as its outlet sees it. `last_word`: what is said when its loop has died."""

    is_alive: Callable[[], bool]
    cancel: Callable[[], None]
    last_word: str


class Outlet(Protocol):
    """`chars`: characters of the answer that were handed over so far."""

    chars: int

    def put(self, piece: Piece) -> None: ...

    def end(self) -> None: ...

    def stalled_s(self) -> float:
        """For how long something has waited for a reader that takes nothing; seconds."""
        ...


class Pulled:
    """For any server: a generator, pulled from worker threads and perhaps dropped anywhere."""

    def __init__(self, look_s: float = LOOK_S) -> None:
        self._look_s = look_s
        self._pieces: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._waits_since = monotonic()
        self._is_over = False
        self.chars = 0

    def put(self, piece: Piece) -> None:
        if self._pieces.empty():
            self._waits_since = monotonic()
        self._pieces.put(piece)

    def end(self) -> None:
        self._pieces.put(None)

    def stalled_s(self) -> float:
        return 0.0 if self._pieces.empty() else monotonic() - self._waits_since

    def pieces(self, source: Source) -> Generator[str, None, None]:
        """What the server pulls. Ends with the turn; dropping it cancels the turn."""
        try:
            while (piece := self._next(source)) is not None:
                self.chars += piece.chars
                yield piece.payload
        finally:
            source.cancel()

    def _next(self, source: Source) -> Piece | None:
        while not self._is_over:
            with suppress(queue.Empty):
                piece = self._pieces.get(timeout=self._look_s)
                self._waits_since = monotonic()
                return piece
            if not source.is_alive():
                self._is_over = True
                return Piece(source.last_word)
        return None


class Handover:
    """Callbacks from other threads onto one loop: all that wait are run in one wake-up of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], object]] = deque()
        self._is_due = False

    def call(self, callback: Callable[[], object]) -> None:
        """Run the callback on the loop, soon; a loop that has ended is no error."""
        self._waiting.append(callback)
        if not self._is_due:
            self._is_due = True
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        # First: what is added after the last look below must order a wake-up of its own.
        self._is_due = False
        while self._waiting:
            self._waiting.popleft()()


class Direct:
    """For a server whose loop we are on: written straight to the connection, or asked for by a
    coroutine there.

    An item that the server pulls costs it a worker thread and two hops through its middleware; a
    piece written here costs neither. `put()` and `end()` on the turn's loop, the rest on the
    server's.
    """

    def __init__(self, handover: Handover, look_s: float = LOOK_S) -> None:
        self._handover, self._look_s = handover, look_s
        self._pieces: deque[Piece] = deque()
        self._waits_since = monotonic()
        self._arrived = asyncio.Event()
        self._is_over = self._is_closed = False
        self.chars = 0

    def put(self, piece: Piece) -> None:
        if not self._pieces:
            self._waits_since = monotonic()
        self._pieces.append(piece)
        self._handover.call(self._arrived.set)

    def end(self) -> None:
        self._is_over = True
        self._handover.call(self._arrived.set)

    def stalled_s(self) -> float:
        return monotonic() - self._waits_since if self._pieces else 0.0

    def close(self) -> None:
        """The client has left: write no more."""
        self._is_closed = True
        self._arrived.set()

    async def write(self, source: Source, send: Send) -> None:
        """Write until the turn has ended or the client has left; the answer's head is out."""
        async with aclosing(self.payloads(source)) as payloads:
            async for payload in payloads:
                body = f"{payload}\n\n".encode()
                await send({"type": "http.response.body", "body": body, "more_body": True})

    async def payloads(self, source: Source) -> AsyncGenerator[str, None]:
        """What has come, all that waits at once, until the turn has ended or the client has left.

        Who stops asking has not got the last one. Closing this cancels the turn.
        """
        self._look_later(source)
        try:
            while not self._is_closed:
                self._arrived.clear()
                # Before the look at what waits: the last piece may come between the two.
                is_over = self._is_over
                if self._pieces:
                    pieces = [self._pieces.popleft() for _ in range(len(self._pieces))]
                    self._waits_since = monotonic()
                    yield "\n\n".join(piece.payload for piece in pieces)
                    self._delivered(pieces)
                elif is_over:
                    break
                else:
                    await self._arrived.wait()
        finally:
            self._looking.cancel()
            source.cancel()

    def _delivered(self, pieces: list[Piece]) -> None:
        if not self._is_closed:  # a connection that is lost takes everything, and delivers nothing
            self.chars += sum(piece.chars for piece in pieces)

    def _look_later(self, source: Source) -> None:
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(self._look_s, self._look, source)

    def _look(self, source: Source) -> None:
        if source.is_alive():
            self._look_later(source)
        else:
            self.put(Piece(source.last_word))
            self.end()
