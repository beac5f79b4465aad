"""The real client against the real server and a real model: what the protocol promises."""

from __future__ import annotations

import http.client
import json
import math
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import ollama
import pytest

from hal.embedded.launch import EmbeddedProcess
from tests.embedded.conftest import ALIAS, CONTEXT_TOKENS

pytestmark = pytest.mark.engine

QUESTION = [{"role": "user", "content": "Name three colours."}]
GREEDY = {"temperature": 0, "num_predict": 12}
ROUTE = {
    "type": "object",
    "properties": {"route": {"type": "string", "enum": ["SIMPLE", "COMPLEX"]}},
    "required": ["route"],
}


def post(server: EmbeddedProcess, path: str, body: Any) -> tuple[int, list[dict[str, Any]]]:
    """Return the status and the lines as they are on the wire."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(f"{server.url}{path}", data, timeout=30) as reply:
            return reply.status, [json.loads(line) for line in reply]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, [json.loads(error.read())]


def test_greeting_and_version(server: EmbeddedProcess) -> None:
    with urllib.request.urlopen(server.url) as reply:
        assert reply.read() == b"Ollama is running"
    with urllib.request.urlopen(f"{server.url}/api/version") as reply:
        major, minor, patch = json.loads(reply.read())["version"].partition("-")[0].split(".")
    assert (int(major), int(minor), int(patch)) >= (0, 12, 11)


def test_list_show_ps(client: ollama.Client, model: str) -> None:
    listed = {item.model: item for item in client.list().models}
    assert {model, ALIAS} <= set(listed)
    assert listed[ALIAS].digest == listed[model].digest
    shown = client.show(model)
    assert shown.capabilities == ["completion"]
    assert shown.modelinfo is not None
    assert shown.modelinfo["llama.context_length"] == 8192
    client.chat(model, [])
    (loaded,) = [item for item in client.ps().models if item.model == model]
    assert loaded.context_length == CONTEXT_TOKENS
    assert loaded.expires_at is not None


@pytest.mark.parametrize("call", ["show", "chat", "generate", "embed"])
def test_unknown_model_is_404(client: ollama.Client, call: str) -> None:
    arguments = {"show": (), "chat": (QUESTION,), "generate": ("hi",), "embed": ("hi",)}[call]
    with pytest.raises(ollama.ResponseError, match="model 'nope' not found") as caught:
        getattr(client, call)("nope", *arguments)
    assert caught.value.status_code == 404


def test_stream_and_whole_say_the_same(client: ollama.Client, model: str) -> None:
    whole = client.chat(model, QUESTION, options=GREEDY)
    chunks = list(client.chat(model, QUESTION, options=GREEDY, stream=True))
    assert "".join(chunk.message.content or "" for chunk in chunks) == whole.message.content
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    for last in (whole, chunks[-1]):
        assert last.done_reason == "length"
        assert last.eval_count == 12
        assert last.prompt_eval_count == whole.prompt_eval_count
        assert all((last.total_duration, last.eval_duration, last.prompt_eval_duration))
        assert "load_duration" not in last.model_fields_set  # it was loaded: zero, so absent


def test_lines_on_the_wire(server: EmbeddedProcess) -> None:
    status, lines = post(
        server, "/api/chat", {"model": ALIAS, "messages": QUESTION, "options": GREEDY}
    )
    assert status == 200
    assert set(lines[0]) == {"model", "created_at", "message", "done"}
    assert lines[0]["model"] == ALIAS
    assert lines[0]["message"]["role"] == "assistant"
    assert lines[-1]["message"] == {"role": "assistant", "content": ""}


def test_stop_words(client: ollama.Client, model: str) -> None:
    free = client.chat(model, QUESTION, options=GREEDY).message.content or ""
    word = free.split()[2]
    reply = client.chat(model, QUESTION, options={**GREEDY, "stop": [word]})
    assert reply.done_reason == "stop"
    assert word not in (reply.message.content or "")


def test_seed_repeats(client: ollama.Client, model: str) -> None:
    options = {"temperature": 1.5, "seed": 7, "num_predict": 8}
    first, second = (client.chat(model, QUESTION, options=options) for _ in range(2))
    assert first.message.content == second.message.content


@pytest.mark.parametrize("seed", range(4))
def test_schema_gives_valid_json(client: ollama.Client, model: str, seed: int) -> None:
    options = {"temperature": 1.5, "seed": seed, "num_predict": 50}
    reply = client.chat(model, QUESTION, format=ROUTE, options=options)
    answer = json.loads(reply.message.content or "")
    assert set(answer) == {"route"}
    assert answer["route"] in ("SIMPLE", "COMPLEX")
    assert reply.done_reason == "stop"


def test_schema_in_a_stream_with_logprobs_stays_aligned(client: ollama.Client, model: str) -> None:
    chunks = list(client.chat(model, QUESTION, format=ROUTE, stream=True, logprobs=True))
    text = "".join(chunk.message.content or "" for chunk in chunks)
    tokens = "".join(item.token for chunk in chunks for item in chunk.logprobs or [])
    assert tokens == text
    assert json.loads(text)


def test_format_json_begins_an_object(client: ollama.Client, model: str) -> None:
    reply = client.chat(model, QUESTION, format="json", options=GREEDY)
    assert (reply.message.content or "").startswith("{")


def test_one_forward_pass_with_logprobs(client: ollama.Client, model: str) -> None:
    options = {"num_predict": 1, "temperature": 0}
    reply = client.chat(model, QUESTION, options=options, logprobs=True, top_logprobs=20)
    assert reply.eval_count == 1
    (token,) = reply.logprobs or []
    top = token.top_logprobs or []
    assert token.token == reply.message.content == top[0].token
    assert token.logprob == top[0].logprob
    assert len({item.token for item in top}) == len(top) == 20
    assert [item.logprob for item in top] == sorted((item.logprob for item in top), reverse=True)
    assert 0.3 < sum(math.exp(item.logprob) for item in top) <= 1.0001


def test_logprobs_do_not_depend_on_temperature(client: ollama.Client, model: str) -> None:
    def top(temperature: float) -> dict[str, float]:
        options = {"num_predict": 1, "temperature": temperature, "seed": 1}
        reply = client.chat(model, QUESTION, options=options, logprobs=True, top_logprobs=5)
        (token,) = reply.logprobs or []
        return {item.token: item.logprob for item in token.top_logprobs or []}

    cold, hot = top(0.0), top(2.0)
    assert cold.keys() == hot.keys()
    assert all(cold[token] == pytest.approx(hot[token], abs=0.01) for token in cold)


def test_logprobs_without_alternatives(server: EmbeddedProcess) -> None:
    body = {"model": ALIAS, "messages": QUESTION, "options": GREEDY, "logprobs": True}
    _, lines = post(server, "/api/chat", body)
    tokens = [token for line in lines for token in line.get("logprobs", [])]
    assert len(tokens) == 12
    assert set(tokens[0]) == {"token", "logprob", "bytes"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"think": True}, "does not support thinking"),
        ({"top_logprobs": 21}, "top_logprobs must be between 0 and 20"),
        ({"messages": [{"role": "user", "content": "x", "images": ["aGk="]}]}, "image input"),
        ({"format": {"type": "nonsense"}}, "unknown type"),
        ({"keep_alive": "soon"}, "invalid duration"),
        ({"options": {"temperature": "hot"}}, "options.temperature"),
    ],
)
def test_bad_requests_are_400(server: EmbeddedProcess, fields: dict[str, Any], words: str) -> None:
    status, (answer,) = post(
        server, "/api/chat", {"model": ALIAS, "messages": QUESTION, "stream": True, **fields}
    )
    assert status == 400
    assert words in answer["error"]


def test_think_false_is_fine(client: ollama.Client, model: str) -> None:
    assert client.chat(model, QUESTION, think=False, options=GREEDY).done


def test_too_long_a_conversation_is_cut_silently(client: ollama.Client, model: str) -> None:
    turns = [{"role": "user", "content": "word " * 40}] * 100
    messages = [{"role": "system", "content": "Be brief."}, *turns, *QUESTION]
    reply = client.chat(model, messages, options={"num_predict": 2})
    assert CONTEXT_TOKENS - 60 < (reply.prompt_eval_count or 0) < CONTEXT_TOKENS


def test_too_long_a_message_is_cut_silently(client: ollama.Client, model: str) -> None:
    messages = [{"role": "user", "content": "word " * 3000}]
    reply = client.chat(model, messages, options={"num_predict": 2})
    assert reply.prompt_eval_count == CONTEXT_TOKENS - 2


def test_truncate_false_is_an_error(server: EmbeddedProcess) -> None:
    messages = [{"role": "user", "content": "word " * 3000}]
    body = {"model": ALIAS, "messages": messages, "truncate": False}
    status, (answer,) = post(server, "/api/chat", body)
    assert status == 400
    assert "exceeds the context length" in answer["error"]


def test_generate(client: ollama.Client, model: str) -> None:
    reply = client.generate(model, "Name a colour.", options=GREEDY)
    assert reply.response
    assert reply.done_reason == "length"
    assert client.generate(model, "").done_reason == "load"


def test_embed(client: ollama.Client, model: str) -> None:
    reply = client.embed(model, ["a cat on a mat", "a kitten on a rug", "quarterly tax report"])
    cat, kitten, tax = reply.embeddings
    assert len(cat) == 576
    assert math.hypot(*cat) == pytest.approx(1.0, abs=1e-3)

    def alike(left: Any, right: Any) -> float:
        return sum(a * b for a, b in zip(left, right, strict=True))

    assert alike(cat, kitten) > alike(cat, tax)
    assert client.embed(model, "a cat on a mat").embeddings[0] == pytest.approx(cat, abs=1e-2)


def test_pull_of_a_model_that_is_here(client: ollama.Client, model: str) -> None:
    lines = [line.status for line in client.pull(model, stream=True)]
    assert (lines[0], lines[-1]) == ("pulling manifest", "success")
    assert client.pull(model).status == "success"


def test_pull_of_an_unknown_model(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="not one this server can fetch") as caught:
        list(client.pull("nope", stream=True))
    assert caught.value.status_code == -1
    with pytest.raises(ollama.ResponseError, match="not one this server can fetch") as plain:
        client.pull("nope")
    assert plain.value.status_code == 500


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": "localhost"}, 200),
    ],
)
def test_web_pages_are_kept_out(
    server: EmbeddedProcess, headers: dict[str, str], status: int
) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    connection.request("GET", "/", headers=headers)
    assert connection.getresponse().status == status
    connection.close()
