"""What xAI is asked: nothing that the model would refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hal.gateway.providers.cloud_models import CloudModels
from hal.gateway.providers.xai_request import chat_body, headers
from hal.types import Message, Parameters, ToolCall

from .helpers import CLOUD, ask, cloud_settings

SETTINGS = cloud_settings("http://127.0.0.1:1")
MODELS = CloudModels.load()
FULL = Parameters(
    temperature=0.0,
    top_p=0.5,
    top_k=7,
    min_p=0.1,
    max_tokens=99,
    stop=("END",),
    seed=0,
    presence_penalty=0.2,
    frequency_penalty=0.3,
    repeat_penalty=1.1,
    response_format={"type": "json_object"},
)
KEPT = {
    "temperature": 0.0,
    "top_p": 0.5,
    "max_tokens": 99,
    "seed": 0,
    "response_format": {"type": "json_object"},
}
REFUSED = {"stop": ["END"], "presence_penalty": 0.2, "frequency_penalty": 0.3}
FIXED = {"model", "messages", "stream", "stream_options"}


def body(model: str = "grok-4.3", reasoning: str = "default", **changes: Any) -> dict[str, Any]:
    request = ask(replace(CLOUD, model=model), **changes)
    return chat_body(request, replace(SETTINGS, reasoning=reasoning), MODELS.find(model))


def test_the_least() -> None:
    assert body() == {
        "model": "grok-4.3",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize(
    ("model", "want"),
    [
        ("grok-4.3", KEPT),
        ("grok-4.7", KEPT),
        ("grok-4.20-reasoning", KEPT),
        ("new-model", KEPT),
        ("grok-4.20-non-reasoning", KEPT | REFUSED),
    ],
)
def test_parameters_by_model(model: str, want: dict[str, Any]) -> None:
    sent = body(model, parameters=FULL)
    assert {name: value for name, value in sent.items() if name not in FIXED} == want


@pytest.mark.parametrize(
    ("model", "setting", "want"),
    [
        ("grok-4.3", "default", None),
        ("grok-4.3", "none", "none"),
        ("grok-4.3", "high", "high"),
        ("grok-4.7", "none", None),
        ("grok-4.7", "low", "low"),
        ("grok-4.20-non-reasoning", "high", None),
        ("new-model", "high", None),
    ],
)
def test_reasoning_effort(model: str, setting: str, want: str | None) -> None:
    assert body(model, setting).get("reasoning_effort") == want


def test_messages() -> None:
    call = ToolCall("c1", "clock", '{"zone": "UTC"}')
    conversation = (
        Message("developer", "be brief"),
        Message("user", "what?", images=("data:image/png;base64,AA==", "https://example.org/a")),
        Message("user", "", images=("data:image/png;base64,AA==",)),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "12:00", tool_call_id="c1"),
    )
    system, image, bare, asked, told = body(messages=conversation)["messages"]
    assert system == {"role": "system", "content": "be brief"}
    assert [part["type"] for part in image["content"]] == ["image_url", "image_url", "text"]
    assert image["content"][1]["image_url"] == {"url": "https://example.org/a"}
    assert [part["type"] for part in bare["content"]] == ["image_url"]
    function = {"name": "clock", "arguments": '{"zone": "UTC"}'}
    assert asked["tool_calls"] == [{"id": "c1", "type": "function", "function": function}]
    assert asked["content"] == ""
    assert told == {"role": "tool", "content": "12:00", "tool_call_id": "c1"}


def test_tools() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    assert body(tools=(tool,), tool_choice="auto")["tool_choice"] == "auto"
    assert "tool_choice" not in body(tools=(tool,))
    assert "tool_choice" not in body(tool_choice="auto")


def test_headers() -> None:
    assert "x-grok-conv-id" not in headers(ask(CLOUD), SETTINGS)
    sent = headers(ask(CLOUD, conversation_id="abc"), SETTINGS)
    assert sent["x-grok-conv-id"] == "abc"
    assert sent["Authorization"] == "Bearer xai-test-key"
