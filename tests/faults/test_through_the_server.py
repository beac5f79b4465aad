"""Some faults through the real Pipelines server: what reaches the browser, to the last byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.harness import Answer, openwebui
from tests.server.house import House, new_chat
from tests.servers import KEY, Say
from tests.servers.faults import NDJSON, SSE

from .case import Place
from .expected import Ends, expected
from .household import BY_NAME, COMMANDS, OTHER, QUESTION

pytestmark = pytest.mark.server
FAULTS = [
    "HTML with the type of an answer",
    "401",
    "reasoning only",
    "cut mid-stream",
    "split code points",
    "finish length",
]
STAYS = "without leaving this machine"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    valves = {"SPECULATE": False}
    with House(tmp_path_factory.mktemp("faults"), valves=valves) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(house: House) -> None:
    house.reset()


def asked(house: House, fault: str, place: Place, *, stream: bool) -> Answer:
    if place.is_cloud:
        house.xai.answer(BY_NAME[fault].script(SSE))
        house.answer_with([Say(OTHER)])
    else:
        house.answer_with(BY_NAME[fault].script(NDJSON))
        house.xai.answer([Say(OTHER)])
    turn = openwebui.chat_turn(COMMANDS[place] + QUESTION, chat_id=new_chat(), tools=False)
    return house.send(replace(turn, stream=stream))


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("place", Place, ids=str)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_reaches_the_browser(house: House, fault: str, place: Place, stream: bool) -> None:
    wanted = expected(fault, place)
    cloud = (house.xai.connections, len(house.xai.requests))
    answer = asked(house, fault, place, stream=stream)
    message = answer.error["message"] if answer.error else ""
    assert (answer.status, answer.broken, answer.cut) == (200, [], False)
    assert KEY not in answer.raw.decode()
    assert answer.text.strip() or message
    if stream:
        assert (answer.dones, answer.finish_reasons) == (1, [wanted.finish])
        assert answer.raw.rstrip().endswith(b"data: [DONE]")
    else:
        assert len(answer.finish_reasons) == (0 if message else 1)
    if wanted.ends is Ends.ANSWERED:
        assert answer.text == wanted.text
        assert wanted.finish in answer.finish_reasons
    elif wanted.ends is Ends.CUT:
        assert answer.text.startswith(wanted.text)
        assert answer.text.count(wanted.text) == 1
        assert "cut off" in (message or answer.text)
    elif place.may_leave:
        assert (answer.text.strip(), message) == (OTHER, "")
    else:
        assert STAYS in message
        assert wanted.says in message
    if not place.may_leave:
        assert (house.xai.connections, len(house.xai.requests)) == cloud


def test_the_last_place_to_fail_is_said_with_the_first(house: House) -> None:
    """Both down: one sentence for each, each with what to do, and one end."""
    house.answer_with(BY_NAME["404 model"].script(NDJSON))
    house.xai.answer(BY_NAME["401"].script(SSE))
    answer = house.send(openwebui.chat_turn(f"/cloud {QUESTION}", chat_id=new_chat(), tools=False))
    message = answer.error["message"]
    assert "does not accept the key" in message
    assert "ollama pull" in message
    assert (answer.text, answer.dones) == ("", 1)
    assert KEY not in answer.raw.decode() + house.server.log()
