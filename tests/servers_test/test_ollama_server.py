"""The scripted Ollama, asked by the real client."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import httpx
import ollama
import pytest
import requests

from tests.servers import (
    BUSY,
    ErrorLine,
    Finish,
    Label,
    OllamaModel,
    OllamaServer,
    Say,
    Stall,
    Status,
    Think,
    ToolCall,
    Usage,
    words,
)

MINI, NANO = "nemotron-mini:4b", "nemotron-3-nano:30b"
HI = [{"role": "user", "content": "hi"}]
DISTRIBUTION = {"SIMPLE": 0.7, "MODERATE": 0.2, "COMPLEX": 0.1}


def client(server: OllamaServer, read_s: float = 5) -> Any:
    return ollama.Client(server.url, timeout=httpx.Timeout(read_s), trust_env=False)


def test_the_inventory() -> None:
    with OllamaServer(version="0.12.10") as server, client(server) as asked:
        assert requests.get(server.url, headers={"Connection": "close"}, timeout=5).text == (
            "Ollama is running"
        )
        tags = {model.model: model for model in asked.list().models}
        assert set(tags) == {MINI, NANO}
        assert len(tags[MINI].digest) == 64
        shown = asked.show(NANO)
        assert "thinking" in shown.capabilities
        assert shown.modelinfo["nemotron_h_moe.context_length"] == 1_048_576
        assert asked.ps().models == []
        asked.chat(MINI, HI, options={"num_ctx": 2048})
        assert [(m.model, m.context_length) for m in asked.ps().models] == [(MINI, 2048)]
        version = asked._client.get("/api/version").json()
        assert version == {"version": "0.12.10"}


def test_a_stream_and_one_answer() -> None:
    with OllamaServer() as server, client(server) as asked:
        parts = list(asked.chat(MINI, HI, stream=True))
        assert "".join(part.message.content for part in parts) == f"{MINI}: hi"
        assert [part.done for part in parts] == [False, False, False, True]
        assert (parts[-1].done_reason, parts[-1].prompt_eval_count) == ("stop", 1)
        assert asked.chat(MINI, HI).message.content == f"{MINI}: hi"
        body = {"model": MINI, "messages": HI}
        raw = requests.post(
            f"{server.url}/api/chat", json=body, headers={"Connection": "close"}, timeout=5
        )
        assert raw.headers["content-type"] == "application/x-ndjson"  # streams unless told not to


def test_zero_counters_are_absent() -> None:
    with OllamaServer([Usage(), Finish("length")]) as server, client(server) as asked:
        answer = asked.chat(MINI, HI)
    assert (answer.prompt_eval_count, answer.eval_count) == (None, None)
    assert answer.done_reason == "length"


def test_thinking_is_on_unless_it_is_off() -> None:
    with OllamaServer([Think("hm"), Say("ok")]) as server, client(server) as asked:
        assert asked.chat(NANO, HI).message.thinking == "hm"
        assert asked.chat(NANO, HI, think="low").message.thinking == "hm"
        assert asked.chat(NANO, HI, think=False).message.thinking is None
        path = [{"role": "user", "content": "see /thinking/notes"}]
        assert asked.chat(NANO, path, think=False).message.thinking == "hm"
        assert asked.chat(MINI, HI, think=False).message.thinking is None
        with pytest.raises(ollama.ResponseError, match="does not support thinking") as caught:
            asked.chat(MINI, HI, think=True)
    assert caught.value.status_code == 400


def test_a_label_with_its_distribution() -> None:
    with OllamaServer() as server, client(server) as asked:
        server.labels(DISTRIBUTION, MINI)
        (first, last) = asked.chat(MINI, HI, stream=True, logprobs=True, top_logprobs=5)
    assert first.message.content == "SIMPLE"
    top = {t.token: math.exp(t.logprob) for t in first.logprobs[0].top_logprobs}
    assert top == pytest.approx(DISTRIBUTION)
    assert list(top) == list(DISTRIBUTION)
    assert last.logprobs is None


def test_a_label_cut_by_the_tokenizer_and_in_a_schema() -> None:
    schema = {"type": "object", "properties": {"route": {"enum": list(DISTRIBUTION)}}}
    with OllamaServer([Label(DISTRIBUTION, first_chars=3)]) as server, client(server) as asked:
        answer = asked.chat(MINI, HI, format=schema, logprobs=True, top_logprobs=3)
    assert json.loads(answer.message.content) == {"route": "SIMPLE"}
    assert [entry.token for entry in answer.logprobs] == ['{"route": "', "SIM", "PLE", '"}']
    assert [t.token for t in answer.logprobs[1].top_logprobs] == ["SIM", "MOD", "COM"]


def test_an_old_version_ignores_logprobs() -> None:
    old = OllamaServer([Label(DISTRIBUTION)], version="0.12.10")
    with old as server, client(server) as asked:
        answer = asked.chat(MINI, HI, logprobs=True, top_logprobs=99)
        assert (answer.message.content, answer.logprobs) == ("SIMPLE", None)
        server.version = "0.12.11"
        with pytest.raises(ollama.ResponseError, match="between 0 and 20"):
            asked.chat(MINI, HI, logprobs=True, top_logprobs=99)


def test_a_schema_is_filled() -> None:
    schema = {
        "type": "object",
        "properties": {"route": {"enum": ["A", "B"]}, "confidence": {"type": "number"}},
    }
    with OllamaServer() as server, client(server) as asked:
        answer = asked.chat(MINI, HI, format=schema)
    assert json.loads(answer.message.content) == {"route": "A", "confidence": 0.5}


def test_a_tool_call() -> None:
    with OllamaServer([ToolCall("add", {"a": 1})]) as server, client(server) as asked:
        (call,) = asked.chat(MINI, HI, tools=[]).message.tool_calls
    assert (call.function.name, call.function.arguments) == ("add", {"a": 1})


@pytest.mark.parametrize(
    ("model", "script", "code", "text"),
    [
        ("absent:1b", [Say("")], 404, "model 'absent:1b' not found"),
        (MINI, [BUSY], 503, "please try again.  maximum pending"),
        (MINI, [Status(500, {"error": "runner died"})], 500, "runner died"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_before_the_first_token(
    model: str, script: Any, code: int, text: str, stream: bool
) -> None:
    with (
        OllamaServer(script) as server,
        client(server) as asked,
        pytest.raises(ollama.ResponseError) as caught,
    ):
        list(asked.chat(model, HI, stream=stream))
    assert (caught.value.status_code, text in caught.value.error) == (code, True)


def test_an_error_in_mid_stream() -> None:
    breaking = OllamaServer([Say("half"), ErrorLine("out of memory")])
    with breaking as server, client(server) as asked:
        parts = asked.chat(MINI, HI, stream=True)
        assert next(parts).message.content == "half"
        with pytest.raises(ollama.ResponseError, match="out of memory") as caught:
            next(parts)
        assert caught.value.status_code == -1
        with pytest.raises(ollama.ResponseError) as whole:
            asked.chat(MINI, HI)
    assert whole.value.status_code == 500


def test_a_changed_context_reloads() -> None:
    models = [OllamaModel(MINI, context_tokens=4096, load_s=0.05)]
    with OllamaServer(models=models) as server, client(server) as asked:
        assert asked.chat(MINI, []).done_reason == "load"
        assert asked.chat(MINI, HI).load_duration is None
        assert asked.chat(MINI, HI, options={"num_ctx": 512}).load_duration == 50_000_000
        assert server.loads == [(MINI, 4096), (MINI, 512)]
        assert asked.chat(MINI, [], keep_alive=0).done_reason == "unload"
        assert asked.ps().models == []


def test_a_long_prompt_is_cut_silently() -> None:
    long = [{"role": "user", "content": "word " * 10_000}]
    with OllamaServer([Say("ok")]) as server, client(server) as asked:
        answer = asked.chat(MINI, long, options={"num_ctx": 1024})
    assert answer.prompt_eval_count == 1024


def test_embeddings_are_unit_vectors_and_similar_texts_are_near() -> None:
    texts = ["write a poem", "write a long poem", "why is the sky blue"]
    with OllamaServer() as server, client(server) as asked:
        a, b, c = asked.embed(MINI, texts).embeddings
        assert len(asked.embed(MINI, "x", dimensions=8).embeddings[0]) == 8

    def dot(x: Any, y: Any) -> float:
        return float(sum(p * q for p, q in zip(x, y, strict=True)))

    assert dot(a, a) == pytest.approx(1)
    assert dot(a, b) > 0.7 > 0.3 > dot(a, c)


def test_a_pull() -> None:
    new = OllamaModel("new:1b", size_bytes=100)
    with OllamaServer(library=[new]) as server, client(server) as asked:
        steps = list(asked.pull("new:1b", stream=True))
        assert (steps[0].status, steps[-1].status) == ("pulling manifest", "success")
        assert [s.completed for s in steps if s.total] == [None, 30, 70, 100]
        assert "new:1b" in {model.model for model in asked.list().models}
        with pytest.raises(ollama.ResponseError, match="file does not exist"):
            list(asked.pull("nonsense", stream=True))


def test_a_cloud_model_is_listed_as_remote() -> None:
    with OllamaServer(models=[OllamaModel("big:30b-cloud")]) as server:
        reply = requests.get(
            f"{server.url}/api/tags", headers={"Connection": "close"}, timeout=5
        ).json()
    assert reply["models"][0]["remote_host"] == "https://ollama.com:443"


def test_closing_the_stream_is_an_abort() -> None:
    waits = []
    with OllamaServer([*words("a b"), Stall()]) as server, client(server) as asked:
        for count in (1, 2, 3):
            parts = asked.chat(MINI, HI, stream=True)
            next(parts)
            left = time.monotonic()
            parts.close()
            waits.append((server.wait_for_abort(1, count).aborted_at or 0) - left)
    assert min(waits) < 0.05  # the best of three: the machine may be busy
