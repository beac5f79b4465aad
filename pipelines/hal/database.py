"""Open a SQLite file of ours: private, in WAL mode, and moved aside when it is damaged.

Knows no table: what a file must look like is the business of whoever owns it. Starts no thread.
"""

from __future__ import annotations

import glob
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .errors import ConfigError

Step = Callable[[sqlite3.Connection], object]

# SQLite's primary result codes are the low byte; the rest says more about the same thing.
_PRIMARY_CODE = 0xFF
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DENIED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
# WAL and shared memory belong to the file: a new database must never find the old one's.
_SUFFIXES = ("", "-wal", "-shm")
_PAUSE_S = 0.002  # to make a new file takes about as long
# What SQLite calls it: free pages go back to the disk when they are asked for, a few at a time.
INCREMENTAL = "INCREMENTAL"
# A reader that takes its time lets the WAL file grow; afterwards it is cut to this. SQLite copies
# it into the database at 4 MB, so this is seldom reached.
WAL_KEPT_BYTES = 16 * 1024 * 1024


class FileTooNew(ConfigError):
    """A newer hal-auto wrote this file; this one leaves it alone."""

    code = "file_too_new"


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a file, as steps from each version to the next; `name` is for people.

    `PRAGMA user_version` is the number of steps that a file has taken. Append only: what a
    released version has run once is never edited. `too_new` is raised for a file beyond them.
    """

    name: str
    migrations: tuple[Step, ...]
    too_new: type[FileTooNew] = FileTooNew

    @property
    def version(self) -> int:
        return len(self.migrations)

    def check(self, connection: sqlite3.Connection) -> int:
        """The version of the file; `too_new` when it is beyond this code. Only reads."""
        version = version_of(connection)
        if version > self.version:
            raise self.too_new(
                f"{self.name} has schema {version}, this hal-auto knows up to {self.version}.",
                "Update hal-auto, or set HAL_DATA_DIR to another folder; the file was left as "
                "it is.",
            )
        return version

    def migrate(self, connection: sqlite3.Connection) -> None:
        """Take the missing steps, all or none; two processes may do so at once."""
        if self.check(connection) == self.version:
            return
        with transaction(connection):
            # Asked again under the lock: the other process may have been first.
            for number in range(self.check(connection), self.version):
                self.migrations[number](connection)
                connection.execute(f"PRAGMA user_version = {number + 1}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or none of what happens in it; the lock for writing is taken first."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """How many steps this file has taken."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def open_for_writing(
    path: Path, busy_timeout_s: float, check: Step, migrate: Step, *, shrinks: bool = False
) -> sqlite3.Connection:
    """Create, migrate and open; raises what the steps raise, sqlite3.Error or OSError.

    `check` sees the file before anything writes, so that one it refuses stays as it is. A new file
    that `shrinks` can give its free pages back to the disk.
    """
    _make_private(path)
    connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
    try:
        check(connection)
        if shrinks:  # in a file that has tables already, this does nothing
            connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
        _set_modes(connection, busy_timeout_s)
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """Open read-only; raises sqlite3.Error when there is no such file."""
    connection = _connect_to_read(path, busy_timeout_s, "mode=ro")
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError as error:
        # In a folder that nobody may write to, readers cannot make the file by which they agree.
        # Where no WAL file stands, nobody writes, and there is nothing to agree upon.
        is_denied = (error.sqlite_errorcode & _PRIMARY_CODE) in _DENIED
        if is_denied and path.exists() and not Path(f"{path}-wal").exists():
            connection.close()
            return _connect_to_read(path, busy_timeout_s, "immutable=1")
    except sqlite3.Error:
        pass  # said again to whoever reads
    return connection


def _connect_to_read(path: Path, busy_timeout_s: float, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{mode}"
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


def damaged_files(path: Path) -> list[Path]:
    """What was set aside from here, without its companions."""
    found = path.parent.glob(f"{glob.escape(path.name)}.damaged-*")
    return sorted(file for file in found if not file.name.endswith(_SUFFIXES[1:]))


def remove(path: Path) -> None:
    """Unlink a file with its companions."""
    for suffix in _SUFFIXES:
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _make_private(path: Path) -> None:
    """Folder 0700 when we make it, file 0600 always: SQLite gives its companions the same mode."""
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    # Only a new file: a process loses all its locks on a file with the first descriptor of it that
    # it closes, and another connection of ours may hold some. Without them the next process that
    # closes the file takes itself for the last one, and removes the WAL file under us.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    path.chmod(0o600)


def _set_modes(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    """WAL, and what must survive what."""
    _switch_to_wal(connection, busy_timeout_s)
    connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
    # NORMAL outlives a killed process; only a power cut may take the last moments. FULL costs 4 ms.
    connection.execute("PRAGMA synchronous = NORMAL")
    # What expired is overwritten, not only unlinked.
    connection.execute("PRAGMA secure_delete = ON")
    # What SQLite has to put down in between goes nowhere else on the disk.
    connection.execute("PRAGMA temp_store = MEMORY")


def _switch_to_wal(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    """Wait for another one that makes the same new file: this once, SQLite does not wait itself."""
    deadline = time.monotonic() + busy_timeout_s
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
