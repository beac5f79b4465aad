"""Every statement that changes the session log, as functions of an open connection.

Knows no thread, no file and no clock; the caller owns the transaction.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping

from .columns import AnyRow, encode
from .process import Life, ProcessMark, life_of
from .record import (
    RUNNING,
    EgressRow,
    PolicyRow,
    PromptVersionRow,
    ScoreRow,
    ShadowRow,
    TurnRow,
)

# Where nobody can tell whether the writer lives: an hour is longer than any turn may take, and
# a turn that ends after all replaces its row.
FOREIGN_TURN_MAX_S = 3600.0


def save(connection: sqlite3.Connection, row: AnyRow) -> None:
    """Insert; a row of the same key is replaced, except where the first one is the truth."""
    values = encode(row)
    names = ", ".join(values)
    places = ", ".join("?" * len(values))
    connection.execute(
        f"INSERT INTO {row.table} ({names}) VALUES ({places}){_on_conflict(row, values)}",  # noqa: S608
        tuple(values.values()),
    )


def _on_conflict(row: AnyRow, values: Mapping[str, object]) -> str:
    if isinstance(row, EgressRow):
        return ""  # the audit is append-only: the same id twice is an error
    if isinstance(row, PromptVersionRow | PolicyRow | ScoreRow):
        return " ON CONFLICT DO NOTHING"
    key = next(iter(values))
    changes = ", ".join(f"{name} = excluded.{name}" for name in values if name != key)
    return f" ON CONFLICT ({key}) DO UPDATE SET {changes}"


def put_state(connection: sqlite3.Connection, key: str, value: str, now_s: float) -> None:
    connection.execute(
        "INSERT INTO state (key, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (key)"
        " DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        (key, value, now_s),
    )


def get_state(connection: sqlite3.Connection, key: str) -> str | None:
    found = connection.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
    return None if found is None else str(found[0])


def cut_dead(connection: sqlite3.Connection, here: ProcessMark, now_s: float) -> int:
    """Mark what dead processes left running as cut; how many turns that were."""
    owners = connection.execute(
        "SELECT process_id FROM turn WHERE outcome = 'running' UNION SELECT process_id FROM turn"
        " WHERE id IN (SELECT turn_id FROM shadow WHERE outcome = 'running')"
    )
    count = shadows = 0
    for (owner,) in owners.fetchall():
        life = life_of(owner, here)
        if life is not Life.ALIVE:
            before = math.inf if life is Life.DEAD else now_s - FOREIGN_TURN_MAX_S
            count += _cut(connection, owner, before)
            shadows += _cut_shadows(connection, owner, before)
    if count or shadows:
        connection.execute(
            "UPDATE call SET outcome = 'cut' WHERE outcome = 'running'"
            " AND (turn_id IN (SELECT id FROM turn WHERE outcome = 'cut')"
            " OR turn_id IN (SELECT turn_id FROM shadow WHERE outcome = 'cut'))"
        )
    return count


def _cut(connection: sqlite3.Connection, owner: str, before_s: float) -> int:
    return connection.execute(
        f"UPDATE {TurnRow.table} SET outcome = 'cut'"  # noqa: S608 - a constant
        " WHERE outcome = ? AND process_id = ? AND started_at <= ?",
        (RUNNING, owner, before_s),
    ).rowcount


def _cut_shadows(connection: sqlite3.Connection, owner: str, before_s: float) -> int:
    """A shadow belongs to the process that answered its turn."""
    return connection.execute(
        f"UPDATE {ShadowRow.table} SET outcome = 'cut'"  # noqa: S608 - a constant
        " WHERE outcome = ? AND created_at <= ?"
        " AND turn_id IN (SELECT id FROM turn WHERE process_id = ?)",
        (RUNNING, before_s, owner),
    ).rowcount
