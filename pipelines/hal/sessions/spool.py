"""A file beside the session log for the rows that it cannot take now: one JSON object a line.

Each writer has a file of its own, named after its process. What a dead one left is taken over by
whoever renames it first, and rows have keys, so that writing them twice changes nothing.
Knows no thread and no retries.
"""

from __future__ import annotations

import glob
import json
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..database import transaction
from .columns import AnyRow, decode, encode
from .process import Life, ProcessMark, life_of, this_process
from .record import ROWS
from .statements import FOREIGN_TURN_MAX_S, save

# About ten thousand turns with their texts; written back in two seconds. Whatever keeps a log from
# being written for longer than that, a person has to look at it.
MAX_BYTES = 32 * 1024 * 1024
_KINDS = {kind.table: kind for kind in ROWS}
# The owner of a file that nobody owns: its writer was closed before the log could take the rows.
_NOBODY = "left"
# What one row or one line may have wrong with it; the others are written.
ROW_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    TypeError,
    ValueError,
    KeyError,
    OverflowError,
)


class SpoolFull(OSError):
    """The file has reached its size."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a file: the rows that were written, and the lines that could not be."""

    rows: int
    broken: int


class Spool:
    """The file of one writer; it exists only while something waits in it."""

    def __init__(self, database: Path, process: ProcessMark, max_bytes: int = MAX_BYTES) -> None:
        self._database, self._process, self._max_bytes = database, process, max_bytes
        # A reload makes a second writer in the same process, while the first one still has turns.
        self._token = uuid.uuid4().hex[:8]

    @property
    def path(self) -> Path:
        return _path(self._database, str(self._process).replace(":", "_"), self._token)

    def append(self, lines: list[bytes]) -> None:
        """All of the lines or none; raises OSError when the disk does not take them."""
        data = b"".join(lines)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size + len(data) > self._max_bytes:
                raise SpoolFull(f"{self.path.name} has reached {self._max_bytes >> 20} MB")
            if size and not _ends_a_line(descriptor):
                data = b"\n" + data  # whoever wrote last was killed in the middle of a line
            _write(descriptor, data, size)
        finally:
            os.close(descriptor)

    def replay(self, connection: sqlite3.Connection) -> Replayed | None:
        """Write what waits into the log and remove the file; None when nothing waits.

        One transaction. A kill between its end and the removal only means to do it again.
        """
        if not self.path.exists():
            return None
        with transaction(connection):
            saved = [_saved(connection, row) for row in _rows(self.path)]
        self.path.unlink(missing_ok=True)
        return Replayed(sum(saved), len(saved) - sum(saved))

    def recall(self, connection: sqlite3.Connection, now_s: float) -> Replayed:
        """Write what waits here, and then what the dead have left; how much that was."""
        rows = broken = 0
        while True:
            replayed = self.replay(connection)
            if replayed is not None:
                rows, broken = rows + replayed.rows, broken + replayed.broken
            if not self._adopt(now_s):
                return Replayed(rows, broken)

    def _adopt(self, now_s: float) -> bool:
        """Make the file of a dead writer ours, which is none now; True when there was one."""
        for path in spool_files(self._database):
            if self._is_left(path, now_s) and os.access(path, os.R_OK):
                with suppress(FileNotFoundError):  # another process was quicker
                    path.rename(self.path)
                    return True
        return False

    def leave(self) -> None:
        """Nobody will come back to it: the next one to open the log may have it at once."""
        with suppress(OSError):
            self.path.rename(_path(self._database, _NOBODY, self._token))

    def _is_left(self, path: Path, now_s: float) -> bool:
        owner = _owner(self._database, path)
        if owner == _NOBODY:
            return True
        life = life_of(owner, self._process)
        if life is not Life.UNKNOWN:
            return life is Life.DEAD
        with suppress(OSError):
            return now_s - path.stat().st_mtime > FOREIGN_TURN_MAX_S
        return False


def line_of(row: AnyRow) -> bytes:
    """A row as a line of the file; raises TypeError or ValueError for one that is no row."""
    return json.dumps({"table": row.table, "row": encode(row)}).encode() + b"\n"


def spool_files(database: Path) -> list[Path]:
    """Every file of waiting rows beside this log, whoever wrote it."""
    return sorted(database.parent.glob(f"{glob.escape(database.name)}.spool-*.jsonl"))


def take_over(connection: sqlite3.Connection, database: Path, now_s: float) -> Replayed:
    """Write what dead writers have left into the log, for a program that only passes by."""
    return Spool(database, this_process()).recall(connection, now_s)


def _saved(connection: sqlite3.Connection, row: AnyRow | None) -> bool:
    """False for a row that does not fit; the others are written all the same."""
    if row is None:
        return False
    try:
        save(connection, row)
    except ROW_ERRORS:
        return False
    return True


def _path(database: Path, owner: str, token: str) -> Path:
    return database.with_name(f"{database.name}.spool-{owner}-{token}.jsonl")


def _owner(database: Path, path: Path) -> str:
    """The mark of the process in the name, as `ProcessMark` writes it."""
    name = path.name.removeprefix(f"{database.name}.spool-").removesuffix(".jsonl")
    return name.rpartition("-")[0].replace("_", ":")


def _ends_a_line(descriptor: int) -> bool:
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) == b"\n"


def _write(descriptor: int, data: bytes, size: int) -> None:
    """Append all of it; what a full disk took of it is taken back."""
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _rows(path: Path) -> Iterator[AnyRow | None]:
    """Row by row; None for a line that is none, as the last one of a killed process may be."""
    with path.open("rb") as file:
        for line in file:
            try:
                values = json.loads(line)
                yield decode(_KINDS[values["table"]], values["row"])
            except ROW_ERRORS:
                yield None
