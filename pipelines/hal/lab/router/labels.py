"""What a turn of the log teaches a router: the conventions, in one place.

Pure; knows no text. All outcomes are 0..1, NaN where nobody knows.

`local_ok`, `cloud_ok`: that the answer is good enough. The first of these that says something:
1. A pair, rated by a person, else by the judge: at least as good as the other one is good enough,
   so that a tie is good enough on both sides (`judging.pair_outcomes`).
2. A rating of the answer that was shown, -1..1, as the probability (1 + rating) / 2.
3. A case: COMPLEX was wanted: the local answer is or would have been too weak. SIMPLE or MODERATE
   was wanted, and the local model answered: it was good enough. A command at the beginning of the
   same turn was given before there was an answer: `/cloud` says what the user expects of the local
   model and counts, `/local` may be about money or privacy and does not.
A case's weight is read as the probability that it is right, so a weight of .5 is a coin and a lower
one would say the opposite of what it means: those are dropped. Ratings and cases say nothing where
a search came first: with sources the question is another one.

`needs_search`: a case first (ENRICH, or that something else was right), else what the classifier
said at the time, if nothing speaks against the turn. The second is no truth: it teaches the router
to say the same as the classifier, so that it need not be asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan

from ...sessions.evidence import counting
from ...sessions.record import CaseRow, ScoreRow
from ...sessions.signals import Name, Origin
from ...types import DIFFICULTIES, Route, Source
from .judging import LABELS, JudgeCalibration, pair_outcomes, pair_weight

# Where labels come from, best first.
RATED_PAIR, JUDGED_PAIR, RATING, CASE, CLASSIFIER = (
    *("pairs rated by people", "pairs judged by a model"),
    *("ratings", "cases", "the classifier's word"),
)
ORIGINS = (RATED_PAIR, JUDGED_PAIR, RATING, CASE, CLASSIFIER)
# At it, a case is a coin.
LEAST_CASE_WEIGHT = 0.5
_RATINGS = frozenset({Name.USER_THUMB, Name.USER_RATING})


@dataclass(frozen=True, slots=True)
class Facts:
    """How a turn went. `is_local`, `is_cloud`: the local or the cloud model that is meant gave the
    answer; neither where another one did. `p_search` is the classifier's, NaN where not asked.
    """

    route: str
    source: str
    is_local: bool
    is_cloud: bool
    p_search: float = nan


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a turn; see the module. `expected` is the route of the case, "" for none.

    `weight` is how much a pair counts, 0..1. `origins` say where outcomes and search came from.
    """

    local_ok: float = nan
    cloud_ok: float = nan
    needs_search: float = nan
    expected: str = ""
    weight: float = 1.0
    origins: tuple[str, ...] = ()

    @property
    def is_pair(self) -> bool:
        return isfinite(self.local_ok) and isfinite(self.cloud_ok)

    @property
    def has_outcome(self) -> bool:
        return isfinite(self.local_ok) or isfinite(self.cloud_ok)

    @property
    def is_known(self) -> bool:
        return self.has_outcome or isfinite(self.needs_search)


def label_of(
    facts: Facts,
    scores: Sequence[ScoreRow],
    case: CaseRow | None,
    judges: Mapping[str, JudgeCalibration],
) -> Label:
    """Everything that is known of one turn. `judges` by the `source_version` of their scores."""
    scores = counting(scores)
    case = case if case is not None and case.weight > LEAST_CASE_WEIGHT else None
    expected = case.expected if case else ""
    # What a pair says about a route is read from the pair itself, and it says nothing of searches.
    case = None if case is not None and set(case.sources) == {Name.JUDGE_PAIR} else case
    found = _of_pair(scores, judges) or _of_rating(facts, scores) or _of_case(facts, case)
    label = replace(found or Label(), expected=expected)
    search, origin = _search(facts, scores, case)
    if not isfinite(search):
        return label
    return replace(label, needs_search=search, origins=(*label.origins, origin))


def _of_pair(scores: Sequence[ScoreRow], judges: Mapping[str, JudgeCalibration]) -> Label | None:
    by_source = {score.source: score for score in scores if score.name == Name.JUDGE_PAIR}
    for source, origin in ((Origin.HUMAN, RATED_PAIR), (Origin.JUDGE, JUDGED_PAIR)):
        score = by_source.get(source)
        if score is None or score.value is None or score.label not in LABELS:
            continue
        judge = judges.get(score.source_version) if source == Origin.JUDGE else None
        if source == Origin.JUDGE and judge is None:
            judge = JudgeCalibration()
        weight = pair_weight(score.label, judge)
        if weight > 0:
            local, cloud = pair_outcomes(score.label, judge)
            return Label(local, cloud, weight=weight, origins=(origin,))
    return None


def _of_rating(facts: Facts, scores: Sequence[ScoreRow]) -> Label | None:
    values = [score.value for score in scores if score.name in _RATINGS and score.value is not None]
    if not values or facts.route not in DIFFICULTIES:
        return None
    p = (1 + max(-1.0, min(1.0, values[-1]))) / 2
    if facts.is_local:
        return Label(local_ok=p, origins=(RATING,))
    return Label(cloud_ok=p, origins=(RATING,)) if facts.is_cloud else None


def _of_case(facts: Facts, case: CaseRow | None) -> Label | None:
    if case is None or facts.route not in DIFFICULTIES:
        return None
    if case.expected == Route.COMPLEX:
        return Label(local_ok=1 - case.weight, origins=(CASE,))
    is_wish = facts.source == Source.OVERRIDE
    if case.expected in DIFFICULTIES and facts.is_local and not is_wish:
        return Label(local_ok=case.weight, origins=(CASE,))
    return None


def _search(facts: Facts, scores: Sequence[ScoreRow], case: CaseRow | None) -> tuple[float, str]:
    """P(a search was needed), and who says so; NaN where nobody does."""
    if case is not None and case.expected == Route.ENRICH:
        return case.weight, CASE
    if case is not None and facts.source != Source.OVERRIDE:
        return 1 - case.weight, CASE
    is_contested = any(
        (score.value or 0.0) < 0 for score in scores if score.name != Name.JUDGE_PAIR
    )
    return (nan, "") if is_contested else (facts.p_search, CLASSIFIER)
