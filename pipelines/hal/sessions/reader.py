"""Read the session log: a connection per call, read-only, from any thread or process.

Knows nothing of the writer. A log that does not exist yet is an empty one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from ..errors import HalError
from .columns import R, clean_text, decode
from .database import open_for_reading
from .record import (
    CallRow,
    ContentRow,
    EgressRow,
    LookupRow,
    ScoreRow,
    ShadowContentRow,
    ShadowRow,
    TurnRow,
)
from .schema import SCHEMA, SHADOWS_SINCE

# Readers do not wait for the writer in WAL mode; only recovery after a kill takes a moment.
_BUSY_TIMEOUT_S = 2.0
# Above every character of an id: the end of the range that begins with a prefix.
_LAST_CHARACTER = chr(0x10FFFF)
# Rows with a long conversation in each take some megabytes.
_PAGE_ROWS = 200
_COUNTED = ("turn", "call", "egress", "prompt_version", "content", "state", "score")

_Value = str | float | int


class LogUnreadable(HalError):
    """There is a log, but it cannot be read now."""

    code = "session_log"


class SessionReader:
    """The reading side. Every method may raise LogUnreadable or SchemaTooNew, and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def last_decision(self, chat_id: str) -> TurnRow | None:
        """The last turn of the chat that was decided, background tasks aside."""
        # By the order of writing: a clock that was set back must not make an old decision the last.
        sql = "chat_id = ? AND route NOT IN ('', 'META') ORDER BY rowid DESC LIMIT 1"
        return _first(self._rows(TurnRow, sql, (chat_id,)))

    def was_hard(self, chat_id: str) -> bool:
        """Whether something was in this chat that never leaves but by the user's word, and the
        user has not said since that it may."""
        # By the clock and by the order of writing: where they differ, a clock was set or a log was
        # imported, and neither may let a word come after what it was said before.
        said = "FROM turn WHERE chat_id = ? AND (is_hard = 1 OR privacy_word = '/public')"
        sql = (
            f"SELECT is_hard, max(started_at) {said} GROUP BY chat_id"
            f" UNION ALL SELECT is_hard, max(rowid) {said} GROUP BY chat_id"
        )
        return any(row["is_hard"] for row in self._query(sql, (chat_id, chat_id)))

    def turn(self, id_or_prefix: str) -> TurnRow | None:
        """The turn with this id, or the only one whose id begins so."""
        found = self.matching(id_or_prefix, limit=2)
        return found[0] if len(found) == 1 else None

    def matching(self, id_or_prefix: str, limit: int) -> list[TurnRow]:
        """Turns whose id begins so; the exact one alone when there is one."""
        if not id_or_prefix:
            return []
        sql = "id >= ? AND id < ? ORDER BY id LIMIT ?"
        rows = self._rows(TurnRow, sql, (id_or_prefix, id_or_prefix + _LAST_CHARACTER, limit))
        return rows[:1] if rows and rows[0].id == id_or_prefix else rows

    def turns(
        self,
        limit: int = 20,
        since: float | None = None,
        chat_id: str | None = None,
        route: str | None = None,
        outcome: str | None = None,
    ) -> list[TurnRow]:
        """The newest first; `since` is unix seconds."""
        wanted: list[tuple[str, _Value | None]] = [
            ("started_at >= ?", since),
            ("chat_id = ?", chat_id),
            ("route = ?", route),
            ("outcome = ?", outcome),
        ]
        conditions = [(sql, value) for sql, value in wanted if value is not None]
        where = " AND ".join(sql for sql, _ in conditions) or "true"
        values = [value for _, value in conditions]
        order = "ORDER BY started_at DESC, rowid DESC LIMIT ?"
        return self._rows(TurnRow, f"{where} {order}", (*values, limit))

    def calls(self, turn_id: str) -> list[CallRow]:
        return self._rows(CallRow, "turn_id = ? ORDER BY n, started_at", (turn_id,))

    def egress(self, turn_id: str) -> list[EgressRow]:
        return self._rows(EgressRow, "turn_id = ? ORDER BY at, rowid", (turn_id,))

    def content(self, turn_id: str) -> ContentRow | None:
        return _first(self._rows(ContentRow, "turn_id = ?", (turn_id,)))

    def version(self) -> int:
        """The schema of the file; 0 when there is none yet."""
        rows = self._query("PRAGMA user_version", ())
        return int(rows[0][0]) if rows else 0

    def pages(self, sql: str, *values: _Value) -> Iterator[sqlite3.Row]:
        """All rows of a query that may be long, page by page: nothing is held open in between.

        `sql` names its row number `n`, sorts by it, and takes the last one seen, then `values`,
        then how many rows a page has.
        """
        last = 0
        while rows := self._query(sql, (last, *values, _PAGE_ROWS)):
            yield from rows
            if len(rows) < _PAGE_ROWS:
                return
            last = rows[-1]["n"]

    def lookup(self, turn_id: str) -> LookupRow | None:
        return _first(self._rows(LookupRow, "turn_id = ?", (turn_id,)))

    def scores(self, turn_id: str) -> list[ScoreRow]:
        """Every signal about this turn, the oldest first."""
        return self._rows(ScoreRow, "turn_id = ? ORDER BY created_at, rowid", (turn_id,))

    def shadows(self, turn_id: str) -> list[tuple[ShadowRow, str | None]]:
        """The other target's answers to this turn; None where the text is not kept. None in a log
        of before there were any."""
        if self.version() < SHADOWS_SINCE:
            return []
        rows = self._rows(ShadowRow, "turn_id = ? ORDER BY created_at, rowid", (turn_id,))
        return [(row, self._shadow_answer(row.id)) for row in rows]

    def _shadow_answer(self, shadow_id: str) -> str | None:
        kept = _first(self._rows(ShadowContentRow, "shadow_id = ?", (shadow_id,)))
        return None if kept is None else kept.answer

    def shadows_cost(self, since: float, guess_usd: float) -> float:
        """USD of all calls of shadows that began after `since` (unix seconds) and left the machine;
        one whose cost nobody told counts as `guess_usd`."""
        if self.version() < SHADOWS_SINCE:
            return 0.0
        rows = self._query(
            f"SELECT total(coalesce(cost_usd, ?)) FROM {ShadowRow.table}"  # noqa: S608 - constants
            f" JOIN {CallRow.table} USING (turn_id)"
            " WHERE leaves_machine AND created_at >= ? AND purpose = 'shadow'",
            (guess_usd, since),
        )
        return float(rows[0][0]) if rows else 0.0

    def counts(self) -> dict[str, int]:
        """Rows in each table."""
        sql = ", ".join(f"(SELECT count(*) FROM {t}) AS {t}" for t in _COUNTED)  # noqa: S608
        rows = self._query(f"SELECT {sql}", ())
        return dict(rows[0]) if rows else dict.fromkeys(_COUNTED, 0)

    def get_state(self, key: str) -> str | None:
        """The JSON text that `put_state` left under this key."""
        rows = self._query("SELECT value FROM state WHERE key = ?", (key,))
        return str(rows[0]["value"]) if rows else None

    def _rows(self, kind: type[R], where: str, values: Iterable[_Value | None]) -> list[R]:
        rows = self._query(f"SELECT * FROM {kind.table} WHERE {where}", values)  # noqa: S608
        return [decode(kind, dict(row)) for row in rows]

    def _query(self, sql: str, values: Iterable[_Value | None]) -> list[sqlite3.Row]:
        if not self._path.exists():
            return []
        try:
            with closing(open_for_reading(self._path, _BUSY_TIMEOUT_S)) as connection:
                if SCHEMA.check(connection) == 0:  # the writer has just created it
                    return []
                return connection.execute(sql, _bindable(values)).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise LogUnreadable(
                f"The session log cannot be read: {error}.", f"It is {self._path}."
            ) from error


def _bindable(values: Iterable[_Value | None]) -> tuple[_Value | None, ...]:
    """Ids come from outside: text is made the same UTF-8 as when it was written."""
    return tuple(clean_text(value) if isinstance(value, str) else value for value in values)


def _first(rows: list[R]) -> R | None:
    return rows[0] if rows else None
