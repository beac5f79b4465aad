"""The answers that are kept, in SQLite: found by key, bounded in number and size, and forgotten.

Blocking, all in one thread. Knows digests and answers, neither turns nor settings. Raises
sqlite3.Error, OSError and FileTooNew: what trouble means is for the caller to say.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..database import identity, is_damage, remove
from .cache import Keys
from .cache_schema import opened
from .cache_vectors import sketch
from .ports import CachedAnswer

T = TypeVar("T")
Statement = tuple[str, Sequence[object]]

_ANSWER = "SELECT id, text, thinking, provider, model, made_at FROM answers"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the file may hold, and how much of it one search looks at.

    A household's months, at 3 kB an answer; `size_bytes` is for the long ones. To compare 5,000
    questions of one scope (same user, system prompt and history) takes 6 ms.
    """

    rows: int = 20_000
    size_bytes: int = 64 << 20
    scope_rows: int = 5_000


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer of the file. `made_at` is a wall clock's time in seconds."""

    id: int
    text: str
    thinking: str
    provider: str
    model: str
    made_at: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that was asked in the same scope, with its vector."""

    id: int
    question: str
    vector: bytes


class CacheFile:
    """Opened with the first use; nothing but `keep` creates the file."""

    def __init__(
        self, path: Path, clock: Callable[[], float], limits: Limits | None = None
    ) -> None:
        self._path, self._clock = path, clock
        self._limits = limits or Limits()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def last_message(self, origin: bytes) -> tuple[bytes | None] | None:
        """In a tuple, the answer that this user message got last; None when it got none from us."""
        rows = self._read("SELECT message FROM asked WHERE origin = ?", origin)
        return (rows[0][0],) if rows else None

    def exact(self, key: bytes, oldest_s: float) -> Kept | None:
        """The answer to this very conversation, if it is not older."""
        return self._one(f"{_ANSWER} WHERE exact = ? AND made_at BETWEEN ? AND ?", key, oldest_s)

    def by_id(self, number: int, oldest_s: float) -> Kept | None:
        return self._one(f"{_ANSWER} WHERE id = ? AND made_at BETWEEN ? AND ?", number, oldest_s)

    def sketches(self, scope: bytes, oldest_s: float) -> list[tuple[int, bytes]]:
        """Ids and sketches of the newest questions of a scope."""
        rows = self._read(
            "SELECT id, sketch FROM answers WHERE scope = ? AND made_at BETWEEN ? AND ?"
            " AND sketch IS NOT NULL ORDER BY made_at DESC LIMIT ?",
            *(scope, oldest_s, self._clock(), self._limits.scope_rows),
        )
        return [(number, bits) for number, bits in rows]

    def candidates(self, numbers: Iterable[int]) -> list[Candidate]:
        """The questions and vectors of these ids."""
        ids = tuple(numbers)
        marks = ",".join("?" * len(ids))
        statement = f"SELECT id, question, vector FROM answers WHERE id IN ({marks})"  # noqa: S608
        return [Candidate(*row) for row in self._read(statement, *ids)]

    def keep(self, keys: Keys, answer: CachedAnswer, vector: bytes | None) -> None:
        """Add an answer, in place of the one to the same conversation; then keep to the limits."""
        now_s = self._clock()
        row = {
            "exact": keys.exact,
            "scope": keys.scope,
            "user": keys.user,
            "question": keys.question,
            "sketch": sketch(vector) if vector else None,
            "vector": vector,
            "text": answer.text,
            "thinking": answer.thinking,
            "provider": answer.provider,
            "model": answer.model,
            "bytes": _size_bytes(answer.text, answer.thinking, keys.question),
            "made_at": now_s,
            "used_at": now_s,
        }
        columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        with self._transaction() as connection:
            connection.execute("DELETE FROM answers WHERE exact = ?", (keys.exact,))
            connection.execute(f"INSERT INTO answers ({columns}) VALUES ({marks})", row)  # noqa: S608
            _note_asked(connection, keys, now_s)
            _evict(connection, self._limits)

    def used(self, keys: Keys, number: int) -> None:
        """An answer was given again, to this user message."""
        now_s = self._clock()
        with self._transaction() as connection:
            connection.execute("UPDATE answers SET used_at = ? WHERE id = ?", (now_s, number))
            _note_asked(connection, keys, now_s)

    def expire(self, oldest_s: float) -> None:
        """Overwrite what is older, and what is of the future: a clock was set back."""
        bounds = (oldest_s, self._clock())
        self._erase(
            ("DELETE FROM answers WHERE made_at NOT BETWEEN ? AND ?", bounds),
            ("DELETE FROM asked WHERE at NOT BETWEEN ? AND ?", bounds),
        )

    def forget(self, user: bytes) -> None:
        """Overwrite all that is kept of a user, by the key that `cache.user_key` gives."""
        self._erase(
            ("DELETE FROM answers WHERE user = ?", (user,)),
            ("DELETE FROM asked WHERE user = ?", (user,)),
        )

    def clear(self) -> None:
        """Remove the file."""
        self.close()
        remove(self._path)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _one(self, statement: str, key: object, oldest_s: float) -> Kept | None:
        rows = self._read(statement, key, oldest_s, self._clock())
        return Kept(*rows[0]) if rows else None

    def _read(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        if identity(self._path) is None:
            return []
        with self._renewed() as connection:
            return connection.execute(statement, values).fetchall()

    def _erase(self, *statements: Statement) -> None:
        if identity(self._path) is None:
            return
        with self._transaction() as connection:
            erased = sum(connection.execute(*statement).rowcount for statement in statements)
        if erased:  # or the text would stay readable in the WAL file until it is written over
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._renewed() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _renewed(self) -> Iterator[sqlite3.Connection]:
        """The connection. A file that turns out to be damaged is removed: the next use is on a new
        one.
        """
        try:
            yield self._open()
        except sqlite3.Error as error:
            if is_damage(error):
                self.clear()
            raise

    def _open(self) -> sqlite3.Connection:
        """The connection; a new one when the file was removed or replaced under us."""
        if self._connection is not None and identity(self._path) != self._file:
            self.close()
        if self._connection is None:
            self._connection = opened(self._path)
            self._file = identity(self._path)
        return self._connection


def _size_bytes(*texts: str) -> int:
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


def _note_asked(connection: sqlite3.Connection, keys: Keys, now_s: float) -> None:
    if keys.origin is not None:
        connection.execute(
            "INSERT OR REPLACE INTO asked (origin, user, message, at) VALUES (?, ?, ?, ?)",
            (keys.origin, keys.user, keys.message, now_s),
        )


def _evict(connection: sqlite3.Connection, limits: Limits) -> None:
    """Remove what was not used for the longest time, until both limits are kept."""
    rows, size = connection.execute("SELECT count(*), total(bytes) FROM answers").fetchone()
    if rows > limits.rows or size > limits.size_bytes:
        out: list[tuple[int]] = []
        for number, weight in connection.execute("SELECT id, bytes FROM answers ORDER BY used_at"):
            if rows <= limits.rows and size <= limits.size_bytes:
                break
            rows, size = rows - 1, size - weight
            out.append((number,))
        connection.executemany("DELETE FROM answers WHERE id = ?", out)
    connection.execute(
        "DELETE FROM asked WHERE at < (SELECT at FROM asked ORDER BY at DESC LIMIT 1 OFFSET ?)",
        (limits.rows,),
    )
