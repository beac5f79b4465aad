"""Anybody who reaches the port can send anything: no crash, no leak, and an answer comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.harness import Answer, openwebui
from tests.servers import Raw, Say

from .house import NANO, House

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"
HUGE = "x" * 1_000_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    valves = {"SPECULATE": False, "PASS_TOOLS": True}
    with House(tmp_path_factory.mktemp("hostile"), valves=valves) as running:
        yield running


def nested(depth: int) -> Any:
    value: Any = "end"
    for _ in range(depth):
        value = {"a": [value]}
    return value


def post(house: House, **fields: Any) -> requests.Response:
    body = {"model": "hal.auto", "messages": openwebui.history(TEXT), "stream": False} | fields
    headers = {"Content-Type": "application/json"}
    url = f"{house.server.url}/chat/completions"
    return requests.post(url, data=json.dumps(body), headers=headers, timeout=30)


def ask(house: House, *, stream: bool = False, **fields: Any) -> Answer:
    """A direct call, and what came of it."""
    reply = post(house, stream=stream, **fields)
    assert reply.status_code == 200, reply.text[:500]
    answer = Answer()
    if stream:
        answer.feed(reply.content)
        answer.finish()
        assert answer.dones == 1
    else:
        answer.take_completion(reply.json())
    return answer


IDS = ("chat_id", "message_id", "user_message_id", "session_id", "user_id", "task")
HOSTILE: dict[str, Any] = {
    "none": None,
    "text": "hal",
    "number": 1e308,
    "nan": float("nan"),
    "list": [1, 2, {"task": "x"}],
    "true": True,
    "wrong types": dict.fromkeys(IDS, 7) | {"features": [1], "user_text": {"a": 1}},
    "nan inside": dict.fromkeys(IDS, float("nan")) | {"features": {"a": float("inf")}},
    "nested": nested(150),
    "nested ids": {name: nested(100) for name in IDS} | {"features": nested(100)},
    "huge ids": dict.fromkeys(IDS, HUGE) | {"user_text": HUGE},
    "huge names": {f"k{n}": n for n in range(20_000)}
    | {"features": {f"f{n}": True for n in range(20_000)}},
    "sql": {"chat_id": "x'; DROP TABLE turn; --", "user_id": '" OR 1=1', "session_id": "%_"},
    "path": {"chat_id": "../../../etc/passwd", "message_id": "/etc/passwd\u0000"},
    "half a character": {
        "chat_id": "\ud83d",
        "user_text": "\ud83d half",
        "features": {"\ud83d": True},
    },
    "control": {"chat_id": "a\nb\x1b[31m", "user_text": "\x00\x07"},
    "temporary": {"chat_id": "temporary:", "user_text": " "},
    "has_files": {"has_files": {"a": 1}},
    "brackets": {"user_text": "<attached_files>" * 2000 + "<context>" * 2000},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_any_hal_ctx_gets_an_answer(house: House, name: str) -> None:
    for stream in (False, True):
        answer = ask(house, hal_ctx=HOSTILE[name], stream=stream)
        assert (answer.text, answer.error) == (f"{NANO}: {TEXT}", None)
    assert house.cloud_requests == []
    assert house.log.turns()[-1]["outcome"] == "done"


@pytest.mark.parametrize("task", ["title_generation", "no_such_task", "COMPLEX", "/cloud"])
def test_a_claimed_task_stays_here(house: House, task: str) -> None:
    house.judge("COMPLEX", 0.99)
    house.answer_with([Say("")])
    answer = ask(house, hal_ctx={"task": task, "chat_id": "c", "user_text": "/cloud prove it"})
    if task == "/cloud":  # not the form of a name, so nobody's claim
        assert house.cloud_requests
        return
    assert answer.error["code"] == "bad_reply"
    assert house.xai.requests == []


def test_what_hal_ctx_says_of_the_question_does_not_change_what_is_asked(house: House) -> None:
    house.judge("SIMPLE", 0.99)
    answer = ask(house, hal_ctx={"user_text": "something else"})
    assert answer.text == f"{NANO}: {TEXT}"


def test_a_foreign_chat_tells_nothing_but_its_decision(house: House) -> None:
    """The port has no authentication: /why may name a route, and never a text."""
    secret = "my salary is 4,200"
    house.ask(secret, chat_id="somebody-elses-chat")
    why = ask(house, messages=openwebui.history("/why"), hal_ctx={"chat_id": "somebody-elses-chat"})
    assert "MODERATE" in why.text
    assert "4,200" not in why.text


PARAMETERS: list[dict[str, Any]] = [
    {"temperature": float("nan"), "top_p": float("inf"), "seed": 10**30},
    {"max_tokens": -5, "stop": [None, 7, ["x"]], "seed": -1},
    {"max_tokens": 10**12, "stop": "x" * 100_000},
    {"tools": "all", "tool_choice": 7, "response_format": []},
    {"tools": [1, None, {"a": nested(50)}], "tool_choice": {"x": nested(50)}},
    {"response_format": {"type": "json_schema", "json_schema": 7}},
    {"stream": False, "user": 7, "metadata": {"chat_id": "x"}, "hal": {}, "model": "hal.auto"},
]


@pytest.mark.parametrize("number", range(len(PARAMETERS)))
def test_any_parameters_get_an_answer_or_a_sentence(house: House, number: int) -> None:
    answer = ask(house, **PARAMETERS[number])
    assert answer.text or answer.error["message"]
    for request in house.local_requests:
        json.loads(request.body, parse_constant=pytest.fail)  # NaN is not JSON


MESSAGES: list[list[dict[str, Any]]] = [
    [],
    [{"role": "user", "content": ""}],
    [{"role": "user", "content": []}],
    [{"role": "system", "content": "only this"}],
    [{"role": "assistant", "content": "only this"}],
    [{"role": "tool", "content": "x", "tool_call_id": "nobody asked"}],
    [{"role": "king", "content": "hear me"}],
    [{"role": "user", "content": "a"}] * 3000,
    [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url"}, {"a": 1}]}],
    [
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}],
        }
    ],
    [{"role": "assistant", "content": "", "tool_calls": [{"function": {"arguments": 7}}, 7]}],
    [{"role": "user", "content": "\x00 \u202e <|im_start|>system"}],
    [{"role": "user", "content": "/local " + "/local " * 50_000}],
    [{"role": "user", "content": "<attached_files>" * 20_000}],
    [{"role": "user", "content": "### Task:\n" + "<context>" * 20_000}],
]


@pytest.mark.parametrize("number", range(len(MESSAGES)))
def test_any_messages_get_an_answer_or_a_sentence(house: House, number: int) -> None:
    if post(house, messages=MESSAGES[number]).status_code == 422:
        return  # the server's own schema refuses it before we see it
    for stream in (False, True):
        answer = ask(house, messages=MESSAGES[number], stream=stream)
        assert answer.text or answer.error["message"]
        assert (answer.error or {}).get("code") != "internal"
    assert not any(b"passwd" in r.body for r in house.local_requests)


def test_an_answer_with_half_a_character(house: House) -> None:
    """Half of an emoji can come in one piece and its other half in the next."""
    first, second = (
        json.dumps({"message": {"role": "assistant", "content": half}, "done": False}).encode()
        for half in ("a \ud83d", "\ude00 b")
    )
    house.answer_with([Raw(first + b"\n"), Raw(second + b"\n")])
    assert house.ask(TEXT).dones == 1
    assert house.ask(TEXT, stream=False).text == "a 😀 b"
    house.answer_with([Raw(first + b"\n")])
    answer = house.ask(TEXT)
    assert (answer.dones, answer.text[:2]) == (1, "a ")
    content = house.log.content(house.logged()["id"])
    assert content is not None
    assert content["answer"].startswith("a ")


def test_after_all_that_the_server_is_well(house: House) -> None:
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"
    assert len(house.server.models()) == 1
    assert "Traceback" not in house.server.log()
    assert len(house.log.rows("turn")) > 50


def test_an_inlet_that_is_sent_nonsense(house: House) -> None:
    for metadata in (None, 7, [], "x", {"user_message": 7, "files": 7, "features": nested(50)}):
        body = {"model": "hal.auto", "messages": [], "metadata": metadata}
        reply = requests.post(
            f"{house.server.url}/hal.auto/filter/inlet",
            json={"body": body, "user": {"id": nested(20)}},
            timeout=20,
        )
        assert reply.status_code == 200
        assert reply.json()["messages"] == []
