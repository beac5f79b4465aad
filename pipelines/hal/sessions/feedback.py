"""Ratings that people gave elsewhere, as scores of the turns that they are about.

Joins on chat and message. Adds rows and changes none: a thumb that was changed is a second row, one
that was taken back a row without a value. The same ratings twice add nothing. What a person wrote
is kept apart, only where the log keeps texts, and goes when its rating does.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from .columns import clean_text
from .ratings import NO_IDS, NO_TURN, NO_VALUE, Pull, Pulled, Rating
from .record import ScoreContentRow, ScoreRow
from .signals import Name, Origin
from .statements import save

_DAY_S = 86_400.0
# A better answer of another model beside ours: not wrong, but not the best there was.
PREFERRED_OTHER = -0.5
# 128 bits: two scores of a lifetime do not share an id.
_ID_DIGITS = 32

Values = Mapping[Name, float | None]


def apply(connection: sqlite3.Connection, ratings: Iterable[Rating], pull: Pull) -> Pulled:
    """Write what is new of them, in the caller's transaction. Raises sqlite3.Error."""
    work = _Work(connection, pull)
    seen: set[str] = set()
    for rating in ratings:
        if rating.id not in seen:
            seen.add(rating.id)
            work.take(rating)
    if pull.is_complete:
        work.withdraw_all_but(seen)
    return work.pulled


@dataclass(frozen=True, slots=True)
class _Last:
    """The newest score of a rating under one name."""

    id: str
    turn_id: str
    created_at: float
    value: float | None
    label: str


class _Work:
    """One pull at work on the log."""

    def __init__(self, connection: sqlite3.Connection, pull: Pull) -> None:
        self._connection = connection
        self._pull = pull
        self.pulled = Pulled()

    def take(self, rating: Rating) -> None:
        """Find the turn and write what is new."""
        self.pulled.seen += 1
        if not (rating.chat_id and rating.message_id):
            self._unmatched(rating, NO_IDS)
            return
        turn_id = self._turn_of("message_id", rating.chat_id, rating.message_id)
        values: Values = {Name.USER_THUMB: rating.thumb, Name.USER_RATING: rating.rating}
        if turn_id is None and rating.user_message_id and rating.prefers_another:
            turn_id = self._turn_of("user_message_id", rating.chat_id, rating.user_message_id)
            values = {Name.MODEL_SWITCH: PREFERRED_OTHER}
        if turn_id is None:
            self._unmatched(rating, NO_TURN)
        else:
            self._write(turn_id, rating, values)

    def withdraw_all_but(self, seen: Collection[str]) -> None:
        """Ratings of this source that count, and are not there any more."""
        known = self._connection.execute(
            "SELECT DISTINCT external_id, name FROM score"
            " WHERE source_version = ? AND external_id IS NOT NULL",
            (self._pull.source,),
        ).fetchall()
        gone: set[str] = set()
        for external_id, name in known:
            last = self._last(external_id, name)
            if external_id in seen or last is None or last.value is None:
                continue
            gone.add(external_id)
            at = self._pull.now_s
            save(self._connection, self._score(last.turn_id, external_id, at, name, None, "", last))
            self._forget_words(external_id)
        self.pulled.withdrawn += len(gone)

    def _unmatched(self, rating: Rating, why: str) -> None:
        if rating.is_of_ours or rating.prefers_another:
            self.pulled.unmatched[why] += 1
        else:
            self.pulled.foreign += 1

    def _turn_of(self, column: str, chat_id: str, message_id: str) -> str | None:
        """The last turn of this message; an answer that was continued has two."""
        found = self._connection.execute(
            f"SELECT id FROM turn WHERE chat_id = ? AND {column} = ? AND task IS NULL"  # noqa: S608
            " ORDER BY started_at DESC, rowid DESC LIMIT 1",
            (clean_text(chat_id), clean_text(message_id)),
        ).fetchone()
        return found and str(found[0])

    def _write(self, turn_id: str, rating: Rating, values: Values) -> None:
        before = {name: self._last(rating.id, name) for name in values}
        known = [last for last in before.values() if last is not None]
        fresh = list(self._fresh(turn_id, rating, values, before))
        if fresh:
            self._forget_words(rating.id)
            for row in fresh:
                save(self._connection, row)
            self._keep_words(rating, fresh[0].id)
        self._count(fresh, is_known=bool(known))

    def _count(self, fresh: Collection[ScoreRow], *, is_known: bool) -> None:
        if not fresh and not is_known:
            self.pulled.unmatched[NO_VALUE] += 1
        elif not fresh:
            self.pulled.unchanged += 1
        elif all(row.value is None for row in fresh):
            self.pulled.withdrawn += 1
        elif is_known:
            self.pulled.changed += 1
        else:
            self.pulled.new += 1

    def _last(self, external_id: str, name: str) -> _Last | None:
        found = self._connection.execute(
            "SELECT id, turn_id, created_at, value, label FROM score"
            " WHERE external_id = ? AND name = ? ORDER BY created_at DESC, rowid DESC LIMIT 1",
            (clean_text(external_id), name),
        ).fetchone()
        return found and _Last(*found)

    def _fresh(
        self, turn_id: str, rating: Rating, values: Values, before: Mapping[Name, _Last | None]
    ) -> Iterator[ScoreRow]:
        has_new_words = self._has_new_words(rating, before.values())
        for name, value in values.items():
            last = before[name]
            if value is None and (last is None or last.value is None):
                continue
            label = rating.reason if value is not None else ""
            is_same = last is not None and (last.value, last.label) == (value, label)
            if not is_same or has_new_words:
                at = rating.updated_at
                yield self._score(turn_id, rating.id, at, name, value, label, last)

    def _score(  # noqa: PLR0913 - the columns of the row
        self,
        turn_id: str,
        external_id: str,
        at: float,
        name: str,
        value: float | None,
        label: str,
        last: _Last | None,
    ) -> ScoreRow:
        """Its id follows from what it says and from the row before it: twice is once."""
        told = json.dumps([external_id, name, at, value, label, last.id if last else None])
        return ScoreRow(
            id=sha256(told.encode("ascii")).hexdigest()[:_ID_DIGITS],
            turn_id=turn_id,
            # The newest one counts, also where the other machine's clock was set back.
            created_at=max(at, last.created_at if last else at),
            name=str(name),
            value=value,
            label=label,
            source=Origin.HUMAN.value,
            source_version=self._pull.source,
            external_id=external_id,
        )

    def _has_new_words(self, rating: Rating, before: Iterable[_Last | None]) -> bool:
        """Whether the person has written something else since. What has expired is not new."""
        known = [last.created_at for last in before if last is not None]
        if not known or rating.updated_at <= max(known):
            return False
        found = self._connection.execute(
            "SELECT explanation FROM score_content"
            " WHERE score_id IN (SELECT id FROM score WHERE external_id = ?)",
            (clean_text(rating.id),),
        ).fetchone()
        return clean_text(rating.comment) != (found[0] if found else "")

    def _forget_words(self, external_id: str) -> None:
        self._connection.execute(
            "DELETE FROM score_content"
            " WHERE score_id IN (SELECT id FROM score WHERE external_id = ?)",
            (clean_text(external_id),),
        )

    def _keep_words(self, rating: Rating, score_id: str) -> None:
        policy = self._pull.policy
        is_young = rating.updated_at + policy.content_days * _DAY_S > self._pull.now_s
        if rating.comment and policy.keeps and is_young:
            row = ScoreContentRow(
                score_id=score_id, created_at=rating.updated_at, explanation=rating.comment
            )
            save(self._connection, row)
