"""The scripted xAI: what it refuses, what it streams, what it bills."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.servers import (
    KEY,
    ErrorLine,
    Finish,
    Say,
    Status,
    Think,
    ToolCall,
    Usage,
    XaiModel,
    XaiServer,
)

BODY = {"model": "grok-4.3", "messages": [{"role": "user", "content": "Hello?"}]}


def ask(server: XaiServer, key: str = KEY, **fields: Any) -> requests.Response:
    url = f"{server.base_url}/chat/completions"
    headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
    return requests.post(url, json=BODY | fields, headers=headers, timeout=5)


def events(reply: requests.Response) -> list[dict[str, Any]]:
    lines = [x.removeprefix("data: ") for x in reply.text.split("\n\n") if x]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_a_stream_with_usage() -> None:
    usage = Usage(1000, 200, cached_tokens=400, reasoning_tokens=50)
    with XaiServer([Think("hm"), Say("a"), Say("b"), usage]) as server:
        chunks = events(ask(server, stream=True, stream_options={"include_usage": True}))
    *said, last = chunks
    deltas = [chunk["choices"][0]["delta"] for chunk in said]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert deltas[1:] == [{"reasoning_content": "hm"}, {"content": "a"}, {"content": "b"}, {}]
    assert said[-1]["choices"][0]["finish_reason"] == "stop"
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens_details"]["cached_tokens"] == 400
    assert last["usage"]["completion_tokens_details"]["reasoning_tokens"] == 50
    cost = (600 * 1.25 + 400 * 0.20 + 250 * 2.50) / 1e6
    assert last["usage"]["cost_in_usd_ticks"] == round(cost * 1e10)


def test_no_usage_unless_asked() -> None:
    with XaiServer() as server:
        assert all(chunk["choices"] for chunk in events(ask(server, stream=True)))


def test_one_completion() -> None:
    with XaiServer() as server:
        answer = ask(server).json()
    assert answer["choices"][0]["message"]["content"] == "cloud: Hello?"
    assert answer["usage"]["prompt_tokens"] == 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call(stream: bool) -> None:
    with XaiServer([ToolCall("add", {"a": 1})]) as server:
        reply = ask(server, stream=stream)
        if stream:
            chunks = events(reply)
            call = chunks[1]["choices"][0]["delta"]["tool_calls"][0]
            reason = chunks[-1]["choices"][0]["finish_reason"]
        else:
            choice = reply.json()["choices"][0]
            call, reason = choice["message"]["tool_calls"][0], choice["finish_reason"]
    assert json.loads(call["function"]["arguments"]) == {"a": 1}
    assert reason == "tool_calls"


def test_a_scripted_finish_comes_once() -> None:
    with XaiServer([Say("cut"), Finish("length")]) as server:
        chunks = events(ask(server, stream=True))
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, None, "length"]


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({"stop": ["x"]}, 400, "stop"),
        ({"presence_penalty": 0.1}, 400, "presence_penalty"),
        ({"frequency_penalty": 0.1}, 400, "frequency_penalty"),
        ({"model": "grok-4.20-non-reasoning", "reasoning_effort": "low"}, 400, "reasoning_effort"),
        ({"model": "grok-1"}, 404, "grok-1"),
        ({"search_parameters": {}}, 410, "Live search"),
        ({"messages": []}, 422, "messages"),
    ],
)
def test_what_the_real_one_refuses(fields: dict[str, Any], code: int, text: str) -> None:
    with XaiServer() as server:
        reply = ask(server, **fields)
        assert (reply.status_code, text in reply.text) == (code, True)
        assert ask(server, model="grok-4.20-non-reasoning", stop=["x"]).ok


def test_a_prompt_that_is_too_long() -> None:
    with XaiServer(models=[XaiModel("small", context_tokens=1)]) as server:
        assert "maximum prompt length is 1 " in ask(server, model="small").json()["error"]


@pytest.mark.parametrize("shape", ["xai", "plain", "openai"])
def test_a_wrong_key_in_each_error_shape(shape: Any) -> None:
    with XaiServer(error_shape=shape) as server:
        reply = ask(server, key="wrong")
    assert reply.status_code == 401
    error = reply.json()["error"]
    assert "API key" in (error["message"] if shape == "openai" else error)
    assert ("code" in reply.json()) == (shape == "xai")
    with XaiServer(wrong_key_status=400) as server:
        assert ask(server, key="wrong").status_code == 400


def test_models_need_the_key_too() -> None:
    with XaiServer() as server:
        headers = {"Authorization": f"Bearer {KEY}", "Connection": "close"}
        listed = requests.get(f"{server.base_url}/models", headers=headers, timeout=5).json()
        assert [model["id"] for model in listed["data"]] == list(server.models)


def test_an_error_within_the_stream() -> None:
    with XaiServer([Say("half"), ErrorLine("upstream broke")]) as server:
        text = ask(server, stream=True).text
    assert text.endswith('"error": "upstream broke"}\n\n')


def test_a_json_reply_to_a_streamed_request() -> None:
    with XaiServer([Status(200, {"choices": []})]) as server:
        assert ask(server, stream=True).json() == {"choices": []}
