"""What is decided without a model, and in which order the rules win."""

from __future__ import annotations

import pytest

from hal.routing.rules import decide_by_rules
from hal.types import Message, Override, Route, Source, ToolCall, Turn
from tests.core.things import turn

PICTURE = Message("user", "what is this?", images=("data:image/png;base64,AA==",))
CALL = Message("assistant", "", tool_calls=(ToolCall("call_1", "clock", "{}"),))
RESULT = Message("tool", "12:00", tool_call_id="call_1")


def tool_round(**changes: object) -> Turn:
    messages = (Message("user", "what time is it?"), CALL, RESULT)
    return turn("what time is it?", messages=messages, **changes)


RULES = [
    pytest.param(turn(task="title_generation"), None, Route.META, Source.RULE, id="task"),
    pytest.param(turn(override=Override.LOCAL), None, Route.MODERATE, Source.OVERRIDE, id="local"),
    pytest.param(turn(override=Override.CLOUD), None, Route.COMPLEX, Source.OVERRIDE, id="cloud"),
    pytest.param(turn(override=Override.WEB), None, Route.ENRICH, Source.OVERRIDE, id="web"),
    pytest.param(tool_round(), None, Route.MODERATE, Source.RULE, id="tool round, new chat"),
    pytest.param(tool_round(), Route.COMPLEX, Route.COMPLEX, Source.RULE, id="tool round goes on"),
    pytest.param(turn("look", PICTURE), None, Route.MODERATE, Source.RULE, id="earlier image"),
    pytest.param(turn(" \n"), None, Route.SIMPLE, Source.RULE, id="nothing asked"),
    pytest.param(
        turn(task="tags_generation", override=Override.CLOUD), None, Route.META, Source.RULE,
        id="a task beats a command",
    ),
    pytest.param(
        turn("x", PICTURE, override=Override.LOCAL), None, Route.MODERATE, Source.OVERRIDE,
        id="a command beats an image",
    ),
    pytest.param(
        turn("", override=Override.LOCAL), Route.COMPLEX, Route.MODERATE, Source.OVERRIDE,
        id="a command alone",
    ),
    pytest.param(
        tool_round(override=Override.LOCAL), Route.COMPLEX, Route.MODERATE, Source.OVERRIDE,
        id="a command holds through its tool rounds",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "previous", "route", "source"), RULES)
def test_rules(asked: Turn, previous: Route | None, route: Route, source: Source) -> None:
    found = decide_by_rules(asked, previous)
    assert found is not None
    assert (found.route, found.source, found.confidence) == (route, source, 1.0)
    assert found.reason


@pytest.mark.parametrize("previous", [None, *Route])
def test_an_ordinary_question_is_for_the_classifier(previous: Route | None) -> None:
    assert decide_by_rules(turn("Why is the sky blue?"), previous) is None


def test_a_tool_result_further_up_is_no_tool_round() -> None:
    assert decide_by_rules(turn("and now?", CALL, RESULT), None) is None
