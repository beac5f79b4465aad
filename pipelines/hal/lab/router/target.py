"""A threshold from a promise: "95 % of the cloud's quality", or "10 % of turns to the cloud".

The promise is kept with a one-sided margin. Shares of cloud turns are tried from all downwards, and
the walk ends at the first that does not pass its test; that is fixed-sequence testing (Angelopoulos
et al. 2021, "Learn then Test"), so that trying many thresholds does not raise the risk. Knows no
features: scores and outcomes are all it sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bootstrap import Z_TWO_SIDED
from .curve import Floats

# Below, the margin eats all that a router could save, and a normal approximation is a guess.
LEAST_TURNS = 300
# One-sided 97.5 %. The turns to come are a sample as well: with the 1.645 of 95 % the promise held
# for the whole and failed 6.5 times in 100 when it was looked up on eleven thousand turns (MMLU).
# This keeps it 95 times in 100 when it is looked up on at least two and a half times as many turns
# as it was made on.
MARGIN_Z = Z_TWO_SIDED
# Steps of the walk, as shares of turns: finer steps find no cheaper threshold that passes.
STEPS = 50


class TooFewTurns(Exception):
    """There are not enough turns with both outcomes. `missing` says how many more are needed."""

    def __init__(self, has: int, needed: int) -> None:
        self.missing = needed - has
        super().__init__(
            f"{has} turns have an outcome of both models, {needed} are needed: {self.missing} are "
            "missing. Shadow pairs bring them (SHADOW_SHARE), and ratings of both answers."
        )


@dataclass(frozen=True, slots=True)
class Threshold:
    """Turns with a score of at least `score` go to the cloud (infinity: none do).

    `cloud_share` is 0..1 of the turns. `quality` is what they came to as a share of always-cloud;
    `worst_case` is the lower end of its one-sided 97.5 % interval, `target` what was asked for
    (None where a share was), `turns` how many were looked at.
    """

    score: float
    cloud_share: float
    quality: float
    worst_case: float
    target: float | None
    turns: int


def choose_threshold(
    scores: Floats,
    local_ok: Floats,
    cloud_ok: Floats,
    target: float = 0.95,
    *,
    least_turns: int = LEAST_TURNS,
) -> Threshold:
    """The smallest share of cloud turns whose quality is at least `target` of always-cloud's.

    Higher scores go to the cloud; outcomes are 0..1. Always-cloud passes by definition, so there
    is an answer to every target up to 1. Raises TooFewTurns, and ValueError for a target outside
    of 0..1.
    """
    if not 0 < target <= 1:
        raise ValueError("A quality target is a share of the cloud's quality, above 0 and up to 1.")
    _enough(scores, least_turns)
    chosen = _at(scores, local_ok, cloud_ok, 1.0, target)
    for step in range(STEPS - 1, -1, -1):
        found = _at(scores, local_ok, cloud_ok, step / STEPS, target)
        if found.worst_case < target:
            break
        chosen = found
    return chosen


def threshold_for_share(
    scores: Floats,
    local_ok: Floats,
    cloud_ok: Floats,
    cloud_share: float,
    *,
    least_turns: int = LEAST_TURNS,
) -> Threshold:
    """The threshold that sends at most `cloud_share` (0..1) of the turns to the cloud.

    Raises TooFewTurns, and ValueError for a share outside of 0..1.
    """
    if not 0 <= cloud_share <= 1:
        raise ValueError("A share of cloud turns is between 0 and 1.")
    _enough(scores, least_turns)
    return _at(scores, local_ok, cloud_ok, cloud_share, None)


def _at(
    scores: Floats, local_ok: Floats, cloud_ok: Floats, share: float, target: float | None
) -> Threshold:
    score = _score_for(scores, share)
    is_cloud = scores >= score
    got = np.where(is_cloud, cloud_ok, local_ok)
    always = float(cloud_ok.mean())
    quality = float(got.mean()) / always if always else 1.0
    return Threshold(
        score=score,
        cloud_share=float(is_cloud.mean()),
        quality=quality,
        worst_case=_worst_case(got, cloud_ok, quality),
        target=target,
        turns=len(scores),
    )


def _score_for(scores: Floats, share: float) -> float:
    """The lowest score whose turns are no more than `share`; ties go to neither side alone."""
    allowed = int(share * len(scores) + 1e-9)  # 0.58 * 50 is 28.999...
    if allowed >= len(scores):
        return float("-inf")
    ordered = np.sort(scores)[::-1]
    above = ordered[ordered > ordered[allowed]]
    return float(above[-1]) if len(above) else float("inf")


def _worst_case(got: Floats, cloud_ok: Floats, quality: float) -> float:
    """Lower end of the ratio of two means over the same turns (the delta method)."""
    always = float(cloud_ok.mean())
    if not always:
        return 0.0
    spread = float(np.std(got - quality * cloud_ok, ddof=1)) / np.sqrt(len(got)) / always
    return quality - MARGIN_Z * float(spread)


def _enough(scores: Floats, least_turns: int) -> None:
    if len(scores) < least_turns:
        raise TooFewTurns(len(scores), least_turns)
