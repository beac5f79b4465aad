"""Keeps the table of cases: the turns that are known well enough to learn from.

Knows SQL; what a case is, and what makes a turn suspicious, is the business of `evidence`.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial

from .columns import R, decode
from .evidence import case_of, suspicion
from .record import CaseRow, ScoreRow, TurnRow
from .statements import get_state, put_state, save

__all__ = ["Collected", "case_of", "collect", "suspicion"]

# Cases that other rules made are made anew.
RULES = "cases-1"
_MARK_KEY = "cases.collected"
_PIN = "pin"
# Scores per transaction: some tens of milliseconds, in which no egress row can be written.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection changed: cases written, and cases taken back."""

    written: int = 0
    removed: int = 0

    def __add__(self, other: Collected) -> Collected:
        return Collected(self.written + other.written, self.removed + other.removed)


def collect(connection: sqlite3.Connection, now_s: float | None = None) -> Collected:
    """Bring the table of cases up to date with the scores; only turns with new ones are read.

    In short transactions, so that the log's writer is not held up; within the caller's, where one
    is open. Running it again changes nothing. Raises sqlite3.Error.
    """
    now_s = time.time() if now_s is None else now_s
    done, mark = Collected(), _mark(connection)
    if mark.rowid == 0:  # the first time, or scores were deleted: what they said may be gone
        done += _transaction(connection, lambda: _sweep(connection))
    while scores := _scores_after(connection, mark):
        mark = _Mark(scores[-1]["rowid"], mark.count + len(scores), scores[-1]["id"])
        turn_ids = list(dict.fromkeys(score["turn_id"] for score in scores))
        done += _transaction(connection, partial(_renew, connection, turn_ids, mark, now_s))
    return done


@dataclass(frozen=True, slots=True)
class _Mark:
    """Up to which score all are collected. Rows are not numbered for good: deletion and VACUUM
    change the numbers, which shows in how many there are up to it, and in which is the last."""

    rowid: int = 0
    count: int = 0
    id: str = ""
    rules: str = RULES


def _mark(connection: sqlite3.Connection) -> _Mark:
    kept = get_state(connection, _MARK_KEY)
    try:
        mark = _Mark(**json.loads(kept)) if kept else _Mark()
        found = connection.execute(
            "SELECT count(*), (SELECT id FROM score WHERE rowid = ?) FROM score WHERE rowid <= ?",
            (mark.rowid, mark.rowid),
        ).fetchone()
    except (TypeError, ValueError):
        return _Mark()
    return mark if tuple(found) == (mark.count, mark.id) and mark.rules == RULES else _Mark()


def _sweep(connection: sqlite3.Connection) -> Collected:
    """Take back the cases of turns without any score; pins are a person's and stay."""
    removed = connection.execute(
        "DELETE FROM eval_case WHERE split != ? AND turn_id NOT IN (SELECT turn_id FROM score)",
        (_PIN,),
    ).rowcount
    return Collected(removed=removed)


def _renew(
    connection: sqlite3.Connection, turn_ids: list[str], mark: _Mark, now_s: float
) -> Collected:
    """Make the cases of these turns anew, and remember how far we are."""
    turns = _rows(connection, TurnRow, "id", turn_ids)
    by_turn: dict[str, list[ScoreRow]] = {}
    for score in _rows(connection, ScoreRow, "turn_id", turn_ids):
        by_turn.setdefault(score.turn_id, []).append(score)
    known = {case.turn_id: case for case in _rows(connection, CaseRow, "turn_id", turn_ids)}
    done = Collected()
    for turn in turns:
        done += _replace(connection, known.get(turn.id), case_of(turn, by_turn[turn.id]), turn.id)
    put_state(connection, _MARK_KEY, json.dumps(asdict(mark)), now_s)
    return done


def _replace(
    connection: sqlite3.Connection, old: CaseRow | None, new: CaseRow | None, turn_id: str
) -> Collected:
    """A case never changes its split: what was tested with must not be learned from."""
    if old is not None and old.split == _PIN:
        return Collected()
    if new is None:
        connection.execute("DELETE FROM eval_case WHERE turn_id = ?", (turn_id,))
        return Collected(removed=int(old is not None))
    if old is not None:
        new = replace(new, split=old.split)
    if new == old:
        return Collected()
    save(connection, new)
    return Collected(written=1)


def _scores_after(connection: sqlite3.Connection, mark: _Mark) -> list[sqlite3.Row]:
    return _select(
        connection,
        "SELECT rowid, id, turn_id FROM score WHERE rowid > ? ORDER BY rowid LIMIT ?",
        [mark.rowid, _BATCH],
    )


def _rows(
    connection: sqlite3.Connection, kind: type[R], column: str, ids: Sequence[str]
) -> list[R]:
    places = ", ".join("?" * len(ids))
    sql = f"SELECT * FROM {kind.table} WHERE {column} IN ({places})"  # noqa: S608 - constants
    return [decode(kind, dict(row)) for row in _select(connection, sql, ids)]


def _select(
    connection: sqlite3.Connection, sql: str, values: Sequence[str | int]
) -> list[sqlite3.Row]:
    with closing(connection.cursor()) as cursor:
        cursor.row_factory = sqlite3.Row
        return cursor.execute(sql, values).fetchall()


def _transaction(connection: sqlite3.Connection, change: Callable[[], Collected]) -> Collected:
    if connection.in_transaction:
        return change()
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = change()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return done
