"""Take rows for the session log from any thread and hand back futures; never raise, never wait.

Knows no SQL and no retries: the writer thread behind it does all that touches the disk.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

from .operation import ContentPolicy, Operation
from .process import this_process
from .record import (
    ContentRow,
    EgressContentRow,
    EgressRow,
    PolicyRow,
    PromptVersionRow,
    Row,
    ScoreContentRow,
    ShadowContentRow,
    TurnRow,
)
from .retention import Retention
from .statements import put_state, save
from .writer import Writer

# How long an egress row waits for another process' lock before it is refused, and how long a lock
# may last before it is trouble to speak of.
BUSY_TIMEOUT_S = 5.0
# A shutdown must not hang on a broken disk; what cannot even be put beside the log by then is lost.
CLOSE_TIMEOUT_S = 2.0
_TEXTS = (ContentRow, EgressContentRow, ScoreContentRow, ShadowContentRow)


class SessionStore:
    """The writing side of the log. Cheap to make; `start()` begins the thread.

    A write's future resolves when the row outlives this process: it is committed or, while the
    log cannot take it, in the file beside it. Where neither can be, it fails at once, so that
    nobody waits on a broken disk; the row itself is kept in memory and tried again. An egress row
    is committed or nothing: its future fails with EgressRefused, and then nothing may be sent.
    """

    def __init__(  # noqa: PLR0913 - what it keeps, for how long, and two for the tests
        self,
        path: Path,
        *,
        log_content: bool,
        content_days: int,
        retention: Retention | None = None,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._process = this_process()
        self._policy = ContentPolicy(log_content, content_days)
        self._retention = retention
        self._writer = Writer(path, self._process, busy_timeout_s, clock)
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._known: set[tuple[int, str]] = set()
        # Reentrant, for a `finally` that the garbage collector runs in the middle of `close`.
        self._lock = threading.RLock()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong with the file, in sentences, without any user's text."""
        return self._writer.warnings

    def start(self) -> None:
        """Begin the thread, which opens the file. Returns at once; a second call does nothing."""
        with self._lock:
            if self._thread is not None or self._is_closed:
                return
            self._writer.configure(self._policy, self._retention)
            # A daemon: a stuck disk must not keep the interpreter from ending.
            self._thread = threading.Thread(target=self._writer.run, name="hal-log", daemon=True)
            self._thread.start()

    def configure(
        self, log_content: bool, content_days: int, retention: Retention | None = None
    ) -> None:
        """From now on; rows already kept stay until they are `content_days` old."""
        self._policy = ContentPolicy(log_content, content_days)
        self._retention = retention or self._retention
        self._writer.configure(self._policy, self._retention)

    def write(self, row: Row) -> Future[None]:
        """Put a row in the queue; a turn, call or content of the same key is replaced."""
        if isinstance(row, _TEXTS) and not self._policy.keeps:
            return _resolved()
        if isinstance(row, PromptVersionRow | PolicyRow):
            return self._write_once(row)
        if isinstance(row, TurnRow):
            row = replace(row, process_id=str(self._process))
        return self._submit(Operation(partial(save, row=row), row))

    def _write_once(self, row: PromptVersionRow | PolicyRow) -> Future[None]:
        """Once per file: every turn names its prompts and its policy, and they hardly ever
        change."""
        key = (self._writer.openings, row.id)
        if key in self._known:
            return _resolved()
        future = self._submit(Operation(partial(save, row=row), row))
        future.add_done_callback(lambda done: self._written(key, done))
        return future

    def _written(self, key: tuple[int, str], done: Future[None]) -> None:
        if not done.cancelled() and done.exception() is None:
            self._known.add(key)

    def write_egress(self, row: EgressRow) -> Future[None]:
        """Send only after this resolved: then the row is on the disk."""
        return self._submit(Operation(partial(save, row=row), row, is_egress=True))

    def apply(self, change: Callable[[sqlite3.Connection], None]) -> Future[None]:
        """Run a change that has to look at other rows first, in the writer's transaction."""
        return self._submit(Operation(change))

    def put_state(self, key: str, json_text: str) -> Future[None]:
        """Remember a small value, such as the classifier's calibration."""
        change = partial(put_state, key=key, value=json_text, now_s=self._clock())
        return self._submit(Operation(change))

    def close(self) -> None:
        """Write what waits, then end the thread; at most CLOSE_TIMEOUT_S, again and again."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._writer.stop()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_TIMEOUT_S)

    def _submit(self, operation: Operation) -> Future[None]:
        if self._thread is None:
            operation.fail("The session log has not been started.")
        elif self._is_closed:
            operation.fail("The session log is closed.")
        else:
            self._writer.submit(operation)
        return operation.future


def _resolved() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future
