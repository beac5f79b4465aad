"""What goes to llama.cpp and what comes back, without either end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hal.embedded.errors import BadRequest
from hal.embedded.protocol import ChatRequest, EmbedRequest, parse
from hal.embedded.replies import Reply, closing
from hal.embedded.upstream import EventSplitter

STREAM = b'data: {"content":"a"}\n\n:\n\n: ping\n\ndata: {"content":"\xc3\xa9"}\n\ndata: [DONE]\n\n'
EVENTS = [{"content": "a"}, {"content": "é"}]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_survive_any_chunking(size: int) -> None:
    splitter = EventSplitter()
    blocks = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert [event for block in blocks for event in splitter.feed(block)] == EVENTS


@pytest.mark.parametrize(
    "text", [b'error: {"code":500}', b'data: {"error":{"code":500}}', b"data: nonsense"]
)
def test_errors_are_seen_in_any_dress(text: bytes) -> None:
    (event,) = EventSplitter().feed(text + b"\n\n")
    assert "error" in event


def chat(**fields: Any) -> ChatRequest:
    return parse(ChatRequest, json.dumps({"model": "m", **fields}).encode())


def test_options_have_ollamas_defaults() -> None:
    body = chat(messages=[]).for_llama("p")
    assert (body["temperature"], body["top_k"], body["top_p"], body["min_p"]) == (0.4, 40, 0.9, 0.0)
    assert (body["n_predict"], body["stop"], body["cache_prompt"]) == (-1, [], True)
    assert "seed" not in body
    assert "n_probs" not in body


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"num_predict": 7}, {"n_predict": 7}),
        ({"num_predict": 0}, {"n_predict": -1}),
        ({"stop": "x"}, {"stop": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop": ["x", "y"]}),
        ({"seed": 0}, {"seed": 0}),
        ({"typical_p": 0.5}, {"typ_p": 0.5}),
        ({"repeat_penalty": 1.1, "num_ctx": 99}, {"repeat_penalty": 1.1}),
    ],
)
def test_options_are_translated(options: dict[str, Any], expected: dict[str, Any]) -> None:
    body = chat(options=options).for_llama("p")
    assert {key: body[key] for key in expected} == expected


@pytest.mark.parametrize(("top", "asked"), [(0, 1), (1, 1), (20, 20)])
def test_logprobs_are_asked_for(top: int, asked: int) -> None:
    assert chat(logprobs=True, top_logprobs=top).for_llama("p")["n_probs"] == asked


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": ""}, "model is required"),
        ({"think": True}, '"m" does not support thinking'),
        ({"think": "high"}, '"m" does not support thinking'),
        ({"top_logprobs": 21}, "top_logprobs must be between 0 and 20"),
        ({"top_logprobs": -1}, "top_logprobs must be between 0 and 20"),
        ({"format": "xml"}, "invalid format"),
        ({"tools": [{}]}, '"m" does not support tools'),
        ({"messages": [{"role": "user", "images": ["aa"]}]}, "missing data required for image"),
    ],
)
def test_refusals_in_ollamas_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        chat(**fields).check()


@pytest.mark.parametrize("fields", [{}, {"think": False}, {"tools": []}, {"top_logprobs": 20}])
def test_accepted(fields: dict[str, Any]) -> None:
    chat(**fields).check()


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"messages":[{"role":"king"}]}', b'{"stream":"x"}'])
def test_bodies_that_are_no_request(raw: bytes) -> None:
    with pytest.raises(BadRequest, match="invalid request"):
        parse(ChatRequest, raw)


def test_embed_takes_text_or_texts() -> None:
    assert parse(EmbedRequest, b'{"input":"a"}').input == "a"
    assert parse(EmbedRequest, b'{"input":["a","b"]}').input == ["a", "b"]


def test_zero_counters_are_absent() -> None:
    last = closing({"stop_type": "limit", "tokens_evaluated": 3}, total_ns=5, load_ns=0)
    assert last == {"done_reason": "length", "total_duration": 5, "prompt_eval_count": 3}


def test_logprobs_skip_the_end_mark_and_infinity() -> None:
    tokens = [
        {"id": 1, "token": "a", "bytes": [97], "logprob": None, "top_logprobs": []},
        {"id": 2, "token": "", "bytes": [], "logprob": -0.1, "top_logprobs": []},
    ]
    line = Reply("m", "message", top_logprobs=0).piece(
        {"content": "a", "completion_probabilities": tokens}
    )
    assert line["logprobs"] == [{"token": "a", "logprob": -9999.0, "bytes": [97]}]
