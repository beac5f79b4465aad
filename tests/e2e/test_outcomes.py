"""How an answer was taken: thumbs, Regenerate and Stop, and what of it reaches our log."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.server.logbook import wait_until
from tests.servers import Say, Sleep, Stall

from .conftest import Shoot
from .page import ChatPage, Message
from .stack import Stack

SAMPLE = Path(__file__).parent / "samples" / "feedback_export.json"
EXPORT = "/api/v1/evaluations/feedbacks/all/export"


def rate(message: Message, thumb: str, rating: int, reason: str, comment: str) -> None:
    """Through the buttons under the answer and the form that they open."""
    message.button(thumb).click()
    message.button(f"Rate {rating} out of 10").click()
    message.button(reason).click()
    message.box.get_by_label("Additional feedback comments").fill(comment)
    message.button("Save").click()
    expect(message.button("Save")).to_be_hidden()


def test_thumbs_come_out_of_the_export(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    good = chat.ask("Good morning.")
    chat.settled()
    good.button("Good Response").click()
    expect(good.button("Save")).to_be_visible()
    shoot("thumb-form")
    good.button("Close feedback").click()
    rate(good, "Good Response", 9, "Accurate information", "Short and right.")
    bad = chat.ask("And how long is the Velorin Bridge?")
    chat.settled()
    rate(bad, "Bad Response", 2, "Not factually correct", "It is longer.")
    shoot("thumbs")
    by_message = {
        entry["meta"]["message_id"]: entry
        for entry in stack.webui.call("GET", EXPORT, stack.webui.token()).json()
    }
    assert {good.id, bad.id} <= set(by_message)
    for message, rating, score, reason, comment in (
        (good, 1, 9, "accurate_information", "Short and right."),
        (bad, -1, 2, "not_factually_correct", "It is longer."),
    ):
        entry = by_message[message.id]
        assert (entry["type"], entry["data"]["rating"]) == ("rating", rating)
        assert entry["data"]["details"]["rating"] == score
        assert (entry["data"]["reason"], entry["data"]["comment"]) == (reason, comment)
        row = stack.turn(message.id)
        assert (entry["meta"]["chat_id"], entry["user_id"]) == (row["chat_id"], row["user_id"])
    live = [by_message[good.id], by_message[bad.id]]
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    assert [shape(entry) for entry in live] == [shape(entry) for entry in sample]


def shape(value: Any) -> Any:
    """Keys and types, but for the chat's messages, which go by ids of their own, and for lists."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items() if name != "messages"}
    return type(value).__name__


def test_regenerate_is_another_message_of_the_same_question(
    chat: ChatPage, stack: Stack, shoot: Shoot
) -> None:
    stack.house.answer_with([Say("First.")], [Say("Second.")])
    first = chat.ask("How do bridges stand?")
    chat.settled()
    first.button("Regenerate").click()
    chat.page.get_by_role("button", name="Try Again").click()
    expect(chat.messages.last).to_contain_text("Second.")
    second = chat.last().wait()
    chat.settled()
    shoot("regenerated")
    assert second.text == "Second."
    rows = [stack.turn(message.id) for message in (first, second)]
    same = {(row["chat_id"], row["user_message_id"], row["session_id"]) for row in rows}
    assert len(same) == 1
    assert rows[0]["message_id"] != rows[1]["message_id"]


def test_stop_ends_the_request_and_keeps_what_was_shown(
    chat: ChatPage, stack: Stack, shoot: Shoot, output: Path
) -> None:
    pieces = [step for number in range(40) for step in (Say(f"{number} "), Sleep(0.05))]
    stack.house.answer_with([*pieces, Stall()])
    message = chat.send("Count, please.")
    expect(message.box).to_contain_text("39")
    before = time.monotonic()
    chat.stop()
    aborted = stack.house.ollama.wait_for_abort(20.0)
    assert aborted.aborted_at is not None
    measured = (
        f"Ollama's request closed {aborted.aborted_at - before:.3f} s after the click on Stop\n"
    )
    (output / "stopped.txt").write_text(measured, encoding="utf-8")
    message.wait()
    shoot("stopped")
    row = stack.turn(message.id, "stopped")
    content = stack.house.log.content(row["id"])
    assert content is not None
    assert content["answer"].split() == message.text.split() == [str(n) for n in range(40)]
    wait_until(lambda: all(r.finished or r.aborted_at for r in stack.house.ollama.chats), 20.0)
