"""The session log as JSON lines: a header, then one row a line, table by table.

Only reads, from one moment of the log, and holds a row at a time. The order is the one in which an
import can write, and within a table that of the log itself: what is exported, imported into an
empty log and exported again is the same file. Knows no file to write to.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import __version__
from .columns import AnyRow, as_dict, decode
from .conventions import call_attributes, turn_attributes
from .database import open_for_reading
from .reader import LogUnreadable
from .record import (
    ROWS,
    CallRow,
    ContentRow,
    EgressContentRow,
    LookupRow,
    ScoreContentRow,
    ShadowContentRow,
    TurnRow,
)
from .schema import SCHEMA, VERSION
from .selection import Selection

FORMAT, FORMAT_VERSION = "hal-sessions", 1
# A reader does not wait for the writer in WAL mode; only recovery after a kill takes a moment.
BUSY_TIMEOUT_S = 2.0

Change = Callable[[AnyRow], AnyRow]
# Rows that are nothing but what a person or a model wrote.
_TEXTS = (ContentRow, EgressContentRow, ScoreContentRow, ShadowContentRow)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """The log as it is at this moment, whatever is written meanwhile; None when there is none.

    Raises LogUnreadable or SchemaTooNew.
    """
    if not path.exists():
        yield None
        return
    try:
        with closing(open_for_reading(path, BUSY_TIMEOUT_S)) as connection:
            connection.execute("BEGIN")
            is_empty = SCHEMA.check(connection) == 0  # the writer has just created it
            yield None if is_empty else connection
    except (sqlite3.Error, OSError) as error:
        raise LogUnreadable(
            f"The session log cannot be read: {error}.", f"It is {path}."
        ) from error


def rows(
    connection: sqlite3.Connection | None, wanted: Selection, *, with_content: bool = True
) -> Iterator[AnyRow]:
    """The rows of these turns, and the rules and prompts of the whole log."""
    if connection is None:
        return
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    for kind in ROWS:
        if kind.table in there and (with_content or kind not in _TEXTS):
            for row in _table(connection, kind, wanted):
                yield row if with_content else _without_texts(row)


def _table(
    connection: sqlite3.Connection, kind: type[AnyRow], wanted: Selection
) -> Iterator[AnyRow]:
    where, values = wanted.rows(kind)
    statement = f"SELECT * FROM {kind.table} WHERE {where} ORDER BY rowid"  # noqa: S608
    for row in connection.execute(statement, values):
        yield decode(kind, dict(row))


def _without_texts(row: AnyRow) -> AnyRow:
    """Queries and addresses are as private as the question."""
    return replace(row, detail={}) if isinstance(row, LookupRow) else row


def header(*, with_content: bool, is_redacted: bool) -> str:
    """The first line. It has no time of day: equal logs are equal files."""
    return _line(
        {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "schema": VERSION,
            "hal_version": __version__,
            "content": with_content,
            "redacted": is_redacted,
        }
    )


def line_of(row: AnyRow) -> str:
    """One row as a line of JSON, without its end."""
    return _line({"table": row.table, "row": as_dict(row)})


def span_of(row: AnyRow) -> str | None:
    """A turn or a call under the names of OpenTelemetry; None for any other row. Holds no text."""
    if isinstance(row, TurnRow):
        return _span("turn", row.id, row.id, row, turn_attributes(row))
    if isinstance(row, CallRow):
        return _span("call", row.id, row.turn_id, row, call_attributes(row))
    return None


def _span(
    name: str, span_id: str, turn_id: str, row: TurnRow | CallRow, attributes: dict[str, Any]
) -> str:
    return _line(
        {
            "name": name,
            "id": span_id,
            "turn_id": turn_id,
            "start_time_unix_s": row.started_at,
            "duration_s": None if row.total_ms is None else row.total_ms / 1000,
            "attributes": attributes,
        }
    )


def _line(document: dict[str, Any]) -> str:
    try:
        return _json(document)
    except ValueError:  # a measurement that is no number, which JSON has no word for
        return _json(_finite(document))


def _json(document: Any) -> str:
    return json.dumps(
        document, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=dict
    )


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
