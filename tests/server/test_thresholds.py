"""When a COMPLEX turn goes to the cloud, and when a chat keeps its route."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import KEY

from .house import GROK, NANO, House, new_chat

pytestmark = pytest.mark.server
TEXT = "Is every such group abelian?"
NO_KEY = "the cloud is off or has no key"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # No key in the environment: a test that wants the cloud gives it as a valve.
    with House(
        tmp_path_factory.mktemp("thresholds"), valves={"SPECULATE": False}, key=None
    ) as running:
        yield running


def answered_by(house: House, text: str = TEXT, chat_id: str | None = None) -> str:
    answer = house.ask(text, chat_id=chat_id)
    assert answer.error is None
    assert answer.usage is not None
    model: str = answer.usage["hal_model"]
    assert model == house.logged()["model"]
    return model


def test_without_a_key_it_stays_here(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    assert answered_by(house) == NANO
    assert house.logged()["notes"] == [NO_KEY]
    assert house.cloud_requests == []
    answer = house.ask(f"/cloud {TEXT}")
    assert (answer.usage or {})["hal_model"] == NANO
    assert NO_KEY in answer.statuses[0]


def test_the_cloud_switched_off(house: House) -> None:
    house.server.update_valves({"XAI_API_KEY": KEY, "CLOUD_ENABLED": False})
    house.judge("COMPLEX", 0.95)
    answer = house.ask(TEXT)
    assert (answer.usage or {})["hal_model"] == NANO
    assert NO_KEY in answer.statuses[1]
    house.server.update_valves({"CLOUD_ENABLED": True})
    assert answered_by(house) == GROK
    assert len(house.cloud_requests) == 1


def test_too_unsure_for_the_cloud(house: House) -> None:
    house.server.update_valves({"XAI_API_KEY": KEY})
    house.judge("COMPLEX", 0.55)
    answer = house.ask(TEXT)
    assert (answer.usage or {})["hal_model"] == NANO
    assert (answer.usage or {})["hal_route"] == "COMPLEX"
    assert "not sure enough for the cloud" in answer.statuses[1]
    assert house.logged()["notes"] == ["not sure enough for the cloud"]
    assert house.cloud_requests == []
    house.judge("COMPLEX", 0.61)
    assert answered_by(house) == GROK
    house.server.update_valves({"CLOUD_CONFIDENCE": 0.7})
    assert answered_by(house) == NANO


def test_unsure_may_mean_cloud(house: House) -> None:
    house.server.update_valves({"XAI_API_KEY": KEY, "CLOUD_WHEN_UNSURE": "cloud"})
    house.judge("COMPLEX", 0.45)
    assert answered_by(house) == GROK


def test_what_only_the_cloud_can_hold_goes_there(house: House) -> None:
    house.server.update_valves({"XAI_API_KEY": KEY, "LOCAL_CONTEXT_TOKENS": 1024})
    answer = house.ask(" ".join(f"word{n}" for n in range(2000)))
    assert (answer.usage or {})["hal_model"] == GROK
    assert answer.statuses[0].count("too long for the local model") == 1


def test_a_chat_keeps_its_route_unless_it_clearly_changes(house: House) -> None:
    house.server.update_valves({"XAI_API_KEY": KEY})
    chat = new_chat()
    house.judge("COMPLEX", 0.9)
    assert answered_by(house, chat_id=chat) == GROK
    house.judge("MODERATE", 0.6)
    second = house.ask("And now?", TEXT, "Yes.", chat_id=chat)
    assert (second.usage or {})["hal_model"] == GROK
    assert "stays with this chat" in second.statuses[1]
    row = house.log.turns(chat)[-1]
    assert (row["route"], row["source"]) == ("COMPLEX", "sticky")
    house.judge("MODERATE", 0.95)
    assert answered_by(house, "Thanks. What is for lunch?", chat) == NANO
    # The course has changed: now the chat stays there.
    house.judge("COMPLEX", 0.7)
    assert answered_by(house, "Is it?", chat) == NANO
    assert answered_by(house, "Is it?", new_chat()) == GROK


def test_sticky_switched_off(house: House) -> None:
    house.server.update_valves({"XAI_API_KEY": KEY, "STICKY": False})
    chat = new_chat()
    house.judge("COMPLEX", 0.9)
    assert answered_by(house, chat_id=chat) == GROK
    house.judge("MODERATE", 0.6)
    assert answered_by(house, chat_id=chat) == NANO


def test_a_command_does_not_set_the_course_of_a_chat(house: House) -> None:
    house.server.update_valves({"XAI_API_KEY": KEY})
    chat = new_chat()
    assert answered_by(house, f"/cloud {TEXT}", chat) == GROK
    house.judge("MODERATE", 0.5)
    assert answered_by(house, TEXT, chat) == NANO
    assert house.logged()["source"] == "classifier"


def test_the_course_outlives_a_restart(house: House) -> None:
    house.server.update_valves({"XAI_API_KEY": KEY})
    chat = new_chat()
    house.judge("COMPLEX", 0.9)
    assert answered_by(house, chat_id=chat) == GROK
    house.logged()
    house.server.reload()
    house.judge("MODERATE", 0.6)
    assert answered_by(house, chat_id=chat) == GROK
