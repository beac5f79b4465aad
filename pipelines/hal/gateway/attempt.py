"""One call to one target, which may begin before anybody knows whether it is wanted.

Knows the record of the call, what it came to, and how to end it; knows neither plans nor fallback.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

from ..errors import BadReply, HalError
from ..recorder import TurnRecorder
from ..recording import CallRecord
from ..types import Outcome, ProviderChunk, Request, Target, Text, Thinking, ToolCalls, Usage
from .billing import may_be_billed
from .repetition import RepetitionGuard

# What a call used that ended without saying, from the number of characters that came.
Estimate = Callable[[int], Usage]


class Attempt:
    """Iterate `chunks()` once. `begin()` starts the call at once; `discard()` ends it at once.

    `held` is what the call holds until it has ended, such as its place in a line.
    """

    def __init__(
        self,
        request: Request,
        stream: AsyncIterator[ProviderChunk],
        record: CallRecord,
        recorder: TurnRecorder,
        estimate: Estimate,
    ) -> None:
        self.request = request
        self.held = AsyncExitStack()
        self._stream, self._record, self._recorder = stream, record, recorder
        self._estimate = estimate
        self._queue: asyncio.Queue[ProviderChunk | Exception | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._guard = RepetitionGuard(request.target.label)
        self._thinking_guard = RepetitionGuard(request.target.label)
        self._chars = 0
        self._told = self._answered = self._ended = False

    @property
    def target(self) -> Target:
        return self.request.target

    @property
    def usage(self) -> Usage:
        """What the call used; complete when it has ended."""
        return self._record.usage

    def begin(self) -> None:
        """Start the call ahead of the reader; what arrives waits in a queue."""
        self._task = asyncio.get_running_loop().create_task(self._pump())

    async def chunks(self) -> AsyncGenerator[ProviderChunk, None]:
        """The provider's chunks. Raises its HalError; closing ends the call.

        An answer without any visible text is a BadReply like any other.
        """
        source = self._queued() if self._task else self._stream
        try:
            async for chunk in source:
                self._note(chunk)
                yield chunk
            if not self._answered:
                raise BadReply(f"{self.target.label} ended without an answer.", "Ask again.")
        except HalError as error:
            self._end(Outcome.FAILED, error)
            raise
        else:
            self._end(Outcome.DONE)
        finally:
            self._end(Outcome.STOPPED)
            await self._close()

    async def discard(self) -> None:
        """End a call whose answer nobody wants; its upstream request is aborted."""
        self._end(Outcome.STOPPED, code="discarded")
        await self._close()

    def _note(self, chunk: ProviderChunk) -> None:
        if isinstance(chunk, Text):
            self._record.token()
            self._chars += len(chunk.text)
            self._answered = self._answered or bool(chunk.text.strip())
            self._guard.check(chunk.text)
        elif isinstance(chunk, Thinking):
            self._record.token()
            self._chars += len(chunk.text)
            self._thinking_guard.check(chunk.text)
        elif isinstance(chunk, ToolCalls):
            self._record.token()
            self._answered = True
        elif isinstance(chunk, Usage):
            self._told = True
            self._record.usage = chunk

    async def _queued(self) -> AsyncIterator[ProviderChunk]:
        while (item := await self._queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    async def _pump(self) -> None:
        try:
            async for chunk in self._stream:
                self._queue.put_nowait(chunk)
        except Exception as error:  # noqa: BLE001  (raised again where it is read)
            self._queue.put_nowait(error)
        finally:
            self._queue.put_nowait(None)

    def _end(self, outcome: Outcome, error: HalError | None = None, code: str = "") -> None:
        if self._ended:
            return
        self._ended = True
        if not self._told:
            billed = self.target.leaves_machine and may_be_billed(outcome, error)
            self._record.usage = (
                self._estimate(self._chars) if billed else replace(self.usage, cost_usd=0.0)
            )
        self._recorder.call_ended(self._record, outcome, error.code if error else code)

    async def _close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if (close := getattr(self._stream, "aclose", None)) is not None:
            await close()
        await self.held.aclose()
