"""Cost-quality curves of a router and their numbers, by RouteLLM's definitions.

A router gives each prompt a score; prompts with the highest scores go to the strong (cloud) model.
Follows routellm/evals (lm-sys/RouteLLM, arXiv 2406.18665): eleven points at the deciles of the
scores, the area by trapezoids, CPT by linear interpolation. Two things are different: ties are
counted at their expectation over all orders, where pandas.qcut raises, and CPT is the first
crossing, where np.interp expects a curve that only rises. Knows nothing of how scores come about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# RouteLLM cuts the scores into ten equal parts.
POINTS = 11


@dataclass(frozen=True, slots=True)
class Curve:
    """Share of prompts sent to the strong model (0..1, rising) and mean quality at each share.

    `weak` and `strong` are the mean qualities of always-weak and always-strong.
    """

    share: Floats
    quality: Floats
    weak: float
    strong: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Qualities of both models, one entry per prompt. `groups` number conversations, whose turns
    are drawn together by a bootstrap; None where each prompt stands for itself.
    """

    weak: Floats
    strong: Floats
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.weak)

    def rows(self, at: NDArray[np.int64]) -> Outcomes:
        """Some of them, in the order of `at`."""
        groups = None if self.groups is None else self.groups[at]
        return Outcomes(self.weak[at], self.strong[at], groups)


def quality_curve(scores: Floats, weak: Floats, strong: Floats, points: int = POINTS) -> Curve:
    """The curve of a router. All three arrays have one entry per prompt; qualities on any scale.

    Raises ValueError for arrays of different lengths, empty ones and scores that are not finite.
    """
    _check(scores, weak, strong)
    gained = np.concatenate([[0.0], np.cumsum(_expected_gain(scores, strong - weak))])
    sent = np.linspace(0, len(scores), points)
    quality = weak.mean() + np.interp(sent, np.arange(len(gained)), gained) / len(scores)
    return Curve(sent / len(scores), quality, float(weak.mean()), float(strong.mean()))


@dataclass(frozen=True, slots=True)
class Ranking:
    """Prompts in the order of their scores, best first: sorted once for many curves.

    `ends` are the places behind each group of tied prompts, from 0 on.
    """

    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    weak: Floats
    gain: Floats

    def curve(self, counts: NDArray[np.int64], points: int = POINTS) -> Curve:
        """`quality_curve` of a sample in which prompt i is `counts[i]` times."""
        each = counts[self.order]
        total = each.sum()
        sent = np.concatenate([[0], np.cumsum(each)])[self.ends]
        gained = np.concatenate([[0.0], np.cumsum(each * self.gain)])[self.ends]
        weak = float(each @ self.weak / total)
        at = np.linspace(0, total, points)
        quality = weak + np.interp(at, sent, gained) / total
        return Curve(at / total, quality, weak, weak + float(gained[-1] / total))


def ranking(scores: Floats, outcomes: Outcomes) -> Ranking:
    """Raises as `quality_curve`."""
    _check(scores, outcomes.weak, outcomes.strong)
    order = np.argsort(-scores, kind="stable")
    steps = np.flatnonzero(np.diff(scores[order])) + 1
    weak = outcomes.weak[order]
    return Ranking(
        order=order,
        ends=np.concatenate([[0], steps, [len(scores)]]),
        weak=weak,
        gain=outcomes.strong[order] - weak,
    )


def apgr(curve: Curve) -> float:
    """Average performance gap recovered: 0 is always-weak, .5 random, 1 always-strong's quality.

    May exceed 1, where the strong model is worse on some prompts. NaN where both are equal.
    """
    gap = curve.strong - curve.weak
    area = float(np.trapezoid(curve.quality, curve.share))
    return (area - curve.weak) / gap if gap else float("nan")


def pgr(quality: float, weak: float, strong: float) -> float:
    """Performance gap recovered at one quality; NaN where both models are equal."""
    return (quality - weak) / (strong - weak) if strong != weak else float("nan")


def cpt(curve: Curve, share_of_gap: float) -> float:
    """Call-performance threshold: per cent of calls that the strong model needs for a PGR.

    `share_of_gap` is 0..1 (.5 for CPT50). The first crossing of the curve, between points by a
    straight line; 100 where the curve never gets there.
    """
    wanted = curve.weak + share_of_gap * (curve.strong - curve.weak)
    above = np.flatnonzero((curve.quality - wanted) * np.sign(curve.strong - curve.weak) >= 0)
    if len(above) == 0:
        return 100.0
    at = int(above[0])
    if at == 0:
        return 0.0
    low, high = curve.quality[at - 1], curve.quality[at]
    step = (wanted - low) / (high - low) if high != low else 1.0
    return float(100 * (curve.share[at - 1] + step * (curve.share[at] - curve.share[at - 1])))


def oracle_scores(weak: Floats, strong: Floats) -> Floats:
    """The best ranking there is: by what the strong model gains."""
    return strong - weak


def random_scores(count: int, seed: int) -> Floats:
    """A router that knows nothing."""
    return np.random.default_rng(seed).random(count)


def length_scores(prompts: list[str]) -> Floats:
    """The baseline without any training: the longer, the harder."""
    return np.array([len(prompt) for prompt in prompts], dtype=np.float64)


def _expected_gain(scores: Floats, gain: Floats) -> Floats:
    """Gains, best score first; tied prompts share their mean, which is the mean of all orders."""
    _, group, size = np.unique(-scores, return_inverse=True, return_counts=True)
    means = np.bincount(group, weights=gain, minlength=len(size)) / size
    return np.repeat(means, size)


def _check(scores: Floats, weak: Floats, strong: Floats) -> None:
    if not len(scores) == len(weak) == len(strong) > 0:
        raise ValueError("Scores and both qualities need one entry per prompt, and at least one.")
    if not np.isfinite(scores).all():
        raise ValueError("Scores must be finite numbers.")


# Of scores and both qualities.
Statistic = Callable[[Floats, Floats, Floats], float]


def apgr_of(scores: Floats, weak: Floats, strong: Floats) -> float:
    """`apgr` from the arrays, as a statistic for the bootstrap."""
    return apgr(quality_curve(scores, weak, strong))


def cpt50_of(scores: Floats, weak: Floats, strong: Floats) -> float:
    """CPT50 in per cent of calls."""
    return cpt(quality_curve(scores, weak, strong), 0.5)


def cpt80_of(scores: Floats, weak: Floats, strong: Floats) -> float:
    """CPT80 in per cent of calls."""
    return cpt(quality_curve(scores, weak, strong), 0.8)
