"""Local servers that speak OpenAI's API: what they are asked, and what they say."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from hal.errors import (
    BadReply,
    ContextTooLong,
    EgressRefused,
    ModelMissing,
    ProviderError,
    Rejected,
    Unauthorized,
)
from hal.gateway.providers.openai_request import chat_body, headers
from hal.settings import LocalHost
from hal.types import Finish, Message, Parameters, Text, Thinking, ToolCalls
from hal.types import Usage as Used
from tests.servers import (
    End,
    OllamaServer,
    Raw,
    Say,
    Status,
    Step,
    Think,
    ToolCall,
    Usage,
    refused_url,
)

from .helpers import DEFAULTS, HOSTED, OpenAiServer, answer, ask, failure, openai_at, run

BASIC = "Basic " + base64.b64encode(b"me:se:cret@").decode()
PICTURE = "data:image/png;base64,AA=="


def body(think: bool | str = False, **changes: Any) -> dict[str, Any]:
    return chat_body(ask(HOSTED, **changes), replace(DEFAULTS.local, think=think))


def test_an_answer_costs_nothing_whatever_the_server_says() -> None:
    steps = [Think("hm"), Say("so"), Usage(11, 7, 3, cost_usd=9.0)]
    with OpenAiServer(steps) as server:
        chunks = answer("openai", server.base_url)
    used = Used(11, 7, 3, cost_usd=0.0)
    assert chunks == [Thinking("hm"), Text("so"), used, Finish("stop")]


def test_reasoning_counts_once() -> None:
    """These servers count it within the completion, xAI beside it."""
    with OpenAiServer([Say("x"), Usage(11, 10, reasoning_tokens=4)]) as server:
        assert answer("openai", server.base_url)[-2] == Used(11, 6, 0, 4, cost_usd=0.0)


def test_newer_servers_call_it_reasoning() -> None:
    deltas = [{"reasoning": "hm"}, {"content": "so"}]
    events = [{"choices": [{"delta": delta, "finish_reason": None}]} for delta in deltas]
    events[-1]["choices"][0]["finish_reason"] = "stop"
    data = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in events)
    with OpenAiServer([Raw(data), End()]) as server:
        assert answer("openai", server.base_url) == [Thinking("hm"), Text("so"), Finish("stop")]


def test_tool_calls() -> None:
    tool = {"type": "function", "function": {"name": "clock"}}
    with OpenAiServer([ToolCall("clock", {"zone": 1}, "c9")]) as server:
        request = ask(HOSTED, tools=(tool,), tool_choice="auto")
        calls, _, finish = answer("openai", server.base_url, request)
        sent = server.chats[0].json
    assert isinstance(calls, ToolCalls)
    assert (calls.calls[0].name, finish) == ("clock", Finish("tool_calls"))
    assert (sent["tools"], sent["tool_choice"]) == ([tool], "auto")


@pytest.mark.parametrize(("tokens", "full"), [(8192, True), (4000, False)])
def test_a_prompt_that_fills_the_window_is_told(tokens: int, full: bool) -> None:
    with OpenAiServer([Say("x"), Usage(tokens, 1)]) as server:
        assert answer("openai", server.base_url)[-2].fills_window is full


def test_what_these_servers_know_beyond_openai() -> None:
    sent = body(parameters=Parameters(top_k=7, min_p=0.1, repeat_penalty=1.1, stop=("END",)))
    assert (sent["top_k"], sent["min_p"], sent["stop"]) == (7, 0.1, ["END"])
    assert sent["repeat_penalty"] == sent["repetition_penalty"] == 1.1
    assert not {"top_k", "min_p", "repeat_penalty", "repetition_penalty"} & set(body())


@pytest.mark.parametrize(
    ("think", "want"),
    [
        (False, {"enable_thinking": False}),
        (True, {"enable_thinking": True}),
        ("low", {"enable_thinking": True, "reasoning_effort": "low"}),
    ],
)
def test_thinking_is_always_said(think: bool | str, want: dict[str, Any]) -> None:
    assert body(think)["chat_template_kwargs"] == want


def test_a_model_that_cannot_think_is_not_told_about_it() -> None:
    request = ask(replace(HOSTED, can_think=False))
    assert "chat_template_kwargs" not in chat_body(request, DEFAULTS.local)


def test_pictures_travel_in_the_message() -> None:
    sent = body(messages=(Message("user", "?", images=(PICTURE,)),))["messages"][0]["content"]
    assert sent[0] == {"type": "image_url", "image_url": {"url": PICTURE}}


@pytest.mark.parametrize("url", ["https://example.org/a.png", "file:///etc/passwd", "AA=="])
def test_a_picture_that_the_server_would_have_to_fetch_sends_nothing(url: str) -> None:
    request = ask(HOSTED, messages=(Message("user", "?", images=(url,)),))
    with OpenAiServer() as server:
        assert type(failure("openai", server.base_url, request)) is Rejected
        assert server.requests == []


# Who we are there


def test_without_a_password_nothing_is_said() -> None:
    with OpenAiServer() as server:
        assert answer("openai", server.base_url)[-1] == Finish("stop")
        assert "authorization" not in server.chats[0].headers


def with_password(server: OpenAiServer) -> str:
    return server.base_url.replace("http://", "http://me:se%3Acret%40@")


def test_a_password_in_the_address() -> None:
    with OpenAiServer(authorization=BASIC) as server:
        assert answer("openai", with_password(server))[-1] == Finish("stop")
        assert server.chats[0].headers["authorization"] == BASIC
        assert "@" not in server.chats[0].headers["host"]


def test_the_password_is_found_in_the_settings() -> None:
    """The target that travels through the log does not hold it."""
    with OpenAiServer(authorization=BASIC) as server:
        host = LocalHost(with_password(server), "openai")
        request = ask(replace(HOSTED, host=server.base_url))
        assert answer("openai", "", request, hosts=(host,))[-1] == Finish("stop")
        assert type(failure("openai", "", request)) is Unauthorized


def test_a_wrong_password_is_in_no_error() -> None:
    with OpenAiServer(authorization="Basic other") as server:
        error = failure("openai", with_password(server))
    assert type(error) is Unauthorized
    assert "LOCAL_HOSTS" in error.remedy
    assert not any(part in error.sentence for part in ("se%3A", "se:c", BASIC.split()[1]))


@pytest.mark.parametrize("url", ["http://a/v1", "http://[", ""])
def test_no_header_for_an_address_without_one(url: str) -> None:
    assert "Authorization" not in headers(url)


# What breaks in these servers' own ways

REPLIES: list[tuple[str, Step, type[ProviderError], str]] = [
    (
        "vLLM's old shape",
        Status(404, {"object": "error", "message": "The model `x` does not exist.", "code": 404}),
        ModelMissing,
        "nano-30b",
    ),
    ("no /v1 there", Status(404, {"detail": "Not Found"}), BadReply, "knows no chat completions"),
    (
        "llama.cpp's context",
        Status(400, {"error": {"message": "no", "type": "exceed_context_size_error"}}),
        ContextTooLong,
        "no",
    ),
    (
        "vLLM's length",
        Status(400, {"error": {"message": "longer than the maximum model length of 8192"}}),
        ContextTooLong,
        "8192",
    ),
    ("FastAPI's list", Status(422, {"detail": [{"msg": "x"}]}), Rejected, "422"),
]


@pytest.mark.parametrize(
    ("step", "kind", "words"), [r[1:] for r in REPLIES], ids=[r[0] for r in REPLIES]
)
def test_replies(step: Step, kind: type[ProviderError], words: str) -> None:
    with OpenAiServer([step]) as server:
        error = failure("openai", server.base_url)
    assert type(error) is kind
    assert words in str(error)
    assert error.provider == "openai"


def test_the_server_is_named_where_there_are_several() -> None:
    target = replace(HOSTED, host=f"{refused_url()}/v1", place="den:8000")
    assert str(failure("openai", "", ask(target))).startswith("The server den:8000 does not answer")


def test_a_target_outside_is_never_asked() -> None:
    async def work(url: str) -> None:
        async with openai_at(url) as stream:
            await anext(stream(ask(replace(HOSTED, leaves_machine=True))))

    with OpenAiServer() as server:
        with pytest.raises(EgressRefused):
            run(work(server.base_url))
        assert server.requests == []


def test_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAiServer() as proxy, OpenAiServer() as server:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert answer("openai", server.base_url)[-1] == Finish("stop")
        assert proxy.requests == []


def test_without_a_host_the_main_one_is_asked() -> None:
    """Ollama speaks this dialect, too; here it only says that it was asked."""
    with OllamaServer() as server:
        failure("openai", "", base_url=server.url)
        assert server.requests[0].path == "/v1/chat/completions"
