"""The pictures of README: what hal-auto does, in a chat that a person could have.

The models' words are scripted, all else is real. `HAL_E2E_SCREENSHOTS=docs make e2e
PYTEST="-k picture"` makes them anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.servers import Steps, words
from tests.servers.sample_facts import facts

from .conftest import Shoot
from .page import ChatPage
from .stack import Stack

# A page of the repository loads with it.
LARGEST_BYTES = 200_000
# About what a 30B says on one card.
WORD_GAP_S = 0.04
FACT = facts()[0]
FOUND = "A car pays 4.20 crowns [1]. Bicycles cross for free [2]."
LETTER = (
    "Dear Ms Kowalska,\n\nmy train is half an hour late, so I will be at your office at 10:30. "
    "I will call if it gets any later.\n\nKind regards"
)
PRIVATE = (
    "Write to Anna Kowalska (anna.kowalska@firma-kowalska.pl, +48 601 234 567) that my train is "
    "late and I will be there at 10:30."
)


def finds_it(body: dict[str, Any]) -> Steps:
    return words(FOUND, WORD_GAP_S)


def writes_it(body: dict[str, Any]) -> Steps:
    return words(LETTER, WORD_GAP_S)


def test_the_picture_of_a_chat(chat: ChatPage, stack: Stack, shoot: Shoot, output: Path) -> None:
    _ = stack.searxng  # skips where there is none
    chat.page.set_viewport_size({"width": 1100, "height": 860})
    stack.house.judge("MODERATE", 0.94, search=0.97)
    stack.house.answer_with(finds_it)
    first = chat.ask(FACT.question)
    chat.settled()
    assert "sources" in first.status
    stack.house.judge("COMPLEX", 0.92)
    stack.house.answer_with(writes_it)
    second = chat.ask(PRIVATE)
    chat.settled()
    assert "kept local: e-mail address, phone number found" in second.status
    chat.page.mouse.wheel(0, -2000)
    shoot("chat")
    assert (output / "chat.png").stat().st_size < LARGEST_BYTES
