"""What Ollama is asked: always the same window, thinking always said, OpenAI's terms translated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hal.errors import Rejected
from hal.gateway.providers.ollama_request import chat_body, keep_alive, messages
from hal.types import Message, Parameters, ToolCall

from .helpers import LOCAL, ask, local_settings

SETTINGS = local_settings("http://127.0.0.1:1")
PIXEL = "iVBORw0KGgo="


def body(**changes: Any) -> dict[str, Any]:
    return chat_body(ask(LOCAL, **changes), SETTINGS)


def test_the_least() -> None:
    assert body() == {
        "model": "nemotron-3-nano:30b",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "think": False,
        "keep_alive": "30m",
        "options": {"num_ctx": 8192},
    }


@pytest.mark.parametrize(
    ("setting", "can_think", "want"),
    [
        (True, True, True),
        ("high", True, "high"),
        (False, True, False),
        (True, False, False),
        ("low", False, False),
    ],
)
def test_thinking_is_always_said(setting: bool | str, can_think: bool, want: object) -> None:
    request = ask(replace(LOCAL, can_think=can_think))
    assert chat_body(request, replace(SETTINGS, think=setting))["think"] == want


@pytest.mark.parametrize(
    ("value", "want"), [("-1", -1), ("0", 0), ("300", 300), ("1.5", 1.5), ("30m", "30m")]
)
def test_keep_alive(value: str, want: object) -> None:
    assert keep_alive(value) == want
    assert type(keep_alive(value)) is type(want)


def test_every_parameter() -> None:
    parameters = Parameters(
        temperature=0.0,
        top_p=0.5,
        top_k=7,
        min_p=0.1,
        max_tokens=99,
        stop=("END", "."),
        seed=0,
        presence_penalty=0.2,
        frequency_penalty=0.3,
        repeat_penalty=1.1,
    )
    assert body(parameters=parameters)["options"] == {
        "num_ctx": 8192,
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 7,
        "min_p": 0.1,
        "num_predict": 99,
        "stop": ["END", "."],
        "seed": 0,
        "presence_penalty": 0.2,
        "frequency_penalty": 0.3,
        "repeat_penalty": 1.1,
    }


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("given", "want"),
    [
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}, SCHEMA),
        ({"type": "json_schema", "json_schema": None}, "json"),
        ({"type": "text"}, None),
        ({}, None),
    ],
)
def test_response_format(given: dict[str, Any], want: object) -> None:
    assert body(parameters=Parameters(response_format=given)).get("format") == want


def test_tools_and_no_tools() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    assert body(tools=(tool,))["tools"] == [tool]
    assert body(tools=(tool,), tool_choice="auto")["tools"] == [tool]
    assert "tools" not in body(tools=(tool,), tool_choice="none")


def test_a_tool_round() -> None:
    conversation = (
        Message("developer", "be brief"),
        Message("assistant", "", tool_calls=(ToolCall("c1", "clock", '{"zone": "UTC"}'),)),
        Message("tool", "12:00", tool_call_id="c1"),
        Message("tool", "?", tool_call_id="unknown"),
    )
    call = {"function": {"name": "clock", "arguments": {"zone": "UTC"}}}
    assert messages(conversation) == [
        {"role": "system", "content": "be brief"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "12:00", "tool_name": "clock"},
        {"role": "tool", "content": "?"},
    ]


@pytest.mark.parametrize("arguments", ["", "{", "[1]", "null"])
def test_broken_arguments_become_none(arguments: str) -> None:
    message = Message("assistant", "", tool_calls=(ToolCall("c", "f", arguments),))
    assert messages([message])[0]["tool_calls"][0]["function"]["arguments"] == {}


def test_images() -> None:
    message = Message("user", "what?", images=(f"data:image/png;base64,{PIXEL}",))
    assert messages([message])[0]["images"] == [PIXEL]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/x.png",
        "HTTP://example.org/x.png",
        "data:image/svg+xml,<svg/>",
        "/etc/passwd",
        "file:///etc/passwd",
        "",
    ],
)
def test_images_that_cannot_be_given(url: str) -> None:
    with pytest.raises(Rejected) as caught:
        messages([Message("user", "what?", images=(url,))])
    assert caught.value.remedy
    assert "passwd" not in caught.value.sentence
