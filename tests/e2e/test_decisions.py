"""What the user reads above an answer: who answered, why, and what it cost."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.servers import Say, Usage

from .conftest import Shoot
from .page import ChatPage
from .stack import Stack

PRIVATE = "Prove it, and write to anna.kowalska@firma-kowalska.pl or call +48 601 234 567."


def test_a_simple_turn_stays_local_and_says_so(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    stack.house.judge("SIMPLE", 0.95)
    assert chat.models() == ["hal-auto"]
    shoot("picker")
    chat.close_menu()
    message = chat.ask("Good morning, how do bridges stand?")
    assert message.text == "nemotron-3-nano:30b says: Good morning, how do bridges stand?"
    assert re.fullmatch(r"local nemotron-3-nano:30b · simple \(0\.95\) · \d+\.\d s", message.status)
    chat.settled()
    details = message.details()
    shoot("simple")
    assert details["hal_route"] == "SIMPLE"
    assert details["hal_confidence"] == "0.95"
    assert details["hal_model"] == "nemotron-3-nano:30b"
    assert details["hal_cost_usd"] == "0"
    row = stack.turn(message.id)
    assert (row["route"], row["chat_id"], row["leaves_machine"]) == ("SIMPLE", chat.chat_id, 0)
    assert stack.house.cloud_requests == []


def test_a_complex_turn_goes_to_xai_with_its_cost(
    chat: ChatPage, stack: Stack, shoot: Shoot
) -> None:
    stack.house.judge("COMPLEX", 0.93)
    stack.house.xai.answer([Say("Because "), Say("it must be."), Usage(1000, 900)])
    message = chat.ask("Prove that every bridge has an end.")
    chat.settled()
    assert message.text == "Because it must be."
    line = r"xAI grok-4\.3 · complex \(0\.93\) · \$0\.0035 · \d+\.\d s"
    assert re.fullmatch(line, message.status)
    details = message.details()
    shoot("complex")
    assert (details["hal_model"], details["hal_cost_usd"]) == ("grok-4.3", "0.0035")
    assert stack.turn(message.id)["leaves_machine"] == 1
    # The title, the tags and the follow-ups of this chat were made here: one request left.
    assert len(stack.house.cloud_requests) == 1


def test_a_private_turn_stays_and_the_reason_is_shown(
    chat: ChatPage, stack: Stack, shoot: Shoot
) -> None:
    stack.house.judge("COMPLEX", 0.93)
    message = chat.ask(PRIVATE)
    chat.settled()
    # In the line that stays, and in the history also when it was decided.
    kept = "kept local: e-mail address, phone number found"
    assert kept in message.status
    assert any(f"beyond the local model · {kept}" in line for line in message.statuses())
    shoot("private")
    assert stack.house.cloud_requests == []
    assert stack.turn(message.id)["leaves_machine"] == 0


def test_cloud_asks_xai_for_this_turn(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    message = chat.ask("/cloud How do bridges stand?")
    assert message.text == "cloud: How do bridges stand?"
    assert message.status.startswith("xAI grok-4.3 · ")
    chat.settled()
    shoot("cloud")
    assert len(stack.house.cloud_requests) == 1


def test_why_explains_the_last_decision(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    stack.house.judge("SIMPLE", 0.95)
    chat.ask("Good morning.")
    chat.settled()
    message = chat.ask("/why")
    chat.settled()
    shoot("why")
    text = message.text
    assert text.startswith("SIMPLE, decided by the classifier: small talk or a plain fact.")
    assert "nemotron-3-nano:30b on this machine (nothing left it)" in text


def test_titles_tags_and_follow_ups_are_made_here(
    chat: ChatPage, stack: Stack, shoot: Shoot
) -> None:
    stack.house.judge("COMPLEX", 0.93)
    chat.ask("Prove that every bridge has an end.")
    chat.settled()
    expect(chat.page.get_by_role("heading", name="A talk about bridges", level=1)).to_be_visible()
    expect(chat.page.get_by_role("button", name="Follow up: Who built it?")).to_be_visible()
    shoot("tasks")
    rows = stack.house.log.rows("turn", "chat_id = ? AND task IS NOT NULL", chat.chat_id)
    wanted = {"title_generation", "tags_generation", "follow_up_generation"}
    assert {row["task"] for row in rows} == wanted
    assert {(row["route"], row["leaves_machine"], row["outcome"]) for row in rows} == {
        ("META", 0, "done")
    }
    assert not any(b"### Task:" in request.body for request in stack.house.cloud_requests)


def test_an_ollama_that_is_down_is_explained(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    with stack.house.without_ollama():
        message = chat.ask("/local Good morning, are you there?")
        shoot("ollama-down")
        said = message.box.inner_text()
        assert "I cannot answer without leaving this machine" in said
        assert "Ollama" in said
    assert stack.turn(message.id, "failed")["leaves_machine"] == 0
    assert stack.house.cloud_requests == []


def test_xai_answers_for_an_ollama_that_is_down(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    with stack.house.without_ollama():
        message = chat.ask("Good morning, are you there?")
        lines = message.statuses()
        shoot("ollama-down-cloud")
        assert any("failed" in line and "Asking xAI grok-4.3" in line for line in lines)
        assert message.text == "cloud: Good morning, are you there?"
    assert stack.turn(message.id)["leaves_machine"] == 1
