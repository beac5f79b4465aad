"""How good routers are on turns that they have not seen: ranking, promises, probabilities.

From outcomes and scores to values; knows neither log nor page. Definitions of APGR and CPT are
RouteLLM's (`curve.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped,unused-ignore]

from ...routing.learned.weights import Weights
from .bootstrap import Interval, resampled
from .calibration import Bin, brier, confusion, expected_calibration_error, recalls, reliability
from .curve import (
    Floats,
    Outcomes,
    apgr,
    cpt,
    length_scores,
    oracle_scores,
    quality_curve,
)
from .drafts import cross_predict
from .examples import Examples
from .fit import predict_many
from .plots import LENGTH, ORACLE, RANDOM, Line, cost_quality_lines

# Below, no ranking of routers can be told from chance: the interval of an APGR is ±.1 and more.
LEAST_RANKED = 300
# Of a bootstrap; five routers with three numbers each are a second.
DRAWS = 500
CLASSIFIER, CROSS_FITTED = "classifier", "learned here (5-fold)"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One router. CPT is the share of turns, in per cent, that have to go to the cloud for half,
    or four fifths, of what it would add.
    """

    name: str
    apgr: Interval
    cpt50: Interval
    cpt80: Interval


@dataclass(frozen=True, slots=True)
class Believed:
    """How far P(local answer good enough) can be believed."""

    n: int
    brier: float
    error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Confusions:
    """counts[wanted][decided], and how much of each wanted route was found."""

    counts: Mapping[str, Mapping[str, int]]
    recalls: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Everything about turns with both outcomes. Qualities are means of outcomes, 0..1.

    `is_descriptive`: too few turns to say that one router is better than another.
    """

    n: int
    always_local: float
    always_cloud: float
    routers: tuple[Ranked, ...] = ()
    baselines: tuple[Ranked, ...] = ()
    lines: tuple[Line, ...] = field(default=(), repr=False)

    @property
    def is_descriptive(self) -> bool:
        return self.n < LEAST_RANKED

    @property
    def differ(self) -> bool:
        """Whether one model is better than the other: without that there is nothing to rank by."""
        return abs(self.always_cloud - self.always_local) > 1e-9


def rank(scores: Mapping[str, Floats], texts: Sequence[str], outcomes: Outcomes) -> Ranking:
    """Scores by the name of the router; a higher one goes to the cloud earlier. At least two turns,
    or nothing is ranked.
    """
    n = len(outcomes)
    local, cloud = (float(np.mean(one)) if n else 0.0 for one in _both(outcomes))
    found = Ranking(n, local, cloud)
    if n < 2 or not found.differ:
        return found
    lengths = length_scores([*texts])
    known = {LENGTH: lengths, RANDOM: np.zeros(n), ORACLE: oracle_scores(*_both(outcomes))}
    return replace(
        found,
        routers=tuple(_ranked(name, one, outcomes) for name, one in scores.items()),
        baselines=tuple(_ranked(name, one, outcomes) for name, one in known.items()),
        lines=cost_quality_lines(scores, lengths, outcomes),
    )


def believe(p_local_ok: Floats, local_ok: Floats) -> Believed | None:
    """On turns whose local outcome is known; None without any."""
    is_known = np.isfinite(local_ok)
    p, came = p_local_ok[is_known], local_ok[is_known]
    if len(p) == 0:
        return None
    return Believed(
        len(p), brier(p, came), expected_calibration_error(p, came), reliability(p, came)
    )


def confuse(
    wanted: Sequence[str], decided: Sequence[str], labels: Sequence[str]
) -> Confusions | None:
    """None where nobody said what was wanted."""
    if not wanted:
        return None
    counts = confusion(wanted, decided, labels)
    return Confusions(counts, recalls(counts))


def scores_of(routers: Mapping[str, Weights], examples: Examples) -> dict[str, Floats]:
    """Gains of each router; the classifier's P(COMPLEX) where it was asked about every turn."""
    found = {name: predict_many(weights, examples)[:, 1] for name, weights in routers.items()}
    if len(examples) and np.isfinite(examples.labels).all():
        found[CLASSIFIER] = examples.labels[:, 1]
    return found


def cross_fitted(examples: Examples) -> Floats:
    """Gains by routers learned from the other four fifths of these turns. Raises TooFewExamples."""
    with threadpool_limits(limits=1):  # as in learning.py
        return cross_predict(examples)[:, 1]


def _both(outcomes: Outcomes) -> tuple[Floats, Floats]:
    return outcomes.weak, outcomes.strong


def _ranked(name: str, scores: Floats, outcomes: Outcomes) -> Ranked:
    """All three numbers from the same samples: one curve for each."""

    def numbers(at: NDArray[np.int64]) -> tuple[float, float, float]:
        curve = quality_curve(scores[at], outcomes.weak[at], outcomes.strong[at])
        return apgr(curve), cpt(curve, 0.5), cpt(curve, 0.8)

    drawn = resampled(numbers, len(scores), groups=outcomes.groups, draws=DRAWS)
    low, high = np.nanquantile(drawn, (0.025, 0.975), axis=0)
    values = numbers(np.arange(len(scores)))
    return Ranked(
        name, *(Interval(*map(float, one)) for one in zip(values, low, high, strict=True))
    )
