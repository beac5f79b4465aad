"""The session log: whether it can be read and written, how large it is, and what lies beside it.

Changes nothing in it: for writing, it takes the lock and gives it back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ...database import damaged_files, is_damage
from ...errors import HalError
from ...sessions.care import CLOCK_KEY
from ...sessions.database import open_for_reading
from ...sessions.reader import SessionReader
from ...sessions.schema import SCHEMA, VERSION
from ...sessions.spool import spool_files
from ...sessions.statements import get_state
from ...sessions.trouble import cause_of, remedy_for
from ...sessions.trusted_clock import ClockView
from ...settings import LogSettings
from .result import Check, fail, ok, warn

_LOCKED_S = 2.0  # the writer holds its lock for milliseconds
# To look at every page of it takes a second; a larger log would keep people waiting.
_SEARCHED_MAX_BYTES = 256_000_000
_MB = 1024 * 1024


def checks(settings: LogSettings) -> Iterator[Check]:
    """At least one line; more where something lies beside the log that a person should know of."""
    yield _state(settings)
    yield from _beside(settings.database)


def _state(settings: LogSettings) -> Check:
    path = settings.database
    if not path.exists():
        return ok("session log", f"{path}: nothing logged yet")
    try:
        newest = SessionReader(path).turns(limit=1)
        with closing(open_for_reading(path, _LOCKED_S)) as connection:
            version, clock = SCHEMA.check(connection), _clock(connection)
            _search(connection, path)
        if version == VERSION:  # one of an earlier version is brought up to date first
            _take_the_lock(path)
    except HalError as error:
        return fail("session log", str(error), error.remedy)
    except (sqlite3.Error, OSError) as error:
        return fail("session log", f"{path}: {cause_of(error)}", _remedy(error))
    if clock is not None and not clock.is_trusted:
        return warn(
            "session log",
            f"{path}: the clock is more than a month ahead of the last look at it",
            "Set the clock. If it is right, do nothing: after a day old turns expire as ever.",
        )
    age = "" if version == VERSION else f" of {VERSION}: brought up to date at the next start"
    size = f"{_size(path) / _MB:.0f} of at most {settings.max_bytes / _MB:.0f} MB"
    return ok(
        "session log", f"{path}, {size}, schema {version}{age}{'' if newest else ', no turns'}"
    )


def _clock(connection: sqlite3.Connection) -> ClockView | None:
    return ClockView.from_json(get_state(connection, CLOCK_KEY) or "")


def _search(connection: sqlite3.Connection, path: Path) -> None:
    """Raises DatabaseError when a page of it is damaged."""
    if _size(path) > _SEARCHED_MAX_BYTES:
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _take_the_lock(path: Path) -> None:
    """Raises what a writer would meet: a lock that stays, a missing right."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=_LOCKED_S, isolation_level=None)) as each:
        each.execute("BEGIN IMMEDIATE")
        each.execute("ROLLBACK")


def _remedy(error: Exception) -> str:
    if is_damage(error):
        return (
            "Copy the folder now. The server puts a damaged log aside when it meets the damage,"
            " and begins a new one; `sqlite3 FILE .recover` may read what is left."
        )
    return remedy_for(error)


def _beside(path: Path) -> Iterator[Check]:
    if waiting := spool_files(path):
        size = sum(_size(file) for file in waiting) / 1000
        yield warn(
            "session log, waiting",
            f"{size:.0f} kB in {len(waiting)} files could not be written yet: {waiting[0].name}",
            "They are written by themselves as soon as the log can be, at the latest when the"
            " server starts.",
        )
    if damaged := damaged_files(path):
        yield warn(
            "session log, damaged",
            f"put aside: {', '.join(file.name for file in damaged)}",
            "`sqlite3 FILE .recover` may read what is left; delete them when they are not needed.",
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
