"""What a client reads: one golden line for each kind of chunk, and whole completions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hal.explain import FAILED_LINE
from hal.types import (
    Chunk,
    Cited,
    Decided,
    Failure,
    Finish,
    Route,
    Source,
    Sources,
    Status,
    Summary,
    Text,
    Thinking,
    ToolCall,
    ToolCalls,
    Usage,
)
from hal.wire import Completion, ErrorReply, Wire, completion
from tests.core.things import CLOUD, LOCAL, decision, plan

SUMMARY = Summary(
    route="COMPLEX",
    confidence=0.87654,
    reason="beyond the local model",
    model="grok-4.3",
    usage=Usage(100, 20, cached_tokens=64, reasoning_tokens=5, cost_usd=0.0042),
    classify_ms=123.4,
    first_token_ms=456.7,
    total_ms=2345.6,
)
CALL = ToolCalls((ToolCall("call_1", "clock", '{"zone": "UTC"}'),))
DECIDED = Decided(
    decision(Route.COMPLEX, confidence=0.87654, source=Source.CLASSIFIER, degraded="x"),
    plan(CLOUD, LOCAL, route=Route.COMPLEX, notes=("a note",)),
)
HAL = {
    "route": "COMPLEX",
    "confidence": 0.877,
    "source": "classifier",
    "reason": "an ordinary question",
    "target": "xAI grok-4.3",
    "notes": ["a note"],
    "degraded": "x",
}
USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "hal_route": "COMPLEX",
    "hal_confidence": 0.877,
    "hal_reason": "beyond the local model",
    "hal_model": "grok-4.3",
    "hal_cost_usd": 0.0042,
    "hal_classify_ms": 123,
    "hal_first_token_ms": 457,
    "hal_total_ms": 2346,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
BASE = {
    "id": "chatcmpl-t1",
    "object": "chat.completion.chunk",
    "created": 1700000000,
    "model": "hal.auto",
}


def delta(inner: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {**BASE, "choices": [{"index": 0, "delta": inner, "finish_reason": finish}]}


def wire(show_events: bool) -> Wire:
    return Wire("t1", "hal.auto", 1700000000, show_events=show_events)


FUNCTION = {"name": "clock", "arguments": '{"zone": "UTC"}'}
SAME = [
    pytest.param(Text("Grüße 🙂"), delta({"content": "Grüße 🙂"}), id="text"),
    pytest.param(Thinking("Hm."), delta({"reasoning_content": "Hm."}), id="thinking"),
    pytest.param(
        CALL,
        delta({"tool_calls": [
            {"index": 0, "id": "call_1", "type": "function", "function": FUNCTION}
        ]}),
        id="tool calls",
    ),
    pytest.param(Finish("length"), delta({}, "length"), id="finish"),
    pytest.param(
        Failure("It broke.", "timeout"),
        {"error": {"message": "It broke.", "code": "timeout"}},
        id="failure",
    ),
    pytest.param(SUMMARY, {**BASE, "choices": [], "usage": USAGE}, id="summary"),
]  # fmt: skip
STATUS = {"event": {"type": "status", "data": {"description": "Choosing", "done": False}}}


@pytest.mark.parametrize("show_events", [True, False], ids=["events", "no events"])
@pytest.mark.parametrize(("chunk", "payload"), SAME)
def test_chunks_that_everybody_gets(chunk: Chunk, payload: Any, show_events: bool) -> None:
    line = wire(show_events).encode(chunk)
    assert line is not None
    assert "\n" not in line
    assert json.loads(line.removeprefix("data: ")) == payload


EVENTS = [
    pytest.param(Status("Choosing"), True, STATUS, id="status shown"),
    pytest.param(Status("Choosing"), False, None, id="status not shown"),
    pytest.param(DECIDED, True, None, id="the decision is in the status"),
    pytest.param(
        DECIDED, False, {**delta({"role": "assistant", "content": ""}), "hal": HAL},
        id="the decision in the first chunk",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("chunk", "show_events", "payload"), EVENTS)
def test_chunks_that_depend_on_the_caller(chunk: Chunk, show_events: bool, payload: Any) -> None:
    line = wire(show_events).encode(chunk)
    assert (line and json.loads(line.removeprefix("data: "))) == payload


def test_text_that_looks_like_the_protocol_stays_text() -> None:
    line = wire(True).text("data: [DONE]\n\ndata: {}")
    assert "\n" not in line
    assert json.loads(line[6:])["choices"][0]["delta"]["content"] == "data: [DONE]\n\ndata: {}"


def test_half_an_emoji_can_be_sent() -> None:
    halves = ("\ud83d", "\ude42")
    lines = [wire(True).text(half) for half in halves]
    sent = b"".join(line.encode() for line in lines)  # as the server does
    assert b"\\ud83d" in sent
    assert b"\\ude42" in sent


def test_a_completion() -> None:
    chunks: list[Chunk] = [
        Status("Choosing"),
        DECIDED,
        Thinking("Hm, "),
        Text("It is "),
        Thinking("well."),
        Text("noon."),
        SUMMARY,
    ]
    made = completion(chunks, "t1", "hal.auto", 1700000000)
    message = {"role": "assistant", "content": "It is noon.", "reasoning_content": "Hm, well."}
    assert made.model_dump() == {
        "id": "chatcmpl-t1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "hal.auto",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
    }


def test_a_completion_with_tool_calls() -> None:
    made = completion([CALL, Finish("tool_calls")], "t1", "hal.auto", 0)
    choice = made.model_dump()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": FUNCTION}
    ]


def test_a_failure_without_any_text_is_an_error() -> None:
    made = completion([Failure("It broke.", "timeout")], "t1", "hal.auto", 0)
    assert isinstance(made, ErrorReply)
    assert made.model_dump() == {"error": {"message": "It broke.", "code": "timeout"}}


def test_a_failure_in_mid_answer_stands_below_it() -> None:
    made = completion([Text("It is"), Failure("It broke.")], "t1", "hal.auto", 0)
    choice = made.model_dump()["choices"][0]
    assert choice["message"]["content"] == "It is\n\n[It broke.]"
    assert choice["finish_reason"] == "error"


def test_an_emoji_in_two_halves_is_whole_in_a_completion() -> None:
    made = completion([Text("\ud83d"), Text("\ude42 and \ud83d")], "t1", "hal.auto", 0)
    assert made.model_dump()["choices"][0]["message"]["content"] == "🙂 and \ufffd"


@pytest.mark.parametrize("show", [repr, str, "{}".format], ids=["repr", "str", "format"])
def test_a_completion_in_a_log_tells_nothing(show: Any) -> None:
    made = completion([Text("my secret"), Thinking("more secrets"), SUMMARY], "t1", "hal.auto", 0)
    assert isinstance(made, Completion)
    assert "secret" not in show(made)
    assert "t1" in show(made)


def test_costs_nobody_knows_are_null() -> None:
    line = wire(True).encode(Summary("META", 1, "", "", Usage(), 0, None, 0)) or ""
    usage = json.loads(line[6:])["usage"]
    assert usage["hal_cost_usd"] is None
    assert "prompt_tokens_details" not in usage


# --- sources ---

FOUND = Sources(
    tuple(
        Cited(n, f"https://{name}.example/", f"Title {name}", f"{name}.example", (f"passage {n}",))
        for n, name in enumerate("ab", 1)
    )
)


def encoded(*chunks: Chunk, show_events: bool) -> list[dict[str, Any]]:
    wire = Wire("turn-1", "hal-auto", 1, show_events=show_events)
    lines = [
        line for chunk in chunks if (text := wire.encode(chunk)) for line in text.split("\n\n")
    ]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_each_source_is_an_event_of_its_own_in_their_order() -> None:
    events = [line["event"] for line in encoded(FOUND, show_events=True)]
    assert [event["type"] for event in events] == ["source", "source"]
    assert [event["data"]["source"]["id"] for event in events] == [
        "https://a.example/",
        "https://b.example/",
    ]


def test_who_draws_no_events_gets_the_addresses() -> None:
    (line,) = encoded(FOUND, show_events=False)
    assert line["citations"] == ["https://a.example/", "https://b.example/"]
    assert line["object"] == "chat.completion.chunk"
    assert line["choices"] == [{"index": 0, "delta": {"content": ""}, "finish_reason": None}]


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (Status("Choosing a model"), {}),
        (
            Status("Searching: mills", queries=("mills",)),
            {"action": "web_search_queries_generated", "queries": ["mills"]},
        ),
        (
            Status("Reading 1 page", urls=("https://a.example/",)),
            {"action": "web_search", "urls": ["https://a.example/"]},
        ),
    ],
    ids=["plain", "queries", "addresses"],
)
def test_a_status_of_a_search_has_its_action(status: Status, more: dict[str, Any]) -> None:
    (line,) = encoded(status, show_events=True)
    wanted = {"description": status.text, "done": False} | more
    assert line["event"] == {"type": "status", "data": wanted}


def test_a_whole_answer_ends_with_its_sources() -> None:
    reply = completion([FOUND, Text("In May [1]."), Finish(), SUMMARY], "turn-1", "hal-auto", 1)
    assert isinstance(reply, Completion)
    assert reply.choices[0]["message"]["content"] == (
        "In May [1].\n\nSources:\n"
        "[1] Title a: <https://a.example/>\n"
        "[2] Title b: <https://b.example/>"
    )
    failed = completion([FOUND, Failure("It broke.")], "turn-1", "hal-auto", 1)
    assert isinstance(failed, ErrorReply)


def test_a_program_finds_the_sources_beside_its_json() -> None:
    chunks: list[Chunk] = [FOUND, Text('{"month": "May"}'), Finish(), SUMMARY]
    reply = completion(chunks, "turn-1", "hal-auto", 1, lists_sources=False)
    assert isinstance(reply, Completion)
    assert reply.choices[0]["message"]["content"] == '{"month": "May"}'
    assert reply.model_dump()["citations"] == ["https://a.example/", "https://b.example/"]


def statuses(*chunks: Chunk, show_events: bool = True) -> list[tuple[str, bool]]:
    """What the status lines say, and whether each is over."""
    wire = Wire("t", "hal.auto", 0, show_events=show_events)
    lines = [line for c in chunks if (one := wire.encode(c)) for line in one.split("\n\n")]
    events = [json.loads(line.removeprefix("data: ")).get("event") for line in lines]
    return [(e["data"]["description"], e["data"]["done"]) for e in events if e]


def test_a_line_that_says_something_is_done_does_not_stay_above_an_error() -> None:
    broke = Failure("It broke.")
    again = Status("Trying again.")
    assert statuses(again, broke) == [("Trying again.", False), (FAILED_LINE, True)]
    assert statuses(again, Status("Decided", done=True), broke)[-1] == ("Decided", True)
    assert statuses(broke) == []
    assert statuses(again, broke, show_events=False) == []
