"""Images and files in a chat: they are answered here, and nothing of them leaves."""

from __future__ import annotations

from pathlib import Path

from tests.harness.openwebui import png
from tests.server.house import MINI, NANO
from tests.server.questions import is_answer
from tests.servers import OllamaModel, Say
from tests.servers.ollama_models import MODELS

from .conftest import Shoot
from .page import ChatPage
from .stack import Stack, task_of

SEEING = OllamaModel("seer:8b", capabilities=("completion", "vision"))


def test_a_file_stays_here(chat: ChatPage, stack: Stack, shoot: Shoot, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("The codeword is swordfish.", encoding="utf-8")
    stack.house.judge("COMPLEX", 0.93)
    stack.house.answer_with([Say("It is swordfish [1].")])
    chat.attach(notes)
    message = chat.ask("Prove what the codeword is.")
    chat.settled()
    lines = message.statuses()
    shoot("file")
    assert message.text.startswith("It is swordfish")
    assert any("kept local: file" in line for line in lines)
    assert message.sources() == ["notes.txt"]
    (asked,) = [r.json for r in stack.house.local_requests if task_of(r.json) is None]
    assert "The codeword is swordfish." in str(asked["messages"])
    assert stack.house.cloud_requests == []
    assert stack.turn(message.id)["leaves_machine"] == 0


def test_an_image_goes_to_a_local_model_that_sees(
    chat: ChatPage, stack: Stack, shoot: Shoot, tmp_path: Path
) -> None:
    picture = tmp_path / "red.png"
    picture.write_bytes(png(64, 64))
    stack.house.ollama.models = {m.name: m for m in (*MODELS, SEEING)}
    stack.house.server.update_valves({"VISION_MODEL": SEEING.name})
    stack.house.ollama.when(SEEING.name, [Say("It is red.")])
    chat.attach(picture)
    message = chat.ask("What colour is it?")
    chat.settled()
    shoot("image")
    assert message.text == "It is red."
    assert message.status.startswith(f"local {SEEING.name} · ")
    asked = [r.json for r in stack.house.ollama.chats if is_answer(r.json)]
    with_image = [body["model"] for body in asked if "images" in str(body["messages"])]
    assert with_image == [SEEING.name]
    lines = chat.ask("/cloud And how dark is it?").statuses()
    assert any("kept local: image in this chat" in line for line in lines), lines
    assert not any("file in this chat" in line for line in lines), lines
    assert stack.house.cloud_requests == []


def test_an_image_that_nobody_here_can_see_is_explained(
    chat: ChatPage, stack: Stack, shoot: Shoot, tmp_path: Path
) -> None:
    picture = tmp_path / "red.png"
    picture.write_bytes(png(64, 64))
    chat.attach(picture)
    message = chat.ask("What colour is it?")
    shoot("image-unseen")
    said = message.box.inner_text()
    assert "No local model that is installed can see images." in said
    assert "Set VISION_MODEL" in said
    assert stack.house.cloud_requests == []
    assert {MINI, NANO} == set(stack.house.ollama.models)
