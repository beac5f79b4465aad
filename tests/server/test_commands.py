"""/local, /cloud, /web and /why: what the user writes decides, and no model sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.harness import openwebui
from tests.servers import Say

from .house import GROK, NANO, House, new_chat

pytestmark = pytest.mark.server
TEXT = "Is every such group abelian?"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("commands")
    with House(folder, valves={"SPECULATE": False}) as running:
        yield running


def test_local_decides(house: House) -> None:
    house.judge("COMPLEX", 0.99)
    answer = house.ask(f"/local {TEXT}")
    assert answer.text == f"{NANO}: {TEXT}"
    assert answer.statuses[0] == f"local {NANO} · moderate · you asked for the local model"
    assert (house.classifications, house.cloud_requests) == ([], [])
    row = house.logged()
    assert (row["source"], row["confidence"]) == ("override", 1.0)
    content = house.log.content(row["id"])
    assert content is not None
    assert content["question"] == TEXT


def test_cloud_decides(house: House) -> None:
    answer = house.ask(f"/cloud {TEXT}")
    assert answer.text == f"cloud: {TEXT}"
    assert answer.statuses[0] == f"xAI {GROK} · complex · you asked for the cloud"
    assert (house.classifications, house.local_requests) == ([], [])


def test_web_decides(house: House) -> None:
    answer = house.ask(f"/web {TEXT}")
    assert (answer.usage or {})["hal_route"] == "ENRICH"
    assert answer.text.endswith(f"\n\n{NANO}: {TEXT}")  # behind the note: there are no sources
    assert answer.statuses[1] == "Looking for what to search"
    assert "No sources: " in answer.statuses[-2]
    assert "nothing listens at" in answer.statuses[-2]
    assert "/web" not in house.local_requests[0].body.decode()


@pytest.mark.parametrize("text", [f"/LOCAL {TEXT}", f"  /local\n{TEXT}", f"/local\t{TEXT}"])
def test_a_command_may_be_written_in_many_ways(house: House, text: str) -> None:
    house.judge("COMPLEX", 0.99)
    answer = house.ask(text)
    assert answer.text.split() == f"{NANO}: {TEXT}".split()
    assert house.logged()["source"] == "override"


@pytest.mark.parametrize("text", ["/localhost is what?", "what is /cloud ?", "/etc/hosts", "/"])
def test_what_looks_like_a_command_is_none(house: House, text: str) -> None:
    assert house.ask(text).text == f"{NANO}: {text}"
    assert house.logged()["source"] == "classifier"


def test_earlier_commands_are_not_seen_either(house: House) -> None:
    house.ask("And so?", f"/cloud {TEXT}", "Yes.", "/why", "**COMPLEX**, decided by you")
    messages = house.local_requests[0].json["messages"]
    assert [(m["role"], m["content"]) for m in messages] == [
        ("user", TEXT),
        ("assistant", "Yes."),
        ("user", "And so?"),
    ]
    assert not any(b"/cloud" in r.body for r in house.classifications)


def test_a_command_inside_a_rag_turn(house: House) -> None:
    house.judge("COMPLEX", 0.99)
    house.server.update_valves({"CLOUD_ATTACHMENTS": True})
    answer = house.send(openwebui.rag_turn("/local what is the codeword?", "it is heron"))
    assert answer.error is None
    row = house.logged()
    assert (row["source"], row["model"]) == ("override", NANO)
    (message,) = house.local_requests[0].json["messages"]
    assert message["content"].endswith("\n\nwhat is the codeword?")
    assert "it is heron" in message["content"]
    assert "/local" not in message["content"]
    assert (house.classifications, house.cloud_requests) == ([], [])


def test_a_command_for_a_direct_client(house: House) -> None:
    answer = house.server.chat(openwebui.history(f"/cloud {TEXT}"))
    assert answer.text == f"cloud: {TEXT}"
    assert answer.chunks[0]["hal"]["source"] == "override"


def test_why_explains_the_last_turn(house: House) -> None:
    chat = new_chat()
    house.judge("COMPLEX", 0.88)
    house.ask(TEXT, chat_id=chat)
    asked = len(house.ollama.chats), len(house.cloud_requests)
    answer = house.ask("/why", TEXT, f"cloud: {TEXT}", chat_id=chat)
    assert answer.text.startswith("**COMPLEX**, decided by the classifier: beyond the local model.")
    assert f"Answered by: {GROK} on xAI (it left this machine)" in answer.text
    assert "How hard: COMPLEX 0.88" in answer.text
    assert "Outcome: done" in answer.text
    assert (answer.error, answer.dones, answer.finish_reasons) == (None, 1, ["stop"])
    # It costs no model call, and is no turn of its own.
    assert (len(house.ollama.chats), len(house.cloud_requests)) == asked
    assert len(house.log.turns(chat)) == 1
    assert house.ask("/why", chat_id=chat, stream=False).text == answer.text


def test_why_tells_what_went_wrong(house: House) -> None:
    chat = new_chat()
    house.answer_with([Say("")])
    house.ask(TEXT, chat_id=chat)
    answer = house.ask("/why", chat_id=chat)
    assert "On the way: ollama bad reply" in answer.text


def test_why_about_a_command(house: House) -> None:
    chat = new_chat()
    house.ask(f"/local {TEXT}", chat_id=chat)
    assert "decided by your command" in house.ask("/why", chat_id=chat).text
    assert "on this machine (nothing left it)" in house.ask("/why", chat_id=chat).text


def test_why_in_a_new_chat_and_in_none(house: House) -> None:
    assert house.ask("/why").text.startswith("There is no decision in this chat yet")
    direct = house.server.chat(openwebui.history("/why"))
    assert "I cannot tell which chat this is" in direct.text
    assert house.ollama.chats == []


def test_why_after_a_restart(house: House) -> None:
    chat = new_chat()
    house.ask(TEXT, chat_id=chat)
    house.logged()
    house.server.reload()
    assert "**MODERATE**" in house.ask("/why", chat_id=chat).text


def test_a_command_in_a_task_is_text(house: House) -> None:
    turn = openwebui.title_task(openwebui.history(f"/cloud {TEXT}", "Yes."), chat_id=new_chat())
    meta = turn.metadata | {"user_message": {"content": f"/cloud {TEXT}"}}
    house.send(replace(turn, metadata=meta))
    assert house.logged()["route"] == "META"
    assert house.cloud_requests == []
