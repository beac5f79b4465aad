"""Curves and their numbers: hand-computed examples, and what holds for any outcomes."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="the lab extra is not installed")

import numpy as np

from hal.lab.router.curve import (
    Curve,
    apgr,
    apgr_of,
    cpt,
    cpt50_of,
    cpt80_of,
    length_scores,
    oracle_scores,
    pgr,
    quality_curve,
    random_scores,
)

# Ten prompts: the weak model is right on the last six, the strong one on all but the last.
WEAK = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1], dtype=np.float64)
STRONG = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 0], dtype=np.float64)
DESCENDING = np.arange(10, 0, -1, dtype=np.float64)


def test_a_curve_by_hand() -> None:
    curve = quality_curve(DESCENDING, WEAK, STRONG)
    assert curve.share == pytest.approx(np.linspace(0, 1, 11))
    assert curve.quality == pytest.approx([0.6, 0.7, 0.8, 0.9, 1, 1, 1, 1, 1, 1, 0.9])
    # Trapezoids of a tenth: the sum less half of both ends, .6 and .9.
    assert np.trapezoid(curve.quality, curve.share) == pytest.approx(0.915)
    assert apgr(curve) == pytest.approx((0.915 - 0.6) / 0.3)


def test_the_call_thresholds_by_hand() -> None:
    curve = quality_curve(DESCENDING, WEAK, STRONG)
    assert cpt(curve, 0.5) == pytest.approx(15)  # .75, half-way between one and two calls of ten
    assert cpt(curve, 0.8) == pytest.approx(24)
    assert cpt(curve, 0.0) == 0
    assert cpt50_of(DESCENDING, WEAK, STRONG) == pytest.approx(15)
    assert cpt80_of(DESCENDING, WEAK, STRONG) == pytest.approx(24)


def test_a_curve_that_dips_counts_its_first_crossing() -> None:
    curve = Curve(np.linspace(0, 1, 5), np.array([0.0, 0.6, 0.2, 0.4, 1.0]), 0.0, 1.0)
    assert cpt(curve, 0.5) == pytest.approx(25 * 0.5 / 0.6)


def test_equal_scores_are_a_straight_line() -> None:
    curve = quality_curve(np.zeros(10), WEAK, STRONG)
    assert curve.quality == pytest.approx(np.linspace(0.6, 0.9, 11))
    assert apgr(curve) == pytest.approx(0.5)
    assert cpt(curve, 0.8) == pytest.approx(80)


def test_ties_are_worth_the_mean_of_their_orders() -> None:
    scores = np.array([2, 2, 1, 1], dtype=np.float64)
    weak, strong = np.zeros(4), np.array([1.0, 0, 1, 0])
    curve = quality_curve(scores, weak, strong, points=5)
    orders = [[0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2], [1, 0, 3, 2]]
    by_hand = np.mean([np.cumsum(np.r_[0, strong[order]]) / 4 for order in orders], axis=0)
    assert curve.quality == pytest.approx(by_hand)


def test_decile_points_agree_with_routellm() -> None:
    """Its own way, on scores without ties: strong where the score reaches a decile edge."""
    random = np.random.default_rng(3)
    scores, weak = random.random(1001), (random.random(1001) < 0.6).astype(float)
    strong = (random.random(1001) < 0.8).astype(float)
    edges = np.quantile(scores, np.linspace(0, 1, 11))
    shares, qualities = [], []
    for number, edge in enumerate(edges):
        is_strong = scores >= edge if number < 10 else scores > edge
        shares.append(is_strong.mean())
        qualities.append(np.where(is_strong, strong, weak).mean())
    area = -np.trapezoid(qualities, shares)
    theirs = (area - weak.mean()) / (strong.mean() - weak.mean())
    assert apgr_of(scores, weak, strong) == pytest.approx(theirs, abs=0.005)


def test_recovered_gap() -> None:
    assert pgr(0.75, 0.6, 0.9) == pytest.approx(0.5)
    assert np.isnan(pgr(0.75, 0.6, 0.6))


def test_equal_models_have_no_gap() -> None:
    assert np.isnan(apgr_of(DESCENDING, WEAK, WEAK))


@pytest.mark.parametrize(
    ("scores", "weak"),
    [([], []), ([1.0, 2.0], [1.0]), ([float("nan")], [1.0]), ([float("inf")], [1.0])],
    ids=["empty", "lengths", "nan", "infinite"],
)
def test_what_is_no_curve(scores: list[float], weak: list[float]) -> None:
    with pytest.raises(ValueError, match=r"Scores"):
        quality_curve(np.array(scores), np.array(weak), np.array(weak))


OUTCOMES = st.lists(
    st.tuples(st.integers(0, 5), st.booleans(), st.booleans()), min_size=2, max_size=60
)


@given(OUTCOMES)
def test_nothing_beats_the_oracle(rows: list[tuple[int, bool, bool]]) -> None:
    scores, weak, strong = (
        np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)
    )
    best = quality_curve(oracle_scores(weak, strong), weak, strong)
    assert (quality_curve(scores, weak, strong).quality <= best.quality + 1e-9).all()


@given(OUTCOMES)
def test_only_the_order_of_scores_counts(rows: list[tuple[int, bool, bool]]) -> None:
    scores, weak, strong = (
        np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)
    )
    bent = np.exp(scores / 3) - 100
    assert quality_curve(bent, weak, strong).quality == pytest.approx(
        quality_curve(scores, weak, strong).quality
    )


@given(OUTCOMES)
def test_a_ranking_and_its_reverse_add_up_to_one(rows: list[tuple[int, bool, bool]]) -> None:
    scores, weak, strong = (
        np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)
    )
    assume(weak.mean() != strong.mean())
    both = apgr_of(scores, weak, strong) + apgr_of(-scores, weak, strong)
    assert both == pytest.approx(1)


def test_random_scores_recover_half() -> None:
    random = np.random.default_rng(99)
    weak = (random.random(4000) < 0.6).astype(float)
    strong = (random.random(4000) < 0.8).astype(float)
    found = [apgr_of(random_scores(4000, seed), weak, strong) for seed in range(20)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)


def test_length_counts_characters() -> None:
    assert length_scores(["", "ab", "Grüße"]).tolist() == [0, 2, 5]
