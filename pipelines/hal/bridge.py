"""From the turn's loop to the server: one turn's chunks as few, large pieces for an outlet.

Every piece costs the server something, and the server does not say when nobody reads any more. So:
text is collected for some tens of milliseconds, a turn whose pieces nobody takes is cancelled, and
cancelling is one cheap call. Knows neither threads nor ASGI: how pieces travel is the outlet's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from .outlets import Outlet, Piece
from .recorder import TurnRecorder
from .types import Chunk, Decided, Failure, Text, Thinking
from .wire import Wire

logger = logging.getLogger("hal.bridge")

# 25 pieces a second read as flowing text.
COLLECT_S = 0.04
# With many streams at once their pieces are what limits the server, and 12 a second still flow.
CROWD, CROWD_COLLECT_S = 16, 0.08
# A client that is alive takes what there is; half a minute in which it takes nothing means that it
# is gone, or that the server dropped the stream.
ABANDONED_S = 30.0

UNEXPECTED = Failure(
    "hal-auto met an unexpected error in this turn. The server's log names it; "
    "`hal doctor` checks the installation.",
    "internal",
)


class Bridge:
    """One per streamed turn. `begin()` on the turn's loop; its pieces come out of the outlet."""

    def __init__(
        self,
        wire: Wire,
        call_soon: Callable[..., Any],
        outlet: Outlet,
        *,
        streams: Callable[[], int] = lambda: 1,
        abandoned_s: float = ABANDONED_S,
    ) -> None:
        self._wire, self._call_soon, self._outlet = wire, call_soon, outlet
        self._streams, self._abandoned_s = streams, abandoned_s
        self._waiting: list[str] = []
        self._kind: type[Text] | type[Thinking] | None = None
        self._run: list[str] = []
        self._chars = 0
        self._sent_at = float("-inf")
        self._flush_handle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._recorders: list[TurnRecorder] = []
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
            self._outlet.put(Piece("\n\n".join(self._waiting), self._chars))
            self._waiting.clear()
            self._chars = 0

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._flush()
            self._outlet.end()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._ended:
            return
        if self._outlet.stalled_s() > self._abandoned_s:
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
            recorder.delivered_chars = self._outlet.chars
        self._task.cancel()

    # From any thread.

    def cancel(self) -> None:
        """End the turn now, if it has not ended; cheap, idempotent, never raises."""
        if not self._ended:
            self._call_soon(self._cancel)
