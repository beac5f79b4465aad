"""Reads the lines of an export as rows, and trusts none of them.

A wrong line is counted with its number and left out, and so are tables and columns that this
version does not know. Knows no database.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, BinaryIO

from pydantic import TypeAdapter, ValidationError

from .columns import AnyRow
from .record import ROWS

# A body that was sent may hold a whole conversation with files in it; nothing real is longer.
LINE_MAX_BYTES = 64 << 20
# What a person reads of what went wrong; the rest is a number.
TOLD_MAX = 20
# Times that `datetime` can show: from 1970 to the end of 9999.
_TIME_MAX_S = 253_402_300_799.0
_TIMES = frozenset({"at", "started_at", "created_at", "first_seen"})
# SQLite's whole numbers.
_INTEGER_MAX = 2**63 - 1

Line = tuple[int, bytes | None]


@dataclass(slots=True)
class Imported:
    """What came of it; counts are by table. `wrong` holds the first lines that were left out."""

    lines: int = 0
    added: Counter[str] = field(default_factory=Counter)
    present: Counter[str] = field(default_factory=Counter)
    unknown_tables: Counter[str] = field(default_factory=Counter)
    unknown_columns: Counter[str] = field(default_factory=Counter)
    wrong_count: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)

    def is_wrong(self, number: int, why: str) -> None:
        self.wrong_count += 1
        if len(self.wrong) < TOLD_MAX:
            self.wrong.append((number, why))


def numbered_lines(source: BinaryIO) -> Iterator[Line]:
    """Numbered from 1, without the empty ones; None for a line that is too long."""
    number = 0
    while line := source.readline(LINE_MAX_BYTES):
        number += 1
        is_whole = True
        while len(line) == LINE_MAX_BYTES and not line.endswith(b"\n"):
            is_whole = False
            line = source.readline(LINE_MAX_BYTES)
        if not is_whole or line.strip():
            yield number, line if is_whole else None


class RowReader:
    """Turns lines into rows, and notes what it left out."""

    def __init__(self, report: Imported) -> None:
        self._report = report
        self._kinds: Mapping[str, type[AnyRow]] = {kind.table: kind for kind in ROWS}
        self._adapters: dict[str, TypeAdapter[Any]] = {}

    def read(self, number: int, line: bytes | None) -> AnyRow | None:
        """The row of this line; None where there is none that is known."""
        try:
            if line is None:
                raise ValueError(f"longer than {LINE_MAX_BYTES >> 20} MB")  # noqa: TRY301
            return self._row(*_parsed(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            self._report.is_wrong(number, f"{where}: {first['msg']}")
        except RecursionError:
            self._report.is_wrong(number, "nested too deep")
        except ValueError as error:
            self._report.is_wrong(number, str(error))
        return None

    def _row(self, table: str, columns: Mapping[str, Any]) -> AnyRow | None:
        kind = self._kinds.get(table)
        if kind is None:
            self._report.unknown_tables[table] += 1
            return None
        names = {each.name for each in fields(kind)}
        self._report.unknown_columns.update(f"{table}.{name}" for name in columns.keys() - names)
        if table not in self._adapters:
            self._adapters[table] = TypeAdapter(kind)
        known = {name: columns[name] for name in columns.keys() & names}
        row: AnyRow = self._adapters[table].validate_python(known)
        _check_numbers(row)
        return row


def _parsed(line: bytes) -> tuple[str, Mapping[str, Any]]:
    try:
        document = json.loads(line)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError:
        raise ValueError("not JSON") from None
    table = document.get("table") if isinstance(document, dict) else None
    row = document.get("row") if isinstance(document, dict) else None
    if isinstance(table, str) and isinstance(row, dict):
        return table, row
    raise ValueError('a line is {"table": "...", "row": {...}}')


def _check_numbers(row: AnyRow) -> None:
    """What the columns can hold, and every reader of them can show."""
    for each in fields(row):
        value = getattr(row, each.name)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{each.name}: not a finite number")
        if isinstance(value, int) and abs(value) > _INTEGER_MAX:
            raise ValueError(f"{each.name}: too large a number")
        if each.name in _TIMES and not 0 <= value <= _TIME_MAX_S:
            raise ValueError(f"{each.name}: not a time in unix seconds")
