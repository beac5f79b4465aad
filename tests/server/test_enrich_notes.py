"""An answer without sources begins with a sentence of ours, whoever reads it and whatever the model
says: in streams and whole replies, in Open WebUI and for API clients, once, and in the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import BUSY, Cut, Say, Stall, Status, Think, words
from tests.servers.web import page

from .enriching import SearchingHouse, lookup, question, topic
from .house import MINI, NANO, Body, new_chat

pytestmark = pytest.mark.server

BEGIN, END = "*No web sources behind this answer: ", "may be out of date.*\n\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchingHouse]:
    with SearchingHouse(tmp_path_factory.mktemp("enrich_notes")) as running:
        yield running


def noted(text: str) -> tuple[str, str]:
    """Why there are no sources, and the answer without the note; a second note would be in it."""
    assert text.startswith(BEGIN)
    note, end, answer = text.partition(END)
    assert end
    assert BEGIN not in answer
    return note.removeprefix(BEGIN).partition(". What follows")[0], answer


def contents(body_chunks: list[Body]) -> list[str]:
    deltas = [choice["delta"] for chunk in body_chunks for choice in chunk.get("choices") or []]
    return [delta["content"] for delta in deltas if delta.get("content")]


def test_it_is_the_first_thing_that_is_said(house: SearchingHouse) -> None:
    """And the model need not say it: it is told that somebody has."""
    asked = question(topic())
    answer = house.ask(f"/web {asked}")
    assert noted(answer.text) == ("the search found nothing", f"{NANO}: {asked}")
    assert contents(answer.chunks)[0].startswith(BEGIN)
    (request,) = house.local_requests
    assert "The user has been told this" in request.json["messages"][0]["content"]
    assert BEGIN not in request.body.decode()
    assert (answer.usage or {})["hal_search"] == "none: no_hits"


def test_an_api_client_reads_the_same_and_a_word_for_programs(house: SearchingHouse) -> None:
    asked = question(topic())
    answer = house.server.chat([{"role": "user", "content": f"/web {asked}"}])
    assert noted(answer.text)[1] == f"{NANO}: {asked}"
    assert answer.events == []
    (told,) = [chunk for chunk in answer.chunks if "citations" in chunk]
    assert (told["citations"], told["hal"]) == ([], {"search": "none: no_hits"})
    assert answer.chunks.index(told) < next(
        at for at, chunk in enumerate(answer.chunks) if contents([chunk])
    )
    assert (answer.usage or {})["hal_search"] == "none: no_hits"


@pytest.mark.parametrize("is_webui", [True, False], ids=["Open WebUI", "an API client"])
def test_so_does_a_whole_reply(house: SearchingHouse, is_webui: bool) -> None:
    asked = question(topic())
    if is_webui:
        answer = house.ask(f"/web {asked}", stream=False)
    else:
        messages = [{"role": "user", "content": f"/web {asked}"}]
        answer = house.server.chat(messages, stream=False)
    assert noted(answer.text) == ("the search found nothing", f"{NANO}: {asked}")
    assert (answer.usage or {})["hal_search"] == "none: no_hits"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_a_program_that_reads_json_gets_json(house: SearchingHouse, stream: bool) -> None:
    """A sentence in front of it would break it; the word for programs is where it was."""
    house.answer_with([Say('{"opened": "in May"}')])
    messages = [{"role": "user", "content": f"/web {question(topic())}"}]
    form = {"type": "json_object"}
    answer = house.server.chat(messages, stream, response_format=form)
    assert answer.text == '{"opened": "in May"}'
    assert (answer.usage or {})["hal_search"] == "none: no_hits"


def test_with_sources_there_is_none(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word, 2)
    for stream in (True, False):
        answer = house.ask(f"/web {question(word)}", stream=stream)
        assert BEGIN not in answer.text
        assert (answer.usage or {})["hal_search"] == "2 sources"


def test_nor_where_nothing_is_to_be_searched(house: SearchingHouse) -> None:
    answer = house.ask("Why is the sky blue?")
    assert BEGIN not in answer.text
    assert "hal_search" not in (answer.usage or {})


def test_it_is_said_once_when_the_next_target_answers(house: SearchingHouse) -> None:
    asked = question(topic())
    house.answer_with([BUSY])
    house.xai.answer([Say("In May.")])
    assert noted(house.ask(f"/web {asked}").text)[1] == "In May."
    house.answer_with([Say("\n"), Cut(reset=True)])  # nothing was said, but a line was shown
    answer = house.ask(f"/web {asked}")
    assert noted(answer.text)[1].strip() == "In May."


def test_thoughts_are_no_answer(house: SearchingHouse) -> None:
    asked = question(topic())
    house.answer_with([Think("Let me see."), Say("In May.")])
    assert noted(house.ask(f"/web {asked}").text)[1] == "In May."


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_where_nobody_answers_there_is_an_error_and_nothing_else(
    house: SearchingHouse, stream: bool
) -> None:
    asked = question(topic())
    house.server.update_valves({"CLOUD_FALLBACK": False})
    house.answer_with([BUSY])
    answer = house.ask(f"/web {asked}", stream=stream)
    assert answer.error is not None
    assert answer.text == ""


def test_the_log_has_what_was_delivered(house: SearchingHouse) -> None:
    answer = house.ask(f"/web {question(topic())}")
    (content,) = house.log.of_turn("content", house.logged()["id"])
    assert content["answer"] == answer.text


def test_also_after_stop(house: SearchingHouse) -> None:
    house.answer_with([*words("In May."), Stall()])
    with house.begin(house.turn(f"/web {question(topic())}")) as stream:
        stream.until(lambda answer: answer.text.endswith("In May."))
        delivered = stream.text
    (content,) = house.log.of_turn("content", house.logged("stopped")["id"])
    assert content["answer"] == delivered
    assert noted(delivered)[1] == "In May."


def test_the_next_turn_reads_the_answer_without_it(house: SearchingHouse) -> None:
    """A model that had said it would say it again, also under sources."""
    chat, asked = new_chat(), f"/web {question(topic())}"
    answer = house.ask(asked, chat_id=chat)
    said = noted(answer.text)[1]
    house.ask("Are you sure?", asked, answer.text, chat_id=chat)
    history = [message["content"] for message in house.local_requests[1].json["messages"]]
    assert history == [asked.removeprefix("/web "), said, "Are you sure?"]


# Why there are none: the sentence for the user, the word for programs.


def test_nobody_is_there(house: SearchingHouse) -> None:
    house.searxng.stop()
    try:
        answer = house.ask(f"/web {question(topic())}")
    finally:
        house.searxng.start()
    address = house.searxng.url.removeprefix("http://")
    assert noted(answer.text)[0] == f"SearXNG does not answer at {address}"
    assert (answer.usage or {})["hal_search"] == "none: refused"


@pytest.mark.parametrize("command", ["/private", "/local"])
def test_nothing_may_be_searched(house: SearchingHouse, command: str) -> None:
    """The whole chat is silent, and a local answer that was begun ahead would know of nothing."""
    asked, chat = question(topic()), new_chat()
    said = f"{command} {asked}"
    answer = house.ask(f"/web {asked}", said, "In May.", chat_id=chat)
    assert noted(answer.text)[0] == "nothing of this chat may leave this machine"
    assert (answer.usage or {})["hal_search"] == "none: private"


def test_an_answer_that_was_begun_ahead_is_not_used(house: SearchingHouse) -> None:
    """It knows neither what day it is nor that there are no sources."""
    for name, window in ((MINI, 4096), (NANO, 32_768)):
        house.ollama.load(name, window)
    house.server.update_valves({"SPECULATE": True})
    house.judge(search=0.99)
    asked, chat = question(topic()), new_chat()
    answer = house.ask(asked, f"/private {asked}", "In May.", chat_id=chat)
    row = house.logged()
    assert (row["route"], row["speculation"]) == ("ENRICH", "discarded")
    assert noted(answer.text)[0] == "nothing of this chat may leave this machine"
    told = house.local_requests[-1].json["messages"][0]["content"]
    assert "nothing is searched: nothing of this chat may leave" in told


def test_no_page_can_be_read(house: SearchingHouse) -> None:
    word = topic()
    house.publish(word, 2, answer=page(b"gone", status=404), content="")
    answer = house.ask(f"/web {question(word)}")
    assert noted(answer.text)[0] == "none of the 2 results could be read (status 404)"
    assert (answer.usage or {})["hal_search"] == "none: unread"


def test_what_a_server_says_is_told_and_not_kept(house: SearchingHouse) -> None:
    """Engines may repeat the query in their reasons: the status line goes with the chat, the row
    of the search stays for years."""
    house.searxng.always = "engines"
    answer = house.ask(f"/web {question(topic())}")
    house.searxng.always = None
    assert "(google: too many requests" in answer.statuses[-2]
    assert noted(answer.text)[0] == "none of SearXNG's engines answered"
    row: dict[str, Any] = lookup(house)
    assert row["problem"].startswith("none of SearXNG's engines answered. ")
    assert "google" not in row["problem"]
    assert ["google", "too many requests"] in row["detail"]["searches"][0]["unresponsive"]
    assert "google" not in house.local_requests[-1].json["messages"][0]["content"]


def test_a_server_that_quotes_the_query_puts_it_into_no_row_for_ever(
    house: SearchingHouse,
) -> None:
    word = topic()
    said = {"error": f"Invalid value '{word}'"}
    house.searxng.always = Status(400, said)
    answer = house.ask(f"/web {question(word)}")
    house.searxng.always = None
    assert f"(Invalid value '{word}')" in answer.statuses[-2]
    row = lookup(house)
    assert row["problem"] == "SearXNG rejects the search. Check its version."
    assert word in row["detail"]["searches"][0]["problem"]
