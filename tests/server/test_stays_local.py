"""What must stay on this machine stays there, also when everything on it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.harness import openwebui
from tests.harness.openwebui import WebUITurn
from tests.servers import BUSY, Begin, Cut, OllamaModel, Say, Script, Stall, Status

from .house import NANO, House, new_chat

pytestmark = pytest.mark.server
TEXT = "Is every such group abelian?"
CHAT = openwebui.history(TEXT, "Yes.")
SEES = ("completion", "vision")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # Everything else that could lead to the cloud is wide open.
    valves = {
        "SPECULATE": False,
        "CLOUD_CONFIDENCE": 0,
        "CLOUD_WHEN_UNSURE": "cloud",
        "CLOUD_FALLBACK": True,
        "LOCAL_FIRST_TOKEN_S": 1,
    }
    with House(tmp_path_factory.mktemp("stays-local"), valves=valves) as running:
        running.judge("COMPLEX", 0.99)
        yield running


def local_command() -> WebUITurn:
    return openwebui.chat_turn(f"/local {TEXT}", chat_id=new_chat(), tools=False)


def title() -> WebUITurn:
    return openwebui.title_task(CHAT, chat_id=new_chat())


def tags() -> WebUITurn:
    return openwebui.tags_task(CHAT, chat_id=new_chat())


def file() -> WebUITurn:
    return openwebui.rag_turn(TEXT, "salary: 4,200", chat_id=new_chat())


def file_and_cloud_command() -> WebUITurn:
    return openwebui.rag_turn(f"/cloud {TEXT}", "salary: 4,200", chat_id=new_chat())


def image() -> WebUITurn:
    return openwebui.image_turn(TEXT, chat_id=new_chat())


def image_and_cloud_command() -> WebUITurn:
    return openwebui.image_turn(f"/cloud {TEXT}", chat_id=new_chat())


def after_a_file() -> WebUITurn:
    """The document is in an earlier message only: it would travel all the same."""
    first = openwebui.rag_turn("what is this?", "salary: 4,200", chat_id=new_chat())
    turn = openwebui.chat_turn(TEXT, chat_id=first.metadata["chat_id"], tools=False)
    earlier = [*first.messages, {"role": "assistant", "content": "A pay slip."}]
    return replace(turn, messages=[*earlier, *turn.messages])


def tool_result() -> WebUITurn:
    first = openwebui.chat_turn(TEXT, chat_id=new_chat())
    return openwebui.tool_round(first, "search_chats", {"query": "x"}, "salary: 4,200")


TURNS = [
    *(local_command, title, tags, file, file_and_cloud_command),
    *(image, image_and_cloud_command, after_a_file, tool_result),
]
FAULTS: dict[str, Script] = {
    "busy": [BUSY],
    "missing": [Status(404, {"error": f"model '{NANO}' not found"})],
    "empty": [Say("")],
    "html": [Status(200, "<html></html>")],
    "cut": [Begin(), Cut(reset=True)],
    "hang": [Stall()],
}


@pytest.mark.parametrize("make", TURNS)
@pytest.mark.parametrize("fault", ["busy", "cut"])  # the others: tests/faults, local alone
def test_whatever_fails_xai_is_not_asked(
    house: House, make: Callable[[], WebUITurn], fault: str
) -> None:
    house.judge("COMPLEX", 0.99)
    house.ollama.models[NANO] = OllamaModel(NANO, 32768, SEES)
    house.answer_with(FAULTS[fault])
    for stream in (True, False):
        answer = house.send(replace(make(), stream=stream))
        assert answer.text == ""
        assert answer.error["message"]
        row = house.logged("failed")
        assert row["leaves_machine"] == 0
        assert house.log.of_turn("egress", row["id"]) == []
    assert house.xai.requests == []


@pytest.mark.parametrize("make", TURNS)
def test_without_ollama_the_error_says_so(house: House, make: Callable[[], WebUITurn]) -> None:
    house.judge("COMPLEX", 0.99)
    with house.without_ollama():
        house.renew(warm=False)
        answer = house.send(make())
    assert f"Ollama does not answer at {house.ollama.url}." in answer.error["message"]
    assert "ollama serve" in answer.error["message"]
    assert house.xai.requests == []


@pytest.mark.parametrize("make", TURNS[:5])
def test_without_the_model_the_error_says_how_to_get_it(
    house: House, make: Callable[[], WebUITurn]
) -> None:
    house.judge("COMPLEX", 0.99)
    # Removed since hal-auto has last asked what is there.
    house.answer_with([Status(404, {"error": f"model '{NANO}' not found"})])
    answer = house.send(make())
    assert answer.error["message"].endswith(f"Run: ollama pull {NANO}")
    assert house.xai.requests == []


def test_a_model_that_hangs(house: House) -> None:
    house.answer_with(FAULTS["hang"])
    answer = house.send(local_command())
    assert "no first token within 1 s" in answer.error["message"]
    assert house.xai.requests == []


def test_the_note_says_why_it_stays(house: House) -> None:
    house.judge("COMPLEX", 0.99)
    assert "kept local: file in this chat" in house.send(file()).statuses[1]
    assert "kept local: file in this chat" in house.send(file_and_cloud_command()).statuses[0]


def test_the_same_turns_reach_xai_once_that_is_allowed(house: House) -> None:
    """The other tests would pass with a cloud that nobody can reach at all."""
    house.judge("COMPLEX", 0.99)
    assert house.ask(TEXT).text == f"cloud: {TEXT}"
    house.server.update_valves({"CLOUD_ATTACHMENTS": True})
    for make in (file, after_a_file, file_and_cloud_command):
        assert house.send(make()).text.startswith("cloud: ")
    assert len(house.cloud_requests) == 4


def test_a_model_of_ollamas_cloud_is_not_local(house: House) -> None:
    remote = OllamaModel("big:30b-cloud")
    house.ollama.models[remote.name] = remote
    house.server.update_valves({"LOCAL_MODEL": remote.name, "CLASSIFIER_MODEL": remote.name})
    house.send(local_command())
    assert remote.name not in {r.json["model"] for r in house.ollama.chats}
    house.server.wait_for_log("runs in Ollama's cloud")
