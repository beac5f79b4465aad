"""What a turn says about itself, and about the turn before it in the chat, without being asked.

Pure: rows and words in, signals out. Knows no database. Nobody said any of this to us, so each
signal has a strength: the prior that the route or the model was wrong. Strengths without another
reason beside them are those of the project's fact sheet on improvement, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..routing.rules import OVERRIDE_ROUTES
from ..types import DIFFICULTIES, Outcome, Override, Route
from .likeness import is_same_question
from .record import TurnRow
from .succession import Before, Relation, Words, pause_s, relation
from .wording import is_complaint, is_refusal, names_its_cutoff, wishes_search

# Who reads the scores can tell which rules gave them.
VERSION = "signals-1"


class Name(StrEnum):
    """Every score there is."""

    USER_THUMB = "user_thumb"
    USER_RATING = "user_rating"
    REGENERATE = "regenerate"
    STOP = "stop"
    REPHRASE = "rephrase"
    CORRECTION = "correction"
    MODEL_SWITCH = "model_switch"
    OVERRIDE = "override"
    KNOWLEDGE_CUTOFF = "knowledge_cutoff"
    TRUNCATION = "truncation"
    REFUSAL = "refusal"
    JUDGE_PAIR = "judge_pair"


class Origin(StrEnum):
    """Who a score comes from: the `source` of its row."""

    HUMAN = "human"
    IMPLICIT = "implicit"
    RULE = "rule"
    JUDGE = "judge"


# The user says outright which route he wants: the best label there is.
OVERRIDE_IS_RIGHT, OVERRIDE_SAYS_WRONG = 1.0, -1.0
# Asked again within two minutes: the answer was bad, or another one was wanted for fun.
REGENERATED_SOON, SOON_S = -0.5, 120.0
# Later it is curiosity more often than not.
REGENERATED = -0.3
# "That's wrong": people also test the model, or are mistaken themselves.
CORRECTED = -0.5
# The same question again, ten minutes at most: later the world, or the user, has changed.
REPHRASED, REPHRASED_WITHIN_S = -0.4, 600.0
# The next answer came from another model; for its tools or out of curiosity, as likely as not.
SWITCHED = -0.3
# The model itself says that it would have had to look it up.
CUTOFF = -0.8
# Many refusals are right, and another model might have refused as well.
REFUSED = -0.3

# What a person may have seen enough of to say something about it.
_SEEN = frozenset({Outcome.DONE, Outcome.STOPPED})


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that was said about a turn; `value` and `label` as in `ScoreRow`."""

    name: Name
    value: float | None
    label: str = ""
    origin: Origin = Origin.IMPLICIT


def of_answer(row: TurnRow, words: Words) -> tuple[Signal, ...]:
    """What a finished turn says about itself."""
    found = []
    if wanted := _wanted(row):
        found.append(Signal(Name.OVERRIDE, OVERRIDE_IS_RIGHT, wanted, Origin.HUMAN))
    if row.outcome == Outcome.STOPPED:
        found.append(Signal(Name.STOP, None))  # enough, or too slow: nothing about the route
    if row.finish_reason == "length":
        found.append(Signal(Name.TRUNCATION, None, origin=Origin.RULE))
    if row.outcome == Outcome.DONE and row.finish_reason != "tool_calls":  # more is to come
        found += _of_text(row, words)
    return tuple(found)


def _of_text(row: TurnRow, words: Words) -> list[Signal]:
    is_unsearched = row.route in DIFFICULTIES and not words.has_sources
    if is_unsearched and names_its_cutoff(words.answer, words.question):
        return [Signal(Name.KNOWLEDGE_CUTOFF, CUTOFF, Route.ENRICH, Origin.RULE)]
    if row.finish_reason == "content_filter" or is_refusal(words.answer, words.question):
        return [Signal(Name.REFUSAL, REFUSED, origin=Origin.RULE)]
    return []


def of_question(row: TurnRow, words: Words, before: Before) -> tuple[Signal, ...]:
    """What this turn says about the one before it; nothing where that one showed no answer."""
    if before.row.first_token_ms is None or before.row.outcome not in _SEEN:
        return ()
    how = relation(row, words, before)
    if how is Relation.AGAIN and words.wish:
        # "More concise" says nothing about the route; a complaint in its place does.
        return _of_complaint(words.wish, before) or (Signal(Name.REGENERATE, None),)
    if how is Relation.AGAIN:
        is_soon = pause_s(row, before.row) <= SOON_S
        return (Signal(Name.REGENERATE, REGENERATED_SOON if is_soon else REGENERATED),)
    if how is Relation.ELSEWHERE:
        return (Signal(Name.MODEL_SWITCH, SWITCHED),)
    if how is Relation.NEXT:
        return _of_reply(row, words, before)
    if how is Relation.EDITED:
        return _of_repetition(row, words.question, before, before.question or "")
    return ()


def _of_reply(row: TurnRow, words: Words, before: Before) -> tuple[Signal, ...]:
    """The user has read the answer, and this is what comes next."""
    complaint = _of_complaint(words.question, before)
    is_bare = not words.question.strip()  # "/cloud" alone means: the same once more
    if (complaint or is_bare) and (wanted := _wanted_instead(row, before.row)):
        return (Signal(Name.OVERRIDE, OVERRIDE_SAYS_WRONG, wanted, Origin.HUMAN),)
    return complaint or _of_repetition(row, words.question, before, words.earlier)


def _of_complaint(text: str, before: Before) -> tuple[Signal, ...]:
    if wishes_search(text):
        is_missed = before.row.route != Route.ENRICH
        return (Signal(Name.CORRECTION, CORRECTED, Route.ENRICH if is_missed else ""),)
    return (Signal(Name.CORRECTION, CORRECTED),) if is_complaint(text) else ()


def _of_repetition(row: TurnRow, question: str, before: Before, earlier: str) -> tuple[Signal, ...]:
    """The same question in nearly the same words, perhaps with a command in front of it."""
    if not is_same_question(question, earlier):
        return ()
    if wanted := _wanted_instead(row, before.row):
        return (Signal(Name.OVERRIDE, OVERRIDE_SAYS_WRONG, wanted, Origin.HUMAN),)
    # Who stops an answer and changes a word had mistyped.
    is_whole = before.row.outcome == Outcome.DONE
    if is_whole and pause_s(row, before.row) <= REPHRASED_WITHIN_S:
        return (Signal(Name.REPHRASE, REPHRASED),)
    return ()


def _wanted(row: TurnRow) -> str:
    """The route that the user commanded, "" for none."""
    known = {str(override): route for override, (route, _) in OVERRIDE_ROUTES.items()}
    return known.get(row.override, "")


def _wanted_instead(row: TurnRow, earlier: TurnRow) -> str:
    """The route that the user commanded, where it says that the turn before had a wrong one: it
    took another, and was answered on the other side."""
    wanted = _wanted(row)
    if not wanted or wanted == earlier.route:
        return ""
    if wanted == Route.ENRICH:
        return wanted
    is_same_side = (row.override == Override.CLOUD) == earlier.leaves_machine
    return "" if is_same_side or earlier.route not in DIFFICULTIES else wanted
