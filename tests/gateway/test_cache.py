"""What may be cached, under which keys, and how near two vectors are."""

from __future__ import annotations

import math
import random
import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.gateway.cache import (
    MAX_ANSWER_CHARS,
    MAX_QUESTION_CHARS,
    is_regeneration,
    keys,
    may_be_kept,
    obstacle,
    user_key,
)
from hal.gateway.cache_vectors import NoVector, cosine, nearest, packed, sketch
from hal.gateway.ports import CachedAnswer
from hal.types import Message, Override, Parameters, Route, ToolCall
from tests.core.things import CLOUD, LOCAL, SMALL, fixed, json_values, plan, turn

WHOLE = CachedAnswer("exact", "Boil it.", "", LOCAL.provider, LOCAL.model, "stop", 1.0, 0.0)
IMAGE = Message("user", "What is this?", images=("data:image/png;base64,AA",))
CALL = Message("assistant", "", tool_calls=(ToolCall("1", "clock", "{}"),))
RESULT = Message("tool", "12:00", tool_call_id="1")
MIXED = {"private", "route", "task", "temporary", "override", "tools", "images", "attachments"}


def keyed(asked: Any = None, chosen: Any = None, **options: Any) -> Any:
    options = {"embedding_model": "all-minilm"} | options
    return keys(asked or turn(user_id="anna"), chosen or plan(), **options)


def test_an_ordinary_turn_may_be_cached() -> None:
    assert obstacle(turn(), plan()) is None
    history = (Message("system", "Be brief."), Message("user", "a"), Message("assistant", "b"))
    assert obstacle(turn("And why?", *history), plan(CLOUD, route=Route.COMPLEX)) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"task": "title_generation"}, "task"),
        ({"chat_id": "temporary:1"}, "temporary"),
        ({"override": Override.WEB}, "override"),
        ({"override": Override.LOCAL}, "override"),
        ({"tools": ({"type": "function"},)}, "tools"),
        ({"tool_choice": "auto"}, "tools"),
        ({"messages": (Message("user", "time?"), CALL, RESULT)}, "tools"),
        ({"messages": (Message("user", "time?"), CALL, RESULT, Message("user", "so?"))}, "tools"),
        ({"messages": (IMAGE,)}, "images"),
        ({"messages": (IMAGE, Message("assistant", "A cat."), Message("user", "Sure?"))}, "images"),
        ({"attachments": ("file",)}, "attachments"),
        ({"messages": ()}, "no question"),
        ({"messages": (Message("user", " \n"),)}, "no question"),
        ({"messages": (Message("user", "Go"), Message("assistant", "Once"))}, "no question"),
    ],
)
def test_turns_that_are_never_cached(changes: dict[str, Any], why: str) -> None:
    assert obstacle(turn(**changes), plan()) == why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"is_private": True}, "private"),
        ({"enrich": True}, "route"),
        ({"route": Route.ENRICH}, "route"),
        ({"route": Route.META}, "route"),
        ({"targets": ()}, "no target"),
    ],
)
def test_plans_that_are_never_cached(changes: dict[str, Any], why: str) -> None:
    assert obstacle(turn(), replace(plan(), **changes)) == why


@fixed
@given(st.sets(st.sampled_from(sorted(MIXED)), min_size=1))
def test_one_reason_is_enough_whatever_else_there_is(reasons: set[str]) -> None:
    asked, chosen = turn(), plan()
    changes: dict[str, Any] = {
        "task": {"task": "tags_generation"},
        "temporary": {"chat_id": "temporary:9"},
        "override": {"override": Override.CLOUD},
        "tools": {"tools": ({},)},
        "images": {"messages": (IMAGE,)},
        "attachments": {"attachments": ("image",)},
    }
    for reason in reasons & set(changes):
        asked = replace(asked, **changes[reason])
    chosen = replace(chosen, is_private="private" in reasons, enrich="route" in reasons)
    assert obstacle(asked, chosen) in reasons


@pytest.mark.parametrize(
    "changes",
    [
        {"finish": "length"},
        {"finish": "content_filter"},
        {"finish": "tool_calls"},
        {"text": ""},
        {"text": " \n"},
        {"age_s": 3.0},
        {"model": "other:7b"},
        {"provider": "xai"},
        {"text": "x" * (MAX_ANSWER_CHARS + 1)},
    ],
)
def test_answers_that_are_never_kept(changes: dict[str, Any]) -> None:
    assert may_be_kept(plan(), WHOLE)
    assert not may_be_kept(plan(), replace(WHOLE, **changes))


def test_the_answer_of_a_fallback_is_not_kept() -> None:
    both = plan(CLOUD, LOCAL, route=Route.COMPLEX)
    assert not may_be_kept(both, WHOLE)
    assert may_be_kept(both, replace(WHOLE, provider="xai", model=CLOUD.model))


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "bert"},
        {"user_id": None},
        {"messages": (Message("user", "How are you"),)},
        {"messages": (Message("system", "Be brief."), Message("user", "How are you?"))},
        {"messages": (Message("user", "Be brief."), Message("user", "How are you?"))},
        {"parameters": Parameters(temperature=0.0)},
        {"parameters": Parameters(seed=1)},
        {"parameters": Parameters(stop=("a", "b"))},
        {"parameters": Parameters(stop=("ab",))},
        {"parameters": Parameters(response_format={"type": "json_object"})},
    ],
)
def test_another_request_has_another_key(changes: dict[str, Any]) -> None:
    asked = turn(user_id="anna")
    assert keyed(asked).exact != keyed(replace(asked, **changes)).exact


def test_another_model_or_think_level_has_another_key() -> None:
    chosen = (plan(LOCAL), plan(SMALL), plan(replace(LOCAL, provider="openai")))
    assert len({keyed(None, one).exact for one in chosen}) == 3
    assert keyed(generation="think").exact != keyed().exact
    assert keyed(generation="think").scope != keyed().scope


def test_chat_route_and_host_make_no_difference() -> None:
    asked = turn(user_id="anna")
    again = replace(asked, id="turn-2", chat_id="chat-2", message_id="m", session_id="s")
    assert keyed(asked).exact == keyed(again).exact
    assert keyed(asked, plan(route=Route.SIMPLE)).exact == keyed(asked).exact
    elsewhere = plan(replace(LOCAL, host="http://other:11434"), SMALL)
    assert keyed(asked, elsewhere).exact == keyed(asked).exact


def test_a_scope_is_all_but_the_last_question() -> None:
    history = (Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hi"))
    one, other = turn("Why?", *history, user_id="anna"), turn("How?", *history, user_id="anna")
    assert keyed(one).scope == keyed(other).scope
    assert keyed(one).exact != keyed(other).exact
    for different in (
        replace(other, user_id="bert"),
        replace(other, parameters=Parameters(top_p=0.5)),
        turn("How?", *history[1:], user_id="anna"),
    ):
        assert keyed(one).scope != keyed(different).scope
    assert keyed(one).scope != keyed(one, embedding_model="other").scope


@pytest.mark.parametrize(
    "asked",
    [
        turn("Hello there", user_id=None),
        turn("x" * (MAX_QUESTION_CHARS + 1), user_id="anna"),
        turn("<context>a document</context> What?", user_id="anna", question="What?"),
    ],
    ids=["nobody's", "long", "in a template"],
)
def test_some_questions_are_found_by_their_very_words_only(asked: Any) -> None:
    assert keyed(asked).scope is None


@fixed
@given(json_values, st.text(st.characters(), max_size=40))
def test_whatever_comes_has_a_stable_key(value: Any, text: str) -> None:
    parameters = Parameters(response_format={"schema": value})
    asked = turn(text, user_id=text, chat_id=text, parameters=parameters)
    first, second = keyed(asked), keyed(asked)
    assert (first.exact, first.scope, first.origin) == (second.exact, second.scope, second.origin)
    assert len(first.exact) == 32


def test_ids_are_not_in_the_keys() -> None:
    asked = turn(user_id="anna", chat_id="c" * 9, message_id="m" * 9, user_message_id="q" * 9)
    found = keyed(asked)
    for digest in (found.exact, found.scope, found.user, found.origin, found.message):
        assert len(digest) == 32
        assert not any(word in digest for word in (b"anna", b"ccc", b"mmm", b"qqq"))
    assert found.user == user_key("anna") != user_key(None)


def test_without_ids_nobody_knows_the_message() -> None:
    assert keyed(turn(user_message_id=None)).origin is None
    assert keyed(turn(chat_id=None, user_message_id="q")).origin is None


@pytest.mark.parametrize(
    ("message_id", "last", "is_anew"),
    [
        ("m1", b"other", True),
        ("m1", None, True),
        (None, None, True),
        (None, b"other", True),
        ("m1", "own", False),
    ],
)
def test_the_same_message_under_another_answer_is_asked_anew(
    message_id: str | None, last: Any, is_anew: bool
) -> None:
    found = keyed(turn(user_message_id="q", message_id=message_id))
    assert is_regeneration(found, found.message if last == "own" else last) is is_anew


vectors = st.lists(st.floats(-100, 100, width=32), min_size=8, max_size=8).filter(
    lambda v: math.hypot(*v) > 1e-3
)


@fixed
@given(vectors, vectors)
def test_cosine_is_that_of_the_directions(left: list[float], right: list[float]) -> None:
    expected = sum(a * b for a, b in zip(left, right, strict=True))
    expected /= math.hypot(*left) * math.hypot(*right)
    assert cosine(packed(left), packed(right)) == pytest.approx(expected, abs=1e-5)
    assert cosine(packed(left), packed([2 * value for value in left])) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("bad", [[], [0.0] * 4, [math.nan, 1.0], [math.inf, 1.0]])
def test_what_has_no_direction_is_refused(bad: list[float]) -> None:
    with pytest.raises(NoVector):
        packed(bad)


def test_vectors_of_different_models_are_not_alike() -> None:
    assert cosine(packed([1.0, 0.0]), packed([1.0, 0.0, 0.0])) == 0.0


def test_packed_is_float32_in_the_order_of_little_endian_machines() -> None:
    assert packed([3.0, 4.0]) == struct.pack("<2f", 0.6, 0.8)
    assert sketch(packed([1.0, -1.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0, -1.0])) == b"\x01\x6e"


def test_the_sketches_find_what_the_cosine_finds() -> None:
    """Of 400 vectors and one near each of 100 others, the near one is always among the first."""
    chance = random.Random(7)

    def some() -> list[float]:
        return [chance.gauss(0, 1) for _ in range(384)]

    kept = [some() for _ in range(400)]
    sketches = [(n, sketch(packed(vector))) for n, vector in enumerate(kept)]
    for number in range(100):
        # cosine about 0.8: the lowest threshold that makes sense
        near = [value + 0.75 * chance.gauss(0, 1) for value in kept[number]]
        assert number in nearest(sketch(packed(near)), sketches, 8)


def test_nearest_first_and_none_of_another_size() -> None:
    sketches = [(1, b"\x00"), (2, b"\x03"), (3, b"\x01"), (4, b"\x01\x01")]
    assert nearest(b"\x01", sketches, 2) == [3, 1]
    assert nearest(b"\x01", sketches, 9) == [3, 1, 2]
