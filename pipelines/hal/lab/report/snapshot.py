"""One moment of a log, for a report: its summary under readable names, whatever its schema.

Reads over a connection that it is given, and writes nothing but a temporary view. A log of an older
schema lacks columns, tables or indexes: what is missing reads as nothing, and without the index the
summary is made in memory. Knows no question.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from ...sessions.summary import SUMMARY, TURN_SUMMARY

Value = int | float | str | None
# What reads as nothing in a log that is older than the column.
_FORMERLY = {"cache": "''", "cloud_cost_usd": "NULL"}


class Snapshot:
    """`since`, `until`: unix seconds, the end excluded. Everything raises sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection, since: float, until: float) -> None:
        self._connection, self._since, self._until = connection, since, until
        found = connection.execute("SELECT type, name FROM sqlite_master").fetchall()
        self._names = {(row[0], row[1]) for row in found}
        self._make_summary()

    def has(self, table: str) -> bool:
        return ("table", table) in self._names

    def _make_summary(self) -> None:
        """A view of the index where there is one, else a table in memory."""
        columns = ", ".join(f"{self._known(sql)} AS {name}" for name, sql in SUMMARY.items())
        run = self._connection.execute
        run("DROP VIEW IF EXISTS temp.summary")
        select = f"SELECT {columns} FROM main.turn"
        if ("index", TURN_SUMMARY) in self._names:
            run(f"CREATE TEMP VIEW summary AS {select} INDEXED BY {TURN_SUMMARY}")
            return
        run("DROP TABLE IF EXISTS temp.summary_rows")
        run(f"CREATE TEMP TABLE summary_rows AS {select}")
        run("CREATE INDEX temp.summary_kind ON summary_rows (kind, at)")
        run("CREATE TEMP VIEW summary AS SELECT * FROM temp.summary_rows")

    def _known(self, sql: str) -> str:
        """The expression without columns that this log is too old for."""
        there = {row[1] for row in self._connection.execute("PRAGMA table_info(turn)")}
        for name, nothing in _FORMERLY.items():
            if name not in there:
                sql = sql.replace(name, nothing)
        return sql

    def _by(self, index: str) -> str:
        """Said outright: SQLite knows no sizes here and would rather read the table."""
        return f"INDEXED BY {index}" if ("index", index) in self._names else ""

    def _one(self, sql: str, *values: Value) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._all(sql, *values).fetchone()
        return row

    def _all(self, sql: str, *values: Value) -> sqlite3.Cursor:
        """Plain tuples: there may be a million."""
        cursor = self._connection.cursor()
        cursor.row_factory = None
        return cursor.execute(sql, values)
