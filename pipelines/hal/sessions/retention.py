"""What leaves the session log, and how much of it at a time: by age, by size, by the user's word.

Each function is one bounded piece of work on an open connection, in the caller's transaction.
Knows no thread and no clock. Rows are told apart by the order in which they were written: a time
of day is only as good as the clock that gave it, and a clock that was set must delete nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from .record import (
    RUNNING,
    CallRow,
    CaseRow,
    ContentRow,
    EgressContentRow,
    EgressRow,
    LookupRow,
    ScoreContentRow,
    ScoreRow,
    ShadowContentRow,
    ShadowRow,
    TurnRow,
)

DAY_S = 86_400.0
# What one transaction deletes: the pages of 50 long texts are overwritten in a tenth of a second,
# and a row that waits to be sent waits for no more than one of them.
BATCH_TEXTS = 50
BATCH_TURNS = 100
# A limit that is too small for anything must not empty the log: the last conversations stay.
KEPT_TURNS = 100
# This software is younger: a row from before was written by a clock that had not been set.
_FIRST_TIME_S = 1_704_067_200.0  # 2024-01-01 UTC
# A clock may be a little ahead, or in another time zone; a time beyond that is no time.
_AHEAD_S = DAY_S

# What hangs on a turn by its id, and what hangs on that in turn: the innermost goes first.
_OF_EGRESS = "egress_id IN (SELECT id FROM egress WHERE turn_id IN ({turns}))"
_OF_SCORE = "score_id IN (SELECT id FROM score WHERE turn_id IN ({turns}))"
_OF_SHADOW = "shadow_id IN (SELECT id FROM shadow WHERE turn_id IN ({turns}))"
_OF_TURN = "turn_id IN ({turns})"
_PARTS: tuple[tuple[str, str], ...] = (
    (EgressContentRow.table, _OF_EGRESS),
    (ScoreContentRow.table, _OF_SCORE),
    (ShadowContentRow.table, _OF_SHADOW),
    (CallRow.table, _OF_TURN),
    (EgressRow.table, _OF_TURN),
    (ContentRow.table, _OF_TURN),
    (LookupRow.table, _OF_TURN),
    (ScoreRow.table, _OF_TURN),
    (ShadowRow.table, _OF_TURN),
    (CaseRow.table, _OF_TURN),
    (TurnRow.table, "id IN ({turns})"),
)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long turns are kept at most, and how much room all of them may take."""

    days: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Texts:
    """A table with texts of users and models: which of its rows hold some, and how they go."""

    table: str
    held: str = "true"
    drop: str = "DELETE FROM {table}"


TEXTS = (
    Texts(ContentRow.table),
    Texts(EgressContentRow.table),
    Texts(ScoreContentRow.table),
    Texts(ShadowContentRow.table),
    # A row of numbers; the texts in it are one column.
    Texts(LookupRow.table, "detail != '{}'", "UPDATE {table} SET detail = '{{}}'"),
)


def last_expired(
    connection: sqlite3.Connection, table: str, column: str, before_s: float, now_s: float
) -> int:
    """The last row, by its number, that is as old as `before_s`; it goes with all before it.

    A row counts as old only if no younger one was written before it: what a clock dates back, or
    an import brings, keeps the age of its neighbours. So does what is dated ahead. 0: none.
    """
    ends = f"SELECT {{end}}(rowid) FROM {table} WHERE {column} > ? AND {column} <= ?"  # noqa: S608
    first_young = connection.execute(ends.format(end="min"), (before_s, now_s + _AHEAD_S))
    limit = first_young.fetchone()[0]
    sql = f"{ends} AND rowid < ifnull(?, rowid + 1)".format(end="max")
    found = connection.execute(sql, (_FIRST_TIME_S, before_s, limit)).fetchone()[0]
    return int(found or 0)


def drop_texts(connection: sqlite3.Connection, texts: Texts, last: int) -> int:
    """Drop the oldest texts up to row number `last`, one batch; how many went."""
    rows = (
        f"SELECT rowid FROM {texts.table} WHERE rowid <= ? AND {texts.held}"  # noqa: S608
        " ORDER BY rowid LIMIT ?"
    )
    drop = texts.drop.format(table=texts.table)
    sql = f"{drop} WHERE rowid IN ({rows})"
    return connection.execute(sql, (last, BATCH_TEXTS)).rowcount


def drop_turns(connection: sqlite3.Connection, last: int) -> int:
    """Drop the oldest turns up to row number `last`, one batch; how many went."""
    rows = f"SELECT rowid FROM {TurnRow.table} WHERE rowid <= ? AND outcome != ? ORDER BY rowid LIMIT ?"  # noqa: S608,E501
    found = connection.execute(f"SELECT max(rowid) FROM ({rows})", (last, RUNNING, BATCH_TURNS))  # noqa: S608
    if (end := found.fetchone()[0]) is None:
        return 0
    return delete_turns(connection, "rowid <= ? AND outcome != ?", (end, RUNNING))[TurnRow.table]


def count_turns(
    connection: sqlite3.Connection, where: str, values: Sequence[object] = ()
) -> dict[str, int]:
    """How many rows of each table `delete_turns` would delete."""
    return {
        table: int(
            connection.execute(
                f"SELECT count(*) FROM {table} WHERE {condition}",  # noqa: S608
                tuple(values),
            ).fetchone()[0]
        )
        for table, condition in _parts(where)
    }


def delete_turns(
    connection: sqlite3.Connection, where: str, values: Sequence[object] = ()
) -> dict[str, int]:
    """Delete the turns that fit, with all that hangs on them; how many rows of each table.

    `where` is a condition on the columns of a turn, with a `?` for each of `values`.
    """
    return {
        table: connection.execute(
            f"DELETE FROM {table} WHERE {condition}",  # noqa: S608
            tuple(values),
        ).rowcount
        for table, condition in _parts(where)
    }


def _parts(where: str) -> list[tuple[str, str]]:
    turns = f"SELECT id FROM {TurnRow.table} WHERE {where}"  # noqa: S608
    return [(table, condition.format(turns=turns)) for table, condition in _PARTS]


def used_bytes(connection: sqlite3.Connection) -> int:
    """What the rows take, without the pages that are free to be used again."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def shrink(connection: sqlite3.Connection) -> int:
    """Drop one batch of what is oldest: texts as long as there are any, then whole turns.

    Returns how many went; 0 when only the last `KEPT_TURNS` conversations are left.
    """
    if (oldest := _oldest_texts(connection)) is not None:
        return drop_texts(connection, *oldest)
    return drop_turns(connection, _last_to_go(connection, TurnRow.table))


def _oldest_texts(connection: sqlite3.Connection) -> tuple[Texts, int] | None:
    """The table whose first text is the oldest of all, and up to which row it may be emptied."""
    found: list[tuple[float, Texts, int]] = []
    for texts in TEXTS:
        last = _last_to_go(connection, texts.table)
        head = connection.execute(
            f"SELECT created_at FROM {texts.table} WHERE rowid <= ? AND {texts.held}"  # noqa: S608
            " ORDER BY rowid LIMIT 1",
            (last,),
        ).fetchone()
        if head is not None:
            found.append((head[0], texts, last))
    return min(found, key=itemgetter(0))[1:] if found else None


def _last_to_go(connection: sqlite3.Connection, table: str) -> int:
    """The number of the newest row that is not among the last `KEPT_TURNS`; 0: there is none."""
    found = connection.execute(
        f"SELECT rowid FROM {table} ORDER BY rowid DESC LIMIT 1 OFFSET ?",  # noqa: S608
        (KEPT_TURNS,),
    ).fetchone()
    return int(found[0]) if found else 0
