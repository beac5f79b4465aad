"""The turns of the session log with what is known of them, for a router to learn from.

Only a person's turns whose text is kept, that somebody had to decide: no background tasks, no tool
rounds, no rules. Turns in which anything private was found are left out, although nothing would
leave the machine: the router never decides those alone, and a weights file may be carried away.
No word stands in it, only sums over hashed parts of words; but who has both the file and a guess
could tell whether a word was in many turns. Reads rows; learns nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, nan

from ...model_names import full_name
from ...routing.learned.weights import LABELS
from ...sessions.reader import SessionReader
from ...sessions.record import CaseRow, ScoreRow
from ...types import DIFFICULTIES, Outcome, PrivacyWord, Route, Source
from .judging import JudgeCalibration, PairScore, calibrations
from .labels import ORIGINS, Facts, Label, label_of

_WANTED = frozenset({*map(str, DIFFICULTIES), str(Route.ENRICH)})
_TURNS = """
SELECT turn.rowid AS n, turn.id, chat_id, started_at, route, source, probabilities, model,
    leaves_machine, cost_usd, cloud_cost_usd, classify_ms, propensity, question, answer, draft,
    expected, weight, sources, json_extract(policy.settings, '$.local.model') AS local_model,
    (SELECT min(started_at) FROM turn AS other WHERE other.chat_id = turn.chat_id) AS began
FROM turn JOIN content ON content.turn_id = turn.id
    LEFT JOIN eval_case ON eval_case.turn_id = turn.id LEFT JOIN policy ON policy.id = policy_id
WHERE turn.rowid > ? AND started_at >= ? AND task IS NULL AND source != ? AND outcome IN (?, ?)
    AND private_kinds = '{}' AND is_hard = 0 AND privacy_word != ? AND question != ''
ORDER BY turn.rowid LIMIT ?
"""
_SCORES = """
SELECT rowid AS n, id, turn_id, created_at, name, value, label, source, source_version FROM score
WHERE rowid > ? ORDER BY rowid LIMIT ?
"""
_SHADOWS = """
SELECT shadow.rowid AS n, turn_id, model, leaves_machine, propensity, answer
FROM shadow LEFT JOIN shadow_content ON shadow_id = shadow.id
WHERE shadow.rowid > ? AND outcome = ? ORDER BY shadow.rowid LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """The names of the models between which a router decides; the local one may have several."""

    local: frozenset[str]
    cloud: str

    @classmethod
    def of(cls, local: Sequence[str], cloud: str) -> Pair:
        return cls(frozenset(map(full_name, local)), cloud)

    def is_local(self, model: str) -> bool:
        return full_name(model) in self.local


@dataclass(frozen=True, slots=True)
class LoggedTurn:
    """One turn. `at` is unix seconds, `began` when its conversation did.

    `labels` are the classifier's probabilities as `weights.LABELS`, None where it was not asked.
    `local_answer`: what the local model said in a pair, shown or not, "" where it is not kept.
    `drawn`: with which probability a pair was asked for, 1 where it was not left to chance.
    `propensity`: with which probability the target that answered was chosen. `embedding`: what the
    question means, of length 1; () where nobody asked.
    """

    id: str
    chat: str
    at: float
    began: float
    question: str
    label: Label
    labels: tuple[float, ...] | None = None
    route: str = ""
    source: str = ""
    is_cloud: bool = False
    local_answer: str = ""
    drawn: float = 1.0
    propensity: float = 1.0
    cost_usd: float | None = None
    cloud_cost_usd: float | None = None
    classify_ms: float | None = None
    embedding: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """All turns that were looked at, oldest first.

    `other_models`: how many were judged and teach nothing all the same, because other models
    answered. `judges`: what the scores of each judge are worth.
    """

    turns: tuple[LoggedTurn, ...] = ()
    other_models: int = 0
    judges: Mapping[str, JudgeCalibration] = field(default_factory=dict)

    @property
    def labelled(self) -> tuple[LoggedTurn, ...]:
        return tuple(turn for turn in self.turns if turn.label.is_known)

    @property
    def pairs(self) -> tuple[LoggedTurn, ...]:
        return tuple(turn for turn in self.turns if turn.label.is_pair)


def read_log(reader: SessionReader, pair: Pair, since: float = 0.0) -> Log:
    """Raises LogUnreadable. Cases are read as they are: `sessions.cases.collect` first."""
    scores = _scores(reader)
    judges = calibrations(_pair_scores(scores))
    shadows = {row["turn_id"]: row for row in reader.pages(_SHADOWS, Outcome.DONE)}
    found, others = [], 0
    values = (since, Source.RULE, Outcome.DONE, Outcome.STOPPED, PrivacyWord.PRIVATE)
    for row in reader.pages(_TURNS, *values):
        if row["route"] not in _WANTED:
            continue
        shadow = shadows.get(row["id"])
        judged = scores.get(row["id"], [])
        label = label_of(_facts(pair, row), judged, _case(row), judges)
        if not _is_of(pair, row, shadow):
            others += bool(judged) or row["expected"] is not None
            label, shadow = replace(label, local_ok=nan, cloud_ok=nan), None
        found.append(_turn(row, shadow, label))
    found.sort(key=lambda turn: (turn.at, turn.id))
    return Log(tuple(found), others, judges)


def origins(turns: Sequence[LoggedTurn]) -> dict[str, int]:
    """How many labels came from where, the best first."""
    found = Counter(origin for turn in turns for origin in turn.label.origins)
    return {origin: found[origin] for origin in ORIGINS if found[origin]}


def _is_of(pair: Pair, row: sqlite3.Row, shadow: sqlite3.Row | None) -> bool:
    """Whether what is known of this turn says something about these two models."""
    asked = row["local_model"]
    if asked and not pair.is_local(asked):
        return False
    answers = [(row["model"], row["leaves_machine"])]
    answers += [(shadow["model"], shadow["leaves_machine"])] if shadow else []
    return all(model == pair.cloud if leaves else pair.is_local(model) for model, leaves in answers)


def _facts(pair: Pair, row: sqlite3.Row) -> Facts:
    leaves = bool(row["leaves_machine"])
    return Facts(
        route=row["route"],
        source=row["source"],
        is_local=not leaves and pair.is_local(row["model"]),
        is_cloud=leaves and row["model"] == pair.cloud,
        p_search=_probabilities(row).get(Route.ENRICH, nan),
    )


def _turn(row: sqlite3.Row, shadow: sqlite3.Row | None, label: Label) -> LoggedTurn:
    return LoggedTurn(
        id=row["id"],
        chat=row["chat_id"] or row["id"],
        at=row["started_at"],
        began=row["started_at"] if row["began"] is None else row["began"],
        question=row["question"],
        label=label,
        labels=labels_of(_probabilities(row)),
        route=row["route"],
        source=row["source"],
        is_cloud=bool(row["leaves_machine"]),
        # Of the others nobody can learn anything, and a log has many.
        local_answer=_local_answer(row, shadow) if label.is_pair else "",
        drawn=float(shadow["propensity"]) if shadow else 1.0,
        propensity=row["propensity"],
        cost_usd=row["cost_usd"],
        cloud_cost_usd=row["cloud_cost_usd"],
        classify_ms=row["classify_ms"],
    )


def labels_of(combined: Mapping[str, float]) -> tuple[float, ...] | None:
    """The classifier's probabilities as the router is served with them: difficulties that add up
    to 1, and the need for a search beside them. The log has them as one distribution.
    """
    if not all(label in combined for label in LABELS):
        return None
    search = combined[Route.ENRICH]
    stay = 1.0 - search
    if not (isfinite(search) and 0 <= search <= 1):
        return None
    # Where a search is certain, nothing is left to tell the difficulty from.
    easy, hard = (
        min(1.0, combined[route] / stay) if stay > 0 else 1 / 3
        for route in (Route.SIMPLE, Route.COMPLEX)
    )
    return easy, hard, search


def _probabilities(row: sqlite3.Row) -> dict[str, float]:
    try:
        found = json.loads(row["probabilities"])
        return {str(name): float(p) for name, p in found.items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def _local_answer(row: sqlite3.Row, shadow: sqlite3.Row | None) -> str:
    if not row["leaves_machine"]:
        return str(row["answer"])
    if row["draft"]:
        return str(row["draft"])
    return str(shadow["answer"] or "") if shadow and not shadow["leaves_machine"] else ""


def _scores(reader: SessionReader) -> dict[str, list[ScoreRow]]:
    found: dict[str, list[ScoreRow]] = {}
    names = ("id", "turn_id", "created_at", "name", "value", "label", "source", "source_version")
    for row in reader.pages(_SCORES):
        found.setdefault(row["turn_id"], []).append(ScoreRow(**{name: row[name] for name in names}))
    return found


def _pair_scores(scores: Mapping[str, Sequence[ScoreRow]]) -> list[PairScore]:
    ordered = sorted((one for some in scores.values() for one in some), key=lambda s: s.created_at)
    return [
        PairScore(one.turn_id, one.source, one.source_version, one.label)
        for one in ordered
        if one.name == "judge_pair" and one.value is not None
    ]


def _case(row: sqlite3.Row) -> CaseRow | None:
    if row["expected"] is None:
        return None
    return CaseRow(
        turn_id=row["id"],
        created_at=row["started_at"],
        expected=row["expected"],
        weight=row["weight"],
        sources=tuple(json.loads(row["sources"])),
    )
