"""Intervals: what they cover, and that pairs are paired."""

from __future__ import annotations

import pytest

pytest.importorskip("sklearn", reason="the lab extra is not installed")

import numpy as np

from hal.lab.router.bootstrap import difference, drawn_curves, interval, resampled, wilson
from hal.lab.router.curve import Outcomes, apgr_of, quality_curve


def outcomes(seed: int, count: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores that know something, and the outcomes of both models."""
    random = np.random.default_rng(seed)
    hard = random.random(count)
    weak = (random.random(count) > hard).astype(float)
    return hard + random.normal(0, 0.3, count), weak, (random.random(count) < 0.9).astype(float)


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (8, 10, 0.4902, 0.9433), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilson_by_hand(right: int, count: int, low: float, high: float) -> None:
    found = wilson(right, count)
    assert (found.low, found.high) == (
        pytest.approx(low, abs=1e-4),
        pytest.approx(high, abs=1e-4),
    )


def test_an_interval_holds_its_value_and_is_repeatable() -> None:
    scores, weak, strong = outcomes(1)
    found = interval(apgr_of, scores, Outcomes(weak, strong), draws=200)
    assert found.low < found.value < found.high
    assert found == interval(apgr_of, scores, Outcomes(weak, strong), draws=200)


def test_intervals_of_a_mean_cover_it_about_95_times_in_100() -> None:
    hits = 0
    for seed in range(200):
        values = np.random.default_rng(seed).random(80)
        means = resampled(lambda at, values=values: values[at].mean(), 80, seed=seed, draws=200)
        low, high = np.quantile(means, (0.025, 0.975))
        hits += low <= 0.5 <= high
    assert 180 <= hits <= 198


def test_a_router_against_itself_differs_by_nothing() -> None:
    scores, weak, strong = outcomes(2)
    found = difference(apgr_of, scores, scores, Outcomes(weak, strong))
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_a_difference_is_narrower_than_two_intervals() -> None:
    scores, weak, strong = outcomes(3)
    slightly_worse = scores + np.random.default_rng(9).normal(0, 0.05, len(scores))
    one = interval(apgr_of, scores, Outcomes(weak, strong), draws=300)
    both = difference(apgr_of, scores, slightly_worse, Outcomes(weak, strong))
    assert both.high - both.low < (one.high - one.low) / 2


def test_conversations_are_drawn_whole() -> None:
    groups = np.repeat(np.arange(5), 3)

    def whole(at: np.ndarray) -> float:
        counts = np.bincount(groups[at], minlength=5)
        return float((counts % 3 == 0).all() and len(at) == 15)

    assert resampled(whole, 15, groups=groups, draws=50).all()


def test_correlated_turns_widen_the_interval() -> None:
    values = np.repeat(np.random.default_rng(4).random(30), 10)
    groups = np.repeat(np.arange(30), 10)
    alone = resampled(lambda at: values[at].mean(), 300, draws=300)
    together = resampled(lambda at: values[at].mean(), 300, groups=groups, draws=300)
    assert together.std() > 2 * alone.std()


@pytest.mark.parametrize("grouped", [False, True], ids=["prompts", "conversations"])
def test_sorting_once_gives_the_curves_of_the_same_samples(grouped: bool) -> None:
    random = np.random.default_rng(5)
    scores = random.integers(0, 9, 60).astype(float)  # with ties
    weak, strong = random.random(60), random.random(60)
    groups = np.arange(60) // 4 if grouped else None
    known = Outcomes(weak, strong, groups)

    def slowly(at: np.ndarray) -> np.ndarray:
        return quality_curve(scores[at], weak[at], strong[at]).quality

    wanted = resampled(slowly, 60, groups=groups, seed=2, draws=30)
    found = list(drawn_curves(scores, known, seed=2, draws=30))
    assert np.array([one.quality for one in found]) == pytest.approx(wanted)
    ends = [(one.weak, one.strong) for one in found]
    assert ends == [pytest.approx((row[0], row[-1])) for row in wanted]
