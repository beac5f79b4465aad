"""Everything that `hal router eval` says, gathered from the log or from a file of outcomes.

Values only; the arithmetic stands in `evaluating.py` and `replayed.py`, the words in
`evaluation_tables.py`. Opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite, nan

import numpy as np

from ...routing.learned.calibration import Choice
from ...routing.learned.weights import Weights
from ...types import DIFFICULTIES, Route, Source
from .calibrating import is_sure
from .curve import Floats, Outcomes
from .evaluating import (
    CROSS_FITTED,
    LEAST_RANKED,
    Believed,
    Confusions,
    Ranking,
    believe,
    confuse,
    cross_fitted,
    rank,
    scores_of,
)
from .examples import Examples
from .fit import TooFewExamples, predict_many
from .judge_notes import judge_notes
from .learning import boundary_of, day
from .logged import Log, LoggedTurn, origins
from .replayed import Replayed, replay
from .served import counts_of, examples_of, outcomes_of, said_of
from .sides import unseen, without_duplicates
from .target import measure

IN_FORCE = "in force"
# Two milliseconds each.
_NEWEST = 1000
_LABELS = (*map(str, DIFFICULTIES), str(Route.ENRICH))


@dataclass(frozen=True, slots=True)
class Policy:
    """What a way to decide comes to on the pairs: shares, and dollars per 100 turns (NaN where no
    price is known)."""

    name: str
    cloud_share: float
    quality: float
    worst_case: float
    usd_per_100: float


@dataclass(frozen=True, slots=True)
class Latency:
    """How long decisions took, in ms, by who made them."""

    name: str
    n: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`source` is "the session log" or the name of a file. Dates are ISO, "" without turns.

    `turns` were looked at, `seen` of them left out because a router learned from them; `labels`
    counts by origin. `router_id` is what decides now. `is_drawn_apart`: some pairs were
    likelier to be asked for than others, as routers disagreed there. `judges`: what is to be known
    of those who judged pairs, in words.
    """

    source: str
    router_id: str
    ranking: Ranking
    turns: int
    seen: int = 0
    other_models: int = 0
    since: str = ""
    until: str = ""
    labels: Mapping[str, int] = field(default_factory=dict)
    believed: Believed | None = None
    confusions: Confusions | None = None
    policies: tuple[Policy, ...] = ()
    latencies: tuple[Latency, ...] = ()
    replayed: Replayed | None = None
    sure_share: float = nan
    is_drawn_apart: bool = False
    judges: tuple[str, ...] = ()


def evaluate_log(
    log: Log, router_id: str, routers: Mapping[str, Weights], choice: Choice | None
) -> Evaluation:
    """`routers` by their names, the one in force first, as IN_FORCE. `choice`: what it is
    calibrated to, None where it is not.
    """
    boundary = max(map(boundary_of, routers.values()), default=0.0)
    fresh = unseen(log.turns, boundary)
    labelled = without_duplicates([turn for turn in fresh if turn.label.has_outcome])
    pairs = [turn for turn in labelled if turn.label.is_pair]
    in_force = routers[IN_FORCE]
    examples = examples_of(pairs)
    return Evaluation(
        source="the session log",
        router_id=router_id,
        ranking=rank(scores_of(routers, examples), examples.texts, outcomes_of(pairs)),
        turns=len(log.turns),
        seen=len(log.turns) - len(fresh),
        other_models=log.other_models,
        since=day(fresh[0].at) if fresh else "",
        until=day(fresh[-1].at) if fresh else "",
        labels=origins(fresh),
        believed=_believed(in_force, labelled),
        confusions=_confusions(fresh),
        policies=_policies(fresh, pairs, in_force, choice),
        latencies=tuple(_latencies(log.turns)),
        replayed=_replayed(labelled, fresh, in_force, choice),
        sure_share=_sure_share(fresh, in_force, choice),
        is_drawn_apart=len({turn.drawn for turn in pairs}) > 1,
        judges=tuple(judge_notes(log)),
    )


def evaluate_examples(
    source: str, router_id: str, routers: Mapping[str, Weights], examples: Examples
) -> Evaluation:
    """Outcomes of one's own; with enough of them, also what a router would learn from them."""
    scores = scores_of(routers, examples)
    if len(examples) >= LEAST_RANKED:
        # All outcomes alike, or too few groups for five folds: nothing can be learned here.
        with suppress(TooFewExamples, ValueError):
            scores[CROSS_FITTED] = cross_fitted(examples)
    outcomes = Outcomes(examples.local_ok, examples.cloud_ok, examples.groups)
    return Evaluation(
        source=source,
        router_id=router_id,
        ranking=rank(scores, examples.texts, outcomes),
        turns=len(examples),
        labels={f"outcomes in {source}": len(examples)},
        believed=believe(predict_many(routers[IN_FORCE], examples)[:, 0], examples.local_ok),
    )


def _believed(weights: Weights, turns: Sequence[LoggedTurn]) -> Believed | None:
    if not turns:
        return None
    examples = examples_of(turns)
    return believe(predict_many(weights, examples)[:, 0], examples.local_ok)


def _confusions(turns: Sequence[LoggedTurn]) -> Confusions | None:
    """What was decided at the time; a command was not decided by anybody."""
    said = [
        (turn.label.expected, turn.route)
        for turn in turns
        if turn.label.expected and turn.source != Source.OVERRIDE
    ]
    return confuse([one for one, _ in said], [one for _, one in said], _LABELS)


def _policies(
    turns: Sequence[LoggedTurn],
    pairs: Sequence[LoggedTurn],
    weights: Weights,
    choice: Choice | None,
) -> tuple[Policy, ...]:
    if len(pairs) < 2:
        return ()
    usd = cloud_usd(turns)
    went = np.array([turn.is_cloud for turn in pairs], dtype=np.float64)
    ways = {
        "always local": np.zeros(len(pairs)),
        "always cloud": np.ones(len(pairs)),
        "as it was decided": went,
    }
    if choice is not None:
        gain = predict_many(weights, examples_of(pairs))[:, 1]
        ways[f"{IN_FORCE}, calibrated"] = np.asarray(gain >= choice.threshold, dtype=np.float64)
    return tuple(_policy(name, is_cloud, pairs, usd) for name, is_cloud in ways.items())


def _policy(name: str, is_cloud: Floats, pairs: Sequence[LoggedTurn], usd: float) -> Policy:
    outcomes = outcomes_of(pairs)
    found = measure(is_cloud, outcomes.weak, outcomes.strong, counts_of(pairs))
    dollars = 100 * found.cloud_share * usd
    return Policy(name, found.cloud_share, found.quality, found.worst_case, dollars)


def cloud_usd(turns: Sequence[LoggedTurn]) -> float:
    """What a turn costs at the cloud model on average; NaN where no price is known."""
    known = [turn.cloud_cost_usd for turn in turns if turn.cloud_cost_usd is not None]
    return float(np.mean(known)) if known else nan


def _latencies(turns: Sequence[LoggedTurn]) -> list[Latency]:
    times: dict[str, list[float]] = {}
    for turn in turns:
        if turn.classify_ms is not None and (name := _decided_by(turn)):
            times.setdefault(name, []).append(turn.classify_ms)
    return [
        Latency(name, len(found), *map(float, np.quantile(found, (0.5, 0.95))))
        for name, found in sorted(times.items())
    ]


def _decided_by(turn: LoggedTurn) -> str:
    if turn.source == Source.LEARNED:
        return "learned router alone" if turn.labels is None else "learned router and classifier"
    return "classifier" if turn.source in {Source.CLASSIFIER, Source.STICKY} else ""


def _replayed(
    labelled: Sequence[LoggedTurn],
    turns: Sequence[LoggedTurn],
    weights: Weights,
    choice: Choice | None,
) -> Replayed | None:
    """The policy of the choice; without one, the router with as many cloud turns as there were."""
    if not labelled:
        return None
    found = predict_many(weights, examples_of(labelled))
    if choice is not None:
        threshold = choice.threshold
    else:
        leaving = sum(turn.is_cloud for turn in turns) / len(turns)
        threshold = float(np.quantile(found[:, 1], 1 - leaving))
    return replay(labelled, found[:, 1], found[:, 0], threshold)


def _sure_share(turns: Sequence[LoggedTurn], weights: Weights, choice: Choice | None) -> float:
    """On how many of the newest turns the classifier would have been left out."""
    if choice is None or not isfinite(choice.margin) or not turns:
        return nan
    return float(
        is_sure(said_of(weights, turns[-_NEWEST:]), choice.margin, choice.threshold).mean()
    )
