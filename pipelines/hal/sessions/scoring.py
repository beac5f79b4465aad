"""Writes down what a finished turn says about itself and about the one before it in its chat.

Runs as a change of the log's writer, in its transaction: the turn it belongs to is over by then
and waits for nothing. Running it twice adds nothing. Knows SQL and no rule: those are `signals`'.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from hashlib import sha256

from .columns import decode
from .record import RUNNING, ContentRow, ScoreRow, TurnRow
from .signals import VERSION, Signal, of_answer, of_question
from .statements import save
from .succession import NEXT_MESSAGES, Before, Words

logger = logging.getLogger("hal.sessions")

_ID_CHARS = 32
# Its own turn aside, tasks and what still runs.
_ENDED = f"{TurnRow.table}.id != :id AND task IS NULL AND outcome != '{RUNNING}'"
_OF_CHAT = f"chat_id = :chat AND started_at <= :at AND {_ENDED}"
_SAME_PLACE = f"{_OF_CHAT} AND message_count = :messages"
# The plus signs keep SQLite to the index over messages: over a chat it would read all of it.
_SAME_MESSAGE = (
    f"user_message_id = :user_message AND +chat_id = :chat AND +started_at <= :at AND {_ENDED}"
)


def note_signals(
    connection: sqlite3.Connection, *, row: TurnRow, words: Words, now_s: float
) -> None:
    """Add the scores that follow from this turn; `now_s` is unix seconds. Raises sqlite3.Error.

    A mistake in reading signals must not cost the rows that wait beside it: it is only logged.
    """
    try:
        rows = _scores(connection, row, words, now_s)
    except sqlite3.Error:
        raise
    except Exception:
        logger.exception("no signals of turn %s", row.id)
        return
    for score in rows:
        save(connection, score)


def _scores(
    connection: sqlite3.Connection, row: TurnRow, words: Words, now_s: float
) -> list[ScoreRow]:
    rows = _rows(of_answer(row, words), row.id, row, now_s)
    if row.chat_id and (before := _before(connection, row)) is not None:
        rows += _rows(of_question(row, words, before), before.row.id, row, now_s)
    return rows


def _rows(signals: Iterable[Signal], about: str, row: TurnRow, now_s: float) -> list[ScoreRow]:
    return [
        ScoreRow(
            # The same turn says the same thing about the same turn once.
            id=sha256(f"{signal.name} {about} {row.id}".encode()).hexdigest()[:_ID_CHARS],
            turn_id=about,
            created_at=now_s,
            name=signal.name,
            value=signal.value,
            label=signal.label,
            source=signal.origin,
            source_version=VERSION,
        )
        for signal in signals
    ]


def _before(connection: sqlite3.Connection, row: TurnRow) -> Before | None:
    """An earlier answer to the same message, else the newest turn of the chat; for a message that
    stands where another one stood, the one that it replaced."""
    found = _newest(connection, row, _SAME_MESSAGE)
    found = found or _newest(connection, row, _OF_CHAT)
    if found is None:
        return None
    earlier, question = found
    more = _growth(row, earlier)
    if more < 0:
        earlier, question = _newest(connection, row, _SAME_PLACE) or found
    # Only a conversation that skipped a turn of ours asks for it, and it reads the whole chat.
    given = _given(connection, row) if more > NEXT_MESSAGES else 0
    return Before(earlier, question, given)


def _growth(row: TurnRow, earlier: TurnRow) -> int:
    """By how many messages the conversation is longer; 0 where it is the same, or not known."""
    is_again = row.user_message_id and row.user_message_id == earlier.user_message_id
    if is_again or row.message_count is None or earlier.message_count is None:
        return 0
    return row.message_count - earlier.message_count


def _newest(
    connection: sqlite3.Connection, row: TurnRow, condition: str
) -> tuple[TurnRow, str | None] | None:
    """The newest turn before this one for which the condition holds, and its question if kept."""
    with closing(connection.cursor()) as cursor:
        cursor.row_factory = sqlite3.Row
        found = cursor.execute(
            f"SELECT {TurnRow.table}.*, question FROM {TurnRow.table}"  # noqa: S608 - constants
            f" LEFT JOIN {ContentRow.table} ON turn_id = {TurnRow.table}.id"
            f" WHERE {condition}"
            f" ORDER BY started_at DESC, {TurnRow.table}.rowid DESC LIMIT 1",
            _values(row),
        ).fetchone()
    return None if found is None else (decode(TurnRow, dict(found)), found["question"])


def _given(connection: sqlite3.Connection, row: TurnRow) -> int:
    """How many messages of this chat we have answered; two answers to one count once."""
    (count,) = connection.execute(
        f"SELECT count(DISTINCT coalesce(user_message_id, id)) FROM {TurnRow.table}"  # noqa: S608
        f" WHERE {_OF_CHAT}",
        _values(row),
    ).fetchone()
    return int(count)


def _values(row: TurnRow) -> dict[str, str | float | int | None]:
    return {
        "chat": row.chat_id,
        "id": row.id,
        "at": row.started_at,
        "user_message": row.user_message_id,
        "messages": row.message_count,
    }
