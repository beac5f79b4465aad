"""The pairs of answers that the log holds, and what judges and people said about them.

Reads rows and makes rows; decides nothing and writes nothing. A pair is a turn that one side
answered, and the shadow in which the other side answered it as well, both to the end and with their
texts kept.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from hashlib import sha256

from ...sessions.reader import SessionReader
from ...sessions.record import Row, ScoreRow
from ...sessions.schema import SHADOWS_SINCE
from ...sessions.signals import Name
from ..improve.collect import said_before
from .judging import PairScore, Verdict

_ID_CHARS = 32
_PAIRS = """
SELECT shadow.rowid AS n, shadow.turn_id, shadow.call_id, shadow.leaves_machine, turn.chat_id,
    turn.started_at, question, content.answer AS shown, shadow_content.answer AS shadowed
FROM shadow JOIN turn ON turn.id = shadow.turn_id
    JOIN content ON content.turn_id = turn.id
    JOIN shadow_content ON shadow_content.shadow_id = shadow.id
WHERE shadow.rowid > ? AND shadow.outcome = 'done' AND turn.outcome = 'done'
    AND turn.leaves_machine <> shadow.leaves_machine
ORDER BY shadow.rowid LIMIT ?
"""
_SCORES = """
SELECT rowid AS n, turn_id, source, source_version, label FROM score
WHERE rowid > ? AND name = ? AND value IS NOT NULL ORDER BY rowid LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """One question with both answers. `earlier` is what was said before it, as (role, text)."""

    turn_id: str
    call_id: str | None
    question: str
    local: str
    cloud: str
    earlier: tuple[tuple[str, str], ...] = ()


def answer_pairs(reader: SessionReader) -> list[AnswerPair]:
    """Every pair, the oldest first. Raises LogUnreadable or SchemaTooNew."""
    if reader.version() < SHADOWS_SINCE:
        return []
    return [_pair(reader, row) for row in reader.pages(_PAIRS)]


def pair_scores(reader: SessionReader) -> list[PairScore]:
    """What was said about pairs, in the order in which it was said. Raises as `answer_pairs`."""
    if reader.version() < SHADOWS_SINCE:
        return []
    return [
        PairScore(row["turn_id"], row["source"], row["source_version"], row["label"])
        for row in reader.pages(_SCORES, Name.JUDGE_PAIR)
    ]


def score_row(pair: AnswerPair, verdict: Verdict, source: str, version: str, now_s: float) -> Row:
    """The verdict of one source about one pair; the same one twice is the same row."""
    key = f"{Name.JUDGE_PAIR} {pair.turn_id} {source} {version}"
    return ScoreRow(
        id=sha256(key.encode()).hexdigest()[:_ID_CHARS],
        turn_id=pair.turn_id,
        created_at=now_s,
        name=Name.JUDGE_PAIR,
        value=verdict.value,
        label=verdict.label,
        source=source,
        source_version=version,
        call_id=pair.call_id,
    )


def _pair(reader: SessionReader, row: sqlite3.Row) -> AnswerPair:
    shown, shadowed = row["shown"], row["shadowed"]
    local, cloud = (shown, shadowed) if row["leaves_machine"] else (shadowed, shown)
    earlier = said_before(reader, row["chat_id"], row["started_at"])
    return AnswerPair(row["turn_id"], row["call_id"], row["question"], local, cloud, tuple(earlier))
