"""Exact and resampled tests for two versions that answered the same cases.

Pure arithmetic on counts and gains; knows neither prompts nor routes. McNemar 1947, the exact form;
Holm 1979 for several proposals; sample size after Miettinen 1968 (normal approximation).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, comb, sqrt
from random import Random

# Enough for the 2.5 % end to stand still in the third decimal.
DRAWS = 1000
# Standard normal quantiles: one-sided 5 %, and power .8.
Z_LEVEL, Z_POWER = 1.6449, 0.8416


def mcnemar(fixed: int, broken: int) -> float:
    """One-sided exact p: how likely so many or more of the changes are for the better by chance."""
    n = fixed + broken
    return float(sum(comb(n, k) for k in range(fixed, n + 1)) / 2**n)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p, in the order given: the chance of even one false pass stays below the level."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = highest
    return adjusted


def bootstrap(clusters: Sequence[tuple[float, int]], seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of the mean gain per case.

    `clusters` has (sum of gains, number of cases) of each conversation: turns of one conversation
    are alike, so whole conversations are drawn.
    """
    if not clusters:
        return 0.0, 0.0
    random, means = Random(seed), []  # noqa: S311 - no secret
    for _ in range(DRAWS):
        gains, sizes = zip(*random.choices(clusters, k=len(clusters)), strict=True)
        means.append(sum(gains) / sum(sizes))
    means.sort()
    return means[int(DRAWS * 0.025)], means[int(DRAWS * 0.975)]


def smallest_significant(discordant: int, level: float) -> int:
    """How many of the changes must be for the better; `discordant` + 1 where none is enough."""
    tail, total = 0, 2**discordant
    for fixed in range(discordant, -1, -1):
        tail += comb(discordant, fixed)
        if tail / total >= level:
            return fixed + 1
    return 0


def power(n: int, gain: float, discordant: float, level: float = 0.05) -> float:
    """The chance that `mcnemar` finds a true `gain` on `n` cases, `discordant` of them changed.

    Both are shares of the cases. Exact, by summing over all outcomes. Source of this table at the
    one-sided 5 % level, which the tests compute again:

        gain (discordant)   n=50   100   200   300   500
        +3 points (10 %)     .06   .15   .31   .44   .64
        +5 (15 %)            .12   .28   .51   .68   .88
        +10 (20 %)           .35   .68   .93   .99  1.00
    """
    better = (discordant + gain) / 2 / discordant
    return sum(
        _binomial(n, changed, discordant)
        * sum(
            _binomial(changed, fixed, better)
            for fixed in range(smallest_significant(changed, level), changed + 1)
        )
        for changed in range(n + 1)
    )


def _binomial(n: int, k: int, p: float) -> float:
    return float(comb(n, k) * p**k * (1 - p) ** (n - k))


def cases_for(gain: float, discordant: float) -> int:
    """How many cases find this gain with power .8 at the one-sided 5 % level."""
    spread = sqrt(max(discordant - gain * gain, 0.0))
    return ceil(((Z_LEVEL * sqrt(discordant) + Z_POWER * spread) / gain) ** 2)
