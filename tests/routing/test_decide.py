"""Thresholds, stickiness and the default decision."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.routing.decide import Verdict, decide, default_decision
from hal.types import DIFFICULTIES, Route, Source
from tests.core.things import DEFAULTS, fixed

RULES = replace(DEFAULTS.routing, search_confidence=0.6, sticky=True, sticky_confidence=0.75)
S, M, C = DIFFICULTIES


def verdict(simple: float, moderate: float, complex_: float, search: float = 0.1) -> Verdict:
    return Verdict({S: simple, M: moderate, C: complex_}, search, "classify@1+ab", True, 12.0)


CASES = [
    pytest.param((0.8, 0.1, 0.1), 0.1, None, S, 0.8, Source.CLASSIFIER, id="likeliest"),
    pytest.param((0.1, 0.2, 0.7), 0.1, None, C, 0.7, Source.CLASSIFIER, id="complex"),
    pytest.param(
        (0.1, 0.2, 0.7), 0.6, None, Route.ENRICH, 0.6, Source.CLASSIFIER, id="search at threshold"
    ),
    pytest.param((0.1, 0.2, 0.7), 0.59, None, C, 0.7, Source.CLASSIFIER, id="search below it"),
    pytest.param((0.1, 0.2, 0.7), 0.1, M, M, 0.7, Source.STICKY, id="no clear change"),
    pytest.param((0.05, 0.2, 0.75), 0.1, M, C, 0.75, Source.CLASSIFIER, id="a clear change"),
    pytest.param((0.1, 0.2, 0.7), 0.1, C, C, 0.7, Source.CLASSIFIER, id="no change at all"),
    pytest.param(
        (0.1, 0.2, 0.7), 0.9, M, Route.ENRICH, 0.9, Source.CLASSIFIER, id="search beats the chat"
    ),
    pytest.param(
        (0.1, 0.2, 0.7), 0.1, Route.ENRICH, C, 0.7, Source.CLASSIFIER, id="nobody sticks to ENRICH"
    ),
    pytest.param(
        (0.1, 0.2, 0.7), 0.1, Route.META, C, 0.7, Source.CLASSIFIER, id="nobody sticks to META"
    ),
    pytest.param((0.4, 0.4, 0.2), 0.1, None, S, 0.4, Source.CLASSIFIER, id="a tie: the easier one"),
]


@pytest.mark.parametrize(
    ("difficulty", "search", "previous", "route", "confidence", "source"), CASES
)
def test_decisions(
    difficulty: tuple[float, float, float],
    search: float,
    previous: Route | None,
    route: Route,
    confidence: float,
    source: Source,
) -> None:
    found = decide(verdict(*difficulty, search), previous, RULES)
    assert (found.route, found.confidence, found.source) == (route, confidence, source)


def test_sticky_off_follows_the_classifier() -> None:
    found = decide(verdict(0.1, 0.4, 0.5), S, replace(RULES, sticky=False))
    assert (found.route, found.source) == (C, Source.CLASSIFIER)


def test_a_sticky_reason_names_what_the_turn_looked_like() -> None:
    found = decide(verdict(0.1, 0.2, 0.7), S, RULES)
    assert "beyond the local model at 0.70" in found.reason


def test_the_decision_carries_the_evidence() -> None:
    given_ = replace(verdict(0.2, 0.3, 0.5, 0.25), degraded="classifier_without_logprobs")
    found = decide(given_, None, RULES)
    assert found.needs_search == 0.25
    assert found.degraded == "classifier_without_logprobs"
    assert (found.prompt_id, found.latency_ms) == ("classify@1+ab", 12.0)


def test_nobody_could_decide() -> None:
    found = default_decision("classifier_timeout", "no decision within 3 s", 3000.0)
    assert (found.route, found.source, found.confidence) == (M, Source.DEFAULT, 0.0)
    assert (found.degraded, found.reason) == ("classifier_timeout", "no decision within 3 s")
    assert found.latency_ms == 3000.0


weights = st.tuples(*[st.floats(0.001, 1.0)] * 3)


@fixed
@given(weights=weights, search=st.floats(0, 1), previous=st.sampled_from([None, *Route]))
def test_always_a_route_and_one_distribution(
    weights: tuple[float, float, float], search: float, previous: Route | None
) -> None:
    total = sum(weights)
    found = decide(verdict(*(w / total for w in weights), search), previous, RULES)
    assert found.route in {*DIFFICULTIES, Route.ENRICH}
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    assert set(found.probabilities) == {str(route) for route in (*DIFFICULTIES, Route.ENRICH)}
