"""Promises: kept with a margin, refused without data; and when a fitted router may take over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="the lab extra is not installed")

import numpy as np

from hal.lab.router.curve import Outcomes
from hal.lab.router.takeover import area, takes_over
from hal.lab.router.target import (
    TooFewTurns,
    choose_threshold,
    measure,
    score_for,
    threshold_for_share,
)


def log(count: int, seed: int, skill: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of a router that knows `skill` of how hard each turn is; outcomes of both models."""
    random = np.random.default_rng(seed)
    hard = random.random(count)
    local = (random.random(count) > 0.7 * hard).astype(float)
    cloud = (random.random(count) > 0.2 * hard).astype(float)
    return skill * hard + (1 - skill) * random.random(count), local, cloud


def test_a_threshold_by_hand() -> None:
    """Turns 0..299 are right on both, the 100 with the highest scores only in the cloud."""
    scores = np.arange(400, dtype=np.float64)
    local, cloud = (scores < 300).astype(float), np.ones(400)
    chosen = choose_threshold(scores, local, cloud, 1.0)
    assert (chosen.cloud_share, chosen.quality, chosen.worst_case) == (0.26, 1.0, 1.0)
    assert chosen.score == 296  # a quarter is between two steps of the walk
    cheap = choose_threshold(scores, local, cloud, 0.8)
    assert cheap.cloud_share < 0.12
    assert 0.8 <= cheap.worst_case <= cheap.quality


def test_a_promise_is_kept_on_other_turns() -> None:
    kept, shares = 0, []
    scores, local, cloud = log(20_000, 1)
    for seed in range(200):
        chosen_on = np.random.default_rng(seed).choice(20_000, 1000, replace=False)
        chosen = choose_threshold(scores[chosen_on], local[chosen_on], cloud[chosen_on], 0.95)
        got = np.where(scores >= chosen.score, cloud, local).mean() / cloud.mean()
        kept += got >= 0.95
        shares.append(chosen.cloud_share)
    assert kept >= 190
    assert np.mean(shares) < 0.9


def test_a_better_router_keeps_the_promise_for_less() -> None:
    shares = [choose_threshold(*log(3000, 2, skill), 0.95).cloud_share for skill in (1.0, 0.5, 0.0)]
    assert shares[0] < shares[1] < shares[2]


def test_below_the_minimum_it_says_how_many_are_missing() -> None:
    scores, local, cloud = log(120, 3)
    with pytest.raises(TooFewTurns, match="180 are missing") as refused:
        choose_threshold(scores, local, cloud)
    assert refused.value.missing == 180
    with pytest.raises(TooFewTurns):
        threshold_for_share(scores, local, cloud, 0.1)


@pytest.mark.parametrize("target", [0.0, -1.0, 1.01, float("nan")])
def test_what_is_no_target(target: float) -> None:
    with pytest.raises(ValueError, match="quality target"):
        choose_threshold(*log(400, 4), target)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share(share: float) -> None:
    with pytest.raises(ValueError, match="share of cloud turns"):
        threshold_for_share(*log(400, 4), share)


def test_a_cloud_that_is_never_right_needs_no_cloud() -> None:
    scores, local, _ = log(400, 5)
    assert choose_threshold(scores, local, np.zeros(400)).quality == 1.0


@given(st.floats(0, 1), st.lists(st.integers(0, 4), min_size=300, max_size=320))
def test_a_share_is_never_exceeded(share: float, places: list[int]) -> None:
    scores = np.array(places, dtype=np.float64)
    outcome = np.ones(len(scores))
    found = threshold_for_share(scores, outcome, outcome, share)
    assert found.cloud_share <= share + 1e-9
    assert found.cloud_share == pytest.approx(float((scores >= found.score).mean()))


@pytest.mark.parametrize(("share", "score"), [(0.0, float("inf")), (1.0, float("-inf"))])
def test_nothing_and_everything(share: float, score: float) -> None:
    assert threshold_for_share(*log(400, 6), share).score == score


def test_a_router_that_knows_more_takes_over() -> None:
    scores, local, cloud = log(1500, 7)
    prior, _, _ = log(1500, 7, skill=0.3)
    verdict = takes_over(prior, scores, Outcomes(local, cloud), draws=300)
    assert verdict.takes_over
    assert verdict.difference_low > 0
    assert verdict.learned_apgr > verdict.prior_apgr > 0.5


@pytest.mark.parametrize("learned", ["the same", "noise"])
def test_one_that_does_not_stays_out(learned: str) -> None:
    scores, local, cloud = log(1500, 8)
    other = scores if learned == "the same" else np.random.default_rng(1).random(1500)
    verdict = takes_over(scores, other, Outcomes(local, cloud), draws=300)
    assert not verdict.takes_over
    assert "decides now" in verdict.reason


def test_noise_does_not_replace_a_prior_that_is_wrong_today() -> None:
    """Better than a bad prior is not enough: it must be better than chance."""
    scores, local, cloud = log(2000, 9)
    noise = np.random.default_rng(2).random(2000)
    verdict = takes_over(-scores, noise, Outcomes(local, cloud), draws=300)
    assert verdict.difference_low > 0
    assert not verdict.takes_over
    assert "chance" in verdict.reason


def test_few_turns_are_named() -> None:
    scores, local, cloud = log(100, 10)
    verdict = takes_over(scores, scores, Outcomes(local, cloud))
    assert not verdict.takes_over
    assert "200 held-out turns" in verdict.reason


def test_shuffled_outcomes_seldom_let_a_router_in() -> None:
    prior, local, cloud = log(400, 11)
    taken = 0
    for seed in range(100):
        mixed = np.random.default_rng(seed).permutation(400)
        learned = np.random.default_rng(seed + 1000).random(400)
        dealt = Outcomes(local[mixed], cloud[mixed])
        taken += takes_over(prior, learned, dealt, seed, draws=100).takes_over
    assert taken <= 5


def test_the_area_of_a_flat_ranking_is_nothing() -> None:
    _, local, cloud = log(500, 12)
    assert area(np.zeros(500), local, cloud) == pytest.approx(0, abs=1e-12)


def test_turns_of_one_conversation_count_less() -> None:
    """The same outcomes, once each and forty times each: the second are not forty proofs."""
    scores, local, cloud = log(60, 13)
    prior, _, _ = log(60, 13, skill=0.5)
    often = np.repeat(np.arange(60), 40)
    outcomes = Outcomes(local[often], cloud[often])
    alone = takes_over(prior[often], scores[often], outcomes, draws=200)
    grouped = Outcomes(local[often], cloud[often], often)
    together = takes_over(prior[often], scores[often], grouped, draws=200)
    assert together.difference_low < alone.difference_low


counted = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), min_size=1, max_size=60)


@given(counted, st.floats(0, 1))
def test_a_share_by_weight_is_never_exceeded_and_as_large_as_ties_allow(
    turns: list[tuple[int, int]], share: float
) -> None:
    scores, counts = (np.array(one, dtype=np.float64) for one in zip(*turns, strict=True))
    limit = score_for(scores, share, counts)
    taken = counts[scores >= limit].sum()
    assert taken <= share * counts.sum() + 1e-6
    rest = scores[scores < limit]
    if len(rest):
        assert counts[scores >= rest.max()].sum() > share * counts.sum()


@given(counted, st.integers(0, 9))
def test_a_turn_that_counts_twice_is_two_turns(turns: list[tuple[int, int]], limit: int) -> None:
    """Shares and qualities are those of the repeated turns; intervals are wider, as they should be:
    the same turn twice is no second witness."""
    scores, counts = (np.array(one, dtype=np.float64) for one in zip(*turns, strict=True))
    local, cloud = scores % 2, np.ones(len(scores))
    is_cloud = (scores >= limit).astype(float)
    by_weight = measure(is_cloud, local, cloud, counts)
    times = counts.astype(int)
    whole = (np.repeat(one, times) for one in (is_cloud, local, cloud))
    repeated = measure(*whole, np.ones(int(times.sum())))
    assert by_weight.cloud_share == pytest.approx(repeated.cloud_share)
    assert by_weight.quality == pytest.approx(repeated.quality)
    if len(turns) > 1:
        assert by_weight.worst_case <= repeated.worst_case + 1e-9
