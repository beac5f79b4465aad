"""The tables of the answer cache, and how its file is opened.

Knows nothing of what is asked. A damaged file is thrown away, not kept: it is only a cache.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..database import Schema, is_damage, open_for_writing, remove

# Waiting for another process' lock holds up a turn; an answer that is not kept costs nobody much.
BUSY_TIMEOUT_S = 0.1

_TABLES = (
    """
    CREATE TABLE answers (
        id INTEGER PRIMARY KEY,
        exact BLOB NOT NULL UNIQUE,
        scope BLOB,
        user BLOB NOT NULL,
        question TEXT NOT NULL,
        sketch BLOB,
        vector BLOB,
        text TEXT NOT NULL,
        thinking TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        made_at REAL NOT NULL,
        used_at REAL NOT NULL
    )
    """,
    # Holds all that the comparison reads: the answers themselves stay on the disk.
    "CREATE INDEX answers_by_scope ON answers (scope, made_at, sketch)",
    "CREATE INDEX answers_by_user ON answers (user)",
    "CREATE INDEX answers_by_age ON answers (made_at)",
    "CREATE INDEX answers_by_use ON answers (used_at, bytes)",
    # Which answer a user's message got last, made or found: asked anew, it must get another one.
    """
    CREATE TABLE asked (
        origin BLOB PRIMARY KEY,
        user BLOB NOT NULL,
        message BLOB,
        at REAL NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX asked_by_age ON asked (at)",
)


def _create(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)


SCHEMA = Schema("The answer cache", (_create,))


def opened(path: Path) -> sqlite3.Connection:
    """A connection to a file with our tables. Raises FileTooNew, sqlite3.Error or OSError."""
    try:
        return open_for_writing(path, BUSY_TIMEOUT_S, SCHEMA.check, SCHEMA.migrate)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
    remove(path)
    return open_for_writing(path, BUSY_TIMEOUT_S, SCHEMA.check, SCHEMA.migrate)
