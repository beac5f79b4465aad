"""The valves in the real admin panel: each kind of field, a wrong value, and the next turn."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.server.house import MINI

from .admin import ValvesPage
from .conftest import Shoot
from .page import ChatPage
from .stack import Stack


@pytest.fixture
def valves(chat: ChatPage, stack: Stack) -> ValvesPage:
    return ValvesPage(chat.page, stack.webui.url).open()


def test_every_kind_of_field_counts_from_the_next_turn_on(
    chat: ChatPage, valves: ValvesPage, stack: Stack, shoot: Shoot
) -> None:
    valves.fill("Confidence for the cloud", "0.99")
    valves.choose("COMPLEX below that confidence", "local")
    valves.switch("Sticky chats")
    valves.fill_optional("Model for SIMPLE turns", MINI)
    valves.save()
    valves.row("Confidence for the cloud").scroll_into_view_if_needed()
    shoot("valves")
    stored = stack.house.server.valves()
    assert (stored["CLOUD_CONFIDENCE"], stored["STICKY"]) == (0.99, False)
    assert (stored["CLOUD_WHEN_UNSURE"], stored["SIMPLE_MODEL"]) == ("local", MINI)

    stack.house.judge("COMPLEX", 0.93)
    chat.new_chat()
    assert "local nemotron-3-nano:30b" in chat.ask("Prove that bridges end.").status
    stack.house.judge("SIMPLE", 0.95)
    assert f"local {MINI}" in chat.ask("Good morning.").status
    chat.settled()

    valves.open().choose("COMPLEX below that confidence", "cloud")
    valves.empty("Model for SIMPLE turns")
    valves.save()
    stack.house.judge("COMPLEX", 0.93)
    chat.new_chat()
    assert "xAI grok-4.3" in chat.ask("Prove that bridges end.").status
    stack.house.judge("SIMPLE", 0.95)
    assert "local nemotron-3-nano:30b" in chat.ask("Good morning.").status


def test_a_switch_that_hides_the_status(
    chat: ChatPage, valves: ValvesPage, stack: Stack, shoot: Shoot
) -> None:
    valves.switch("Show status")
    valves.save()
    chat.new_chat()
    message = chat.ask("Good morning.")
    shoot("no-status")
    assert message.box.locator(".status-description").count() == 0


def test_a_wrong_value_stops_nothing(
    chat: ChatPage, valves: ValvesPage, stack: Stack, shoot: Shoot
) -> None:
    valves.fill("Confidence for the cloud", "a lot")
    valves.fill("Daily budget (USD)", "1")
    valves.save()
    # What was not usable is not kept: the default is what the panel shows, and what counts.
    assert valves.value("Confidence for the cloud") == "0.6"
    row = valves.row("Confidence for the cloud")
    sentence = "CLOUD_CONFIDENCE: 'a lot' is not a number, 0.6 is in force"
    expect(row).to_contain_text(f"⚠ {sentence} ⚠ How sure the classifier must be")
    row.scroll_into_view_if_needed()
    shoot("valves-wrong")
    assert stack.house.server.valves()["DAILY_BUDGET_USD"] == 1.0
    assert stack.house.server.valves()["CLOUD_CONFIDENCE"] == 0.6
    stack.house.judge("COMPLEX", 0.93)
    chat.new_chat()
    message = chat.ask("Prove that bridges end.")
    assert message.status.startswith("xAI grok-4.3")
    assert message.status.endswith(f"Settings: {sentence}")
    shoot("settings-line")
    assert "Settings:" not in chat.ask("Prove it once more.").status
    assert sentence in chat.ask("/why").text
