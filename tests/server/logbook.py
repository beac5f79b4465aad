"""Reads the session log of a server under test, straight from its database.

Plain SQL on purpose: what the tests check is the file that stays, not the code that reads it.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

Row = dict[str, Any]
JSON_COLUMNS = ("probabilities", "degradations", "notes", "features_json")
_POLL_S = 0.02


class Logbook:
    """The database at `path`; every call opens it anew, read-only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self, table: str, where: str = "1", *values: object) -> list[Row]:
        """The rows of a table in the order of writing; none while there is no such file."""
        if not self.path.exists():
            return []
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
            connection.row_factory = sqlite3.Row
            statement = f"SELECT * FROM {table} WHERE {where} ORDER BY rowid"  # noqa: S608
            try:
                found = connection.execute(statement, values).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []
                raise
        return [_decoded(dict(row)) for row in found]

    def turns(self, chat_id: str | None = None) -> list[Row]:
        """The turns of a chat, or all of them."""
        return self.rows("turn", *(("chat_id = ?", chat_id) if chat_id else ("1",)))

    def breakers(self) -> list[Row]:
        """Every target's circuit breaker, as the server has told it last."""
        rows = self.rows("state", "key = 'breakers'")
        return list(json.loads(rows[0]["value"])["targets"]) if rows else []

    def has_failures(self) -> bool:
        """Whether a circuit breaker counts anything."""
        return any(b["failures"] or b["state"] != "closed" for b in self.breakers())

    def turn(self, chat_id: str, outcome: str | None = None, timeout_s: float = 5.0) -> Row:
        """The last turn of a chat once it has ended (in this way)."""

        def ended() -> Row | None:
            found = self.turns(chat_id)
            last = found[-1] if found else None
            wanted = last is not None and last["outcome"] in (outcome, last["outcome"])
            return last if wanted and last and last["outcome"] != "running" else None

        row = wait_until(ended, timeout_s, lambda: f"turns: {self.turns(chat_id)}")
        assert outcome in (None, row["outcome"]), row
        return row

    def of_turn(self, table: str, turn_id: str) -> list[Row]:
        """The calls, egress or content rows of a turn."""
        return self.rows(table, "turn_id = ?", turn_id)

    def content(self, turn_id: str) -> Row | None:
        """What was asked and answered, if it was kept."""
        found = self.of_turn("content", turn_id)
        return found[0] if found else None

    def calibrations(self) -> list[str]:
        """The keys under which calibrations are kept."""
        return [row["key"] for row in self.rows("state", "key LIKE 'calibration:%'")]


def wait_until(
    found: Callable[[], Any], timeout_s: float = 5.0, seen: Callable[[], str] = lambda: ""
) -> Any:
    """Poll until `found` gives something true; TimeoutError with what was `seen` instead."""
    deadline = time.monotonic() + timeout_s
    while not (result := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s} s; {seen()}")
        time.sleep(_POLL_S)
    return result


def _decoded(row: Row) -> Row:
    return {k: json.loads(v) if k in JSON_COLUMNS else v for k, v in row.items()}
