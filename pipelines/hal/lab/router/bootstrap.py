"""Intervals: percentile bootstrap over prompts, paired for differences, and Wilson's for shares.

The prompts are drawn anew, not the training: an interval says how far the number may be off for
these scores on other prompts of the same kind, not what another training set would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from .curve import Curve, Floats, Outcomes, Statistic, ranking

# Enough for the 2.5 % ends to stand still in the third decimal.
DRAWS = 1000
# Standard normal quantiles: two-sided 95 % and one-sided 95 %.
Z_TWO_SIDED = 1.959964
Z_ONE_SIDED = 1.644854


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interval(
    statistic: Statistic, scores: Floats, outcomes: Outcomes, seed: int = 0, draws: int = DRAWS
) -> Interval:
    """The statistic with a two-sided 95 % interval."""

    def drawn(at: NDArray[np.int64]) -> float:
        return statistic(scores[at], outcomes.weak[at], outcomes.strong[at])

    values = resampled(drawn, len(scores), groups=outcomes.groups, seed=seed, draws=draws)
    low, high = np.nanquantile(values, (0.025, 0.975))
    return Interval(statistic(scores, outcomes.weak, outcomes.strong), float(low), float(high))


def paired_differences(
    statistic: Statistic,
    scores: tuple[Floats, Floats],
    outcomes: Outcomes,
    seed: int = 0,
    draws: int = DRAWS,
) -> Floats:
    """Statistic of the first scores less that of the second, for the same drawn prompts; shape
    (draws,).
    """
    first, second = scores

    def drawn(at: NDArray[np.int64]) -> float:
        weak, strong = outcomes.weak[at], outcomes.strong[at]
        return statistic(first[at], weak, strong) - statistic(second[at], weak, strong)

    return resampled(drawn, len(first), groups=outcomes.groups, seed=seed, draws=draws)


def difference(
    statistic: Statistic, first: Floats, second: Floats, outcomes: Outcomes, draws: int = DRAWS
) -> Interval:
    """How much more `first` has, with a paired two-sided 95 % interval."""
    values = paired_differences(statistic, (first, second), outcomes, draws=draws)
    low, high = np.nanquantile(values, (0.025, 0.975))
    weak, strong = outcomes.weak, outcomes.strong
    value = statistic(first, weak, strong) - statistic(second, weak, strong)
    return Interval(value, float(low), float(high))


def resampled(
    value_of: Callable[[NDArray[np.int64]], float | Sequence[float]],
    count: int,
    *,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
    draws: int = DRAWS,
) -> Floats:
    """`value_of` for `draws` samples of row numbers with replacement; one row per draw."""
    return np.array([value_of(sample) for sample in _samples(count, groups, seed, draws)])


def drawn_curves(
    scores: Floats, outcomes: Outcomes, *, seed: int = 0, draws: int = DRAWS
) -> Iterator[Curve]:
    """`quality_curve` of the same samples as in `resampled`; the prompts are sorted once, which is
    ten times as fast for ten thousand of them.
    """
    ranked, count = ranking(scores, outcomes), len(scores)
    for sample in _samples(count, outcomes.groups, seed, draws):
        yield ranked.curve(np.bincount(sample, minlength=count))


def _samples(
    count: int, groups: NDArray[np.int64] | None, seed: int, draws: int
) -> Iterator[NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    if groups is None:
        yield from (random.integers(0, count, count) for _ in range(draws))
        return
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    for _ in range(draws):
        chosen = random.integers(0, len(members), len(members))
        yield np.concatenate([members[at] for at in chosen])


def wilson(right: float, count: int, z: float = Z_TWO_SIDED) -> Interval:
    """Wilson's score interval for a share; 0 to 1 where nothing was counted."""
    if count == 0:
        return Interval(float("nan"), 0.0, 1.0)
    share, square = right / count, z * z / count
    middle, half = share + square / 2, z * sqrt(share * (1 - share) / count + square / (4 * count))
    low, high = (middle - half) / (1 + square), (middle + half) / (1 + square)
    return Interval(share, max(0.0, low), min(1.0, high))
