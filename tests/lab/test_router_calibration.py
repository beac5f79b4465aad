"""Probabilities against outcomes: by hand, and on simulated ones."""

from __future__ import annotations

import pytest

pytest.importorskip("sklearn", reason="the lab extra is not installed")

import numpy as np

from hal.lab.router.calibration import (
    brier,
    confusion,
    expected_calibration_error,
    recalls,
    reliability,
)


def test_brier_by_hand() -> None:
    assert brier(np.array([1.0, 0.0, 0.5]), np.array([1.0, 1.0, 1.0])) == pytest.approx(1.25 / 3)


def test_calibration_error_by_hand() -> None:
    p = np.array([0.2, 0.2, 0.2, 0.2, 0.9, 0.9, 0.9, 0.9])
    happened = np.array([0, 0, 0, 1, 1, 1, 0, 0], dtype=np.float64)
    assert expected_calibration_error(p, happened, 2) == pytest.approx(0.5 * 0.05 + 0.5 * 0.4)
    first, second = reliability(p, happened, 2)
    assert (first.count, first.said, first.came.value) == (4, pytest.approx(0.2), 0.25)
    assert (second.count, second.said, second.came.value) == (4, pytest.approx(0.9), 0.5)


def test_equal_probabilities_share_a_bin() -> None:
    (only,) = reliability(np.full(50, 0.7), np.ones(50))
    assert (only.count, only.came.value) == (50, 1.0)


def test_no_turns_have_no_bins() -> None:
    assert reliability(np.array([]), np.array([])) == ()
    assert expected_calibration_error(np.array([]), np.array([])) == 0


def test_true_probabilities_are_calibrated_and_sharpened_ones_are_not() -> None:
    random = np.random.default_rng(5)
    p = random.uniform(0.1, 0.9, 20_000)
    happened = (random.random(20_000) < p).astype(np.float64)
    too_sure = p**3 / (p**3 + (1 - p) ** 3)
    assert expected_calibration_error(p, happened) < 0.015
    assert expected_calibration_error(too_sure, happened) > 0.08
    assert brier(p, happened) < brier(too_sure, happened)


def test_confusions_and_recall() -> None:
    counts = confusion(["A", "A", "B", "B", "B"], ["A", "B", "B", "B", "A"], ["A", "B", "C"])
    assert counts["A"] == {"A": 1, "B": 1, "C": 0}
    found = recalls(counts)
    assert set(found) == {"A", "B"}
    assert found["B"].value == pytest.approx(2 / 3)
    with pytest.raises(KeyError):
        confusion(["A"], ["D"], ["A"])
