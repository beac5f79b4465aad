"""Several local hosts: the least busy one answers, and a busy house may let the cloud help."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.gateway.helpers import OpenAiServer
from tests.harness import Answer, Stream
from tests.servers import OllamaServer, Say, Until

from .house import GROK, NANO, House, new_chat
from .questions import is_answer

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"


@dataclass
class Street:
    """The house, a second Ollama in it, and a server that speaks OpenAI's API."""

    house: House
    second: OllamaServer
    third: OpenAiServer

    @property
    def asked(self) -> tuple[int, int, int]:
        return (
            len(self.house.local_requests),
            len([r for r in self.second.chats if is_answer(r.json)]),
            len(self.third.chats),
        )


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with ExitStack() as stack:
        second = stack.enter_context(OllamaServer())
        second.load(NANO, 32_768)
        third = stack.enter_context(OpenAiServer())
        valves = {
            "SPECULATE": False,
            "LOCAL_HOSTS": f"{second.url} {third.base_url}",
            "LOCAL_CONCURRENT": 2,
        }
        house = House(tmp_path_factory.mktemp("hosts"), valves=valves)
        yield Street(stack.enter_context(house), second, third)


@pytest.fixture
def house(street: Street) -> House:
    street.second.forget()
    street.third.forget()
    street.second.answer([Say("second")])
    street.third.answer([Say("third")])
    return street.house


def speaking(house: House, stack: ExitStack) -> Stream:
    """A turn whose answer has begun."""
    stream = stack.enter_context(house.begin(house.turn(TEXT)))
    stream.until(lambda answer: " " in answer.text)
    return stream


def waits(answer: Answer) -> bool:
    return any(line.startswith("Waiting for local") for line in answer.statuses)


def test_turns_at_once_are_spread_over_the_hosts(street: Street, house: House) -> None:
    go = threading.Event()
    house.answer_with([Say("main "), Until(go)])
    street.second.answer([Say("second "), Until(go)])
    street.third.answer([Say("third "), Until(go)])
    with ExitStack() as stack:
        streams = [speaking(house, stack) for _ in range(6)]
        go.set()
        texts = sorted(stream.rest().text.strip() for stream in streams)
    assert texts == ["main", "main", "second", "second", "third", "third"]
    assert street.asked == (2, 2, 2)


def test_a_chat_keeps_its_host(street: Street, house: House) -> None:
    for _ in range(4):
        chat = new_chat()
        answers = {house.ask(TEXT, chat_id=chat).text for _ in range(3)}
        assert len(answers) == 1


def test_a_host_that_is_down_is_left_out(street: Street, house: House) -> None:
    house.answer_with([Say("main")])
    street.second.stop()
    try:
        texts = {house.ask(TEXT).text for _ in range(6)}
    finally:
        street.second.start()
    assert texts <= {"main", "third"}
    assert house.cloud_requests == []


def test_the_seventh_waits_in_line_and_says_so(street: Street, house: House) -> None:
    go = threading.Event()
    for script in (house.answer_with, street.second.answer, street.third.answer):
        script([Say("on the wing "), Until(go)])
    with ExitStack() as stack:
        streams = [speaking(house, stack) for _ in range(6)]
        last = stack.enter_context(house.begin(house.turn(TEXT)))
        last.until(waits)
        assert sum(street.asked) == 6
        go.set()
        for stream in (*streams, last):
            assert stream.rest().text.strip() == "on the wing"
    assert house.cloud_requests == []  # nobody has allowed that


def busy(street: Street, house: House, stack: ExitStack, go: threading.Event) -> None:
    """Two turns on every host."""
    for script in (house.answer_with, street.second.answer, street.third.answer):
        script([Say("on the wing "), Until(go)])
    for _ in range(6):
        speaking(house, stack)
    stack.callback(go.set)


def test_a_busy_house_lets_the_cloud_help_where_that_is_allowed(
    street: Street, house: House
) -> None:
    house.server.update_valves({"CLOUD_SPILL": "busy"})
    with ExitStack() as stack:
        busy(street, house, stack, threading.Event())
        answer = house.ask(TEXT)
    assert answer.text == f"cloud: {TEXT}"
    assert "spilled to the cloud: 2 turns are ahead of this one" in " ".join(answer.statuses)
    assert (answer.usage or {})["hal_model"] == GROK


def test_what_must_stay_is_never_spilled(street: Street, house: House) -> None:
    house.server.update_valves({"CLOUD_SPILL": "busy"})
    go = threading.Event()
    turns = [house.turn(f"/local {TEXT}"), house.turn(TEXT, f"/local {TEXT}", "On the wing.")]
    with ExitStack() as stack:
        busy(street, house, stack, go)
        waiting = [stack.enter_context(house.begin(turn)) for turn in turns]
        for stream in waiting:
            stream.until(waits)
        go.set()
        for stream in waiting:
            assert stream.rest().error is None
    assert house.xai.requests == []


def test_a_cold_house_lets_the_cloud_help_where_that_is_allowed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    valves = {"SPECULATE": False, "CLOUD_SPILL": "busy_or_cold"}
    with House(tmp_path_factory.mktemp("cold"), valves=valves) as house:
        assert (house.ask(TEXT).usage or {})["hal_model"] == NANO
        house.ollama.unload(NANO)
        house.renew()
        answer = house.ask(TEXT)
        assert answer.text == f"cloud: {TEXT}"
        assert "the local model has to be loaded first" in " ".join(answer.statuses)
        answer = house.ask(f"/local {TEXT}")
        assert any(line.startswith("Loading local") for line in answer.statuses)
        assert len(house.cloud_requests) == 1
