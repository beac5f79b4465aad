"""Every call that left this machine, in the order of a page: by target, the newest first.

Only reads, a row at a time. What is private in a call is known to `sessions.audit`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from .columns import decode
from .record import EgressRow

_CALLS = (
    "SELECT egress.*, {word} AS word, coalesce(turn.route, '') AS route FROM egress"
    " LEFT JOIN turn ON turn.id = egress.turn_id WHERE at >= ?"
    " ORDER BY host, egress.model, at DESC, egress.rowid DESC"
)
_BODY = "SELECT body FROM egress_content WHERE egress_id = ?"


@dataclass(frozen=True, slots=True)
class SentCall:
    """`word` is what the user said about privacy in that turn, `route` its route; both may be ''.
    `body` is what was sent, None where it is not kept or was not asked for."""

    row: EgressRow
    word: str
    route: str
    body: str | None


def sent_calls(
    connection: sqlite3.Connection | None, since_s: float | None, *, with_texts: bool
) -> Iterator[SentCall]:
    """All of them from `since_s` (unix seconds) on."""
    if connection is None:
        return
    names = {row[0] for row in connection.execute("SELECT name FROM pragma_table_info('turn')")}
    # Logs of the first versions knew no privacy and kept nothing of what was sent.
    word = "coalesce(turn.privacy_word, '')" if "privacy_word" in names else "''"
    has_bodies = with_texts and bool(
        connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'egress_content'").fetchone()
    )
    for row in connection.execute(_CALLS.format(word=word), (since_s or 0.0,)):
        entry = decode(EgressRow, dict(row))
        kept = connection.execute(_BODY, (entry.id,)).fetchone() if has_bodies else None
        yield SentCall(entry, row["word"], row["route"], kept and str(kept[0]))
