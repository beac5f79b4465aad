"""The plan as a full cross product, against a second, plainer statement of the same rules."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import NoTarget
from hal.gateway.ports import Level, Standing
from hal.routing.plan import NOT_SEARCHED, Demand, Offers, fits, make_plan
from hal.settings import CloudSettings
from hal.sizes import ANSWER_TOKENS
from hal.types import Decision, Findings, Plan, Route, Source, Target
from tests.core.things import CLOUD, CLOUD_ON, LOCAL, SIGHTED, SMALL, decision, fixed

BLIND_CLOUD = replace(CLOUD, model="grok-blind", can_see=False)
SECOND = replace(LOCAL, host="http://gpu2:11434")
THRESHOLD = CLOUD_ON.confidence
PRIVATE = Findings(must_stay_local=True, reasons=("file in this chat",), is_private=True)
PUBLIC = Findings()
FITTING, TOO_LONG = 100, 40_000


@dataclass(frozen=True)
class Case:
    """One point of the product."""

    decision: Decision
    findings: Findings
    offers: Offers
    demand: Demand
    cloud: CloudSettings

    def plan(self) -> Plan:
        return make_plan(self.decision, self.findings, self.offers, self.demand, self.cloud)

    @property
    def stays(self) -> bool:
        """Whether this turn must not reach a target that leaves the machine."""
        leaving = (Route.COMPLEX, Route.ENRICH)
        asked = self.decision.source is Source.OVERRIDE and self.decision.route not in leaving
        return self.decision.route is Route.META or asked or self.findings.must_stay_local

    @property
    def locals(self) -> list[Target]:
        if self.demand.needs_sight:
            return [self.offers.vision] if self.offers.vision else []
        if self.decision.route is Route.SIMPLE:
            first = [self.offers.simple] if self.offers.simple == SMALL else []
            return first + list(self.offers.main)
        return list(self.offers.main)

    @property
    def outside(self) -> list[Target]:
        if self.stays or self.offers.budget.level is Level.HARD:
            return []
        clouds = [t for t in self.offers.clouds if t.can_see or not self.demand.needs_sight]
        return clouds if clouds and clouds[0] == self.offers.clouds[0] else []

    @property
    def wants_cloud_first(self) -> bool:
        route, source, level = self.decision.route, self.decision.source, self.offers.budget.level
        if not any(fits(target, self.demand) for target in self.locals):
            return True
        if route is Route.COMPLEX and source is Source.OVERRIDE:
            return True
        if level is Level.SOFT:
            return False
        if route in (Route.SIMPLE, Route.MODERATE):
            return bool(self.offers.spill) and source is not Source.OVERRIDE
        goes_by_itself = source in (Source.STICKY, Source.LEARNED, Source.EXPLORATION)
        sure = self.decision.confidence >= self.cloud.confidence or goes_by_itself
        return route is Route.COMPLEX and (sure or self.cloud.when_unsure == "cloud")

    @property
    def drafts(self) -> bool:
        """A local answer is looked at first: only where another may follow, and fits."""
        fitting = any(fits(target, self.demand) for target in self.locals)
        is_free = self.offers.budget.level is Level.FREE
        return self.decision.drafts and is_free and fitting and bool(self.outside)

    @property
    def expected(self) -> list[Target]:
        if self.drafts:
            return self.locals + self.outside
        if self.wants_cloud_first:
            return self.outside + self.locals
        return self.locals + (self.outside if self.cloud.fallback else [])


def cases(route: Route, source: Source) -> Iterator[Case]:
    # How sure a decision is matters for COMPLEX alone; elsewhere it stands as it comes.
    hard = route is Route.COMPLEX
    may_draft = source is Source.LEARNED and route in (Route.SIMPLE, Route.MODERATE)
    for (
        drafts,
        confidence,
        findings,
        simple,
        vision,
        clouds,
        tokens,
        sight,
        unsure,
        fallback,
        level,
        spill,
    ) in itertools.product(
        (False, True) if may_draft else (False,),
        (THRESHOLD - 0.01, THRESHOLD) if hard else (THRESHOLD,),
        (PUBLIC, PRIVATE),
        (LOCAL, SMALL),
        (None, SIGHTED),
        ((), (CLOUD, BLIND_CLOUD), (BLIND_CLOUD,)),
        (FITTING, TOO_LONG),
        (False, True),
        ("local", "cloud") if hard else ("cloud",),
        (True, False),
        Level,
        ("", "3 turns are ahead"),
    ):
        yield Case(
            decision(route, source=source, confidence=confidence, drafts=drafts),
            findings,
            Offers((LOCAL, SECOND), simple, vision, clouds, Standing(level, level), spill),
            Demand(tokens, sight),
            replace(CLOUD_ON, when_unsure=unsure, fallback=fallback),
        )


@pytest.fixture(
    params=itertools.product(Route, Source), ids=lambda pair: f"{pair[0]}-{pair[1]}", scope="module"
)
def product(request: pytest.FixtureRequest) -> list[tuple[Case, Plan | None]]:
    """All cases of one route and source, each with its plan; None where nothing can answer."""
    found: list[tuple[Case, Plan | None]] = []
    for case in cases(*request.param):
        try:
            found.append((case, case.plan()))
        except NoTarget:
            found.append((case, None))
    return found


def test_targets_are_those_of_the_plain_rules(product: list[tuple[Case, Plan | None]]) -> None:
    for case, plan in product:
        assert list(plan.targets if plan else []) == case.expected, case


def test_a_draft_is_local_and_may_be_replaced(product: list[tuple[Case, Plan | None]]) -> None:
    for case, plan in product:
        if plan:
            assert plan.drafts == case.drafts, case
        if plan and plan.drafts:
            assert not plan.targets[0].leaves_machine
            assert plan.may_leave


def test_what_must_stay_never_has_a_target_that_leaves(
    product: list[tuple[Case, Plan | None]],
) -> None:
    for case, plan in product:
        if case.stays and plan:
            assert not plan.may_leave, case


def test_no_target_only_when_nothing_can(product: list[tuple[Case, Plan | None]]) -> None:
    for case, plan in product:
        assert (plan is None) == (not case.locals and not case.outside), case


def test_targets_are_unique_and_come_from_the_offers(
    product: list[tuple[Case, Plan | None]],
) -> None:
    for case, plan in product:
        targets = plan.targets if plan else ()
        offers = case.offers
        assert len(set(targets)) == len(targets), case
        known = {*offers.main, offers.simple, offers.vision, *offers.clouds}
        assert set(targets) <= known, case


def test_the_plan_carries_the_route(product: list[tuple[Case, Plan | None]]) -> None:
    for case, plan in product:
        if plan:
            assert plan.route is case.decision.route
            assert plan.enrich == (case.decision.route is Route.ENRICH)


def test_a_complex_turn_that_stays_here_says_why(product: list[tuple[Case, Plan | None]]) -> None:
    for case, plan in product:
        if plan and case.decision.route is Route.COMPLEX and not plan.targets[0].leaves_machine:
            assert plan.notes, case


def test_nothing_is_excused_when_the_cloud_answers(
    product: list[tuple[Case, Plan | None]],
) -> None:
    for case, plan in product:
        if plan and plan.targets[0].leaves_machine:
            excuses = {"too long for the local model", "spilled to the cloud: 3 turns are ahead"}
            assert set(plan.notes) <= excuses, case


def test_a_turn_that_stays_by_choice_says_so(product: list[tuple[Case, Plan | None]]) -> None:
    for case, plan in product:
        if plan and case.decision.route is not Route.META:
            assert bool(plan.stays_local) == case.stays, case
            assert plan.is_private == case.findings.must_stay_local


def test_money_that_is_used_up_has_no_exception(
    product: list[tuple[Case, Plan | None]],
) -> None:
    for case, plan in product:
        if plan and case.offers.budget.level is Level.HARD:
            assert not plan.may_leave, case


NOTES = [
    pytest.param({"findings": PRIVATE}, "kept local: file in this chat", id="private"),
    pytest.param({"clouds": ()}, "the cloud is off or has no key", id="no cloud"),
    pytest.param({"confidence": 0.1}, "not sure enough for the cloud", id="unsure"),
    pytest.param(
        {"clouds": (BLIND_CLOUD,), "demand": Demand(FITTING, True)},
        "grok-blind cannot see images",
        id="blind cloud",
    ),
    pytest.param({"demand": Demand(TOO_LONG)}, "too long for the local model", id="too long"),
    pytest.param(
        {"budget": Standing(Level.SOFT, "80 % are used")}, "kept local: 80 % are used", id="soft"
    ),
    pytest.param(
        {"budget": Standing(Level.HARD, "all is used")}, "kept local: all is used", id="hard"
    ),
]


@pytest.mark.parametrize(("changes", "note"), NOTES)
def test_notes_of_a_complex_turn(changes: dict[str, object], note: str) -> None:
    offers = Offers(
        (LOCAL,),
        LOCAL,
        SIGHTED,
        changes.get("clouds", (CLOUD,)),  # type: ignore[arg-type]
        changes.get("budget", Standing()),  # type: ignore[arg-type]
    )
    found = make_plan(
        decision(Route.COMPLEX, confidence=changes.get("confidence", 0.9)),
        changes.get("findings", PUBLIC),  # type: ignore[arg-type]
        offers,
        changes.get("demand", Demand(FITTING)),  # type: ignore[arg-type]
        CLOUD_ON,
    )
    assert found.notes == (note,)


@pytest.mark.parametrize("route", [Route.META, Route.SIMPLE, Route.MODERATE, Route.ENRICH])
def test_an_easy_turn_needs_no_excuse(route: Route) -> None:
    offers = Offers((LOCAL,), SMALL, None, ())
    assert make_plan(decision(route), PRIVATE, offers, Demand(FITTING), CLOUD_ON).notes == ()


def test_what_is_to_be_known_of_the_offers_is_a_note_of_every_plan() -> None:
    offers = Offers((LOCAL,), SMALL, None, (), note="big:30b is not installed")
    found = make_plan(decision(), PUBLIC, offers, Demand(FITTING), CLOUD_ON)
    assert found.notes == ("big:30b is not installed",)


def test_a_search_is_not_spilled() -> None:
    offers = Offers((LOCAL,), LOCAL, None, (CLOUD,), spill="3 turns are ahead")
    found = make_plan(decision(Route.ENRICH), PUBLIC, offers, Demand(FITTING), CLOUD_ON)
    assert found.targets == (LOCAL, CLOUD)


def searching(findings: Findings = PUBLIC, **changes: object) -> Plan:
    """The plan of a search where the cloud shall answer after it."""
    offers = Offers((LOCAL,), LOCAL, None, (CLOUD,), **changes)  # type: ignore[arg-type]
    cloud = replace(CLOUD_ON, answers_searches=True)
    return make_plan(decision(Route.ENRICH), findings, offers, Demand(FITTING), cloud)


def test_the_cloud_answers_after_a_search_where_the_settings_say_so() -> None:
    assert searching().targets == (CLOUD, LOCAL)
    assert searching(PRIVATE).targets == (LOCAL,)
    assert searching(budget=Standing(Level.SOFT, "80 % are used")).targets == (LOCAL, CLOUD)


def test_a_silent_turn_searches_nothing_and_says_so() -> None:
    found = searching(replace(PRIVATE, no_search=True))
    assert (found.enrich, found.route, found.notes) == (False, Route.ENRICH, (NOT_SEARCHED,))
    assert searching(PRIVATE).enrich is True


def test_no_eyes_anywhere_says_what_to_set() -> None:
    offers = Offers((LOCAL,), LOCAL, None, (CLOUD,))
    with pytest.raises(NoTarget) as caught:
        make_plan(decision(), PRIVATE, offers, Demand(FITTING, True), CLOUD_ON)
    assert "file in this chat" in caught.value.sentence
    assert "VISION_MODEL" in caught.value.sentence


@fixed
@given(tokens=st.integers(0, 10**7), window=st.integers(1024, 10**6))
def test_what_fits_leaves_room_for_an_answer(tokens: int, window: int) -> None:
    target = replace(LOCAL, context_tokens=window)
    room = min(ANSWER_TOKENS, window // 4)
    assert fits(target, Demand(tokens)) == (tokens <= window - room)
