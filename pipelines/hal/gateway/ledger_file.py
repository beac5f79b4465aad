"""The file of the budget: opened privately, read and written in one transaction each.

Blocking, for one thread at a time. Knows neither caps nor what a row means. Deleting the file
resets the budget; deleting the session log does not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TypeVar

from ..database import identity, is_damage, open_for_reading, open_for_writing, set_aside
from ..errors import HalError
from .budget import Period
from .ledger_rows import SCHEMA, Sums, read_sums

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

# An answer takes minutes. What nobody has settled after an hour, a killed process left behind.
ABANDONED_S = 3600.0
# 13 months, so that this month can be compared with the same one of last year.
KEPT_S = 400 * 86_400.0
CARE_EVERY_S = 3600.0
_READ_TIMEOUT_S = 2.0  # readers wait for nobody in WAL mode, but for recovery after a kill

_ONE_TRY_S = 0.001  # for who comes too late


class LedgerUnreadable(HalError):
    """There is a file, but it cannot be read now."""

    code = "budget_unreadable"


@dataclass(frozen=True, slots=True)
class Spending:
    """What a person wants to know: sums, and what was reserved and not settled."""

    sums: Sums
    open_calls: int = 0
    open_usd: float = 0.0
    abandoned_calls: int = 0
    abandoned_usd: float = 0.0


class LedgerFile:
    """Opened with the first use, and again after trouble or when it was removed or replaced."""

    def __init__(self, path: Path, clock: Callable[[], float], warn: Callable[[str], None]) -> None:
        self._path, self._clock, self._warn = path, clock, warn
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._cared_at: float | None = None

    def write(self, work: Work[T], limit_s: float) -> T:
        """Run `work` in a transaction that no other process interleaves; waits `limit_s` for it.

        Raises sqlite3.Error, OSError or FileTooNew; then nothing of it is in the file.
        """

        def with_care(connection: sqlite3.Connection) -> T:
            self._care(connection)
            return work(connection)

        return self._run("BEGIN IMMEDIATE", with_care, limit_s)

    def read(self, work: Work[T], limit_s: float) -> T:
        """Run `work` on one state of the file; waits for no writer."""
        return self._run("BEGIN", work, limit_s)

    def close(self) -> None:
        """Let go of the file; an open transaction is undone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _run(self, begin: str, work: Work[T], limit_s: float) -> T:
        try:
            return self._attempt(begin, work, limit_s)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self._begin_anew()
            return self._attempt(begin, work, limit_s)

    def _attempt(self, begin: str, work: Work[T], limit_s: float) -> T:
        limit_s = max(limit_s, _ONE_TRY_S)
        try:
            connection = self._open(limit_s)
            connection.execute(f"PRAGMA busy_timeout = {limit_s * 1000:.0f}")
            connection.execute(begin)
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            self.close()
            raise
        return result

    def _open(self, limit_s: float) -> sqlite3.Connection:
        if self._connection is not None and identity(self._path) != self._file:
            self.close()
        if self._connection is None:
            self._file = identity(self._path)  # known also when opening shows that it is damaged
            self._connection = open_for_writing(self._path, limit_s, SCHEMA.check, SCHEMA.migrate)
            self._file = identity(self._path)
            self._cared_at = None
        return self._connection

    def _begin_anew(self) -> None:
        """Put a damaged file aside, unless another process has just done so."""
        if self._file is not None and identity(self._path) == self._file:
            aside = set_aside(self._path, self._clock())
            self._warn(
                f"The file of the budget was damaged. It is kept as {aside.name}; what was spent "
                "before counts no more."
            )

    def _care(self, connection: sqlite3.Connection) -> None:
        """Mark what was left behind, and forget what is old."""
        now_s = self._clock()
        if self._cared_at is not None and abs(now_s - self._cared_at) < CARE_EVERY_S:
            return
        connection.execute(
            "UPDATE expense SET state = 'abandoned' WHERE state = 'reserved' AND reserved_at < ?",
            (now_s - ABANDONED_S,),
        )
        connection.execute("DELETE FROM expense WHERE reserved_at < ?", (now_s - KEPT_S,))
        self._cared_at = now_s


def read_spending(path: Path, now_s: float, tz: tzinfo | None = None) -> Spending:
    """The state of the file for `hal doctor`; changes nothing. A missing file is an empty one.

    Raises LedgerUnreadable or FileTooNew.
    """
    period = Period.at(now_s, tz)
    if not path.exists():
        return Spending(Sums(period))
    try:
        with closing(open_for_reading(path, _READ_TIMEOUT_S)) as connection:
            connection.row_factory = None
            if SCHEMA.check(connection) == 0:  # a server has just created it
                return Spending(Sums(period))
            return _spending(connection, period, now_s)
    except (sqlite3.Error, OSError) as error:
        raise LedgerUnreadable(
            f"The file of the budget cannot be read: {error}.", f"It is {path}."
        ) from error


def _spending(connection: sqlite3.Connection, period: Period, now_s: float) -> Spending:
    young_s = now_s - ABANDONED_S
    rows = connection.execute(
        "SELECT reserved_at >= ?, count(*), total(amount_usd) FROM expense"
        " WHERE state <> 'settled' AND reserved_at >= ? GROUP BY 1",
        (young_s, min(period.month_s, young_s)),
    ).fetchall()
    found = {bool(is_open): (calls, amount) for is_open, calls, amount in rows}
    return Spending(
        read_sums(connection, period), *found.get(True, (0, 0.0)), *found.get(False, (0, 0.0))
    )
