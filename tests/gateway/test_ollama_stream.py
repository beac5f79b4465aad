"""What Ollama streams, as chunks."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hal.errors import BadReply, ContextTooLong, EgressRefused, ModelMissing, Overloaded
from hal.types import Finish, Message, Parameters, Text, Thinking, ToolCalls
from hal.types import Usage as Used
from tests.servers import (
    BUSY,
    End,
    ErrorLine,
    OllamaServer,
    Raw,
    Say,
    Status,
    Think,
    ToolCall,
    Usage,
    refused_url,
)
from tests.servers import (
    Finish as Ends,
)

from .helpers import LOCAL, answer, ask, failure, ollama_at, run


def test_thinking_text_usage_finish() -> None:
    with OllamaServer([Think("hm"), Say("so"), Usage(11, 7)]) as server:
        chunks = answer("ollama", server.url, think=True)
        assert server.chats[0].json["think"] is True
    assert chunks == [Thinking("hm"), Text("so"), Used(11, 7, cost_usd=0.0), Finish("stop")]


def test_zero_counters_are_absent_and_read_as_zero() -> None:
    with OllamaServer([Say("x"), Usage(0, 0)]) as server:
        assert answer("ollama", server.url)[-2] == Used(cost_usd=0.0)


@pytest.mark.parametrize(
    ("said", "want"), [("stop", "stop"), ("length", "length"), ("load", "stop"), ("", "stop")]
)
def test_finish_reasons(said: str, want: str) -> None:
    with OllamaServer([Say("x"), Ends(said)]) as server:
        assert answer("ollama", server.url)[-1] == Finish(want)


def test_tool_calls_come_together_before_the_end() -> None:
    steps = [Say("let me see"), ToolCall("clock", {"zone": "Zürich"}), ToolCall("sum")]
    with OllamaServer(steps) as server:
        text, calls, usage, finish = answer("ollama", server.url)
    assert text == Text("let me see")
    assert isinstance(calls, ToolCalls)
    assert [call.name for call in calls.calls] == ["clock", "sum"]
    assert json.loads(calls.calls[0].arguments) == {"zone": "Zürich"}
    assert calls.calls[1].arguments == "{}"
    assert len({call.id for call in calls.calls}) == 2
    assert isinstance(usage, Used)
    assert finish == Finish("tool_calls")


def test_words_in_the_last_line_count() -> None:
    line = b'{"message": {"content": "all"}, "done": true, "done_reason": "stop"}'
    with OllamaServer([Raw(line), End()]) as server:
        assert answer("ollama", server.url)[0] == Text("all")


def test_nothing_is_read_after_done() -> None:
    steps = [Raw(b'{"done": true}\n{"message": {"content": "more"}}\n'), End()]
    with OllamaServer(steps) as server:
        chunks = answer("ollama", server.url)
    assert [type(chunk) for chunk in chunks] == [Used, Finish]


def test_busy() -> None:
    with OllamaServer([BUSY]) as server:
        error = failure("ollama", server.url)
    assert type(error) is Overloaded
    assert "server busy, please try again. maximum" in str(error)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("model 'x' not found", ModelMissing),
        ("server busy", Overloaded),
        ("the input length exceeds the context length", ContextTooLong),
        ("boom", BadReply),
    ],
)
def test_an_error_within_the_stream(words: str, kind: type[Exception]) -> None:
    with OllamaServer([ErrorLine(words)]) as server:
        assert type(failure("ollama", server.url)) is kind


def test_another_server_at_that_address() -> None:
    page = Status(404, b"404 page not found", {"content-type": "text/plain"})
    with OllamaServer([page]) as server:
        error = failure("ollama", server.url)
    assert type(error) is BadReply
    assert "OLLAMA_BASE_URL" in error.remedy


def test_the_window_stays_so_that_the_model_is_loaded_once() -> None:
    with OllamaServer() as server:
        for parameters in (Parameters(), Parameters(max_tokens=5), Parameters(temperature=1)):
            answer("ollama", server.url, ask(LOCAL, parameters=parameters))
        assert server.loads == [("nemotron-3-nano:30b", 8192)]


@pytest.mark.parametrize(("tokens", "full"), [(8192, True), (8100, True), (4000, False)])
def test_a_prompt_that_fills_the_window_is_told(tokens: int, full: bool) -> None:
    """Ollama cuts what does not fit, and does not say so."""
    with OllamaServer([Say("x"), Usage(tokens, 1)]) as server:
        usage = answer("ollama", server.url)[-2]
    assert usage == Used(tokens, 1, cost_usd=0.0, fills_window=full)


def test_the_target_names_the_host() -> None:
    with OllamaServer() as main, OllamaServer() as other:
        answer("ollama", main.url, ask(replace(LOCAL, host=other.url)))
        answer("ollama", main.url, ask(replace(LOCAL, host="")))
        assert (len(main.chats), len(other.chats)) == (1, 1)


def test_another_host_is_named_in_its_errors() -> None:
    with OllamaServer(models=()) as other:
        target = replace(LOCAL, host=other.url, place="den:11434")
        error = failure("ollama", refused_url(), ask(target))
    assert str(error) == "The model nemotron-3-nano:30b is not on den:11434."
    down = replace(LOCAL, host=refused_url(), place="den:11434")
    assert "LOCAL_HOSTS" in failure("ollama", refused_url(), ask(down)).remedy


def test_a_target_outside_is_never_asked() -> None:
    async def work(url: str) -> None:
        async with ollama_at(url) as stream:
            await anext(stream(ask(replace(LOCAL, leaves_machine=True))))

    with OllamaServer() as server:
        with pytest.raises(EgressRefused):
            run(work(server.url))
        assert server.requests == []


def test_an_image_by_address_sends_nothing() -> None:
    request = ask(LOCAL, messages=(Message("user", "?", images=("https://example.org/a.png",)),))
    with OllamaServer() as server:
        assert "web address" in str(failure("ollama", server.url, request))
        assert server.requests == []
