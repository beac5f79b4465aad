"""Which turns may have a shadow, which are chosen, and how likely that was."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.routing.learned.predict import Prediction
from hal.shadow_choice import (
    ANCHOR,
    DISAGREEMENT,
    Answered,
    choose,
    disputes,
    other_target,
    why_not,
)
from hal.types import Message, Override, Plan, PrivacyWord, Route, Target, Turn
from tests.core.things import CLOUD, LOCAL, SMALL, plan, turn

TOOL = {"type": "function", "function": {"name": "look"}}
PICTURE = Message("user", "What is this?", images=("data:image/png;base64,AA",))
RESULT = Message("tool", "42", tool_call_id="1")
HERE = Answered(LOCAL)


def reason(
    asked: Turn | None = None,
    planned: Plan | None = None,
    answered: Answered = HERE,
    **options: Any,
) -> str:
    usual = {"keeps_texts": True, "passes_tools": False, **options}
    return why_not(asked or turn(), planned or plan(LOCAL, CLOUD), answered, **usual)


MAY = {
    "answered_here": {},
    "answered_there": {"planned": plan(CLOUD, LOCAL), "answered": Answered(CLOUD)},
    "tools_that_no_model_sees": {"asked": turn(tools=(TOOL,))},
    "earlier_messages": {
        "asked": turn("And now?", Message("user", "Hi"), Message("assistant", "Hi"))
    },
    "no_user_no_chat": {"asked": turn(chat_id=None)},
}
NOT = {
    "texts_not_kept": {"keeps_texts": False},
    "temporary": {"asked": turn(chat_id="temporary:1")},
    "task": {"asked": turn(task="title_generation")},
    "command": {"asked": turn(override=Override.CLOUD)},
    "privacy_word": {"asked": turn(privacy=PrivacyWord.PUBLIC)},
    "private": {"planned": plan(LOCAL, CLOUD, is_private=True)},
    "private masked": {"planned": plan(LOCAL, CLOUD, scrub=True)},
    "private open": {"planned": plan(LOCAL, CLOUD, is_open=True)},
    "stays": {"planned": plan(LOCAL)},
    "tools": {"asked": turn(tools=(TOOL,)), "passes_tools": True},
    "tools round": {"asked": replace(turn(), messages=(Message("user", "?"), RESULT))},
    "attachments": {"asked": turn(attachments=("file",))},
    "attachments picture": {"asked": replace(turn(), messages=(PICTURE,))},
    "search": {"planned": plan(LOCAL, CLOUD, route=Route.ENRICH)},
    "search planned": {"planned": plan(LOCAL, CLOUD, enrich=True)},
    "draft": {"planned": plan(LOCAL, CLOUD, drafts=True)},
    "cache": {"answered": Answered(None, cache="exact")},
    "unanswered": {"answered": Answered(None)},
    "unanswered broken": {"answered": Answered(LOCAL, is_whole=False)},
    "unfinished": {"answered": Answered(LOCAL, finish="length")},
    "one_sided": {"planned": plan(CLOUD), "answered": Answered(CLOUD)},
}


@pytest.mark.parametrize("given", MAY.values(), ids=MAY)
def test_may_have_a_shadow(given: dict[str, Any]) -> None:
    assert reason(**given) == ""


@pytest.mark.parametrize(("name", "given"), NOT.items(), ids=NOT)
def test_may_not(name: str, given: dict[str, Any]) -> None:
    """Each row differs from a turn that may in one thing alone."""
    assert reason(**given) == name.split()[0]


targets = st.lists(st.sampled_from([LOCAL, SMALL, CLOUD]), min_size=1, max_size=4)


@given(targets, st.sampled_from([LOCAL, SMALL, CLOUD]))
def test_the_other_target_is_one_of_the_plan_and_on_the_other_side(
    planned: list[Target], target: Target
) -> None:
    other = other_target(plan(*planned), target)
    if other is None:
        assert all(one.leaves_machine == target.leaves_machine for one in planned)
    else:
        assert other in planned
        assert other.leaves_machine != target.leaves_machine


@given(
    planned=targets,
    private=st.booleans(),
    scrub=st.booleans(),
    is_open=st.booleans(),
    target=st.sampled_from([LOCAL, CLOUD]),
)
def test_nothing_private_ever_has_one(
    planned: list[Target], private: bool, scrub: bool, is_open: bool, target: Target
) -> None:
    which = plan(*planned, is_private=private, scrub=scrub, is_open=is_open)
    if not reason(planned=which, answered=Answered(target)):
        assert not any((private, scrub, is_open))
        assert which.may_leave


@pytest.mark.parametrize(
    ("p_local_ok", "gain", "threshold", "target", "otherwise"),
    [
        (0.9, 0.1, None, LOCAL, False),
        (0.4, 0.1, None, LOCAL, True),
        (0.4, 0.1, None, CLOUD, False),
        (0.9, 0.1, None, CLOUD, True),
        (0.9, 0.3, 0.2, LOCAL, True),
        (0.2, 0.1, 0.2, LOCAL, False),
        (0.2, 0.1, 0.2, CLOUD, True),
        (0.2, 0.2, 0.2, CLOUD, False),
        (0.2, 9.9, float("inf"), LOCAL, False),
    ],
)
def test_a_dispute(
    p_local_ok: float, gain: float, threshold: float | None, target: Target, otherwise: bool
) -> None:
    prediction = Prediction(p_local_ok, gain, None, ())
    assert disputes(prediction, threshold, target) is otherwise


@pytest.mark.parametrize(
    ("share", "by", "drawn", "reason", "propensity"),
    [
        (0.1, "", 0.09, ANCHOR, 0.1),
        (0.1, "", 0.1, None, 0.0),
        (0.1, "candidate", 0.09, ANCHOR, 0.4),
        (0.1, "candidate", 0.39, DISAGREEMENT, 0.4),
        (0.1, "candidate", 0.4, None, 0.0),
        (0.5, "candidate", 0.99, DISAGREEMENT, 1.0),
        (0.0, "candidate", 0.0, None, 0.0),
        (1.0, "", 0.999, ANCHOR, 1.0),
    ],
)
def test_choosing(
    share: float, by: str, drawn: float, reason: str | None, propensity: float
) -> None:
    chosen = choose(share, by, drawn)
    if reason is None:
        assert chosen is None
    else:
        assert chosen is not None
        assert (chosen.reason, chosen.propensity) == (reason, pytest.approx(propensity))
        assert chosen.router_id == (by if reason == DISAGREEMENT else "")


@given(st.floats(0.01, 1.0), st.booleans())
def test_the_propensity_is_how_often_it_happens(share: float, is_disputed: bool) -> None:
    random = Random(7)
    by = "candidate" if is_disputed else ""
    chosen = [choose(share, by, random.random()) for _ in range(400)]
    taken = [one for one in chosen if one is not None]
    if taken:
        expected = taken[0].propensity
        assert all(one.propensity == expected for one in taken)
        # Four standard errors of 400 draws, at most 0.1.
        assert abs(len(taken) / 400 - expected) < 0.1
