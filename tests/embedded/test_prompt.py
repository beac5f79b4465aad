"""Conversations that are too long lose their oldest messages first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from hal.embedded.errors import BadRequest
from hal.embedded.prompt import Message, Room, cut, fit


class LetterModel:
    """A model whose every letter is a token, and whose template is the roles' first letters."""

    def __init__(self) -> None:
        self.questions = 0

    async def render(self, messages: Sequence[Message]) -> str:
        return "".join(f"<{item['role'][0]}:{item['content']}>" for item in messages)

    async def tokens(self, text: str) -> list[int]:
        self.questions += 1
        return [ord(letter) for letter in text]


def talk(*turns: str) -> list[Message]:
    roles = {"s": "system", "u": "user", "a": "assistant"}
    return [{"role": roles[turn[0]], "content": turn[2:]} for turn in turns]


CONVERSATION = talk("s:rules", "u:first", "a:second", "u:third", "a:fourth", "u:last")
WHOLE = "<s:rules><u:first><a:second><u:third><a:fourth><u:last>"


@pytest.mark.parametrize(
    ("context", "answer", "expected"),
    [
        (len(WHOLE) + 5, 5, WHOLE),
        (len(WHOLE) + 4, 5, "<s:rules><a:second><u:third><a:fourth><u:last>"),
        (40, 1, "<s:rules><u:third><a:fourth><u:last>"),
        (30, 1, "<s:rules><a:fourth><u:last>"),
        (20, 2, "<s:rules><u:last>"),
    ],
)
def test_the_fewest_oldest_messages_go(context: int, answer: int, expected: str) -> None:
    assert asyncio.run(fit(CONVERSATION, LetterModel(), Room(context, answer))) == expected


def test_a_last_message_that_is_too_long_is_cut_in_the_middle() -> None:
    prompt = asyncio.run(fit(talk("u:abcdefghijklmnopqrstuvwxyz"), LetterModel(), Room(16, 4)))
    assert isinstance(prompt, list)
    assert "".join(map(chr, prompt)) == "<u:atuvwxyz>"


def test_cut_keeps_both_ends() -> None:
    assert cut(list(range(20)), 10) == [0, 1, 2, 3, 14, 15, 16, 17, 18, 19]


def test_short_prompts_cost_no_question() -> None:
    model = LetterModel()
    asyncio.run(fit(CONVERSATION, model, Room(4096, 1)))
    assert model.questions == 0


def test_long_histories_cost_few_questions() -> None:
    model = LetterModel()
    asyncio.run(fit(talk(*["u:word"] * 1000), model, Room(400, 1)))
    assert model.questions < 15


def test_truncate_false_complains() -> None:
    with pytest.raises(BadRequest, match="exceeds the context length"):
        asyncio.run(fit(CONVERSATION, LetterModel(), Room(30, 1, truncate=False)))


@pytest.mark.parametrize(
    ("answer", "room"), [(-1, 3072), (1, 4095), (500, 3596), (9000, 3072), (0, 3072)]
)
def test_room_for_the_answer(answer: int, room: int) -> None:
    assert Room(4096, answer).prompt_tokens == room
