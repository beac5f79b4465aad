"""`asyncio.timeout` for many short waits in a row, at the price of one timer for all of them.

A stream waits once per token; making and cancelling a timer for each wait was a quarter of what the
event loop did with 64 streams. Here the timer stays armed between the waits and looks at the due
time only when it fires. Knows nothing of what is waited for.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Watchdog:
    """`with watchdog.until(due): await ...` raises TimeoutError when the wait is longer.

    `due` is in the loop's own seconds. One task at a time; `close()` when no more waits come.
    """

    __slots__ = ("_cancelling", "_due", "_expired", "_handle", "_loop", "_task")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._due = 0.0
        self._cancelling = 0
        self._expired = False

    def until(self, due: float) -> Watchdog:
        self._due = due
        return self

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._task, self._cancelling = task, task.cancelling()
        if self._handle is None or self._handle.when() > self._due:
            self._arm()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if not self._expired:
            return
        self._expired = False
        # As asyncio.timeout does: a cancellation that came from outside as well goes on.
        last = task is not None and task.uncancel() <= self._cancelling
        if last and kind is asyncio.CancelledError:
            raise TimeoutError from exc

    def _arm(self) -> None:
        self.close()
        self._handle = self._loop.call_at(self._due, self._fire)

    def _fire(self) -> None:
        self._handle = None
        if self._task is None:
            return  # nobody waits: the next wait arms it
        if self._loop.time() < self._due:
            self._arm()
        else:
            self._expired = True
            self._task.cancel()
