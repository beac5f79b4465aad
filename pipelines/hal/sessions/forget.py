"""Deletes turns with all that hangs on them, so that nothing of them is left in the log's files.

In short transactions, so that a server that uses the log waits for none of them but the last one,
which writes the file anew: deleted rows are overwritten as they go, and copies that SQLite has
moved within a page are not. Knows no command line, and nothing of what other files keep.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..database import transaction, version_of
from .export import reading
from .own_connection import BUSY_TIMEOUT_S, writing
from .record import ROWS, RUNNING, TurnRow
from .retention import BATCH_TURNS, count_turns, delete_turns
from .schema import VERSION
from .selection import COMMON, Selection
from .spool import spool_files, take_over

# SQLite's waiting writers ask again after 1 to 100 ms: without a pause none would get its turn.
PAUSE_S = 0.02
# Above this, what is left of the log is too much for the memory of a small machine, and the new
# copy goes through a temporary file that has no name.
MEMORY_MAX_BYTES = 256 << 20

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Rows by table. `users` are those whose turns they were; `unfinished` turns come back when
    they end. `files` lie beside the log and went, or would; `kept_files` may hold something of it.
    `problems` are sentences."""

    rows: Mapping[str, int] = field(default_factory=dict)
    users: tuple[str | None, ...] = ()
    unfinished: int = 0
    files: tuple[str, ...] = ()
    kept_files: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def turns(self) -> int:
        return self.rows.get(TurnRow.table, 0)


def would_forget(path: Path, chosen: Selection) -> Forgotten:
    """What `forget` would delete; deletes nothing. Raises LogUnreadable or SchemaTooNew."""
    with reading(path) as connection:
        if connection is None:
            return _with_files(Forgotten(), path, chosen)
        if version_of(connection) == VERSION:
            return _with_files(_look(connection, chosen), path, chosen)
    with writing(path) as connection:  # a log of an older version takes the steps to this one
        return _with_files(_look(connection, chosen), path, chosen)


def forget(path: Path, chosen: Selection, say: Say = lambda _note: None) -> Forgotten:
    """Delete it. Raises LogUnavailable or SchemaTooNew; what was deleted by then stays deleted."""
    if not path.exists():
        return _remove_files(Forgotten(), path, chosen)
    with writing(path) as connection:
        # Rows that dead processes could not write: so that they are deleted with the rest.
        take_over(connection, path, time.time())
        found = _look(connection, chosen)
        rows: Counter[str] = Counter()
        for deleted in _deleting(connection, chosen):
            rows.update(deleted)
            say(f"{rows[TurnRow.table]:,} turns deleted")
        # Also where nothing was left to delete: an earlier run may not have come this far.
        problems = _write_anew(connection, path, say)
    done = Forgotten(
        {table: rows[table] for table in found.rows},
        found.users,
        found.unfinished,
        problems=problems,
    )
    return _remove_files(done, path, chosen)


def _look(connection: sqlite3.Connection, chosen: Selection) -> Forgotten:
    where, values = chosen.turns()
    users = connection.execute(f"SELECT DISTINCT user_id FROM turn WHERE {where}", values)  # noqa: S608
    unfinished = connection.execute(
        f"SELECT count(*) FROM turn WHERE outcome = '{RUNNING}' AND {where}",  # noqa: S608
        values,
    )
    return Forgotten(
        _count(connection, chosen),
        tuple(user for (user,) in users.fetchall()),
        unfinished.fetchone()[0],
    )


def _count(connection: sqlite3.Connection, chosen: Selection) -> dict[str, int]:
    if not chosen.is_all:
        return count_turns(connection, *chosen.turns())
    return {
        table: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
        for table in _own_tables()
    }


def _own_tables() -> tuple[str, ...]:
    """Every table with something of a person in it, the last ones first."""
    return tuple(kind.table for kind in reversed(ROWS) if kind not in COMMON)


def _deleting(connection: sqlite3.Connection, chosen: Selection) -> Iterator[Mapping[str, int]]:
    """A batch after the other until nothing is left; how many rows of each table went."""
    where, values = chosen.turns()
    while True:
        with transaction(connection):
            ids = connection.execute(
                f"SELECT id FROM turn WHERE {where} LIMIT {BATCH_TURNS}",  # noqa: S608
                values,
            ).fetchall()
            marks = ", ".join("?" * len(ids))
            deleted = delete_turns(connection, f"id IN ({marks})", [each for (each,) in ids])
        if not ids:
            break
        yield deleted
        time.sleep(PAUSE_S)
    if chosen.is_all:
        yield from _deleting_strays(connection)


def _deleting_strays(connection: sqlite3.Connection) -> Iterator[Mapping[str, int]]:
    """Rows whose turn never came or went without them."""
    for table in _own_tables():
        statement = f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} LIMIT ?)"  # noqa: S608
        while count := connection.execute(statement, (BATCH_TURNS,)).rowcount:
            yield {table: count}
            time.sleep(PAUSE_S)


def _write_anew(connection: sqlite3.Connection, path: Path, say: Say) -> tuple[str, ...]:
    say("writing the file anew")
    if path.stat().st_size <= MEMORY_MAX_BYTES:
        connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    try:
        connection.execute("VACUUM")
    except sqlite3.Error as error:
        return (
            f"The file could not be written anew ({error}): traces may be left in it until "
            "this command has run again; it needs as much room on the disk as the log has.",
        )
    return _empty_the_write_ahead_log(connection)


def _empty_the_write_ahead_log(connection: sqlite3.Connection) -> tuple[str, ...]:
    """What the file anew replaces is in the old one until then. SQLite waits for readers itself,
    but not for another process that does the same at this moment."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > deadline:
            return (
                "Another process is reading the log, so that the old text is still in the file "
                "until it ends. Then run this command again.",
            )
        time.sleep(PAUSE_S)
    return ()


def _beside(path: Path) -> list[Path]:
    """Damaged logs that were put aside, and rows that could not be written yet."""
    return [*sorted(path.parent.glob(f"{path.name}.damaged-*")), *spool_files(path)]


def _with_files(found: Forgotten, path: Path, chosen: Selection, *more: str) -> Forgotten:
    names = tuple(each.name for each in _beside(path))
    return Forgotten(
        found.rows,
        found.users,
        found.unfinished,
        names if chosen.is_all else (),
        () if chosen.is_all else names,
        (*found.problems, *more),
    )


def _remove_files(done: Forgotten, path: Path, chosen: Selection) -> Forgotten:
    said = _with_files(done, path, chosen)
    if not chosen.is_all:
        return said
    problems = []
    for file in _beside(path):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            problems.append(f"{file.name} could not be deleted: {error.strerror}.")
    return Forgotten(
        said.rows, said.users, said.unfinished, said.files, (), (*said.problems, *problems)
    )
