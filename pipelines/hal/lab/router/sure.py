"""How sure the learned router must be for the language model's classifier to be left out.

The confidence from which on the learned router is not worse than the classifier, tested from the
surest turns downwards (fixed-sequence, as in `target.py`). Knows no features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bootstrap import Z_ONE_SIDED
from .curve import Floats
from .target import STEPS

# A difference of two turns in a hundred is not noticed; the time of a classifier is, in every turn.
MARGIN = 0.02
# Below, "not worse" cannot be told from "nobody knows".
LEAST_SURE_TURNS = 50


@dataclass(frozen=True, slots=True)
class Sure:
    """From `confidence` on the classifier is skipped (infinity: never), on `share` of the turns;
    on those, the learned router was right so often, and the classifier so often.
    """

    confidence: float
    share: float
    learned_right: float
    classifier_right: float


def choose_confidence(
    confidence: Floats, learned_right: Floats, classifier_right: Floats, margin: float = MARGIN
) -> Sure:
    """All three have one entry per turn that neither was fitted on; rights are 0 or 1."""
    chosen = Sure(float("inf"), 0.0, float("nan"), float("nan"))
    for step in range(1, STEPS + 1):
        limit = float(np.quantile(confidence, 1 - step / STEPS))
        is_sure = confidence >= limit
        if is_sure.sum() < LEAST_SURE_TURNS:
            continue
        learned, classifier = learned_right[is_sure], classifier_right[is_sure]
        difference = learned - classifier
        spread = float(difference.std(ddof=1)) / np.sqrt(len(difference))
        if difference.mean() - Z_ONE_SIDED * spread < -margin:
            break
        chosen = Sure(limit, float(is_sure.mean()), float(learned.mean()), float(classifier.mean()))
    return chosen
