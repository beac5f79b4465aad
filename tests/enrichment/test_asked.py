"""The model that writes queries sees the question, the last turns, and nothing beside them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from hal.enrichment.asked import (
    EARLIER_TURNS,
    SCHEMA,
    RewritePrompt,
    read_queries,
    without_blocks,
)
from hal.enrichment.operators import MAX_WORDS
from hal.errors import ConfigError
from hal.prompts import parse_prompt
from hal.types import Message, Turn
from tests.core.things import turn

from .rewriting import PROMPT, READER, TODAY, Calls, queries, rewritten


def shown(asked: Turn) -> str:
    calls = Calls(queries("x"))
    rewritten(calls, asked)
    (messages,) = calls.asked
    examples = 1 + 2 * len(PROMPT.examples)
    assert [message.role for message in messages] == [
        "system",
        *["user", "assistant"] * (len(PROMPT.examples)),
        "user",
    ]
    return "\n".join(message.text for message in (messages[0], *messages[examples:]))


def said(count: int) -> list[Message]:
    return [
        message
        for number in range(count)
        for message in (
            Message("user", f"question-{number}"),
            Message("assistant", f"answer-{number}"),
        )
    ]


def test_it_sees_the_date_the_question_and_the_last_turns() -> None:
    text = shown(turn("and now?", *said(7)))
    assert "Friday, 2026-11-27" in text
    assert text.endswith('Message: """and now?"""')
    seen = [number for number in range(7) if f"question-{number}" in text]
    assert seen == list(range(7 - EARLIER_TURNS, 7))
    assert [number for number in range(7) if f"answer-{number}" in text] == seen


def test_the_prompt_begins_alike_on_every_day_of_a_year() -> None:
    days = [date(2026, 1, 1), date(2026, 11, 27), date(2027, 1, 1)]
    first, second, next_year = [PROMPT.messages(turn("x"), day, 4096)[:-1] for day in days]
    assert first == second != next_year
    assert "2027" in str(next_year)


def test_it_sees_no_system_prompt_no_tools_no_attachments() -> None:
    file = "<attached_files><file>ours</file></attached_files>"
    earlier = [
        Message("system", "secret system"),
        Message("user", f"{file}look at this"),
        Message("assistant", '<details type="reasoning">thoughts</details>I did'),
        Message("tool", "secret result", tool_call_id="1"),
    ]
    messages = (*earlier, Message("user", f"{file}what is new in it?"))
    text = shown(replace(turn("what is new in it?"), messages=messages))
    assert "User: look at this\nAssistant: I did" in text
    assert not [word for word in ("secret", "ours", "thoughts") if word in text]


BLOCKS = {
    "ours": ("<sources-7f3a>\n<source id='1'>page</source>\n</sources-7f3a>\nasked", "asked"),
    "Open WebUI's": ("<context><source id='1'>page</source></context>asked", "asked"),
    "closed too often": ("</source>asked</source>", "asked"),
    "not closed": ("asked <context>page", "asked"),
    "nested": ("a<details><details>x</details>y</details>b", "ab"),
    "another tag": ("<b>asked</b> 3 < 5", "<b>asked</b> 3 < 5"),
    "none": ("asked", "asked"),
}


@pytest.mark.parametrize(("text", "expected"), BLOCKS.values(), ids=BLOCKS)
def test_blocks_of_earlier_turns_go(text: str, expected: str) -> None:
    assert without_blocks(text) == expected


@pytest.mark.parametrize(
    "piece", ["<details ", "<source>", "</source>", "<", "<sources-" + "a" * 30]
)
def test_many_tags(piece: str) -> None:
    assert len(without_blocks(piece * (200_000 // len(piece)))) <= 200_000


def test_a_long_question_fits_the_window() -> None:
    asked = turn("chess " * 50_000, *said(4))
    messages = PROMPT.messages(asked, TODAY, READER.reads_tokens)
    assert sum(len(message.text) for message in messages) < READER.reads_tokens * 4


def test_what_the_user_writes_is_no_placeholder() -> None:
    assert 'Message: """$date $question $$"""' in shown(turn("$date $question $$"))


# --- the prompt, and the wire -------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "# system\nx\n# user\n$question",
        "# system\nx\n# examples\na | day | en | b\n# user\nnothing",
        "x\n# examples\na | day | en | b\n# user\n$question",
        "# system\nx\n# examples\na | hour | en | b\n# user\n$question",
        "# system\nx\n# examples\nno line\n# user\n$question",
    ],
    ids=["no examples", "no question", "no system", "no such age", "no example"],
)
def test_a_prompt_that_is_none(body: str) -> None:
    with pytest.raises(ConfigError, match="Prompt mine"):
        RewritePrompt.from_prompt(parse_prompt("mine", f"---\nversion: 1\n---\n{body}"))


def test_the_examples_follow_the_schema_and_our_own_limits() -> None:
    for _, _, reply in PROMPT.examples:
        search = read_queries(json.loads(reply))
        assert search is not None
        assert search.language
        assert [*json.loads(reply)] == SCHEMA["required"]
        assert all(len(query.split()) <= MAX_WORDS for query in search.queries)
