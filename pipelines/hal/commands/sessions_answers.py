"""The answer cache, as far as `hal sessions forget` can tell its answers apart.

It knows users by a hash and times, and no chat: whoever wrote in a chat loses all kept answers,
which costs no more than asking again. Knows nothing of the log.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from ..database import FileTooNew, open_for_reading
from ..gateway.cache import user_key
from ..gateway.cache_file import CacheFile
from ..gateway.cache_schema import opened
from ..sessions.selection import Selection

# A server's transaction on the cache takes milliseconds, and the cache itself waits a tenth of a
# second for it: so it is asked again, for as long as a person waits.
_PATIENCE_S = 5.0
_PAUSE_S = 0.05

Users = Sequence[str | None]


class Answers:
    """The file of the cache, which need not be there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def count(self, chosen: Selection, users: Users) -> int:
        """How many answers `forget` would delete; 0 where nobody can tell."""
        if not self._path.exists():
            return 0
        where, values = _condition(chosen, users)
        try:
            with closing(open_for_reading(self._path, _PATIENCE_S)) as connection:
                statement = f"SELECT count(*) FROM answers WHERE {where}"  # noqa: S608
                return int(connection.execute(statement, values).fetchone()[0])
        except sqlite3.Error:
            return 0

    def forget(self, chosen: Selection, users: Users) -> tuple[int, str]:
        """How many went, and a sentence where that failed."""
        count = self.count(chosen, users)
        if not self._path.exists():
            return 0, ""
        try:
            _patiently(lambda: self._forget(chosen, users))
        except (sqlite3.Error, OSError, FileTooNew) as error:
            return 0, f"The answer cache could not be cleared ({error}). --all removes its file."
        return count, ""

    def _forget(self, chosen: Selection, users: Users) -> None:
        file = CacheFile(self._path, time.time)
        try:
            if chosen.is_all:
                file.clear()
                return
            if chosen.until_s is not None:
                file.expire(chosen.until_s)
            else:
                for user in _whose(chosen, users):
                    file.forget(user_key(user))
        finally:
            file.close()
        self._write_anew()

    def _write_anew(self) -> None:
        """What SQLite has moved within a page leaves copies that nothing else overwrites."""
        with closing(opened(self._path)) as connection:
            connection.execute("VACUUM")
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise sqlite3.OperationalError("another process is reading it")


def _whose(chosen: Selection, users: Users) -> Users:
    return users if chosen.user_id is None else (chosen.user_id,)


def _condition(chosen: Selection, users: Users) -> tuple[str, tuple[object, ...]]:
    if chosen.is_all:
        return "true", ()
    if chosen.until_s is not None:
        return "made_at < ?", (chosen.until_s,)
    keys = tuple(user_key(user) for user in _whose(chosen, users))
    return f"user IN ({', '.join('?' * len(keys))})", keys


def _patiently(work: Callable[[], None]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            work()
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
