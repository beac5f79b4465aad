"""Makes cases out of the log: what is private is masked before anything else reads a text.

Reads rows and asks the detector; decides nothing about versions and writes nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...privacy.policy import Find
from ...privacy.scrub import scrub_all
from ...privacy.tokens import nonce_for
from ...privacy.vault import Vault, VaultFull
from ...routing.excerpt import HISTORY_MESSAGE_BYTES
from ...sessions.reader import SessionReader
from .cases import Case, Side
from .likeness import distinct

# One talkative chat must not be what all others are judged by.
PER_CHAT = 3
# Messages before the question that the classifier may still see in its window.
EARLIER = 6
# Placeholders have to be the same in every run; they never come back, so they protect nothing.
_KEY = b"hal improve"

_CASES = """
SELECT eval_case.rowid AS n, eval_case.turn_id AS id, expected, weight, sources, split,
    chat_id, started_at, route, private_kinds, is_hard, question,
    EXISTS (
        SELECT 1 FROM turn AS other
        WHERE other.chat_id = turn.chat_id AND other.started_at < turn.started_at
    ) AS has_earlier
FROM eval_case JOIN turn ON turn.id = eval_case.turn_id
    JOIN content ON content.turn_id = eval_case.turn_id
WHERE eval_case.rowid > ? AND turn.started_at >= ? ORDER BY eval_case.rowid LIMIT ?
"""
_CHAT = """
SELECT turn.rowid AS n, started_at, question, answer
FROM turn JOIN content ON content.turn_id = turn.id
WHERE turn.rowid > ? AND chat_id = ? AND task IS NULL ORDER BY turn.rowid LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Collected:
    """The cases, oldest first, and what was left out: alike, more of one chat, or not maskable."""

    cases: tuple[Case, ...]
    alike: int = 0
    of_one_chat: int = 0
    unmasked: int = 0


def collect(reader: SessionReader, find: Find, since: float = 0.0) -> Collected:
    """Every case of the log that still has its text. Raises LogUnreadable, DetectionFailed."""
    found: list[Case] = []
    unmasked = 0
    for row in reader.pages(_CASES, since):
        try:
            found.append(_case(reader, row, find))
        except VaultFull:
            unmasked += 1
    few = _few_of_each_chat(found)
    kept = distinct(few)
    return Collected(tuple(kept), len(few) - len(kept), len(found) - len(few), unmasked)


def _case(reader: SessionReader, row: sqlite3.Row, find: Find) -> Case:
    before = said_before(reader, row["chat_id"], row["started_at"]) if row["has_earlier"] else []
    masked = _masked([*(text for _, text in before), row["question"]], find)
    earlier = zip((role for role, _ in before), masked, strict=False)
    return Case(
        id=row["id"],
        chat=row["chat_id"] or row["id"],
        at=row["started_at"],
        question=masked[-1],
        expected=row["expected"],
        chosen=row["route"],
        weight=row["weight"],
        sources=tuple(json.loads(row["sources"])),
        # Cut after masking: half a private value is not recognised.
        earlier=tuple((role, text[:HISTORY_MESSAGE_BYTES]) for role, text in earlier),
        is_private=bool(row["is_hard"]) or bool(json.loads(row["private_kinds"])),
        side=row["split"],
    )


def said_before(reader: SessionReader, chat: str | None, at: float) -> list[tuple[str, str]]:
    """What was said earlier in this chat, as (role, text), as far as it is kept."""
    if not chat:
        return []
    turns = [row for row in reader.pages(_CHAT, chat) if row["started_at"] < at]
    turns.sort(key=lambda row: float(row["started_at"]))
    pairs = (("user", "question"), ("assistant", "answer"))
    said = [(role, row[name]) for row in turns for role, name in pairs if row[name]]
    return said[-EARLIER:]


def _masked(texts: Sequence[str], find: Find) -> list[str]:
    vault = Vault(nonce_for(_KEY, "", lambda _nonce: False))
    return [found.text for found in scrub_all(texts, [find(text) for text in texts], vault)]


def _few_of_each_chat(cases: Iterable[Case]) -> list[Case]:
    """The surest of each chat, oldest first; a pin is a person's and always stays."""
    ranked = sorted(cases, key=lambda case: (case.side != Side.PIN, -case.weight, -case.at))
    return sorted(_first(ranked), key=lambda case: (case.at, case.id))


def _first(cases: Iterable[Case]) -> Iterator[Case]:
    count: Counter[str] = Counter()
    for case in cases:
        count[case.chat] += 1
        if case.side == Side.PIN or count[case.chat] <= PER_CHAT:
            yield case
