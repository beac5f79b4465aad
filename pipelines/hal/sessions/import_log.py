"""Adds the rows of an export to a log: what is there already stays as it is.

Holds some rows at a time and writes them in short transactions, so that a server that uses the log
waits for none of them. What a line is worth is known to `import_rows`. Knows no command line.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from ..database import transaction
from ..errors import ConfigError
from .columns import AnyRow, encode
from .export import FORMAT, FORMAT_VERSION, reading
from .import_rows import Imported, Line, RowReader, numbered_lines
from .own_connection import writing
from .selection import key_of

# Rows of 3 kB: a transaction of a few milliseconds; texts are written at some 50 MB/s.
BATCH_ROWS = 200
BATCH_BYTES = 4 << 20
Say = Callable[[int], None]


class NoExport(ConfigError):
    """This is not a file that `hal sessions export` has written, or one of a newer version."""

    code = "no_export"


class _Log(Protocol):
    """Where rows go, or would go."""

    def add(self, batch: Sequence[AnyRow]) -> list[bool]:
        """Which of the rows are new."""


def import_log(
    lines: BinaryIO, path: Path, *, is_dry: bool, say: Say = lambda _lines: None
) -> Imported:
    """Add the rows of an export to the log at `path`, or only count what would come of it.

    Raises NoExport before anything is written, LogUnavailable, LogUnreadable or SchemaTooNew.
    """
    numbered = numbered_lines(lines)
    _check_header(numbered)
    report = Imported()
    reader = RowReader(report)
    with (_counting if is_dry else _writing)(path) as log:
        for batch in _batches(numbered, reader, report, say):
            for row, is_new in zip(batch, log.add(batch), strict=True):
                (report.added if is_new else report.present)[row.table] += 1
    return report


def _batches(
    lines: Iterator[Line], reader: RowReader, report: Imported, say: Say
) -> Iterator[list[AnyRow]]:
    """Rows that go into one transaction, which begins when all of them are here: a pipe that has
    nothing to say for a while must not lock the log."""
    batch: list[AnyRow] = []
    size = 0
    for number, line in lines:
        report.lines += 1
        say(report.lines)
        row = reader.read(number, line)
        if row is not None:
            batch.append(row)
            size += len(line or b"")
        if len(batch) == BATCH_ROWS or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _check_header(lines: Iterator[Line]) -> None:
    _, first = next(lines, (0, b""))
    try:
        head = json.loads(first or b"")
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise NoExport(
            f"The first line is not the header of an export (format {FORMAT}).",
            "Give a file that `hal sessions export` has written, in the format jsonl.",
        )
    version = head.get("version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise NoExport(
            f"This export has version {version}, this hal-auto reads up to {FORMAT_VERSION}.",
            "Update hal-auto, then import it.",
        )


class _Counting:
    """Looks whether rows are there."""

    def __init__(self, connection: sqlite3.Connection | None) -> None:
        self._connection = connection
        self._tables: set[str] = set()
        if connection is not None:
            names = connection.execute("SELECT name FROM sqlite_schema")
            self._tables = {row[0] for row in names}

    def add(self, batch: Sequence[AnyRow]) -> list[bool]:
        return [self._is_new(row) for row in batch]

    def _is_new(self, row: AnyRow) -> bool:
        if self._connection is None or row.table not in self._tables:
            return True
        key = key_of(type(row))
        found = self._connection.execute(
            f"SELECT 1 FROM {row.table} WHERE {key} = ?",  # noqa: S608
            (getattr(row, key),),
        )
        return found.fetchone() is None


class _Writing:
    """Writes rows, a batch in one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, batch: Sequence[AnyRow]) -> list[bool]:
        with transaction(self._connection):
            return [self._insert(row) for row in batch]

    def _insert(self, row: AnyRow) -> bool:
        values = encode(row)
        names, places = ", ".join(values), ", ".join("?" * len(values))
        done = self._connection.execute(
            f"INSERT INTO {row.table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608
            tuple(values.values()),
        )
        return done.rowcount > 0


@contextmanager
def _counting(path: Path) -> Iterator[_Log]:
    with reading(path) as connection:
        yield _Counting(connection)


@contextmanager
def _writing(path: Path) -> Iterator[_Log]:
    with writing(path) as connection:
        yield _Writing(connection)
