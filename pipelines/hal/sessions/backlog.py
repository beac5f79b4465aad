"""The operations that wait for the session log, and where they go when it cannot take them.

Knows no thread and no retries; used by the writer's thread alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from ..database import transaction
from .operation import Operation
from .spool import ROW_ERRORS, Spool, line_of
from .trouble import is_trouble

# For what cannot be kept on any disk: two days of a busy household's rows at 3 kB each, about
# 6 MB of memory.
BACKLOG_MAX = 2_000


class Backlog:
    """In the order of writing. `warn` takes a sentence for people."""

    def __init__(self, spool: Spool, warn: Callable[[str], None]) -> None:
        self._spool, self._warn = spool, warn
        self._waiting: list[Operation] = []
        self._has_lost = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits to send."""
        return any(operation.is_egress for operation in self._waiting)

    def add(self, operation: Operation) -> None:
        if operation.is_egress or operation.claim():
            self._waiting.append(operation)

    def commit(self, connection: sqlite3.Connection) -> None:
        """Write all of it in one transaction, and tell those who wait for it."""
        refused: dict[int, Exception] = {}
        with transaction(connection):
            # Only now: who gave up waiting for a lock sends nothing, and nothing is logged as sent.
            self._waiting = [o for o in self._waiting if not o.is_egress or o.claim()]
            for place, operation in enumerate(self._waiting):
                if (error := _apply(operation, connection)) is not None:
                    refused[place] = error
        self._has_lost = False
        done, self._waiting = self._waiting, []
        for place, operation in enumerate(done):
            if place in refused:
                self._refuse(operation, refused[place])
            else:
                operation.succeed()

    def shelve(self) -> bool | None:
        """Put all rows that may wait into the file beside the log. True: some wait there now;
        False: it cannot be done; None: nothing had to be."""
        lines: list[bytes] = []
        shelved: list[Operation] = []
        rest: list[Operation] = []
        for operation in self._waiting:
            if operation.row is None or operation.is_egress:
                rest.append(operation)
                continue
            try:
                lines.append(line_of(operation.row))
                shelved.append(operation)
            except ROW_ERRORS as error:
                self._refuse(operation, error)
        if not lines:
            return self._spool.path.exists() or None
        try:
            self._spool.append(lines)
        except OSError:
            # Changes look at rows, so that they may come last.
            self._waiting = shelved + rest
            return False
        self._waiting = rest
        for operation in shelved:
            operation.succeed()
        return True

    def fail(self, why: str, egress_until: float) -> None:
        """Tell all who wait. Rows are kept for later, egress only if born after `egress_until`.

        The oldest rows go first: a turn's last row carries all that its first one said.
        """
        later = [o for o in self._waiting if not o.is_egress or o.born > egress_until]
        told = [o for o in self._waiting if not o.is_egress or o.born <= egress_until]
        self._waiting = later[-BACKLOG_MAX:]
        if len(later) > BACKLOG_MAX and not self._has_lost:  # once per outage
            self._has_lost = True
            self._warn(
                f"More than {BACKLOG_MAX} rows wait in memory for the session log: the oldest are"
                " lost from now on."
            )
        for operation in told:
            operation.fail(why)

    def _refuse(self, operation: Operation, error: Exception) -> None:
        why = f"The session log refused a row: {type(error).__name__}."
        self._warn(why)
        operation.fail(why)


def _apply(operation: Operation, connection: sqlite3.Connection) -> Exception | None:
    """What is wrong with this one operation; raises what is wrong with the file."""
    try:
        operation.apply(connection)
    except ROW_ERRORS as error:
        return error
    except Exception as error:
        # A change is code of somebody else: a mistake in it must not keep the rows from the log.
        if operation.row is None and not is_trouble(error):
            return error
        raise
    return None
