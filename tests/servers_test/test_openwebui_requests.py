"""The request makers, and the reader of answers: the measured shapes and sizes."""

from __future__ import annotations

import base64
import json

import pytest

from tests.harness import Answer, openwebui
from tests.harness.tools import TOOLS

CHAT = openwebui.history("Why is the sky blue?", "Rayleigh scattering.")
STREAM = (
    'data: {"event": {"type": "status", "data": {"description": "één", "done": true}}}\r\n\r\n'
    ": ping\n\n"
    'data: {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}\n\n'
    'data: {"choices": [{"index": 0, "delta": {"content": "é"}, "finish_reason": "stop"}]}\n\n'
    "data: {oops\n\n"
    'data: {"choices": [], "usage": {"a": 1}}\n\n'
    "data: [DONE]"
).encode()


def test_36_tools_of_about_26_kb() -> None:
    assert len(TOOLS) == 36
    assert len({tool["function"]["name"] for tool in TOOLS}) == 36
    assert 25_000 < len(json.dumps(TOOLS)) < 27_000


def test_a_chat_turn() -> None:
    turn = openwebui.chat_turn("Thanks", ["hi", "hello"], system="Be brief.")
    roles = [message["role"] for message in turn.messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert turn.metadata["user_message"]["content"] == "Thanks"
    assert "task" not in turn.metadata


def test_each_turn_has_ids_of_its_own_and_regenerate_a_new_one() -> None:
    first, second = openwebui.chat_turn("a"), openwebui.chat_turn("a")
    assert first.metadata["message_id"] != second.metadata["message_id"]
    again = openwebui.regenerate(first)
    assert again.metadata["user_message_id"] == first.metadata["user_message_id"]
    assert again.metadata["message_id"] != first.metadata["message_id"]


def test_an_image_turn() -> None:
    content = openwebui.image_turn("what colour?").messages[0]["content"]
    assert [part["type"] for part in content] == ["text", "text", "image_url"]
    assert content[0]["text"].startswith("<attached_files>")
    data = content[2]["image_url"]["url"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(data).startswith(b"\x89PNG")


def test_a_rag_turn_looks_like_a_task_and_is_none() -> None:
    turn = openwebui.rag_turn("what is the codeword?", "the codeword is heron")
    text = turn.messages[0]["content"]
    assert text.startswith("### Task:\nRespond to the user query using the provided context")
    assert "<context>" in text
    assert text.endswith("what is the codeword?")
    assert 2_000 < len(text) < 2_500
    assert turn.metadata["user_message"]["content"] == "what is the codeword?"
    assert turn.stream
    assert "task" not in turn.metadata


@pytest.mark.parametrize("kind", openwebui.TASK_FIRST_LINES)
def test_a_task(kind: str) -> None:
    turn = openwebui.task(kind, CHAT)
    (message,) = turn.messages
    assert message["content"].startswith(openwebui.TASK_FIRST_LINES[kind])
    assert turn.metadata["task"] == kind
    assert turn.metadata["task_body"]["messages"] == CHAT
    assert not turn.stream
    assert "tools" not in turn.extra


def test_the_second_round_of_a_tool() -> None:
    first = openwebui.chat_turn("what time is it?")
    second = openwebui.tool_round(first, "get_current_timestamp", {}, "1790000000")
    assert [m["role"] for m in second.messages] == ["user", "assistant", "tool"]
    assert second.messages[1]["content"] == ""
    assert second.metadata == first.metadata


@pytest.mark.parametrize("size", [1, 7, len(STREAM)])
def test_an_answer_is_read_in_any_pieces(size: int) -> None:
    answer = Answer()
    for start in range(0, len(STREAM), size):
        answer.feed(STREAM[start : start + size])
    assert not answer.done
    answer.finish()
    assert (answer.text, answer.reasoning, answer.statuses) == ("é", "hm", ["één"])
    assert (answer.usage, answer.finish_reasons, answer.dones) == ({"a": 1}, ["stop"], 1)
    assert answer.broken == ["{oops"]
    assert answer.raw == STREAM
