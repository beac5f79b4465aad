"""What the scores of a turn come to: what was wanted, how sure that is, and how suspicious it is.

Pure. The strongest score says what was wanted, and what speaks against it is taken off. Knows no
text of anybody, and no other turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..types import DIFFICULTIES, Outcome, Route, Source
from .record import CaseRow, ScoreRow, TurnRow
from .signals import Name, Origin

# Below it the evidence is a coin that falls a little more often on one side.
MIN_WEIGHT = 0.4
# Praise for a cloud answer does not say that the local one would have been worse.
_PRAISE_OF_CLOUD = 0.5
# What a model says of two answers, one of them its own, and nobody has checked here.
_JUDGED = 0.5
# A model that cannot tell says so; from a person it is an opinion.
_TIE = "tie"
_WANTED = frozenset({*DIFFICULTIES, Route.ENRICH})

# What makes a turn suspicious beside its scores, as the chance that something is to be found there.
_FAILED = 0.6
_NOBODY_DECIDED = 0.3
_STOPPED = 0.15
_CUT_SHORT = 0.15
# Each thing that did not work on the way, whatever it was.
_DEGRADED = 0.1
# A decision without any confidence; a sure one adds nothing.
_UNSURE = 0.3
# A thumb up does not quite clear a turn whose user had to ask twice.
_CLEARS = 0.5
_RATINGS = frozenset({Name.USER_THUMB, Name.USER_RATING})


@dataclass(slots=True)
class _Evidence:
    """The strongest word for each route, with all that said so, and the strongest against."""

    strength: dict[str, float]
    sources: dict[str, list[ScoreRow]]
    against: dict[str, float]

    @classmethod
    def empty(cls) -> _Evidence:
        return cls({}, {}, {})

    def speaks_for(self, route: str, strength: float, score: ScoreRow) -> None:
        self.strength[route] = max(strength, self.strength.get(route, 0.0))
        self.sources.setdefault(route, []).append(score)

    def speaks_against(self, route: str, strength: float) -> None:
        self.against[route] = max(strength, self.against.get(route, 0.0))

    def net(self, route: str) -> float:
        """What is left of a route's strength after the strongest contradiction."""
        others = [value for name, value in self.strength.items() if name != route]
        return self.strength[route] - max([*others, self.against.get(route, 0.0)])


def counting(scores: Iterable[ScoreRow]) -> list[ScoreRow]:
    """The newest of each name and source; one whose value is None withdraws those before it."""
    newest: dict[tuple[str, str], ScoreRow] = {}
    for score in sorted(scores, key=lambda score: score.created_at):
        newest[score.name, score.source] = score
    return list(newest.values())


def case_of(turn: TurnRow, scores: Sequence[ScoreRow]) -> CaseRow | None:
    """What this turn teaches: the route that was wanted, how sure that is, and who says so.

    None where nobody said it, where it is contradicted, and where no question was read to decide.
    """
    if turn.task or turn.route not in _WANTED or turn.source == Source.RULE:
        return None
    evidence = _weigh(turn, counting(scores))
    if not evidence.strength:
        return None
    expected = max(sorted(evidence.strength), key=lambda route: evidence.strength[route])
    weight = evidence.net(expected)
    if weight < MIN_WEIGHT:
        return None
    sources = evidence.sources[expected]
    return CaseRow(
        turn_id=turn.id,
        created_at=max(score.created_at for score in sources),
        expected=expected,
        weight=round(weight, 6),
        sources=tuple(sorted({score.name for score in sources})),
    )


def _weigh(turn: TurnRow, scores: Iterable[ScoreRow]) -> _Evidence:
    evidence = _Evidence.empty()
    for score in (_about_the_turn(turn, score) for score in scores):
        strength = abs(score.value or 0.0)
        wanted = score.label if score.label in _WANTED else ""
        if not strength:
            continue
        if (score.value or 0.0) > 0:
            is_praise_of_cloud = turn.leaves_machine and not wanted
            factor = _PRAISE_OF_CLOUD if is_praise_of_cloud else 1.0
            evidence.speaks_for(wanted or turn.route, strength * factor, score)
            continue
        evidence.speaks_against(turn.route, strength)
        if wanted and wanted != turn.route:
            evidence.speaks_for(wanted, strength, score)
    return evidence


def _about_the_turn(turn: TurnRow, score: ScoreRow) -> ScoreRow:
    """A pair's verdict is seen from the local model; here the question is whether the turn was."""
    if score.name != Name.JUDGE_PAIR or score.label in _WANTED or not score.value:
        return score
    if score.source == Origin.JUDGE and score.label == _TIE:
        return replace(score, value=0.0)
    value = score.value * (_JUDGED if score.source == Origin.JUDGE else 1.0)
    if score.value < 0:
        label = str(Route.COMPLEX)
    else:
        label = str(Route.MODERATE) if turn.leaves_machine else ""
    return replace(score, value=-value if turn.leaves_machine else value, label=label)


def suspicion(turn: TurnRow, scores: Sequence[ScoreRow]) -> float:
    """How much this turn is worth looking at, 0..1: the chance that one of its signs is right, as
    if each were on its own. Background tasks are not."""
    if turn.task:
        return 0.0
    about = (_about_the_turn(turn, score) for score in counting(scores))
    values = [(score.name, score.value or 0.0) for score in about]
    innocence = 1.0
    for sign in (*_signs(turn), *(-value for _, value in values)):
        innocence *= 1.0 - min(max(sign, 0.0), 1.0)
    praise = max((value for name, value in values if name in _RATINGS), default=0.0)
    return (1.0 - innocence) * (1.0 - _CLEARS * min(max(praise, 0.0), 1.0))


def _signs(turn: TurnRow) -> list[float]:
    is_measured = turn.source in {Source.CLASSIFIER, Source.LEARNED, Source.STICKY}
    confidence = turn.confidence if is_measured and turn.confidence is not None else 1.0
    return [
        _FAILED if turn.outcome in {Outcome.FAILED, Outcome.CUT} else 0.0,
        _STOPPED if turn.outcome == Outcome.STOPPED else 0.0,
        _CUT_SHORT if turn.finish_reason == "length" else 0.0,
        _NOBODY_DECIDED if turn.source == Source.DEFAULT else 0.0,
        *(_DEGRADED for _ in turn.degradations),
        _UNSURE * (1.0 - confidence),
    ]
