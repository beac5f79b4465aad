"""Prompts as questions: what the file must hold, and what is made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import ConfigError
from hal.prompts import load_prompt, parse_prompt
from hal.routing.question import EARLIER, Example, Question
from hal.types import DIFFICULTIES
from tests.core.things import fixed

BODY = "# system\nSort it.\n\n# user\nMessage: $question\nA or B?"


def question(body: str = BODY, labels: str = "labels: A=SIMPLE B=COMPLEX") -> Question:
    return Question.from_prompt(parse_prompt("sort", f"---\nname: sort\n{labels}\n---\n{body}"))


def test_parts_and_labels() -> None:
    found = question()
    assert (found.system, found.user) == ("Sort it.", "Message: $question\nA or B?")
    assert found.labels == {"A": "SIMPLE", "B": "COMPLEX"}
    assert found.fixed_tokens > 0


def test_schema_admits_the_labels_only() -> None:
    assert question().schema == {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": ["A", "B"]}},
        "required": ["label"],
    }


BAD = [
    pytest.param("Sort $question", "labels: A=X B=Y", id="no parts"),
    pytest.param("# system\nSort it.\n# user\nMessage", "labels: A=X B=Y", id="no placeholder"),
    pytest.param("# user\n$question\n# system\nSort", "labels: A=X B=Y", id="wrong order"),
    pytest.param("", "labels: A=X B=Y", id="empty"),
    pytest.param(BODY, "version: 1", id="no labels"),
    pytest.param(BODY, "labels: A=X", id="one label"),
    pytest.param(BODY, "labels: A X B Y", id="labels without meaning"),
    pytest.param(BODY, "labels: A=X A=Y", id="one label twice"),
    pytest.param(BODY, "labels: A=X B=Y\nbase_rates: A=0.5", id="a base rate missing"),
    pytest.param(BODY, "labels: A=X B=Y\nbase_rates: A=1 B=0", id="a base rate of nothing"),
    pytest.param(BODY, "labels: A=X B=Y\nbase_rates: A=1 B=much", id="no base rate"),
    pytest.param(
        BODY.replace("\n\n", "\n\n# examples\nC | hello\n\n"), "labels: A=X B=Y", id="wrong label"
    ),
    pytest.param(
        BODY.replace("\n\n", "\n\n# examples\nhello\n\n"), "labels: A=X B=Y", id="no label"
    ),
]


@pytest.mark.parametrize(("body", "labels"), BAD)
def test_a_bad_prompt_is_named(body: str, labels: str) -> None:
    with pytest.raises(ConfigError, match="Prompt sort"):
        question(body, labels)


def test_examples_are_turns_already_answered() -> None:
    found = question(BODY.replace("\n\n", "\n\n# examples\nA | hi | there\n\nB | prove it\n\n"))
    assert found.examples == (Example("hi | there", "A"), Example("prove it", "B"))
    said = [(message.role, message.text) for message in found.messages("now")]
    assert said == [
        ("system", "Sort it."),
        ("user", "Message: hi | there\nA or B?"),
        ("assistant", "A"),
        ("user", "Message: prove it\nA or B?"),
        ("assistant", "B"),
        ("user", "Message: now\nA or B?"),
    ]


def test_what_was_said_earlier_stands_before_the_question() -> None:
    line = "A | User: hi Assistant: Hello! >>> thanks"
    found = question(BODY.replace("\n\n", f"\n\n# examples\n{line}\n\n"))
    assert found.examples == (Example("thanks", "A", "User: hi\nAssistant: Hello!"),)
    shown, asked = (found.messages("now", "User: one")[index] for index in (1, 3))
    assert shown.text == f"{EARLIER}User: hi\nAssistant: Hello!\n\nMessage: thanks\nA or B?"
    assert asked.text == f"{EARLIER}User: one\n\nMessage: now\nA or B?"


def test_base_rates_add_up_and_are_equal_unless_told() -> None:
    assert question().base_rates == {"A": 0.5, "B": 0.5}
    told = question(labels="labels: A=X B=Y\nbase_rates: A=3 B=1")
    assert told.base_rates == {"A": 0.75, "B": 0.25}


@fixed
@given(text=st.text(max_size=60) | st.sampled_from(["$question", "$labels ${x} $$", "{}"]))
def test_what_the_user_wrote_goes_in_as_it_is(text: str) -> None:
    system, user = question().messages(text)
    assert (system.role, system.text) == ("system", "Sort it.")
    assert user.text == f"Message: {text}\nA or B?"


def test_the_prompts_of_the_repository_fit() -> None:
    difficulty = Question.from_prompt(load_prompt("classify"))
    assert tuple(difficulty.labels.values()) == tuple(str(route) for route in DIFFICULTIES)
    search = Question.from_prompt(load_prompt("search_need"))
    assert set(search.labels.values()) == {"YES", "NO"}
    for found in (difficulty, search):
        assert {example.label for example in found.examples} == set(found.labels)
        assert sum(found.base_rates.values()) == pytest.approx(1)
        # The smallest window in use, the embedded engine's, must still hold a question of a page.
        assert found.fixed_tokens < 1664 - 500
