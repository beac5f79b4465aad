"""Thresholds for promises, simulated as they are served: question alone, classifier, draft.

From what a router said and what was right to `Choice`s. Pure arithmetic; knows neither log nor
file, and asks no model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from ...routing.learned.calibration import Choice, DraftChoice
from ...routing.learned.deciding import SEARCH_SURE
from .curve import Floats
from .served import Said
from .sure import choose_confidence
from .target import (
    STEPS,
    Measured,
    Threshold,
    choose_threshold,
    enough,
    measure,
    score_for,
    threshold_for_share,
    walk,
)

# What people ask for; between them the next higher one is served.
TARGETS = (0.80, 0.85, 0.90, 0.925, 0.95, 0.97, 0.98, 0.99, 1.0)
# Of the turns that would leave, the half that is closest to staying is drafted, and so is the half
# of the others that is closest to leaving: a draft keeps the user waiting, and says most where the
# question alone is undecided.
DRAFTED_HALF = 0.5
# A draft that nobody sees costs time; for less than this share of the turns it is not worth it.
LEAST_SAVED = 0.02
# The classifier takes a third of a second and more of every turn that it is asked in; leaving it
# out may send so much more to the cloud: a step of the walk, and what changes sides within it.
WORTH_THE_TIME = 0.03
# A twentieth of the turns without a local answer cannot change what drafts come to.
NEARLY_ALL = 0.95


@dataclass(frozen=True, slots=True)
class Evidence:
    """One entry per turn with both outcomes; `counts` as in `target.choose_threshold`."""

    said: Said
    local_ok: Floats
    cloud_ok: Floats
    counts: Floats

    def measured(self, is_cloud: Floats) -> Measured:
        return measure(is_cloud, self.local_ok, self.cloud_ok, self.counts)

    def share(self, which: Floats) -> float:
        """How many of the turns that is, 0..1."""
        return float((self.counts * which).sum()) / float(self.counts.sum())


@dataclass(frozen=True, slots=True)
class _Drafted:
    worst_case: float
    limit: float
    measured: Measured
    escalated: float


def choice_for_target(evidence: Evidence, target: float) -> Choice:
    """Raises TooFewTurns, and ValueError for a target outside of 0..1."""
    said = evidence.said
    plain = _plain(
        choose_threshold(
            said.joined, evidence.local_ok, evidence.cloud_ok, target, counts=evidence.counts
        )
    )
    quick = walk((_quick(evidence, step / STEPS, target) for step in range(STEPS, -1, -1)), target)
    costs = quick.cloud_share - plain.cloud_share
    chosen = quick if quick.sure_share and costs <= WORTH_THE_TIME else plain
    return replace(chosen, draft=_draft(evidence, chosen))


def choice_for_share(evidence: Evidence, cloud_share: float) -> Choice:
    """Raises TooFewTurns, and ValueError for a share outside of 0..1."""
    said = evidence.said
    plain = _plain(
        threshold_for_share(
            said.joined, evidence.local_ok, evidence.cloud_ok, cloud_share, counts=evidence.counts
        )
    )
    quick = _at(evidence, plain.threshold, None)
    return quick if quick.sure_share and quick.cloud_share <= cloud_share else plain


def is_sure(said: Said, margin: float, *limits: float) -> Floats:
    """Which turns are decided without the classifier, as 0 or 1: those that are far enough from
    every limit at which the decision changes.
    """
    is_far = said.search <= SEARCH_SURE  # NaN is not
    for limit in limits:
        is_far = is_far & (_distance(said, limit) >= margin)
    return _numbers(is_far)


def served_gain(said: Said, margin: float, *limits: float) -> Floats:
    """What decides each turn: the question alone where that is sure, else with the classifier."""
    return np.where(is_sure(said, margin, *limits) > 0, said.alone, said.joined)


def _plain(found: Threshold) -> Choice:
    """The classifier is always asked."""
    return Choice(
        target=found.target,
        threshold=found.score,
        cloud_share=found.cloud_share,
        quality=found.quality,
        worst_case=found.worst_case,
    )


def _quick(evidence: Evidence, share: float, target: float) -> Choice:
    """The classifier is left out where the question alone is sure. `share` of the turns would go to
    the cloud if it were not.
    """
    return _at(evidence, score_for(evidence.said.joined, share, evidence.counts), target)


def _at(evidence: Evidence, threshold: float, target: float | None) -> Choice:
    margin = _margin(evidence, threshold)
    sure = is_sure(evidence.said, margin, threshold)
    found = evidence.measured(_numbers(served_gain(evidence.said, margin, threshold) >= threshold))
    return Choice(
        target=target,
        threshold=threshold,
        cloud_share=found.cloud_share,
        quality=found.quality,
        worst_case=found.worst_case,
        margin=margin,
        sure_share=evidence.share(sure) if isfinite(margin) else 0.0,
    )


def _margin(evidence: Evidence, threshold: float) -> float:
    """From which distance on the question alone decides no worse than with the classifier.

    What a decision is worth: the quality it gets, less the threshold where it takes the cloud. The
    threshold is the gain for which the cloud is just worth its price, so that a router which sends
    everything away does not look better.
    """
    said = evidence.said
    if not isfinite(threshold):
        return 0.0  # nothing that anybody says changes the decision
    can = np.flatnonzero(said.search <= SEARCH_SURE)
    if len(can) == 0:
        return inf
    worth = [
        np.where(gain >= threshold, evidence.cloud_ok - threshold, evidence.local_ok)[can]
        for gain in (said.alone, said.joined)
    ]
    return choose_confidence(_distance(said, threshold)[can], worth[0], worth[1]).confidence


def _distance(said: Said, threshold: float) -> Floats:
    return np.asarray(np.abs(said.alone - threshold), dtype=np.float64)


def _draft(evidence: Evidence, choice: Choice) -> DraftChoice | None:
    """A band around the threshold, and from which risk on a draft is replaced; None where drafts
    cannot be judged, or save nothing.
    """
    if choice.target is None or not _has_drafts(evidence) or not choice.cloud_share > 0:
        return None
    said = evidence.said
    leaving, staying = choice.cloud_share, 1 - choice.cloud_share
    high = score_for(said.joined, leaving * DRAFTED_HALF, evidence.counts)
    low = score_for(said.joined, leaving + staying * DRAFTED_HALF, evidence.counts)
    gain = served_gain(said, choice.margin, low, high)
    is_direct = _numbers(gain >= high)
    is_drafted = _numbers((gain >= low) & (gain < high) & np.isfinite(said.draft))
    found = walk(_limits(evidence, is_direct, is_drafted), choice.target)
    saved = choice.cloud_share - found.measured.cloud_share
    if found.worst_case < choice.target or saved < LEAST_SAVED:
        return None
    return DraftChoice(
        low=low,
        threshold=found.limit,
        drafted=evidence.share(is_drafted),
        escalated=found.escalated,
        cloud_share=found.measured.cloud_share,
        quality=found.measured.quality,
        worst_case=found.measured.worst_case,
        high=high,
    )


def _has_drafts(evidence: Evidence) -> bool:
    """Whether nearly every turn has a local answer that somebody can judge."""
    enough(evidence.counts)
    return evidence.share(_numbers(np.isfinite(evidence.said.draft))) > NEARLY_ALL


def _limits(evidence: Evidence, is_direct: Floats, is_drafted: Floats) -> Iterator[_Drafted]:
    """From replacing every draft to replacing none."""
    draft = evidence.said.draft
    known = draft[is_drafted > 0]
    counts = evidence.counts[is_drafted > 0]
    for step in range(STEPS, -1, -1):
        limit = score_for(known, step / STEPS, counts) if len(known) else inf
        is_replaced = is_drafted * (draft >= limit)
        found = evidence.measured(is_direct + is_replaced)
        yield _Drafted(found.worst_case, limit, found, evidence.share(is_replaced))


def _numbers(which: NDArray[np.bool_]) -> Floats:
    return which.astype(np.float64)
