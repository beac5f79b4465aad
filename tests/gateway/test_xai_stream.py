"""What chat completions stream, as chunks; and the key, which shows up nowhere."""

from __future__ import annotations

import json
import logging
import time
import traceback
from dataclasses import replace

import pytest

from hal.errors import (
    BadReply,
    ContentRefused,
    ContextTooLong,
    ModelMissing,
    OutOfCredits,
    Overloaded,
    ProviderError,
    RateLimited,
    Rejected,
    Unauthorized,
)
from hal.types import Finish, Text, Thinking, ToolCalls
from hal.types import Usage as Used
from tests.servers import (
    KEY,
    Begin,
    Cut,
    End,
    Raw,
    Say,
    Stall,
    Status,
    Step,
    Think,
    ToolCall,
    Usage,
    Wire,
    XaiServer,
)
from tests.servers import (
    Finish as Ends,
)

from .helpers import CLOUD, answer, ask, failure, text_of

JSON = {"content-type": "application/json"}


def sse(*objects: object) -> Raw:
    return Raw(b"".join(f"data: {json.dumps(o)}\n\n".encode() for o in objects))


def delta(finish: str | None = None, **fields: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def streamed(*steps: Step) -> list[object]:
    with XaiServer(list(steps)) as server:
        return answer("xai", server.base_url)


def failed(*steps: Step) -> ProviderError:
    with XaiServer(list(steps)) as server:
        return failure("xai", server.base_url)


def test_thinking_text_usage_finish() -> None:
    chunks = streamed(Think("hm"), Say("so"), Usage(1_000, 20, 100, 30, cost_usd=0.0042))
    used = Used(1_000, 20, 100, 30, 0.0042)
    assert chunks == [Thinking("hm"), Text("so"), used, Finish("stop")]


@pytest.mark.parametrize(
    ("cost", "want"),
    [
        ({"cost_in_usd_ticks": 42_000_000}, 0.0042),
        ({"cost_in_usd_ticks": 0}, 0.0),
        ({}, 400 * 1.25e-6 + 600 * 0.2e-6 + 30 * 2.5e-6),
    ],
    ids=["ticks", "no ticks to pay", "from the table"],
)
def test_cost(cost: dict[str, int], want: float) -> None:
    usage = {
        "prompt_tokens": 1_000,
        "completion_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 600},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    last = {"choices": [], "usage": usage | cost}
    chunks = streamed(sse(delta("stop", content="x"), last), End())
    (used,) = (chunk for chunk in chunks if isinstance(chunk, Used))
    assert used.cost_usd == pytest.approx(want)


def test_usage_in_every_chunk_is_given_once() -> None:
    one = delta(content="a") | {"usage": {"prompt_tokens": 5, "completion_tokens": 1}}
    two = delta("stop", content="b") | {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    chunks = streamed(sse(one, two), Raw(b"data: [DONE]\n\n"), End())
    assert [c.completion_tokens for c in chunks if isinstance(c, Used)] == [2]


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_finish_reasons(reason: str) -> None:
    assert streamed(Say("x"), Ends(reason))[-1] == Finish(reason)


def test_a_tool_call_in_pieces() -> None:
    def piece(index: int, **fields: object) -> dict[str, object]:
        return delta(tool_calls=[{"index": index} | fields])

    chunks = streamed(
        sse(
            piece(1, id="b", function={"name": "sum", "arguments": ""}),
            piece(0, id="a", function={"name": "clock", "arguments": '{"zo'}),
            piece(0, function={"arguments": 'ne": 1}'}),
            delta("tool_calls"),
        ),
        Raw(b"data: [DONE]\n\n"),
        End(),
    )
    calls, finish = chunks
    assert isinstance(calls, ToolCalls)
    assert [(c.id, c.name, c.arguments) for c in calls.calls] == [
        ("a", "clock", '{"zone": 1}'),
        ("b", "sum", "{}"),
    ]
    assert finish == Finish("tool_calls")


def test_a_whole_tool_call() -> None:
    calls = streamed(ToolCall("clock", {"zone": 1}, "c9"))[0]
    assert isinstance(calls, ToolCalls)
    assert (calls.calls[0].id, calls.calls[0].arguments) == ("c9", '{"zone": 1}')


COMPLETION = {
    "choices": [
        {"message": {"content": "all", "reasoning_content": "hm"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "cost_in_usd_ticks": 10_000_000_000},
}


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/plain"])
def test_a_whole_completion_is_accepted(kind: str) -> None:
    body = b"\n " + json.dumps(COMPLETION, indent=2).encode()
    chunks = streamed(Status(200, body, {"content-type": kind}))
    assert chunks == [Thinking("hm"), Text("all"), Used(3, 1, cost_usd=1.0), Finish("stop")]


MISSES = {
    "done alone": ([Raw(b"data: [DONE]\n\n"), End()], "empty"),
    "done without finish": ([Say("x"), Raw(b"data: [DONE]\n\n"), End()], "cut off"),
    "finish error": ([Say("x"), Ends("error")], "failed"),
    "completion without choices": ([Status(200, b"{}", JSON)], "empty"),
    "event: error": ([Raw(b'event: error\ndata: {"error": {"message": "boom"}}\n\n')], "boom"),
    "event: error, bare": ([Raw(b'event: error\ndata: {"message": "boom"}\n\n')], "boom"),
    "event: error, words": ([Raw(b"event: error\ndata: boom\n\n")], "boom"),
    "event: error, later": ([Say("x"), Raw(b"event: error\ndata: boom\n\n"), Stall()], "boom"),
    "page said to be a stream": ([Raw(b"<html>"), End()], "web page"),
}


@pytest.mark.parametrize(("steps", "words"), MISSES.values(), ids=MISSES.keys())
def test_answers_that_are_none(steps: list[Step], words: str) -> None:
    error = failed(*steps)
    assert type(error) is BadReply
    assert words in str(error)


def test_what_a_filter_held_back_is_refused_and_billed() -> None:
    chunks = streamed(Think("hm"), Usage(7, 1, cost_usd=0.5), Ends("content_filter"))
    assert chunks[1] == Used(7, 1, cost_usd=0.5)
    assert type(chunks[-1]) is ContentRefused


def test_what_a_filter_cut_off_is_an_answer() -> None:
    assert streamed(Say("half"), Ends("content_filter"))[-1] == Finish("content_filter")


def test_a_model_that_declines_without_a_word_of_text() -> None:
    error = failed(sse(delta(refusal="I "), delta("stop", refusal="will not.")), End())
    assert type(error) is ContentRefused
    assert "I will not." in str(error)


def test_a_failure_at_the_end_is_billed() -> None:
    last = delta("error") | {"usage": {"prompt_tokens": 5, "cost_in_usd_ticks": 10_000_000_000}}
    chunks = streamed(sse(delta(content="x"), last), Stall())
    assert chunks[-2] == Used(5, cost_usd=1.0)
    assert type(chunks[-1]) is BadReply


def test_both_names_of_a_thought() -> None:
    both = delta(reasoning_content="a", reasoning="a")
    chunks = streamed(sse(both, delta(reasoning="b"), delta("stop", content="x")), End())
    assert chunks[:2] == [Thinking("a"), Thinking("b")]


FINE = {
    "no [DONE]": [Say("x"), Ends("stop"), End()],
    "cut after the finish": [Say("x"), Ends("stop"), Cut(reset=True)],
    "two [DONE]": [Say("x"), Ends("stop"), Raw(b"data: [DONE]\n\ndata: [DONE]\n\n"), End()],
    "data after [DONE]": [Say("x"), Ends("stop"), Raw(b"data: [DONE]\n\ndata: {\n\n"), End()],
    "comments": [Raw(b": ping\n\n"), Say("x"), Raw(b": ping\r\n\r\n")],
}


@pytest.mark.parametrize("steps", FINE.values(), ids=FINE.keys())
def test_answers_that_are_fine(steps: list[Step]) -> None:
    chunks = streamed(*steps)
    assert text_of(chunks) == "x"
    assert chunks[-1] == Finish("stop")


def test_a_missing_bill_is_waited_for_briefly() -> None:
    began = time.monotonic()
    with XaiServer([Say("x"), Ends("stop"), Stall()]) as server:
        assert answer("xai", server.base_url, gap_s=0.2)[-1] == Finish("stop")
    assert time.monotonic() - began < 2


def test_a_character_split_between_chunks() -> None:
    data = f"data: {json.dumps(delta('stop', content='Grüße 🙂'), ensure_ascii=False)}\n\n".encode()
    assert text_of(streamed(*[Raw(data[i : i + 1]) for i in range(len(data))])) == "Grüße 🙂"


LONG = "This model's maximum prompt length is 131072 but the request contains 140337 tokens."
GUIDELINES = "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"
STATUS: list[tuple[str, Status, type[ProviderError], str]] = [
    ("402", Status(402, b""), OutOfCredits, "credits"),
    ("403 credits", Status(403, {"error": "Your team has no credits"}), OutOfCredits, "credits"),
    ("403", Status(403, {"error": "blocked"}), Unauthorized, "no access"),
    (
        "429 quota",
        Status(429, {"error": {"message": "no", "code": "insufficient_quota"}}),
        OutOfCredits,
        "credits",
    ),
    ("429", Status(429, {"error": "Too many requests for team 42."}), RateLimited, "team 42"),
    ("400 length", Status(400, {"error": LONG}), ContextTooLong, "maximum prompt length"),
    ("length in the stream", Status(200, {"error": LONG}), ContextTooLong, "140337"),
    ("400 filter", Status(400, {"error": GUIDELINES}), ContentRefused, "usage guidelines"),
    ("403 filter", Status(403, {"error": GUIDELINES}), ContentRefused, "usage guidelines"),
    (
        "a filter by its code",
        Status(400, {"error": {"message": "no", "code": "content_filter"}}),
        ContentRefused,
        "no",
    ),
    ("422", Status(422, {"error": "missing field messages"}), Rejected, "missing field"),
    ("404 path", Status(404, b"404 page not found"), BadReply, "knows no chat completions"),
    ("404", Status(404, {"error": "The model grok-4.3 does not exist"}), ModelMissing, "grok-4.3"),
    ("410", Status(410, {"error": "Gone"}), Rejected, "Gone"),
    ("long", Status(400, {"error": "x" * 4000}), Rejected, "xxx…"),
    (
        "503 date",
        Status(503, b"", {"retry-after": "Mon, 21 Sep 2020 14:13:50 GMT"}),
        Overloaded,
        "503",
    ),
    (
        "code in the stream",
        Status(200, {"error": {"code": 429, "message": "slow"}}),
        RateLimited,
        "slow",
    ),
    (
        "quota in the stream",
        Status(200, {"error": {"type": "insufficient_quota", "message": "no"}}),
        OutOfCredits,
        "credits",
    ),
    (
        "limit in the stream",
        Status(200, {"error": {"code": "rate_limit_exceeded", "message": "no"}}),
        RateLimited,
        "no",
    ),
]


@pytest.mark.parametrize(
    ("status", "kind", "words"), [s[1:] for s in STATUS], ids=[s[0] for s in STATUS]
)
def test_statuses(status: Status, kind: type[ProviderError], words: str) -> None:
    error = failed(status)
    assert type(error) is kind
    assert words in str(error)
    assert len(str(error)) < 350


@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_key(status: int) -> None:
    with XaiServer(api_key="xai-another", wrong_key_status=status) as server:
        error = failure("xai", server.base_url)
    assert type(error) is Unauthorized
    assert "XAI_API_KEY" in error.remedy


@pytest.mark.parametrize("key", [None, "", "xai two words", "xai-ключ", "xai-a\nX-Evil: 1"])
def test_a_key_that_is_none_sends_nothing(key: str | None) -> None:
    with XaiServer() as server:
        error = failure("xai", server.base_url, api_key=key)
        assert type(error) is Unauthorized
        assert not key or key not in error.sentence
        assert server.requests == []


BREAKS: list[Step] = [
    Status(401, {"error": f"Incorrect API key provided: {KEY}"}),
    Status(400, {"error": f"bad header: Authorization: Bearer {KEY}"}),
    Status(500, {"error": {"message": KEY}}),
    Status(200, {"error": f"{KEY} is over its limit"}),
    Status(307, b"", {"location": "http://127.0.0.1:1/"}),
    Wire(b"HTTP/1.1 nonsense\r\n\r\n"),
    Cut(),
    Cut(reset=True),
]


@pytest.mark.parametrize("step", BREAKS, ids=str)
def test_the_key_is_in_no_exception_and_in_no_log(
    step: Step, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        error = failed(step)
    shown = "".join(traceback.format_exception(error))
    assert KEY not in shown + error.sentence + repr(error) + caplog.text


def test_the_key_is_in_no_exception_when_nobody_listens() -> None:
    error = failure("xai", "http://127.0.0.1:1/v1")
    assert KEY not in "".join(traceback.format_exception(error))


def test_a_password_in_the_address_is_not_sent_beside_the_key() -> None:
    with XaiServer() as server:
        url = server.base_url.replace("http://", "http://me:secret@")
        assert answer("xai", url)[-1] == Finish("stop")
        assert server.chats[0].headers["authorization"] == f"Bearer {KEY}"


def test_headers_reach_the_server() -> None:
    request = ask(CLOUD, conversation_id="0f" * 16)
    with XaiServer() as server:
        answer("xai", server.base_url, request)
        sent = server.chats[0].headers
    assert sent["x-grok-conv-id"] == "0f" * 16
    assert sent["authorization"] == f"Bearer {KEY}"


def test_the_requested_model_is_the_targets() -> None:
    with XaiServer() as server:
        answer("xai", server.base_url, ask(replace(CLOUD, model="grok-4.7")))
        assert server.chats[0].json["model"] == "grok-4.7"


def test_begin_alone_is_empty() -> None:
    assert "empty" in str(failed(Begin(), End()))
