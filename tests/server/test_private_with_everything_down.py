"""A private turn while nothing on this machine works: it says so, and not a byte leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.harness import openwebui
from tests.harness.openwebui import WebUITurn
from tests.servers import OllamaModel, XaiServer, refused_url
from tests.servers.faults import FAULTS, NDJSON

from .house import NANO, House, new_chat

pytestmark = pytest.mark.server
TEXT = "Is every such group abelian?"
STAYS = "I cannot answer without leaving this machine"
SCRIPTS = {fault.name: fault.script(NDJSON) for fault in FAULTS}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # Everything that could lead to the cloud is wide open, and every other host is down for good.
    valves = {
        "SPECULATE": False,
        "CLOUD_CONFIDENCE": 0,
        "CLOUD_WHEN_UNSURE": "cloud",
        "CLOUD_FALLBACK": True,
        "CLOUD_SPILL": "busy_or_cold",
        "LOCAL_HOSTS": f"{refused_url()} {refused_url()}/v1",
        "LOCAL_FIRST_TOKEN_S": 1,
    }
    with House(tmp_path_factory.mktemp("all-down"), valves=valves) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_leaves(house: House, _fresh_house: None) -> Iterator[XaiServer]:
    """In no test of this module does anything reach the cloud's socket."""
    house.judge("COMPLEX", 0.99)
    yield house.xai
    assert house.xai.requests == []
    assert house.xai.connections == 0


def file() -> WebUITurn:
    return openwebui.rag_turn(TEXT, "salary: 4,200", chat_id=new_chat())


def file_and_cloud_command() -> WebUITurn:
    return openwebui.rag_turn(f"/cloud {TEXT}", "salary: 4,200", chat_id=new_chat())


def local_command() -> WebUITurn:
    return openwebui.chat_turn(f"/local {TEXT}", chat_id=new_chat(), tools=False)


def image() -> WebUITurn:
    return openwebui.image_turn(TEXT, chat_id=new_chat())


def image_and_cloud_command() -> WebUITurn:
    return openwebui.image_turn(f"/cloud {TEXT}", chat_id=new_chat())


PRIVATE = [file, file_and_cloud_command, local_command, image, image_and_cloud_command]


def refuses(house: House, turn: WebUITurn) -> str:
    answer = house.send(turn)
    assert answer.text == ""
    message: str = answer.error["message"]
    assert message.startswith(STAYS)
    row = house.logged("failed")
    assert row["leaves_machine"] == 0
    assert house.log.of_turn("egress", row["id"]) == []
    assert {call["provider"] for call in house.log.of_turn("call", row["id"])} <= {
        "ollama",
        "openai",
    }
    return message


def with_sight(house: House) -> None:
    """The local model can see, so that it is the one to be asked about images, too."""
    house.ollama.models[NANO] = OllamaModel(NANO, 32768, ("completion", "vision"))
    house.renew()


@pytest.mark.parametrize("make", PRIVATE)
def test_nobody_listens(house: House, make: Callable[[], WebUITurn]) -> None:
    with house.without_ollama():
        house.renew(warm=False)
        first = refuses(house, make())
        # Now the circuit breakers are open: nobody is asked, and the answer is the same.
        again = refuses(house, replace(make(), stream=False))
    assert "does not answer at" in first
    assert "is not asked" in again


@pytest.mark.parametrize("make", [file, local_command, image])
@pytest.mark.parametrize("fault", ["503 busy", "reasoning only"])
def test_what_listens_does_not_answer(
    house: House, make: Callable[[], WebUITurn], fault: str
) -> None:
    if make is image:
        with_sight(house)
    house.answer_with(SCRIPTS[fault])
    refuses(house, make())


def test_it_hangs(house: House) -> None:
    house.answer_with(SCRIPTS["hang after the head"])
    assert "no first token within 1 s" in refuses(house, local_command())


def test_it_goes_on_once_there_is_somebody_here(house: House) -> None:
    """The refusals above would be no proof if such turns were never answered at all."""
    with_sight(house)
    for make in PRIVATE:
        assert house.send(make()).text.startswith(f"{NANO}: ")
