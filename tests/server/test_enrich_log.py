"""Turns that search first: what leaves this machine, what the log keeps, and how long it takes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from hal.enrichment.research import HARD_STOP_S
from hal.routing.plan import NOT_SEARCHED
from tests.servers import Say
from tests.servers.web import endless, head, page, wire

from .enriching import SearchingHouse, egress, lookup, question, searched_nothing, topic
from .house import NANO, new_chat

pytestmark = pytest.mark.server
EMAIL = "lena.winter@meridian-data.net"
STOPPED_WITHIN_S = 0.5


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchingHouse]:
    with SearchingHouse(tmp_path_factory.mktemp("enrich_log")) as running:
        yield running


# What leaves.


def test_what_is_private_is_not_searched_for(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word, 2)
    house.rewrite_to(f"{word} bridge {EMAIL} opened")
    house.ask(f"/web {question(word)} Tell me, I am {EMAIL}.")
    assert [asked["q"] for asked in house.searxng.queries] == [f"{word} bridge opened"]
    sent = [*house.searxng.requests, *house.asked_pages]
    assert len(sent) == 3
    assert all("meridian" not in f"{r.path}{r.query}{r.headers}".lower() for r in sent)


def test_nothing_is_searched_when_nothing_else_was_asked(house: SearchingHouse) -> None:
    house.rewrite_to(EMAIL)
    answer = house.ask(f"/web {EMAIL}")
    assert "without what is private, no words were left to search for" in answer.statuses[-2]
    assert searched_nothing(house)
    assert house.logged()["degradations"] == ["no_search"]


@pytest.mark.parametrize("command", ["/private", "/local"])
def test_a_chat_that_stays_here_searches_nothing_and_says_so(
    house: SearchingHouse, command: str
) -> None:
    word, chat = topic(), new_chat()
    house.publish(word)
    house.judge(search=0.99)
    said = f"{command} {question(word)}"
    house.ask(said, chat_id=chat)
    answer = house.ask(f"/web {question(word)}", said, "In May.", chat_id=chat)
    assert searched_nothing(house)
    assert NOT_SEARCHED in answer.statuses[0]
    assert f"In this turn {NOT_SEARCHED}." in house.local_requests[1].json["messages"][0]["content"]
    assert house.logged()["degradations"] == ["no_search"]


def test_each_request_has_its_row_before_it_leaves(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word, 3)
    house.ask(f"/web {question(word)}")
    search, *pages = egress(house)
    assert search == ("search", "searxng", f"127.0.0.1:{house.searxng.url.rpartition(':')[2]}")
    web = ("page", "web", f"127.0.0.1:{house.web.port}")
    assert sorted(pages) == sorted([web, web, ("page", "web", f"localhost:{house.other.port}")])
    assert house.logged()["leaves_machine"] == 0


def test_the_cloud_answers_where_that_is_wanted(house: SearchingHouse) -> None:
    house.server.update_valves({"ENRICH_WITH": "cloud"})
    word = topic()
    house.publish(word)
    house.xai.answer([Say("In May [1] or [2].")])
    answer = house.ask(f"/web {question(word)}")
    assert answer.text == "In May [1] or."
    (request,) = house.cloud_requests
    assert f"Question: {question(word)}" in request.json["messages"][-1]["content"]
    assert [purpose for purpose, _, _ in egress(house)] == ["search", "page", "answer"]
    assert lookup(house)["cited"] == [1]


@pytest.mark.parametrize("mode", ["local", "scrub"])
def test_a_page_with_something_private_stays_here(house: SearchingHouse, mode: str) -> None:
    """A placeholder for what a stranger has published would help nobody: the local model answers,
    and the status line says why."""
    house.server.update_valves({"ENRICH_WITH": "cloud", "PRIVACY_MODE": mode})
    word = topic()
    house.publish(word, text=f"The {word} bridge: ask {EMAIL} about it. ")
    answer = house.ask(f"/web {question(word)}")
    assert answer.text.startswith(f"{NANO}: ")
    assert len(answer.sources) == 1
    assert (
        "xAI grok-4.3 failed: Nothing was sent: it would have held e-mail address. "
        f"Asking local {NANO}."
    ) in answer.statuses
    assert house.cloud_requests == []
    assert [purpose for purpose, _, _ in egress(house)] == ["search", "page"]


# What is logged.


def test_the_log_knows_what_came_of_each_result(house: SearchingHouse) -> None:
    word = topic()
    urls = house.publish(word, 2)
    urls += house.publish(word, answer=page(b"\0" * 600, {"content-type": "image/png"}), content="")
    house.rewrite_to(f"{word} bridge", freshness="any")
    house.answer_with([Say("In May [2].")])
    house.ask(f"/web {question(word)}")
    row = lookup(house)
    counts = {name: row[name] for name in ("queries", "hits", "sources", "cited", "problem")}
    assert counts == {"queries": 1, "hits": 3, "sources": 2, "cited": [2], "problem": ""}
    assert (row["rewritten_by"], row["freshness"], row["detail"]["queries"]) == (
        "model",
        "any",
        [f"{word} bridge"],
    )
    assert 0 < row["rewrite_ms"] + row["search_ms"] + row["read_ms"] <= row["total_ms"] + 1
    fates = {one["url"]: one["fate"] for one in row["detail"]["pages"]}
    assert fates == dict.fromkeys(urls[:2], "cited") | {urls[2]: "dropped"}


def test_a_log_without_texts_keeps_no_query(house: SearchingHouse) -> None:
    house.server.update_valves({"LOG_CONTENT": False})
    word = topic()
    house.publish(word)
    house.ask(f"/web {question(word)}")
    row = lookup(house)
    assert (row["sources"], row["detail"]) == (1, {})
    kept = [house.log.rows(name) for name in ("lookup", "content", "egress_content")]
    assert word not in json.dumps(kept)


def test_nor_does_a_temporary_chat(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word)
    house.ask(f"/web {question(word)}", chat_id=f"temporary:{word}")
    assert (lookup(house)["sources"], lookup(house)["detail"]) == (1, {})
    assert word not in json.dumps([house.log.rows("egress_content"), house.log.rows("content")])


# Time.


def test_stop_ends_the_search_and_the_reading(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word, 2, answer=endless(b"", head(), gap_s=0.05))
    for server, count in ((house.searxng, 1), (house.web, 2)):
        house.searxng.always = "hang" if server is house.searxng else None
        with house.begin(house.turn(f"/web {question(word)} {count}")) as stream:
            server.wait_for_request(count=count)
            stream.until(lambda answer: len(answer.statuses) >= 3)
            left_at = time.monotonic()
        aborted = server.wait_for_abort(count=count)
        assert aborted.aborted_at is not None
        assert aborted.aborted_at - left_at < STOPPED_WITHIN_S
        assert house.logged("stopped")["outcome"] == "stopped"
        (row,) = house.log.of_turn("lookup", house.logged("stopped")["id"])
        assert row["problem"] == "the turn was stopped."
        assert (row["queries"], row["pages"]) == (1, 0 if server is house.searxng else 2)
    assert house.local_requests == []


def test_who_hangs_is_not_waited_for(house: SearchingHouse) -> None:
    """That the limits are in place; how they add up is tested where time can be set."""
    word = topic()
    house.searxng.always = "hang"
    hanging = house.ask(f"/web {question(word)}")
    assert "did not answer within 4 s" in hanging.statuses[-2]
    assert hanging.text.endswith(f".*\n\n{NANO}: {question(word)}")
    house.searxng.always = None
    house.publish(word, answer=wire(head(), stays_open=True))
    reading = house.ask(f"/web {question(word)}")
    assert "1 source (1 as the search engine sums them up)" in reading.statuses[-2]
    assert max(hanging.first_token_s or 0.0, reading.first_token_s or 0.0) < HARD_STOP_S
