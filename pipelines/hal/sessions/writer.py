"""The one thread that writes the session log: batches, retries, and the care in between.

Knows neither rows nor turns; what it runs are operations that somebody else has made.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from ..errors import HalError
from .backlog import BACKLOG_MAX, Backlog
from .care import Care
from .database import identity, is_damage, open_for_writing, set_aside
from .operation import ContentPolicy, Operation
from .process import ProcessMark
from .retention import Retention
from .spool import Spool
from .trouble import cause_of, is_busy, remedy_for

_log = logging.getLogger("hal.sessions")

# How long the first attempt waits for another's lock, longer than any transaction of ours takes,
# and the next ones while it stays. After that a row is in the file beside the log: well within the
# `turn.LOG_WAIT_S` that a turn waits for its last row, also on a busy machine.
LOCK_WAIT_S = 0.05
_LOCKED_WAIT_S = 0.01
# The first retry is soon, so that a short lock goes unseen; a disk that stays full is asked rarely.
RETRY_MIN_S = 0.25
RETRY_MAX_S = 15.0
# Between two attempts while somebody waits to send: long enough to take in what else has come.
_URGENT_S = 0.01
# A reader of `warnings` wants the last few, not a diary.
_WARNINGS_MAX = 20
_OUTAGES = (sqlite3.Error, OSError, HalError)


class _Signal(Enum):
    STOP = "stop"
    CARE = "care"


class Writer:
    """Owns the connection, in `run`. All other public methods may be called from any thread."""

    def __init__(
        self,
        path: Path,
        process: ProcessMark,
        busy_timeout_s: float,
        clock: Callable[[], float],
    ) -> None:
        self.warnings: tuple[str, ...] = ()
        self.openings = 0  # how often the file was opened: a new one knows nothing of the old rows
        self._queue: queue.SimpleQueue[Operation | _Signal] = queue.SimpleQueue()
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._clock = clock
        self._spool = Spool(path, process)
        self._backlog = Backlog(self._spool, self._warn)
        self._care = Care(process, self._spool, clock, self._warn)
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._wrote_at = float("-inf")
        self._down_since: float | None = None
        self._retry_s = 0.0  # above zero during an outage
        self._has_warned = False
        self._is_over = False

    def configure(self, content: ContentPolicy, retention: Retention | None) -> None:
        """Apply new settings at once."""
        self._care.content, self._care.retention = content, retention
        self._queue.put(_Signal.CARE)

    def submit(self, operation: Operation) -> None:
        """Put it in the queue; should the thread be over, its future fails here."""
        self._queue.put(operation)
        if self._is_over:
            self._refuse_waiting()

    def stop(self) -> None:
        """Write what waits, then end `run`."""
        self._queue.put(_Signal.STOP)

    def run(self) -> None:
        """Until `stop`; whatever happens, nobody is left waiting for a future."""
        try:
            is_stopping = False
            while not is_stopping:
                is_stopping = self._collect()
                self._write_all()
        finally:
            self._end()

    def _collect(self) -> bool:
        """Wait for something to do and take all that is there; True after the word to stop."""
        try:
            item = self._queue.get(timeout=self._wait_s())
            while item is not _Signal.STOP:
                if isinstance(item, Operation):
                    self._backlog.add(item)
                else:
                    self._care.restart()
                item = self._queue.get_nowait()
        except queue.Empty:
            return False
        return True

    def _wait_s(self) -> float:
        if self._backlog.is_urgent:
            return _URGENT_S
        return self._retry_s or self._care.wait_s()

    def _write_all(self) -> None:
        try:
            try:
                self._attempt()
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                self._begin_anew()
                self._attempt()
        except _OUTAGES as error:
            self._postpone(error)
        else:
            self._recover()

    def _attempt(self) -> None:
        connection = self._open()
        if self._retry_s:  # what could not be written at its time comes before what is new
            self._care.recall(connection)
        if self._backlog:
            self._backlog.commit(connection)
            self._wrote_at = time.monotonic()
        self._care.step(connection, time.monotonic() - self._wrote_at)

    def _postpone(self, error: Exception) -> None:
        """Keep on the disk what may wait, tell all who wait for the rest, and try again later."""
        now = time.monotonic()
        self._down_since = now if self._down_since is None else self._down_since
        is_lock = is_busy(error)
        if not is_lock:
            self._disconnect()  # to open afresh next time
        why = f"The session log cannot be written: {cause_of(error)}"
        is_shelved = self._backlog.shelve()
        self._retry_s = min(max(RETRY_MIN_S, 2 * self._retry_s), RETRY_MAX_S)
        if not is_lock or now - self._down_since >= self._busy_timeout_s:
            self._complain(f"{why} {remedy_for(error)}", is_shelved)
        self._backlog.fail(why, now - self._busy_timeout_s if is_lock else now)

    def _complain(self, trouble: str, is_shelved: bool | None) -> None:
        """Once per outage, not once per attempt."""
        if self._has_warned:
            return
        self._has_warned = True
        file, memory = self._spool.path.name, f"in memory ({BACKLOG_MAX} rows at most)"
        places = {True: f"in {file}", False: memory, None: f"beside it or {memory}"}
        waits = f"Until then, what is to be logged waits {places[is_shelved]}."
        self._warn(f"{trouble.strip()} {waits}")

    def _recover(self) -> None:
        if self._has_warned:
            _log.info("the session log can be written again")
        self._retry_s, self._down_since, self._has_warned = 0.0, None, False

    def _open(self) -> sqlite3.Connection:
        """The connection; a new one when the file was removed or replaced under us."""
        if self._connection is not None and identity(self._path) != self._file:
            self._disconnect()
        first_s = LOCK_WAIT_S if self._down_since is None else _LOCKED_WAIT_S
        lock_wait_s = min(first_s, self._busy_timeout_s)
        if self._connection is None:
            self._connection = open_for_writing(self._path, lock_wait_s)
            self._file = identity(self._path)
            self._care.restart()
            self.openings += 1
        self._connection.execute(f"PRAGMA busy_timeout = {lock_wait_s * 1000:.0f}")
        return self._connection

    def _begin_anew(self) -> None:
        """Put a damaged file aside, unless another process has just done so."""
        broken = self._file if self._connection is not None else identity(self._path)
        self._disconnect()
        if broken is not None and identity(self._path) == broken:
            aside = set_aside(self._path, self._clock())
            self._warn(f"The session log was damaged. It is kept as {aside.name}; a new one began.")

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _warn(self, message: str) -> None:
        _log.warning(message)
        if message not in self.warnings:
            self.warnings = (*self.warnings, message)[-_WARNINGS_MAX:]

    def _end(self) -> None:
        """Keep or fail what could not be written, and what still comes behind the word to stop."""
        self._disconnect()
        self._backlog.shelve()
        self._spool.leave()
        if self._backlog:
            self._warn(f"The session log was closed with {len(self._backlog)} rows unwritten.")
            self._backlog.fail("The session log was closed.", time.monotonic())
        self._is_over = True  # before the queue is emptied: who comes later sees it
        self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return
            if isinstance(item, Operation) and item.claim():
                item.fail("The session log is closed.")
