"""Stop: the client goes away, and within half a second nobody works for it any more."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.harness.interpreters import NAMES
from tests.harness.openwebui import WebUITurn
from tests.servers import RecordedRequest, Say, ScriptedServer, Sleep, Stall, Think

from .house import House
from .logbook import wait_until

pytestmark = pytest.mark.server
LIMIT_S = 0.5
TEXT = "How do swifts sleep?"


@pytest.fixture(scope="module", params=NAMES)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    valves = {"SPECULATE": False, "CLASSIFIER_DEADLINE_S": 20, "LOCAL_THINK": "on"}
    folder = tmp_path_factory.mktemp("stop")
    with House(folder, interpreter=request.param, valves=valves) as running:
        yield running


@contextlib.contextmanager
def connected(house: House, turn: WebUITurn, stream: bool) -> Iterator[socket.socket]:
    """A turn asked over a connection that the test can close at any moment, as a browser does."""
    body = house.server.prepare(turn.messages, stream, turn.metadata)
    data = json.dumps(body).encode()
    address = urlsplit(house.server.url)
    head = f"POST /chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    with socket.create_connection((address.hostname or "", address.port or 0), 10) as connection:
        connection.sendall(head.encode() + data)
        yield connection


def left_alone(server: ScriptedServer, left_at: float, count: int = 1) -> RecordedRequest:
    """The upstream request was given up, in time."""
    request = server.wait_for_abort(5.0, count)
    assert request.aborted_at is not None
    assert request.aborted_at - left_at < LIMIT_S
    return request


def route_to(house: House, cloud: bool) -> ScriptedServer:
    house.judge("COMPLEX" if cloud else "MODERATE", 0.95)
    return house.xai if cloud else house.ollama


def answer_with(house: House, *script: Any) -> None:
    house.answer_with(script)
    house.xai.answer(script)


def content(house: House, turn_id: str) -> dict[str, Any]:
    kept = house.log.content(turn_id)
    assert kept is not None
    return kept


@pytest.mark.parametrize("cloud", [False, True])
@pytest.mark.parametrize("stream", [True, False])
def test_while_waiting_for_the_first_token(house: House, cloud: bool, stream: bool) -> None:
    server = route_to(house, cloud)
    answer_with(house, Stall())
    with connected(house, house.turn(TEXT), stream) as connection:
        house.wait_for_cloud() if cloud else house.wait_for_local()
        connection.close()
        left_alone(server, time.monotonic())
    row = house.logged("stopped")
    assert (row["first_token_ms"], row["provider"]) == (None, "")
    assert content(house, row["id"])["answer"] == ""
    calls = house.log.of_turn("call", row["id"])
    assert [c["outcome"] for c in calls] == ["stopped"]


@pytest.mark.parametrize("cloud", [False, True])
def test_in_mid_stream(house: House, cloud: bool) -> None:
    server = route_to(house, cloud)
    answer_with(house, Think("hm "), Say("On the "), Say("wing "), Stall())
    with connected(house, house.turn(TEXT), True) as connection:
        seen = b""
        while b"wing " not in seen:
            seen += connection.recv(65536)
        connection.close()
        left_alone(server, time.monotonic())
    row = house.logged("stopped")
    assert row["model"]
    assert content(house, row["id"])["answer"] == "On the wing "


@pytest.mark.parametrize("cloud", [False, True])
def test_in_the_middle_of_a_flowing_answer(house: House, cloud: bool) -> None:
    server = route_to(house, cloud)
    many = [step for n in range(400) for step in (Say(f"swift{n} "), Sleep(0.01))]
    answer_with(house, *many)
    with connected(house, house.turn(TEXT), True) as connection:
        seen = b""
        while b"swift20 " not in seen:
            seen += connection.recv(65536)
        connection.close()
        left_alone(server, time.monotonic())
    # What is kept is what was delivered: all that was read, and less than what was generated.
    answer = content(house, house.logged("stopped")["id"])["answer"]
    assert answer == "".join(f"swift{n} " for n in range(answer.count(" ")))
    assert 20 < answer.count(" ") < 200


@pytest.mark.parametrize("cloud", [False, True])
def test_without_a_stream_in_mid_answer(house: House, cloud: bool) -> None:
    server = route_to(house, cloud)
    answer_with(house, Say("On the "), Stall())
    with connected(house, house.turn(TEXT), False) as connection:
        house.wait_for_cloud() if cloud else house.wait_for_local()
        connection.close()
        left_alone(server, time.monotonic())
    # Nothing of it was delivered.
    assert content(house, house.logged("stopped")["id"])["answer"] == ""


@pytest.mark.parametrize("stream", [True, False])
def test_while_the_classifier_runs(house: House, stream: bool) -> None:
    house.classify_with([Stall()])
    with connected(house, house.turn(TEXT), stream) as connection:
        wait_until(lambda: len(house.classifications) == 2)
        connection.close()
        left_alone(house.ollama, time.monotonic(), count=2)
    row = house.logged("stopped")
    assert (row["route"], house.local_requests, house.cloud_requests) == ("", [], [])


def test_stop_right_at_the_beginning_leaves_nothing_behind(house: House) -> None:
    """At any moment of the first 30 ms: every turn that began has ended."""
    answer_with(house, Say("a"), Stall())
    chats = []
    for wait_ms in range(0, 30, 2):
        turn = house.turn(TEXT)
        chats.append(house.chat)
        with connected(house, turn, True) as connection:
            time.sleep(wait_ms / 1000)
            connection.close()
    for chat in chats:
        wait_until(lambda c=chat: all(t["outcome"] == "stopped" for t in house.log.turns(c)))
    wait_until(lambda: all(r.aborted_at or r.finished for r in house.ollama.requests))


def test_the_next_turn_is_as_ever_and_the_log_clean(house: House) -> None:
    assert house.ask(TEXT).text.endswith(TEXT)
    log = house.server.log()
    assert "Traceback" not in log
    assert "never retrieved" not in log
    assert requests.get(f"{house.server.url}/", timeout=5).ok
