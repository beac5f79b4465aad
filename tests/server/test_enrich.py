"""Turns that search first, over a scripted SearXNG and web: what the user sees and the model reads,
and what is said when the search fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import Answer, openwebui
from tests.servers import Say, Think
from tests.servers.web import page

from .enriching import SearchingHouse, lookup, question, searched_nothing, topic
from .house import NANO, new_chat

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchingHouse]:
    with SearchingHouse(tmp_path_factory.mktemp("enrich")) as running:
        yield running


def events(answer: Answer) -> list[tuple[str, Any]]:
    """Status lines by their action, sources and the answer's beginning, in the order of arrival."""
    found: list[tuple[str, Any]] = []
    for chunk in answer.chunks:
        event = chunk.get("event", {})
        data = event.get("data", {})
        if event.get("type") == "status":
            action = data.get("action", "")
            found.append((action or "status", data.get("queries") or data.get("urls") or ()))
        elif event:
            found.append((event["type"], data["source"]["id"]))
        elif any(c["delta"].get("content") for c in chunk.get("choices") or []):
            found.append(("text", ()))
    first_text = found.index(("text", ()))
    return [item for n, item in enumerate(found) if item[0] != "text" or n == first_text]


# What the user sees.


def test_what_happens_is_told_in_order_and_sources_come_before_the_first_word(
    house: SearchingHouse,
) -> None:
    word = topic()
    urls = house.publish(word, 3)
    house.rewrite_to(f"{word} bridge opened")
    answer = house.ask(f"/web {question(word)}")
    told = events(answer)
    cited = [data for kind, data in told if kind == "source"]
    assert [kind for kind, _ in told] == [
        "status",  # the decision
        "status",  # looking for words
        "web_search_queries_generated",
        "web_search",
        *["source"] * 3,
        "web_search",
        "text",
        "status",
    ]
    assert told[2][1] == [f"{word} bridge opened"]
    assert (set(told[3][1]), set(cited)) == (set(urls), set(urls))
    assert told[7][1] == cited
    assert answer.statuses[2:4] == [f"Searching: {word} bridge opened", "Reading 3 pages"]
    assert re.fullmatch(r"3 sources, \d+\.\d s", answer.statuses[4])
    last = [data for data in answer.of_type("status") if data.get("action") == "web_search"][-1]
    assert last["done"] is True


def test_each_source_is_one_event_as_open_webui_draws_it(house: SearchingHouse) -> None:
    word = topic()
    (url,) = house.publish(
        word, text=f"The {word} bridge was opened in May. " + "More words. " * 20
    )
    (source,) = house.ask(f"/web {question(word)}").sources
    title = f"The {word} bridge, part 1"
    about = {"source": url, "name": title, "source_url": url, "external": True}
    assert source["source"] == {"id": url, "name": title, "url": url}
    assert f"The {word} bridge was opened in May." in source["document"][0]
    assert source["metadata"] == [about] * len(source["document"])
    assert set(source) == {"source", "document", "metadata"}


def test_numbers_are_put_right_and_those_of_no_source_go(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word, 2)
    said = "In May [1", ", 2].", " By hand 【2】, [Source 1]", "; not [7] or [9", "9]."
    house.answer_with([Say(piece) for piece in said])
    answer = house.ask(f"/web {question(word)}")
    assert answer.text == "In May [1][2]. By hand [2], [1]; not or."
    row = lookup(house)
    assert (row["cited"], row["invalid"]) == ([1, 2], 2)


def test_no_picture_and_no_foreign_link_comes_through(house: SearchingHouse) -> None:
    word = topic()
    (url,) = house.publish(word)
    said = f"See [the page]({url}) ![x](http://evil.example/?q=1) or [this](http://evil.example/)."
    house.answer_with([Think("![y](http://evil.example/?t=1)"), Say(said[:40]), Say(said[40:])])
    answer = house.ask(f"/web {question(word)}")
    assert answer.text == f"See [the page]({url}) or this."
    assert b"evil.example" not in answer.raw


def test_an_answer_that_is_not_streamed_ends_with_the_sources(house: SearchingHouse) -> None:
    word = topic()
    (url,) = house.publish(word)
    house.answer_with([Say("In May [1].")])
    answer = house.ask(f"/web {question(word)}", stream=False)
    assert answer.text == f"In May [1].\n\nSources:\n[1] The {word} bridge, part 1: <{url}>"
    assert answer.events == []


def test_an_api_client_gets_the_addresses(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word, 2)
    house.answer_with([Say("In May [1].")])
    answer = house.server.chat([{"role": "user", "content": f"/web {question(word)}"}])
    (citations,) = [chunk["citations"] for chunk in answer.chunks if "citations" in chunk]
    assert set(citations) == {entry.url for entry in house.searxng.entries}
    assert (answer.text, answer.events) == ("In May [1].", [])


# What the model reads.


def test_the_model_reads_the_sources_behind_the_history(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word, 2)
    asked = question(word)
    house.ask(f"/web {asked}", "Hello.", "Good morning.", system="Be brief.")
    system, *history, last = house.local_requests[0].json["messages"]
    assert (system["role"], system["content"]) == ("system", "Be brief.")
    assert [message["content"] for message in history] == ["Hello.", "Good morning."]
    text = last["content"]
    (tag,) = set(re.findall(r"sources-[0-9a-f]{8}", text))
    inside, after = text.partition(f"<{tag}>")[2].split(f"</{tag}>")
    assert re.findall(r'<source id="(\d)"', inside) == ["1", "2"]
    assert f"Question: {asked}" in after
    assert "the only numbers are 1-2" in after
    house.ask(f"/web {asked}")
    assert tag not in house.local_requests[1].body.decode()


def test_the_next_turn_reads_no_source(house: SearchingHouse) -> None:
    word, chat = topic(), new_chat()
    house.publish(word)
    house.answer_with([Say("In May [1].")], [Say("Yes.")])
    said = f"/web {question(word)}"
    answer = house.ask(said, chat_id=chat)
    house.ask("Are you sure?", said, answer.text, chat_id=chat)
    asked = house.local_requests[1].json["messages"]
    assert [message["content"] for message in asked] == [
        question(word),
        "In May [1].",
        "Are you sure?",
    ]


def test_a_file_stays_beside_the_sources(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word)
    house.judge(search=0.98)
    house.send(openwebui.rag_turn(question(word), f"My notes on {word}.", chat_id=new_chat()))
    text = house.local_requests[0].json["messages"][-1]["content"]
    assert f">My notes on {word}.</source>" in text
    assert (
        text.index("My notes") < text.index("<sources-") < text.index(f"Question: {question(word)}")
    )
    assert all("notes" not in asked["q"] for asked in house.searxng.queries)


def test_a_turn_that_needs_no_search_makes_none(house: SearchingHouse) -> None:
    house.publish(topic())
    house.ask("Why is the sky blue?")
    assert searched_nothing(house)
    assert house.log.of_turn("lookup", house.logged()["id"]) == []


# When there are no sources, everybody says so.

FAILURES = {
    "json off": "is off (403). In SearXNG's settings.yml: search: formats: [html, json]",
    "a web page": "answers with a web page, and not with SearXNG's JSON",
    "limited": "the limiter of SearXNG at",
    "engines": "none of SearXNG's engines answered",
    "no hits": "the search found nothing",
    "cut": "closed the connection before its answer was complete",
}


def fails(house: SearchingHouse, why: str) -> None:
    """The turn answers without sources, and status, model and log know why."""
    word = topic()
    answer = house.ask(f"/web {question(word)}")
    assert answer.text.startswith("*No web sources behind this answer: ")
    assert answer.text.endswith(f".*\n\n{NANO}: {question(word)}")
    assert answer.sources == []
    status = answer.statuses[-2]
    assert status.startswith("No sources: ")
    assert status.endswith(". Answering without them")
    instructions = house.local_requests[-1].json["messages"][0]
    assert instructions["role"] == "system"
    assert "So there are no sources." in instructions["content"]
    assert why in status
    assert why in instructions["content"]
    assert why in lookup(house)["problem"]
    assert "search_failed" in house.logged()["degradations"]


@pytest.mark.parametrize(("trouble", "why"), FAILURES.items(), ids=FAILURES)
def test_a_search_that_fails_is_no_secret(house: SearchingHouse, trouble: str, why: str) -> None:
    # One that works first: three failures in a row would have it left alone for a minute.
    house.publish(topic())
    house.ask(f"/web {question(topic())}")
    house.searxng.always = trouble
    fails(house, why)


def test_nor_is_that_nobody_is_there(house: SearchingHouse) -> None:
    house.searxng.stop()
    try:
        fails(house, "nothing listens at")
    finally:
        house.searxng.start()


def test_pages_that_cannot_be_read_are_known_by_their_excerpts(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word, 2, answer=page(b"gone", status=404))
    answer = house.ask(f"/web {question(word)}")
    assert "2 sources (2 as the search engine sums them up), " in answer.statuses[-2]
    assert [source["document"] for source in answer.sources] == [
        [f"About the {word} bridge, {n}."] for n in (1, 2)
    ]
    text = house.local_requests[0].json["messages"][-1]["content"]
    assert text.count('kind="snippet"') == 2
    assert "None of the pages could be read" in text
    assert {one["reason"] for one in lookup(house)["detail"]["pages"]} == {"status 404"}


def test_results_without_text_are_no_sources(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word, answer=page(b"gone", status=404), content="")
    answer = house.ask(f"/web {question(word)}")
    assert answer.sources == []
    assert "the only result could not be read (status 404)" in answer.statuses[-2]
