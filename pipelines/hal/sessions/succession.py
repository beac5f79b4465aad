"""How one turn of a chat goes on from another: the same message again, an edit, the next question.

Pure. Open WebUI says none of this; it is told by the ids and by how long the conversation was.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..types import Message, Turn
from .record import TurnRow
from .wording import plain, prose

# What is kept in memory of a question until the signals are read.
SAMPLE_CHARS = 2000
# Enough of a question to know it by; in the conversation a template may stand around it.
_KNOWN_BY_CHARS = 200
# The next turn has two messages more: our answer and the new question.
NEXT_MESSAGES = 2
# Side by side, two answers begin within milliseconds; no person asks again within a second.
_SIDE_BY_SIDE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What signals are read from, cut to size so that it may wait for the writer.

    `question` is this turn's, `earlier` the one before it in the conversation. `wish` says how the
    answer is to be revised, "" for any other turn. `answers` are the places of the answers that
    say something among the messages that `spoken` gives. `answer` is the `prose` of this turn's
    own, `has_sources` whether it had any.
    """

    question: str
    earlier: str = ""
    wish: str = ""
    answers: tuple[int, ...] = ()
    answer: str = ""
    has_sources: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """The turn that this one may say something about. `question` is what the log kept of it, None
    for nothing; `given`: how many messages of the chat we answered before this turn, where the
    conversation has more answers than one since."""

    row: TurnRow
    question: str | None = None
    given: int = 0


class Relation(StrEnum):
    """How a turn goes on from the one before it."""

    AGAIN = "again"  # another answer to the same message
    EDITED = "edited"  # another message in the same place
    NEXT = "next"  # the answer, and then this question
    ELSEWHERE = "elsewhere"  # another model gave answers in between
    OTHER = "other"  # a tool round, two answers side by side, another branch, or not to be told


def spoken(turn: Turn) -> list[Message]:
    """Questions and answers up to the question of this turn: no system prompt, nothing of the
    rounds with tools, and not the answer that is to be revised, nor the wish how."""
    said = _said(turn)
    return said[:-2] if _revises(turn, said) else said


def _said(turn: Turn) -> list[Message]:
    return [m for m in turn.messages if m.role in {"user", "assistant"} and not m.tool_calls]


def _revises(turn: Turn, said: list[Message]) -> bool:
    """Whether a wish such as "More concise" follows the answer; Open WebUI then still names the
    message before it as the question."""
    if [message.role for message in said[-3:]] != ["user", "assistant", "user"]:
        return False
    question, _, wish = said[-3:]
    return bool(turn.question) and turn.question not in wish.text and turn.question in question.text


def words_of(turn: Turn, answer: str, *, has_sources: bool) -> Words:
    """What the signals of this turn are read from; linear in the conversation."""
    said, messages = _said(turn), spoken(turn)
    questions = [message.text for message in messages if message.role == "user"]
    return Words(
        question=turn.question[:SAMPLE_CHARS],
        earlier=questions[-2][:SAMPLE_CHARS] if len(questions) > 1 else "",
        wish=said[-1].text[:SAMPLE_CHARS] if len(said) > len(messages) else "",
        answers=tuple(
            place
            for place, message in enumerate(messages)
            if message.role == "assistant" and message.text and not message.text.isspace()
        ),
        answer=prose(answer),
        has_sources=has_sources,
    )


def relation(row: TurnRow, words: Words, before: Before) -> Relation:
    """How `row` goes on from the turn before it."""
    earlier = before.row
    if _is_side_by_side(row, earlier):
        return Relation.OTHER
    if row.user_message_id and row.user_message_id == earlier.user_message_id:
        is_new = bool(row.message_id) and row.message_id != earlier.message_id
        return Relation.AGAIN if is_new else Relation.OTHER
    if row.message_count is None or earlier.message_count is None:
        return Relation.OTHER
    more = row.message_count - earlier.message_count
    if more <= 0:
        return Relation.EDITED if more == 0 and before.question else Relation.OTHER
    if more <= NEXT_MESSAGES:
        return Relation.NEXT if _is_same_branch(words, before) else Relation.OTHER
    return Relation.ELSEWHERE if _has_foreign_answers(words, before) else Relation.OTHER


def pause_s(row: TurnRow, earlier: TurnRow) -> float:
    """From the end of one turn to the beginning of the next."""
    return row.started_at - earlier.started_at - (earlier.total_ms or 0.0) / 1000


def _is_side_by_side(row: TurnRow, earlier: TurnRow) -> bool:
    began_together = row.started_at - earlier.started_at < _SIDE_BY_SIDE_S
    return began_together and pause_s(row, earlier) < 0


def _is_same_branch(words: Words, before: Before) -> bool:
    """Whether the conversation goes on from that turn; not to be told without its text."""
    if before.question is None:
        return True
    return plain(before.question[:_KNOWN_BY_CHARS]) in plain(words.earlier)


def _has_foreign_answers(words: Words, before: Before) -> bool:
    """More answers than we gave, in all and since that turn: another branch is ours as a whole."""
    since = sum(place >= (before.row.message_count or 0) for place in words.answers)
    return since > 1 and len(words.answers) > before.given
