"""The one thread that writes the session log: batches, retries, and the hourly clean-up.

Knows neither rows nor turns; what it runs are operations that somebody else has made.
"""

from __future__ import annotations

import json
import logging
import queue
import sqlite3
import time
from collections.abc import Callable
from dataclasses import asdict
from enum import Enum
from pathlib import Path

from ..errors import HalError
from .database import identity, is_damage, open_for_writing, set_aside
from .operation import ContentPolicy, Operation
from .process import ProcessMark
from .statements import cut_dead, expire_content, put_state

_log = logging.getLogger("hal.sessions")

# The key under which the policy stands in the state table, for readers that explain a gap.
POLICY_KEY = "content_policy"
# Two days of a busy household's rows at 3 kB each: about 6 MB of memory.
BACKLOG_MAX = 2_000
# The first retry is soon, so that a short lock goes unseen; a disk that stays full is asked rarely.
RETRY_MIN_S = 0.25
RETRY_MAX_S = 15.0
CARE_EVERY_S = 3600.0
# A reader of `warnings` wants the last few, not a diary.
_WARNINGS_MAX = 20
# One row's own fault: the others of the batch are written.
_ROW_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    TypeError,
    ValueError,
    OverflowError,
)
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
        self._process = process
        self._busy_timeout_s = busy_timeout_s
        self._clock = clock
        self._policy = ContentPolicy(log_content=False, content_days=0)
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._backlog: list[Operation] = []
        self._care_at = 0.0
        self._retry_s = 0.0  # above zero during an outage
        self._is_over = False

    def configure(self, policy: ContentPolicy) -> None:
        """Apply a new policy at once."""
        self._policy = policy
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
                if item is _Signal.CARE:
                    self._care_at = 0.0
                elif isinstance(item, Operation) and item.claim():
                    self._backlog.append(item)
                item = self._queue.get_nowait()
        except queue.Empty:
            return False
        return True

    def _wait_s(self) -> float:
        return self._retry_s or max(0.0, self._care_at - time.monotonic())

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
        if self._backlog:
            self._settle(self._commit(connection))
        if time.monotonic() >= self._care_at:
            self._care(connection)

    def _commit(self, connection: sqlite3.Connection) -> dict[int, str]:
        """One transaction for all that waits; says which rows were refused, by their place."""
        refused = {}
        connection.execute("BEGIN IMMEDIATE")
        for place, operation in enumerate(self._backlog):
            try:
                operation.apply(connection)
            except _ROW_ERRORS as error:
                refused[place] = type(error).__name__
        connection.execute("COMMIT")
        return refused

    def _settle(self, refused: dict[int, str]) -> None:
        done, self._backlog = self._backlog, []
        for place, operation in enumerate(done):
            if place in refused:
                why = f"The session log refused a row: {refused[place]}."
                self._warn(why)
                operation.fail(why)
            else:
                operation.succeed()

    def _care(self, connection: sqlite3.Connection) -> None:
        """Cut what the dead left running, expire content, and note the policy for readers."""
        now_s = self._clock()
        connection.execute("BEGIN IMMEDIATE")
        cut_dead(connection, self._process, now_s)
        expired = expire_content(connection, self._policy.content_days, now_s)
        put_state(connection, POLICY_KEY, json.dumps(asdict(self._policy)), now_s)
        connection.execute("COMMIT")
        if expired:  # or the text would stay readable in the WAL file until it is written over
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._care_at = time.monotonic() + CARE_EVERY_S

    def _postpone(self, error: Exception) -> None:
        """Tell all who wait, keep what can be written later, and open afresh next time."""
        self._disconnect()
        said = error.sentence if isinstance(error, HalError) else f"{error}."
        why = f"The session log cannot be written: {said}"
        if not self._retry_s:  # once per outage, not once per attempt
            self._warn(why)
        self._retry_s = min(max(RETRY_MIN_S, 2 * self._retry_s), RETRY_MAX_S)
        for operation in self._backlog:
            operation.fail(why)
        # The oldest go first: a turn's last row carries all that its first one said.
        self._backlog = [o for o in self._backlog if not o.is_egress][-BACKLOG_MAX:]

    def _recover(self) -> None:
        if self._retry_s:
            self._retry_s = 0.0
            _log.info("the session log can be written again")

    def _open(self) -> sqlite3.Connection:
        """The connection; a new one when the file was removed or replaced under us."""
        if self._connection is not None and identity(self._path) != self._file:
            self._disconnect()
        if self._connection is None:
            self._connection = open_for_writing(self._path, self._busy_timeout_s)
            self._file = identity(self._path)
            self._care_at = 0.0
            self.openings += 1
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
        """Fail what could not be written, here and in what still comes behind the word to stop."""
        self._disconnect()
        if self._backlog:
            lost = len(self._backlog)
            self._warn(f"The session log was closed with {lost} rows that it could not write.")
        for operation in self._backlog:
            operation.fail("The session log was closed.")
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
