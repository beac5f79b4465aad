"""Open the file of the session log: private, in WAL mode, and moved aside when it is damaged.

Knows nothing of what the tables mean, and starts no thread.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from .schema import check, migrate

# SQLite's primary result codes are the low byte; the rest says more about the same thing.
_PRIMARY_CODE = 0xFF
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# WAL and shared memory belong to the file: a new database must never find the old one's.
_SUFFIXES = ("", "-wal", "-shm")


def open_for_writing(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """Create, migrate and open; raises SchemaTooNew, sqlite3.Error or OSError."""
    _make_private(path)
    connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
    try:
        check(connection)  # before anything that writes, so that a newer file stays as it is
        _set_modes(connection)
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """Open read-only; raises sqlite3.Error when there is no such file."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=busy_timeout_s, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def is_damage(error: Exception) -> bool:
    """The file is no database, or a broken one; trying again cannot help."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & _PRIMARY_CODE) in _DAMAGED


def identity(path: Path) -> tuple[int, int] | None:
    """Which file the name means now; None when there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def set_aside(path: Path, now_s: float) -> Path:
    """Rename a damaged file with its companions; nothing is deleted."""
    stamp = datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in _SUFFIXES:
        source = Path(f"{path}{suffix}")
        if source.exists():
            source.rename(f"{aside}{suffix}")
    return aside


def _make_private(path: Path) -> None:
    """Folder 0700 when we make it, file 0600 always: SQLite gives its companions the same mode."""
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # Only a new file: a process loses all its locks on a file with the first descriptor of it that
    # it closes, and another connection of ours may hold some. Without them the next process that
    # closes the log takes itself for the last one, and removes the WAL file under us.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    path.chmod(0o600)


def _set_modes(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL outlives a killed process; only a power cut may take the last moments. FULL costs 4 ms.
    connection.execute("PRAGMA synchronous = NORMAL")
    # Content that expired is overwritten, not only unlinked.
    connection.execute("PRAGMA secure_delete = ON")
