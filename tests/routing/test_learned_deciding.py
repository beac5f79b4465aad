"""From what the learned router expects to a decision, and to what becomes of a draft."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from hal.routing.decide import Verdict
from hal.routing.explore import explore
from hal.routing.learned.calibration import Choice, DraftChoice
from hal.routing.learned.deciding import Boundary
from hal.routing.learned.predict import LearnedRouter
from hal.types import Decision, Route, Source
from tests.core.things import DEFAULTS, decision
from tests.routing.learned_weights import by_length

SETTINGS = replace(DEFAULTS.routing, sticky=True)
SHORT, MIDDLE = "Hi there!", "How do swifts sleep while they are on the wing at night?"
LONG = "Prove that there are infinitely many primes of the form 4k + 3. " * 6
CHOICE = Choice(0.95, 0.3, 0.2, 0.97, 0.95, margin=0.1)
DRAFTS = replace(CHOICE, draft=DraftChoice(0.1, 0.25, 0.3, 0.1, 0.15, 0.97, 0.95))


def boundary(
    text: str, choice: Choice = CHOICE, *, search: float | None = -6.0, **more: object
) -> Boundary:
    router = LearnedRouter(by_length(search=search, draft_bias=more.pop("draft_bias", None)))  # type: ignore[arg-type]
    return Boundary.of(router, "router+1", choice, text, drafts=bool(more.pop("drafts", False)))


def verdict(route: Route, p: float = 0.9, search: float = 0.02) -> Verdict:
    rest = (1 - p) / 2
    hard = {one: rest for one in (Route.SIMPLE, Route.MODERATE, Route.COMPLEX)} | {route: p}
    return Verdict(hard, search, "classify@1 search@1", True, 40.0)


def test_far_from_the_threshold_it_needs_nobody() -> None:
    for text, route in ((SHORT, Route.MODERATE), (LONG, Route.COMPLEX)):
        found = boundary(text)
        assert found.is_sure
        decided = found.decide(None, SETTINGS)
        assert (decided.route, decided.source) == (route, Source.LEARNED)
        assert (decided.router_id, decided.prompt_id) == ("router+1", None)
        assert decided.p_local_ok is not None
        p = decided.p_local_ok
        assert decided.confidence == pytest.approx(1 - p if route is Route.COMPLEX else p)
        assert f"{p:.0%}" in decided.reason


@pytest.mark.parametrize(
    ("text", "choice", "search"),
    [
        (MIDDLE, CHOICE, -6.0),
        (SHORT, replace(CHOICE, margin=inf), -6.0),
        (SHORT, CHOICE, None),
        (SHORT, CHOICE, 0.0),
    ],
    ids=["near", "never sure", "no search head", "may need a search"],
)
def test_otherwise_the_classifier_is_asked(text: str, choice: Choice, search: float | None) -> None:
    assert not boundary(text, choice, search=search).is_sure


@pytest.mark.parametrize("threshold", [inf, -inf], ids=["never", "always"])
def test_thresholds_without_end_decide(threshold: float) -> None:
    choice = replace(CHOICE, threshold=threshold)
    for text in (SHORT, LONG):
        decided = boundary(text, choice).decide(None, SETTINGS)
        assert (decided.route is Route.COMPLEX) == (threshold < 0)


def test_the_classifiers_word_counts_in_the_middle() -> None:
    near = boundary(MIDDLE)
    hard = near.decide(None, SETTINGS, verdict(Route.COMPLEX, 0.98))
    easy = near.decide(None, SETTINGS, verdict(Route.SIMPLE, 0.98))
    assert (hard.route, easy.route) == (Route.COMPLEX, Route.SIMPLE)
    assert {hard.source, easy.source} == {Source.LEARNED}
    assert (hard.prompt_id, hard.latency_ms) == ("classify@1 search@1", 40.0)
    assert near.decide(None, SETTINGS, verdict(Route.MODERATE)).route is Route.MODERATE


def test_its_limit_stands_above_the_classifiers_opinion() -> None:
    decided = boundary(SHORT).decide(None, SETTINGS, verdict(Route.COMPLEX, 0.7))
    assert decided.route is Route.MODERATE


def test_a_search_is_the_classifiers_to_ask_for_without_a_head_of_its_own() -> None:
    decided = boundary(SHORT, search=None).decide(None, SETTINGS, verdict(Route.SIMPLE, search=0.9))
    assert (decided.route, decided.needs_search) == (Route.ENRICH, 0.9)
    learned = boundary(SHORT, search=3.0).decide(None, SETTINGS, verdict(Route.SIMPLE, search=0.1))
    assert learned.route is Route.ENRICH


@pytest.mark.parametrize(
    ("previous", "route", "source"),
    [
        (None, Route.MODERATE, Source.LEARNED),
        (Route.COMPLEX, Route.COMPLEX, Source.STICKY),
        (Route.SIMPLE, Route.MODERATE, Source.LEARNED),
        (Route.ENRICH, Route.MODERATE, Source.LEARNED),
    ],
    ids=str,
)
def test_a_chat_keeps_its_model_over_a_small_difference(
    previous: Route | None, route: Route, source: Source
) -> None:
    near = boundary(MIDDLE, replace(CHOICE, threshold=0.22))
    assert abs(near.alone.gain - 0.22) < 0.05
    decided = near.decide(previous, SETTINGS)
    assert (decided.route, decided.source) == (route, source)
    free = near.decide(previous, replace(SETTINGS, sticky=False))
    assert free.source is Source.LEARNED


@pytest.mark.parametrize(
    ("text", "drafts", "choice", "expected"),
    [
        (MIDDLE, True, DRAFTS, True),
        (MIDDLE, False, DRAFTS, False),
        (MIDDLE, True, CHOICE, False),
        (SHORT, True, DRAFTS, False),
        (LONG, True, DRAFTS, False),
    ],
    ids=["in the band", "switched off", "not calibrated", "below", "above"],
)
def test_which_turns_are_drafted(text: str, drafts: bool, choice: Choice, expected: bool) -> None:
    assert boundary(text, choice, drafts=drafts).decide(None, SETTINGS).drafts is expected


def test_drafts_move_the_limit_to_the_cloud() -> None:
    assert DRAFTS.draft is not None
    moved = replace(DRAFTS, draft=replace(DRAFTS.draft, low=0.1, high=0.9))
    for drafts, route in ((True, Route.MODERATE), (False, Route.COMPLEX)):
        decided = boundary(LONG, moved, drafts=drafts).decide(None, SETTINGS)
        assert (decided.route, decided.drafts) == (route, drafts)
    short = boundary(SHORT, moved, drafts=True)
    assert short.is_sure is (abs(short.alone.gain - 0.1) >= moved.margin)


def test_which_drafts_are_replaced() -> None:
    for bias, expected in ((0.24, False), (0.25, True)):
        found = boundary(MIDDLE, DRAFTS, drafts=True, draft_bias=bias)
        assert found.replaces("On the wing.") is expected
    assert not boundary(MIDDLE, DRAFTS, drafts=True).replaces("Without draft heads.")
    assert not boundary(MIDDLE, CHOICE, drafts=True, draft_bias=9.0).replaces("Not calibrated.")


@pytest.mark.parametrize(
    ("given", "chance", "route", "propensity"),
    [
        (decision(Route.COMPLEX), 0.04, Route.MODERATE, 0.05),
        (decision(Route.SIMPLE), 0.04, Route.COMPLEX, 0.05),
        (decision(Route.SIMPLE), 0.05, Route.SIMPLE, 0.95),
        (decision(Route.ENRICH), 0.0, Route.ENRICH, 1.0),
        (decision(Route.COMPLEX, source=Source.OVERRIDE), 0.0, Route.COMPLEX, 1.0),
        (decision(Route.MODERATE, source=Source.STICKY), 0.0, Route.MODERATE, 1.0),
    ],
    ids=["down", "up", "as decided", "search", "command", "sticky"],
)
def test_exploration_and_its_propensity(
    given: Decision, chance: float, route: Route, propensity: float
) -> None:
    found = explore(given, 0.05, chance)
    assert (found.route, found.propensity) == (route, pytest.approx(propensity))
    assert (found.source is Source.EXPLORATION) == (found.route is not given.route)


def test_without_exploration_nothing_is_left_to_chance() -> None:
    assert explore(decision(), 0.0, 0.0) == decision()
