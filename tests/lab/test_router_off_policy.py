"""Off-policy estimates on simulated logs, where the truth is known."""

from __future__ import annotations

import pytest

pytest.importorskip("sklearn", reason="the lab extra is not installed")

import numpy as np

from hal.lab.router.off_policy import (
    LARGEST_WEIGHT,
    Logged,
    TooFewEffectiveTurns,
    effective_turns,
    estimate,
)


def world(count: int, seed: int, explores: float = 0.3) -> tuple[Logged, np.ndarray, np.ndarray]:
    """A log, the chance of a reward of both actions per turn, and how hard each turn is."""
    random = np.random.default_rng(seed)
    hard = random.random(count)
    chance = np.column_stack([1 - 0.8 * hard, np.full(count, 0.7)])
    prefers = (hard > 0.8).astype(np.int64)
    other = random.random(count) < explores
    actions = np.where(other, 1 - prefers, prefers)
    propensities = np.where(other, explores, 1 - explores)
    rewards = (random.random(count) < chance[np.arange(count), actions]).astype(float)
    return Logged(actions, propensities, rewards), chance, hard


def policy(hard: np.ndarray, threshold: float) -> np.ndarray:
    cloud = (hard > threshold).astype(float)
    return np.column_stack([1 - cloud, cloud])


@pytest.mark.parametrize("model", ["right", "wrong", "none"])
def test_estimates_cover_the_truth(model: str) -> None:
    covered = np.zeros(3)
    for seed in range(100):
        logged, chance, hard = world(1500, seed)
        candidate = policy(hard, 0.4)
        truth = (candidate * chance).sum(axis=1).mean()
        expected = {"right": chance, "wrong": 1 - chance, "none": np.zeros_like(chance)}[model]
        found = estimate(logged, candidate, expected)
        for at, one in enumerate((found.ips, found.snips, found.doubly_robust)):
            covered[at] += one.low <= truth <= one.high
    assert (covered >= 88).all()


def test_a_good_model_narrows_the_interval() -> None:
    logged, chance, hard = world(3000, 1)
    candidate = policy(hard, 0.4)
    found = estimate(logged, candidate, chance)
    assert found.doubly_robust.high - found.doubly_robust.low < found.ips.high - found.ips.low


def test_the_same_policy_is_worth_what_it_got() -> None:
    logged, chance, _ = world(500, 2, explores=0.5)
    found = estimate(logged, np.full((500, 2), 0.5), np.zeros_like(chance))
    assert found.ips.value == pytest.approx(found.logged)
    assert found.snips.value == pytest.approx(found.logged)
    assert found.effective_turns == pytest.approx(500)


def test_without_exploration_it_refuses() -> None:
    logged, chance, hard = world(400, 3, explores=0.02)
    with pytest.raises(TooFewEffectiveTurns, match="100 are needed"):
        estimate(logged, policy(hard, 1.1)[:, ::-1], chance)


def test_large_weights_are_cut_and_told() -> None:
    logged, chance, hard = world(20_000, 4, explores=0.03)
    found = estimate(logged, policy(hard, 0.4), chance)
    assert LARGEST_WEIGHT < 1 / 0.03
    assert found.clipped_share > 0.005


@pytest.mark.parametrize(
    ("weights", "turns"), [([1, 1, 1, 1], 4), ([1, 0, 0, 0], 1), ([0, 0], 0), ([2, 2], 2)]
)
def test_effective_turns_by_hand(weights: list[float], turns: float) -> None:
    assert effective_turns(np.array(weights, dtype=np.float64)) == turns


def broken(**changes: object) -> tuple[Logged, np.ndarray, np.ndarray]:
    parts: dict[str, object] = {
        "actions": np.zeros(4, dtype=np.int64),
        "propensities": np.full(4, 0.5),
        "rewards": np.ones(4),
        "candidate": np.full((4, 2), 0.5),
        "expected": np.zeros((4, 2)),
    }
    parts |= changes
    candidate, expected = parts.pop("candidate"), parts.pop("expected")
    return Logged(**parts), candidate, expected  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"propensities": np.array([0.5, 0.5, 0.5, 0.0])}, "above 0"),
        ({"propensities": np.array([0.5, 0.5, 0.5, 1.5])}, "at most 1"),
        ({"propensities": np.full(3, 0.5)}, "one entry per turn"),
        ({"candidate": np.full((4, 2), 0.4)}, "add up to 1"),
        ({"candidate": np.full((3, 2), 0.5)}, "one row per turn"),
        ({"expected": np.zeros((4, 3))}, "one row per turn"),
    ],
    ids=["never done", "more than sure", "too few", "not a policy", "rows", "columns"],
)
def test_what_cannot_be(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        estimate(*broken(**changes))
