"""From the loop to a worker thread: one turn's chunks as a generator of few, large strings.

The Pipelines server pulls a sync generator from worker threads, pays a thread hop for every item,
does not close it on Stop, and may drop it anywhere. So: text is collected for some tens of
milliseconds, a turn that nobody pulls any more is cancelled, and cancelling is one cheap call.
"""

from __future__ import annotations

import asyncio
import logging
import queue
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass
from time import monotonic
from typing import Any

from .recorder import TurnRecorder
from .types import Chunk, Decided, Failure, Text, Thinking
from .wire import Wire

logger = logging.getLogger("hal.bridge")

# 25 pieces a second read as flowing text; each piece costs 0.2-0.4 ms of CPU in the server.
COLLECT_S = 0.04
# With many streams at once that cost is what limits the server, and 12 pieces a second still flow.
CROWD, CROWD_COLLECT_S = 16, 0.08
# A client that is alive is pulled from all the time; half a minute without a pull while something
# waits means that the generator was dropped.
ABANDONED_S = 30.0
# How often a waiting worker looks whether the loop is still there.
LOOK_S = 15.0

UNEXPECTED = Failure(
    "hal-auto met an unexpected error in this turn. The server's log names it; "
    "`hal doctor` checks the installation.",
    "internal",
)


@dataclass(frozen=True, slots=True)
class Piece:
    """What is handed over at once: SSE lines, and how many characters of the answer they hold."""

    payload: str
    chars: int = 0


class Bridge:
    """One per streamed turn. `begin()` on the loop, `pieces()` in the server's worker threads."""

    def __init__(
        self,
        wire: Wire,
        call_soon: Callable[..., Any],
        *,
        streams: Callable[[], int] = lambda: 1,
        abandoned_s: float = ABANDONED_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._wire, self._call_soon = wire, call_soon
        self._streams = streams
        self._abandoned_s, self._look_s = abandoned_s, look_s
        self._pieces: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._waiting: list[str] = []
        self._kind: type[Text] | type[Thinking] | None = None
        self._run: list[str] = []
        self._chars = 0
        self._sent_at = float("-inf")
        self._flush_handle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._recorders: list[TurnRecorder] = []
        self._pulled_chars = 0
        self._pulled_at = monotonic()
        self._stopping = False
        self._ended = False

    # On the loop's thread.

    def begin(self, answer: Callable[[list[TurnRecorder]], AsyncIterator[Chunk]]) -> None:
        if self._ended:
            return
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._deliver(answer(self._recorders)))
        # A task that is cancelled before its first step never gets to its own end.
        self._task.add_done_callback(lambda _: self._end())
        self._watch(loop)

    async def _deliver(self, chunks: AsyncIterator[Chunk]) -> None:
        try:
            async for chunk in chunks:
                self._take(chunk)
        except asyncio.CancelledError:
            pass  # Stop: nobody is there to read a last word.
        except Exception:  # the last resort: an exception here would be an empty bubble
            logger.exception("turn failed")
            self._take(UNEXPECTED)
        finally:
            await chunks.aclose()  # type: ignore[attr-defined]

    def _take(self, chunk: Chunk) -> None:
        if isinstance(chunk, Text | Thinking):
            self._collect(chunk)
            return
        self._close_run()
        encoded = self._wire.encode(chunk)
        if encoded is not None:
            self._waiting.append(encoded)
        if not isinstance(chunk, Decided):
            self._flush()

    def _collect(self, chunk: Text | Thinking) -> None:
        if self._kind is not type(chunk):
            self._close_run()
            self._kind = type(chunk)
        self._run.append(chunk.text)
        if isinstance(chunk, Text):
            self._chars += len(chunk.text)
        if self._flush_handle is not None:
            return
        loop = asyncio.get_running_loop()
        collect_s = COLLECT_S if self._streams() <= CROWD else CROWD_COLLECT_S
        wait_s = self._sent_at + collect_s - loop.time()
        if wait_s <= 0:
            self._flush()
        else:
            self._flush_handle = loop.call_later(wait_s, self._flush)

    def _close_run(self) -> None:
        if self._run:
            text = "".join(self._run)
            encode = self._wire.text if self._kind is Text else self._wire.thinking
            self._waiting.append(encode(text))
            self._run.clear()

    def _flush(self) -> None:
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        if self._run:
            # Only text sets the pace: a status line must not hold back the first word after it.
            self._sent_at = asyncio.get_running_loop().time()
        self._close_run()
        if self._waiting:
            # Several SSE events in one item: the server adds the last blank line itself.
            self._pieces.put(Piece("\n\n".join(self._waiting), self._chars))
            self._waiting.clear()
            self._chars = 0

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._flush()
            self._pieces.put(None)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._ended:
            return
        if not self._pieces.empty() and monotonic() - self._pulled_at > self._abandoned_s:
            self._cancel()
        else:
            loop.call_later(self._abandoned_s / 3, self._watch, loop)

    def _cancel(self) -> None:
        if self._task is None:
            self._end()
        # Once: a second cancel would break into the clean-up that the first one began.
        if self._ended or self._stopping or self._task is None:
            return
        self._stopping = True
        for recorder in self._recorders:
            recorder.delivered_chars = self._pulled_chars
        self._task.cancel()

    # From any thread.

    def cancel(self) -> None:
        """End the turn now; cheap, idempotent, never raises."""
        self._call_soon(self._cancel)

    def pieces(self, is_alive: Callable[[], bool]) -> Generator[str, None, None]:
        """What the server pulls. Ends with the turn; dropping it cancels the turn."""
        try:
            while (piece := self._next(is_alive)) is not None:
                self._pulled_at = monotonic()
                self._pulled_chars += piece.chars
                yield piece.payload
        finally:
            self.cancel()

    def _next(self, is_alive: Callable[[], bool]) -> Piece | None:
        self._pulled_at = monotonic()
        while True:
            try:
                return self._pieces.get(timeout=self._look_s)
            except queue.Empty:
                if is_alive():
                    continue
                if self._ended:
                    return None
                self._ended = True
                return Piece(self._wire.encode(UNEXPECTED) or "")
