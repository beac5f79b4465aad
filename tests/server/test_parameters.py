"""What the user sets in Open WebUI reaches each backend in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import openwebui

from .house import GROK, NANO, House

pytestmark = pytest.mark.server
SET: dict[str, Any] = {
    "temperature": 0.3,
    "top_p": 0.8,
    "top_k": 30,
    "min_p": 0.05,
    "max_tokens": 77,
    "stop": ["END", "\n\n\n"],
    "seed": 42,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "repeat_penalty": 1.2,
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("parameters"), valves={"SPECULATE": False}) as running:
        yield running


def sent(house: House, text: str, **extra: Any) -> dict[str, Any]:
    """The one request for an answer that this direct call led to."""
    messages = [{"role": "system", "content": "Be brief."}, *openwebui.history(text)]
    answer = house.server.chat(messages, **extra)
    assert answer.error is None
    (request,) = house.local_requests + house.cloud_requests
    body: dict[str, Any] = request.json
    return body


def test_ollama_gets_them_as_options(house: House) -> None:
    body = sent(house, "/local hi", **SET)
    assert body["options"] == {
        "num_ctx": 32768,
        "temperature": 0.3,
        "top_p": 0.8,
        "top_k": 30,
        "min_p": 0.05,
        "num_predict": 77,
        "stop": ["END", "\n\n\n"],
        "seed": 42,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "repeat_penalty": 1.2,
    }
    assert (body["model"], body["think"], body["keep_alive"]) == (NANO, False, "30m")
    assert [m["role"] for m in body["messages"]] == ["system", "user"]
    assert body["messages"][0]["content"] == "Be brief."


def test_a_reasoning_model_of_xai_gets_what_it_takes(house: House) -> None:
    body = sent(house, "/cloud hi", **SET)
    wanted = ("temperature", "top_p", "max_tokens", "seed")
    assert {k: body[k] for k in wanted} == {k: SET[k] for k in wanted}
    assert not {"stop", "presence_penalty", "frequency_penalty", "top_k", "min_p"} & set(body)
    assert (body["model"], body["stream"]) == (GROK, True)
    assert body["stream_options"] == {"include_usage": True}
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_another_model_of_xai_gets_stop(house: House) -> None:
    house.server.update_valves({"CLOUD_MODEL": "grok-4.20-non-reasoning"})
    body = sent(house, "/cloud hi", **SET)
    assert (body["stop"], body["presence_penalty"]) == (SET["stop"], 0.1)


def test_nothing_is_made_up(house: House) -> None:
    assert sent(house, "/local hi")["options"] == {"num_ctx": 32768}
    house.ollama.forget()
    body = sent(house, "/cloud hi")
    assert set(body) == {"model", "messages", "stream", "stream_options"}


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"stop": "END"}, {"stop": ["END"]}),
        ({"max_completion_tokens": 9}, {"num_predict": 9}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"temperature": "hot", "seed": 1.5, "stop": [1, ""], "top_k": True}, {}),
    ],
)
def test_other_ways_to_say_it(house: House, given: Any, option: Any) -> None:
    assert sent(house, "/local hi", **given)["options"] == {"num_ctx": 32768} | option


def test_json_is_asked_for(house: House) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert sent(house, "/local hi", response_format=wanted)["format"] == schema
    house.ollama.forget()
    assert sent(house, "/cloud hi", response_format=wanted)["response_format"] == wanted


def test_the_chat_has_a_stable_name_at_xai_that_is_not_its_own(house: House) -> None:
    for _ in range(2):
        house.ask("/cloud hi", chat_id="my-private-chat-id")
    house.ask("/cloud hi")
    first, again, other = (r.headers["x-grok-conv-id"] for r in house.cloud_requests)
    assert first == again != other
    assert "private" not in str([r.headers for r in house.cloud_requests])


def test_who_asks_is_told_to_nobody(house: House) -> None:
    house.ask("/cloud hi")
    house.ask("/local hi")
    for request in (*house.cloud_requests, *house.local_requests):
        everything = str(request.headers) + request.body.decode()
        for word in ("admin@localhost", openwebui.USER["id"], house.chat, "hal_ctx"):
            assert word not in everything
