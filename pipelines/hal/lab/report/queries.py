"""What a report asks of the log, as SQL: sums over its summary, never turn by turn.

Knows rows of SQL, and not what becomes of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from ...sessions.columns import decode
from ...sessions.record import ContentRow, EgressContentRow, ScoreRow, ShadowRow, TurnRow
from ...sessions.summary import (
    EGRESS_MASKED,
    EGRESS_SUMMARY,
    IS_MASKED,
    IS_PRIVATE,
    IS_TROUBLE,
    STEP,
    TURN_PRIVATE,
    TURN_TROUBLE,
    Kind,
    Sums,
)
from .snapshot import Snapshot

# Rows of four numbers that fit into a processor's cache: larger pages take a fifth longer.
_PAGE_ROWS = 1_000
# SQLite takes 999 values in a statement on every build.
_IDS_AT_ONCE = 500
_IN_TIME = "started_at >= ? AND started_at < ?"
_LOOKED_UP = "created_at >= ? AND created_at < ?"


class Queries(Snapshot):
    """All of them, for one snapshot."""

    def kinds(self) -> Iterator[tuple[str, Kind]]:
        """Each that is in the log, by jumping from one to the next."""
        key: str | None = ""
        while True:
            (key,) = self._one("SELECT min(kind) FROM summary WHERE kind > ?", key)
            if key is None:
                return
            yield key, Kind.parse(key)

    def sums(self, key: str, since: float, until: float) -> Sums:
        row = self._one(
            "SELECT count(*), total(prompt), total(completion), total(cost), count(cost),"
            " total(cloud), count(cloud), total(CASE WHEN cloud IS NOT NULL THEN cost END),"
            " total(confidence) FROM summary WHERE kind = ? AND at >= ? AND at < ?",
            *(key, since, until),
        )
        turns, prompt, completion, *rest = row
        return Sums(turns, int(prompt), int(completion), *rest)

    def times(self, key: str) -> Iterator[list[tuple[str, int | None, int | None, int | None]]]:
        """Page by page: id of the turn, then classify, first token and total, in steps of ms."""
        found = self._all(
            "SELECT id, classify, first, total FROM summary WHERE kind = ? AND at >= ? AND at < ?",
            *(key, self._since, self._until),
        )
        while page := found.fetchmany(_PAGE_ROWS):
            yield page

    def payments(self, key: str, since: float, until: float) -> Iterator[tuple[float, float]]:
        """When, and how much."""
        yield from self._all(
            "SELECT at, cost FROM summary WHERE kind = ? AND at >= ? AND at < ? AND cost > 0",
            *(key, since, until),
        )

    def scores(self) -> Iterator[tuple[str, str, str, float | None, float]]:
        """Id of the turn, name, source, value, and when: of turns that may be in the time, for a
        score is younger than its turn."""
        if self.has(ScoreRow.table):
            yield from self._all(
                "SELECT turn_id, name, source, value, created_at FROM score WHERE created_at >= ?",
                self._since,
            )

    def trouble(self) -> Iterator[tuple[str, str, int]]:
        """JSON lists of degradations and of notes, and how many turns had just these."""
        yield from self._all(
            f"SELECT degradations, notes, count(*) FROM turn {self._by(TURN_TROUBLE)}"
            f" WHERE {_IN_TIME} AND {IS_TROUBLE} AND task IS NULL GROUP BY 1, 2",
            *(self._since, self._until),
        )

    def private(self) -> tuple[int, int]:
        """Turns in which something private was found, and those of them that the cloud answered."""
        if not self._has_privacy:
            return 0, 0
        row = self._one(
            f"SELECT count(*), total(leaves_machine) FROM turn {self._by(TURN_PRIVATE)}"
            f" WHERE {_IN_TIME} AND {IS_PRIVATE} AND task IS NULL",
            *(self._since, self._until),
        )
        return int(row[0]), int(row[1])

    def egress(self) -> Iterator[tuple[str, str, str, int, int]]:
        """Host, purpose, model, calls, bytes."""
        yield from self._all(
            "SELECT host, purpose, model, count(*), sum(bytes)"
            f" FROM egress {self._by(EGRESS_SUMMARY)} WHERE at >= ? AND at < ?"
            " GROUP BY host, purpose, model",
            *(self._since, self._until),
        )

    def answered_outside(self, key: str) -> tuple[int, int]:
        """Turns of a kind, and those without a row of what was sent."""
        turns, unlogged = self._one(
            "SELECT count(*), total(NOT EXISTS ("
            "SELECT 1 FROM egress WHERE egress.turn_id = summary.id))"
            " FROM summary WHERE kind = ? AND at >= ? AND at < ?",
            *(key, self._since, self._until),
        )
        return turns, int(unlogged)

    def masked(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Host, purpose, model, what was masked and what passed (JSON), and in how many calls."""
        if self._has_privacy:
            yield from self._all(
                "SELECT host, purpose, model, masked, passed, count(*)"
                f" FROM egress {self._by(EGRESS_MASKED)}"
                f" WHERE at >= ? AND at < ? AND {IS_MASKED} GROUP BY 1, 2, 3, 4, 5",
                *(self._since, self._until),
            )

    def shadows(self) -> tuple[int, float]:
        """Answers of the other model that nobody saw, and their cost in USD."""
        if not self.has(ShadowRow.table):
            return 0, 0.0
        count, cost = self._one(
            "SELECT count(*), total((SELECT total(cost_usd) FROM call"
            " WHERE call.turn_id = shadow.turn_id AND purpose = 'shadow'))"
            f" FROM shadow WHERE {_LOOKED_UP}",
            *(self._since, self._until),
        )
        return count, cost

    def lookups(self) -> tuple[int, ...]:
        """Searches, those with sources, pages, pages read, sources, answers that cite, invented
        citations, and questions that the model rewrote."""
        row = self._one(
            "SELECT count(*), total(sources > 0), total(pages), total(pages_read), total(sources),"
            " total(sources > 0 AND cited <> '[]'), total(invalid), total(rewritten_by = 'model')"
            f" FROM lookup WHERE {_LOOKED_UP}",
            *(self._since, self._until),
        )
        return tuple(int(value or 0) for value in row)

    def lookup_counts(self, column: str) -> Iterator[tuple[str, int]]:
        """How many searches have which text in `column`."""
        yield from self._all(
            f"SELECT {column}, count(*) FROM lookup WHERE {_LOOKED_UP}"
            " GROUP BY 1 ORDER BY 2 DESC, 1",
            *(self._since, self._until),
        )

    def lookup_times(self, column: str) -> dict[int, int]:
        """How many searches are in which step of ms."""
        step = STEP.format(column)
        return dict(
            self._all(
                f"SELECT {step}, count(*) FROM lookup WHERE {_LOOKED_UP} GROUP BY 1",
                *(self._since, self._until),
            )
        )

    def versions(self) -> Iterator[tuple[str, str, float]]:
        """prompt or policy, id, and when it was seen first."""
        for kind, table in (("prompt", "prompt_version"), ("policy", "policy")):
            if self.has(table):
                yield from self._all(
                    f"SELECT '{kind}', id, first_seen FROM {table}"
                    " WHERE first_seen >= 0 AND first_seen < ?"
                    " ORDER BY first_seen",
                    self._until,
                )

    def in_use(self) -> set[str]:
        """The prompt and the policy of the newest turn that was classified."""
        row = self._connection.execute(
            "SELECT prompt_id, policy_id FROM turn WHERE started_at < ? AND prompt_id IS NOT NULL"
            " ORDER BY started_at DESC LIMIT 1",
            (self._until,),
        ).fetchone()
        return set(row) if row else set()

    def newest_troubled(self, limit: int) -> Iterator[str]:
        """Ids of the last turns on which something failed and another way was found."""
        for (id,) in self._all(
            f"SELECT id FROM turn {self._by(TURN_TROUBLE)} WHERE {_IN_TIME}"
            f" AND {IS_TROUBLE} AND degradations <> '[]' AND task IS NULL"
            " ORDER BY started_at DESC LIMIT ?",
            *(self._since, self._until, limit),
        ):
            yield id

    def newest(self, key: str, limit: int) -> Iterator[str]:
        """Ids of the last turns of a kind."""
        for (id,) in self._all(
            "SELECT id FROM summary WHERE kind = ? AND at >= ? AND at < ? ORDER BY at DESC LIMIT ?",
            *(key, self._since, self._until, limit),
        ):
            yield id

    def turns(self, ids: Sequence[str]) -> Iterator[TurnRow]:
        for group in _groups(ids):
            places = ", ".join("?" * len(group))
            found = self._connection.execute(
                f"SELECT * FROM turn WHERE id IN ({places}) AND {_IN_TIME}",
                (*group, self._since, self._until),
            )
            yield from (decode(TurnRow, dict(row)) for row in found)

    def scores_of(self, turn_id: str) -> list[ScoreRow]:
        if not self.has(ScoreRow.table):
            return []
        found = self._connection.execute("SELECT * FROM score WHERE turn_id = ?", (turn_id,))
        return [decode(ScoreRow, dict(row)) for row in found]

    def question(self, turn_id: str) -> str:
        """'' where the log does not keep it."""
        found = self._connection.execute(
            f"SELECT question FROM {ContentRow.table} WHERE turn_id = ?", (turn_id,)
        ).fetchone()
        return str(found[0]) if found else ""

    @property
    def _has_privacy(self) -> bool:
        return self.has(EgressContentRow.table)  # of the same step of the schema


def bounds(connection: sqlite3.Connection) -> tuple[float, float] | None:
    """When the first and the last turn of the log began; None when there is none."""
    first = connection.execute("SELECT min(started_at) FROM turn").fetchone()[0]
    last = connection.execute("SELECT max(started_at) FROM turn").fetchone()[0]
    return None if first is None else (first, last)


def _groups(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[start : start + _IDS_AT_ONCE]
