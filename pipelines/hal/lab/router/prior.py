"""Fits the prior that is shipped: what length and a few other marks say before anything is learned.

Trained on several benchmarks at once, each centred on itself, so that it learns what makes a prompt
harder than others of its kind and not which benchmark it is from. Few features, because only these
mean the same in an exam and in a chat. Knows nothing of the user's own turns.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from ...routing.learned.surface import SURFACE
from ...routing.learned.weights import PROMPT, Head, Link, Stack, Weights
from .curve import Floats
from .examples import Examples
from .features import read_prompts, standardise
from .ridge import SMALLEST_SCALE

# Left out: line breaks, list items, gaps and marks, which tell a multiple-choice exam from a chat.
FEATURES = ("log_characters", "log_numbers", "log_commas", "long_word_share")
# Against thousands of labels and four features it hardly matters.
PENALTY = 300.0


def fit_prior(benchmarks: Sequence[Examples], made: Mapping[str, str]) -> Weights:
    """Weights with surface features alone; every example needs both outcomes."""
    measured = [read_prompts(one.texts, {}).surface for one in benchmarks]
    mean = np.mean([numbers.mean(axis=0) for numbers in measured], axis=0)
    scale = np.maximum(
        np.mean([numbers.std(axis=0) for numbers in measured], axis=0), SMALLEST_SCALE
    )
    standard = [standardise(numbers, mean, scale) for numbers in measured]
    local = [one.local_ok for one in benchmarks]
    gain = [one.cloud_ok - one.local_ok for one in benchmarks]
    return Weights(
        vocabulary={},
        surface_mean=tuple(map(float, mean)),
        surface_scale=tuple(map(float, scale)),
        embedding_model="",
        local_ok=_head(standard, local, Link.LOGISTIC, -1.0),
        gain=_head(standard, gain, Link.IDENTITY, 1.0),
        needs_search=None,
        draft=None,
        made=dict(made),
    )


def _head(standard: Sequence[Floats], outcomes: Sequence[Floats], link: Link, sign: float) -> Head:
    """`sign`: whether what makes a prompt harder raises or lowers the outcome; nothing may do the
    opposite, as two features that say nearly the same otherwise take opposite sides.
    """
    chosen = [SURFACE.index(name) for name in FEATURES]
    features = np.concatenate([(one - one.mean(axis=0))[:, chosen] for one in standard])
    wanted = np.concatenate([one - one.mean() for one in outcomes])
    counts = np.concatenate([np.full(len(one), 1 / len(one)) for one in outcomes])
    counts *= len(wanted) / counts.sum()
    model = Ridge(alpha=PENALTY, positive=True)
    model.fit(features, sign * wanted, sample_weight=counts)
    slopes = np.zeros(len(SURFACE))
    slopes[chosen] = sign * model.coef_
    scores = [one @ slopes for one in standard]
    bias, slope = _calibrated(scores, np.concatenate(outcomes), link, counts)
    return Head(
        link=link,
        surface=tuple(map(float, slopes)),
        words=array("f"),
        pairs=array("f"),
        parts=array("f"),
        pieces=array("f"),
        embedding=(),
        stacks=(Stack((PROMPT,), bias, (slope,)),),
    )


def _calibrated(
    scores: Sequence[Floats], outcomes: Floats, link: Link, counts: Floats
) -> tuple[float, float]:
    """A level over all benchmarks, and a slope within them: an easy benchmark with long prompts
    must not turn it round.
    """
    middle = float(np.average(np.concatenate(scores), weights=counts))
    if link is Link.IDENTITY:
        return float(np.average(outcomes, weights=counts)) - middle, 1.0
    centred = np.concatenate([one - one.mean() for one in scores])
    spread = max(float(centred.std()), SMALLEST_SCALE)
    model = LogisticRegression()
    model.fit((centred / spread)[:, None], outcomes > 0.5, sample_weight=counts)
    slope = float(model.coef_[0][0]) / spread
    return float(model.intercept_[0]) - slope * middle, slope
