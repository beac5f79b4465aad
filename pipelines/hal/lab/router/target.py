"""A threshold from a promise: "95 % of the cloud's quality", or "10 % of turns to the cloud".

The promise is kept with a one-sided margin. Shares of cloud turns are tried from all downwards, and
the walk ends at the first that does not pass its test; that is fixed-sequence testing (Angelopoulos
et al. 2021, "Learn then Test"), so that trying many thresholds does not raise the risk. Knows no
features: scores and outcomes are all it sees.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from .bootstrap import Z_TWO_SIDED
from .curve import Floats
from .off_policy import effective_turns

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
    """There are not enough turns with both outcomes. `missing` says how many more are needed.

    `worth`: of as many equal turns as these, where some count more than others.
    """

    def __init__(self, has: int, needed: int, worth: int | None = None) -> None:
        worth = has if worth is None else worth
        self.missing = needed - worth
        equal = "" if worth == has else f" and are worth {worth}, as some were likelier to be asked"
        super().__init__(
            f"{has} turns have an outcome of both models{equal}; {needed} are needed: "
            f"{self.missing} are missing. Shadow pairs bring them (SHADOW_SHARE), and ratings of "
            "both answers."
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


class _Tested(Protocol):
    @property
    def worst_case(self) -> float: ...


T = TypeVar("T", bound=_Tested)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a policy came to, as shares: turns for the cloud, quality of always-cloud's, and the
    lower end of its one-sided 97.5 % interval.
    """

    cloud_share: float
    quality: float
    worst_case: float


def choose_threshold(  # noqa: PLR0913 - three columns of the log, and what is asked of them
    scores: Floats,
    local_ok: Floats,
    cloud_ok: Floats,
    target: float = 0.95,
    *,
    least_turns: int = LEAST_TURNS,
    counts: Floats | None = None,
) -> Threshold:
    """The smallest share of cloud turns whose quality is at least `target` of always-cloud's.

    Higher scores go to the cloud; outcomes are 0..1. `counts`: how much each turn counts, where
    some were likelier to be looked at than others; None: all the same. Always-cloud passes by
    definition, so there is an answer to every target up to 1. Raises TooFewTurns, and ValueError
    for a target outside of 0..1.
    """
    if not 0 < target <= 1:
        raise ValueError("A quality target is a share of the cloud's quality, above 0 and up to 1.")
    counts = np.ones(len(scores)) if counts is None else counts
    enough(counts, least_turns)

    def at(share: float) -> Threshold:
        return _at(scores, local_ok, cloud_ok, counts, share, target)

    return walk((at(step / STEPS) for step in range(STEPS, -1, -1)), target)


def threshold_for_share(  # noqa: PLR0913
    scores: Floats,
    local_ok: Floats,
    cloud_ok: Floats,
    cloud_share: float,
    *,
    least_turns: int = LEAST_TURNS,
    counts: Floats | None = None,
) -> Threshold:
    """The threshold that sends at most `cloud_share` (0..1) of the turns to the cloud.

    Raises TooFewTurns, and ValueError for a share outside of 0..1.
    """
    if not 0 <= cloud_share <= 1:
        raise ValueError("A share of cloud turns is between 0 and 1.")
    counts = np.ones(len(scores)) if counts is None else counts
    enough(counts, least_turns)
    return _at(scores, local_ok, cloud_ok, counts, cloud_share, None)


def measure(is_cloud: Floats, local_ok: Floats, cloud_ok: Floats, counts: Floats) -> Measured:
    """What a policy comes to. `is_cloud` says which turns the cloud answers, as 0 or 1."""
    got = np.where(is_cloud > 0, cloud_ok, local_ok)
    total, always = float(counts.sum()), float((counts * cloud_ok).sum())
    quality = float((counts * got).sum()) / always if always else 1.0
    return Measured(
        cloud_share=float((counts * (is_cloud > 0)).sum()) / total,
        quality=quality,
        worst_case=_worst_case(got, cloud_ok, counts, quality),
    )


def enough(counts: Floats, least_turns: int = LEAST_TURNS) -> None:
    """Raises TooFewTurns where all turns together are worth fewer than so many equal ones."""
    worth = effective_turns(counts) + 1e-6  # of equal turns it is their number, but for rounding
    if worth < least_turns:
        raise TooFewTurns(len(counts), least_turns, int(worth))


def score_for(scores: Floats, share: float, counts: Floats) -> float:
    """The lowest score whose turns are no more than `share`; ties go to neither side alone."""
    allowed = share * float(counts.sum())
    order = np.argsort(-scores, kind="stable")
    ordered, above = scores[order], np.cumsum(counts[order])
    # The last of those with the same score: all of them go, or none.
    is_last = np.append(ordered[1:] < ordered[:-1], True)
    fits = is_last & (above <= allowed + 1e-9 * len(scores))  # 0.58 * 50 is 28.999...
    if fits[-1]:
        return float("-inf")
    return float(ordered[np.flatnonzero(fits)[-1]]) if fits.any() else float("inf")


def walk(found: Iterable[T], target: float) -> T:
    """From the first, which passes by definition, on to the last in a row that does."""
    rest = iter(found)
    chosen = next(rest)
    for one in rest:
        if one.worst_case < target:
            break
        chosen = one
    return chosen


def _at(  # noqa: PLR0913
    scores: Floats,
    local_ok: Floats,
    cloud_ok: Floats,
    counts: Floats,
    share: float,
    target: float | None,
) -> Threshold:
    score = score_for(scores, share, counts)
    found = measure(np.asarray(scores >= score, dtype=np.float64), local_ok, cloud_ok, counts)
    return Threshold(
        score=score,
        cloud_share=found.cloud_share,
        quality=found.quality,
        worst_case=found.worst_case,
        target=target,
        turns=len(scores),
    )


def _worst_case(got: Floats, cloud_ok: Floats, counts: Floats, quality: float) -> float:
    """Lower end of the ratio of two weighted means over the same turns (the delta method)."""
    always = float((counts * cloud_ok).sum())
    if not always:
        return 0.0
    turns = len(got)
    errors = counts * (got - quality * cloud_ok)  # these add up to zero
    spread = float(np.sqrt((errors**2).sum() * turns / max(1, turns - 1))) / always
    return quality - MARGIN_Z * spread
