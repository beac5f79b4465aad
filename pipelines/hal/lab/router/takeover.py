"""Whether a newly fitted router may replace the one that decides now.

Paired and one-sided: the same held-out turns, drawn again and again. Knows no features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bootstrap import DRAWS, paired_differences
from .curve import Floats, Outcomes, apgr_of, quality_curve

# As for a quality target: below, even a much better router cannot show it.
LEAST_TURNS = 300
# One-sided.
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Verdict:
    """`takes_over`, and why in a sentence. APGRs are over the held-out turns; `difference_low` is
    the one-sided lower end of learned less prior, in mean quality over all thresholds.
    """

    takes_over: bool
    reason: str
    prior_apgr: float
    learned_apgr: float
    difference: float
    difference_low: float
    turns: int


def takes_over(
    prior_scores: Floats,
    learned_scores: Floats,
    outcomes: Outcomes,
    seed: int = 0,
    draws: int = DRAWS,
) -> Verdict:
    """Judge on held-out turns, which neither router was fitted on.

    Compares the areas under the cost-quality curves in the outcomes' own scale: APGR divides by
    the gap between the models, which may be almost zero on a small log. The learned router must
    also be better than chance by the same test, or noise would replace a prior that is bad today.
    """
    turns = len(outcomes)
    if turns < LEAST_TURNS:
        nan = float("nan")
        reason = f"{LEAST_TURNS - turns} held-out turns with both outcomes are missing"
        return Verdict(False, reason, nan, nan, nan, nan, turns)
    both = learned_scores, prior_scores
    differences = paired_differences(area, both, outcomes, seed, draws)
    low = float(np.quantile(differences, 1 - CONFIDENCE))
    if low <= 0:
        reason = "not shown to be better than what decides now"
    elif _above_chance(learned_scores, outcomes, seed, draws) <= 0:
        reason = "not shown to be better than chance"
    else:
        reason = ""
    weak, strong = outcomes.weak, outcomes.strong
    return Verdict(
        takes_over=not reason,
        reason=reason or "better than what decides now, on turns that neither has seen",
        prior_apgr=apgr_of(prior_scores, weak, strong),
        learned_apgr=apgr_of(learned_scores, weak, strong),
        difference=area(learned_scores, weak, strong) - area(prior_scores, weak, strong),
        difference_low=low,
        turns=turns,
    )


def area(scores: Floats, weak: Floats, strong: Floats) -> float:
    """Mean quality over all thresholds, less what a random order has: what a ranking is worth."""
    curve = quality_curve(scores, weak, strong)
    return float(np.trapezoid(curve.quality, curve.share)) - (curve.weak + curve.strong) / 2


def _above_chance(scores: Floats, outcomes: Outcomes, seed: int, draws: int) -> float:
    """The one-sided lower end of a ranking's worth."""
    # Another seed than for the differences, so that one odd sample does not decide both.
    flat = np.zeros(len(scores))
    values = paired_differences(area, (scores, flat), outcomes, seed + 1, draws)
    return float(np.quantile(values, 1 - CONFIDENCE))
