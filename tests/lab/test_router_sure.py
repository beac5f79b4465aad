"""When the classifier may be left out."""

from __future__ import annotations

import pytest

pytest.importorskip("sklearn", reason="the lab extra is not installed")

import numpy as np

from hal.lab.router.sure import choose_confidence


def turns(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A router that is as often right as it says, and a classifier that is right on 80 %."""
    random = np.random.default_rng(seed)
    confidence = random.uniform(0.5, 1.0, 2000)
    return confidence, random.random(2000) < confidence, random.random(2000) < 0.8


def test_it_is_skipped_where_the_router_is_as_good() -> None:
    confidence, learned, classifier = (one.astype(float) for one in turns(1))
    found = choose_confidence(confidence, learned, classifier)
    assert 0.1 < found.share < 0.9
    assert found.learned_right >= found.classifier_right - 0.02
    assert found.confidence > 0.55


def test_a_router_that_is_always_wrong_never_skips_it() -> None:
    confidence, _, classifier = (one.astype(float) for one in turns(2))
    found = choose_confidence(confidence, np.zeros(2000), classifier)
    assert (found.share, found.confidence) == (0.0, float("inf"))


def test_one_that_is_always_right_always_does() -> None:
    confidence, _, classifier = (one.astype(float) for one in turns(3))
    assert choose_confidence(confidence, np.ones(2000), classifier).share == 1.0


def test_few_turns_prove_nothing() -> None:
    confidence, _, classifier = (one[:40].astype(float) for one in turns(4))
    assert choose_confidence(confidence, np.ones(40), classifier).share == 0.0
