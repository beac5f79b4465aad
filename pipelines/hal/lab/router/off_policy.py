"""What another policy would have come to, from turns that an old one decided by chance.

Each logged turn says what was done, how likely that was, and what came of it. Three estimates:
inverse propensity (IPS), the same normalised (SNIPS; Swaminathan & Joachims 2015) and doubly robust
(DR; Dudik et al. 2011), which adds a model of the outcome. Knows no log and no router.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Z_TWO_SIDED, Interval
from .curve import Floats

# A turn that counts more than twenty others would decide alone; cutting its weight costs a bias
# towards the old policy, which `clipped_share` tells.
LARGEST_WEIGHT = 20.0
# Of turns that count: below, the interval is a guess.
LEAST_EFFECTIVE_TURNS = 100.0


class TooFewEffectiveTurns(Exception):
    """The log hardly ever did what the candidate would do; the message says what is missing."""

    def __init__(self, effective: float, needed: float) -> None:
        self.effective, self.needed = effective, needed
        super().__init__(
            f"The log is worth {effective:.0f} turns for this policy, {needed:.0f} are needed: it "
            "seldom did what the policy would do. More exploration or shadow pairs bring them."
        )


@dataclass(frozen=True, slots=True)
class Logged:
    """Turns of the old policy; all arrays have one entry per turn.

    `actions` are numbers of targets, `propensities` the probability with which each was chosen
    (above 0, up to 1), `rewards` what came of it, on any scale.
    """

    actions: NDArray[np.int64]
    propensities: Floats
    rewards: Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """The candidate's mean reward, three ways, with two-sided 95 % intervals.

    `logged` is what the old policy got. `effective_turns` is Kish's effective sample size;
    `clipped_share` how many turns had their weight cut.
    """

    ips: Interval
    snips: Interval
    doubly_robust: Interval
    logged: float
    effective_turns: float
    clipped_share: float


def estimate(logged: Logged, candidate: Floats, expected: Floats) -> Estimate:
    """The value of a policy.

    `candidate` (turns, targets) has its probabilities, rows adding up to 1; `expected` (turns,
    targets) what a model thinks each target would be rewarded, fitted on other turns than these.
    Raises TooFewEffectiveTurns, and ValueError for what cannot be propensities.
    """
    _check(logged, candidate, expected)
    turns = np.arange(len(logged.rewards))
    raw = candidate[turns, logged.actions] / logged.propensities
    weights = np.minimum(raw, LARGEST_WEIGHT)
    effective = effective_turns(weights)
    if effective < LEAST_EFFECTIVE_TURNS:
        raise TooFewEffectiveTurns(effective, LEAST_EFFECTIVE_TURNS)
    residuals = logged.rewards - expected[turns, logged.actions]
    robust = (candidate * expected).sum(axis=1) + weights * residuals
    return Estimate(
        ips=_mean(weights * logged.rewards),
        snips=_ratio(weights * logged.rewards, weights),
        doubly_robust=_mean(robust),
        logged=float(logged.rewards.mean()),
        effective_turns=effective,
        clipped_share=float((raw > LARGEST_WEIGHT).mean()),
    )


def effective_turns(weights: Floats) -> float:
    """Kish's effective sample size: (sum w)^2 / sum w^2; 0 where all weights are."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _mean(values: Floats) -> Interval:
    mean = float(values.mean())
    half = Z_TWO_SIDED * float(values.std(ddof=1)) / np.sqrt(len(values))
    return Interval(mean, mean - float(half), mean + float(half))


def _ratio(values: Floats, weights: Floats) -> Interval:
    """A ratio of means, its spread by the delta method."""
    ratio = float(values.sum() / weights.sum())
    half = _mean((values - ratio * weights) / weights.mean())
    return Interval(ratio, ratio + half.low, ratio + half.high)


def _check(logged: Logged, candidate: Floats, expected: Floats) -> None:
    turns = len(logged.rewards)
    if not len(logged.actions) == len(logged.propensities) == turns > 1:
        raise ValueError("Actions, propensities and rewards need one entry per turn, at least two.")
    if candidate.shape != expected.shape or len(candidate) != turns or candidate.ndim != 2:
        raise ValueError("Candidate and expected rewards need one row per turn, one per target.")
    if not ((logged.propensities > 0) & (logged.propensities <= 1)).all():
        raise ValueError("Propensities are above 0 and at most 1: what was done was possible.")
    if not np.allclose(candidate.sum(axis=1), 1, atol=1e-6) or (candidate < 0).any():
        raise ValueError("The candidate's probabilities must add up to 1 for each turn.")
