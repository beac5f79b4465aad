"""One call to one target, which may begin before anybody knows whether it is wanted.

Knows the record of the call and how to end it; knows neither plans nor fallback.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from ..errors import HalError
from ..recorder import CallRecord, TurnRecorder
from ..types import Outcome, ProviderChunk, Target, Text, Thinking, ToolCalls, Usage


class Attempt:
    """Iterate `chunks()` once. `begin()` starts the call at once; `discard()` ends it at once."""

    def __init__(
        self,
        target: Target,
        stream: AsyncIterator[ProviderChunk],
        record: CallRecord,
        recorder: TurnRecorder,
    ) -> None:
        self.target = target
        self._stream, self._record, self._recorder = stream, record, recorder
        self._queue: asyncio.Queue[ProviderChunk | Exception | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    def begin(self) -> None:
        """Start the call ahead of the reader; what arrives waits in a queue."""
        self._task = asyncio.get_running_loop().create_task(self._pump())

    async def chunks(self) -> AsyncGenerator[ProviderChunk, None]:
        """The provider's chunks. Raises its HalError; closing ends the call."""
        source = self._queued() if self._task else self._stream
        try:
            async for chunk in source:
                self._note(chunk)
                yield chunk
        except HalError as error:
            self._end(Outcome.FAILED, error.code)
            raise
        else:
            self._end(Outcome.DONE)
        finally:
            self._end(Outcome.STOPPED)
            await self._close()

    async def discard(self) -> None:
        """End a call whose answer nobody wants; its upstream request is aborted."""
        self._end(Outcome.STOPPED, "discarded")
        await self._close()

    def _note(self, chunk: ProviderChunk) -> None:
        if isinstance(chunk, Usage):
            self._record.usage = chunk
        elif isinstance(chunk, Text | Thinking | ToolCalls):
            self._record.token()

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

    def _end(self, outcome: Outcome, error_code: str = "") -> None:
        if not self._ended:
            self._ended = True
            self._recorder.call_ended(self._record, outcome, error_code)

    async def _close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if (close := getattr(self._stream, "aclose", None)) is not None:
            await close()
