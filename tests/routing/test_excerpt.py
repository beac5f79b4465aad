"""What the classifier gets to read: never more than fits, the question first of all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.routing.excerpt import (
    GAP,
    HISTORY_MESSAGE_BYTES,
    MIN_BYTES,
    Excerpt,
    excerpt,
    shorten,
)
from hal.sizes import BYTES_PER_TOKEN, text_tokens
from hal.types import Message
from tests.core.things import fixed


def user(text: str) -> Message:
    return Message("user", text)


def assistant(text: str) -> Message:
    return Message("assistant", text)


def test_a_first_question_stands_alone() -> None:
    assert excerpt("Why?", (), 100) == Excerpt("Why?", "")


def test_history_stands_in_its_order_apart_from_the_question() -> None:
    found = excerpt("And then?", (user("One?"), assistant("Two."), user("Three?")), 500)
    assert found == Excerpt("And then?", "User: One?\nAssistant: Two.\nUser: Three?")


def test_the_newest_history_goes_in_first() -> None:
    history = tuple(user(f"{number} " + "word " * 20) for number in range(9))
    found = excerpt("And?", history, 100).earlier
    assert "User: 8 word" in found
    assert "User: 0 word" not in found


def test_only_what_people_and_models_said_is_read() -> None:
    history = (Message("system", "Be kind."), Message("tool", "42"), assistant(" "), user("Hi"))
    assert excerpt("And?", history, 500).earlier == "User: Hi"


def test_a_long_answer_does_not_push_out_the_turn_before_it() -> None:
    found = excerpt("And?", (user("first"), assistant("x" * 5000)), 400).earlier
    assert "User: first" in found
    assert found.count("x") < HISTORY_MESSAGE_BYTES


def test_a_long_question_keeps_head_and_tail() -> None:
    found = excerpt("BEGIN " + "x" * 9000 + " END", (user("earlier"),), 300).question
    assert found.startswith("BEGIN")
    assert found.endswith("END")
    assert GAP in found


@pytest.mark.parametrize("budget", [-5000, 0, 1, 40])
def test_without_any_room_a_short_question_still_survives(budget: int) -> None:
    assert excerpt("What is 2 + 2?", (), budget).question == "What is 2 + 2?"


texts = st.text(max_size=300) | st.builds(
    lambda piece, times: piece * times,
    st.sampled_from(["字", "word ", "é", "🙂"]),
    st.integers(1, 900),
)
messages = st.builds(Message, st.sampled_from(["user", "assistant", "system", "tool"]), texts)


@fixed
@given(question=texts, history=st.lists(messages, max_size=6), budget=st.integers(-50, 2000))
def test_the_budget_is_kept(question: str, history: list[Message], budget: int) -> None:
    found = excerpt(question, tuple(history), budget)
    allowed = max(budget, text_tokens("x" * MIN_BYTES)) + 1
    assert text_tokens(found.question) + text_tokens(found.earlier) <= allowed + 1


@fixed
@given(question=texts, history=st.lists(messages, max_size=4), budget=st.integers(0, 2000))
def test_a_question_that_fits_is_whole(question: str, history: list[Message], budget: int) -> None:
    if len(question.encode()) <= int(budget * BYTES_PER_TOKEN):
        assert excerpt(question, history, budget).question == question


@fixed
@given(text=texts, limit=st.integers(20, 400))
def test_shortened_is_short_and_made_of_both_ends(text: str, limit: int) -> None:
    found = shorten(text, limit)
    assert len(found.encode()) <= max(limit, 0)
    head, gap, tail = found.partition(GAP)
    assert (text.startswith(head) and text.endswith(tail)) if gap else found == text
