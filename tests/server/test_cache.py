"""Answers given again, on the real server: the same question, one that means the same, and who
never gets one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.harness import openwebui
from tests.servers import OllamaModel, Say

from .house import GROK, NANO, House
from .logbook import wait_until

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"
ALIKE = "How do swifts sleep ?"


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for each test: what was kept stays kept."""
    valves = {"SPECULATE": False, "CACHE": "semantic"}
    with House(tmp_path_factory.mktemp("cache"), valves=valves) as running:
        yield running


def wait_until_kept(house: House) -> None:
    """It is kept behind the answer's back."""

    def is_there() -> bool:
        uri = house.log.path.with_name("cache.sqlite").as_uri()
        try:
            with closing(sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=5)) as file:
                return bool(file.execute("SELECT count(*) FROM answers").fetchone()[0])
        except sqlite3.OperationalError:
            return False  # the file or its tables are not there yet

    wait_until(is_there)


def kept(house: House, text: str = TEXT, **more: object) -> None:
    """Ask, and wait until the answer can be found again."""
    house.answer_with([Say("On the wing.")])
    assert house.ask(text, **more).text == "On the wing."
    house.answer_with([Say("Asked again.")])
    wait_until_kept(house)


def test_the_same_question_is_answered_from_the_cache(house: House) -> None:
    kept(house)
    answer = house.ask(TEXT)
    assert answer.text == "On the wing."
    assert any(
        line.startswith("answered from cache (the same question, ") for line in answer.statuses
    )
    assert answer.usage is not None
    assert (answer.usage["hal_cache"], answer.usage["hal_cost_usd"]) == ("exact", 0.0)
    row = house.logged()
    assert (row["cache"], row["model"], row["cost_usd"]) == ("exact", NANO, 0.0)
    assert house.log.of_turn("call", row["id"]) == []
    assert len(house.local_requests) == 1


def test_a_cloud_answer_is_given_again_without_a_byte_leaving(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.xai.answer([Say("On the wing.")], [Say("Asked again.")])
    assert house.ask(TEXT).text == "On the wing."
    wait_until_kept(house)
    answer = house.ask(TEXT)
    assert answer.text == "On the wing."
    assert (answer.usage or {})["hal_model"] == GROK
    row = house.logged()
    assert (row["leaves_machine"], row["cost_usd"]) == (0, 0.0)
    assert len(house.cloud_requests) == 1


def test_without_an_embedding_model_only_the_same_question(house: House) -> None:
    kept(house)
    assert house.ask(ALIKE).text == "Asked again."


def test_regenerate_asks_again(house: House) -> None:
    turn = house.turn(TEXT)
    house.answer_with([Say("On the wing.")])
    assert house.send(turn).text == "On the wing."
    wait_until_kept(house)
    house.answer_with([Say("Asked again.")])
    assert house.send(openwebui.regenerate(turn)).text == "Asked again."


@pytest.mark.parametrize(
    "text", [f"/local {TEXT}", f"/web {TEXT}"], ids=["stays here", "is searched for"]
)
def test_what_is_private_or_of_today_is_never_kept(house: House, text: str) -> None:
    house.answer_with([Say("On the wing.")])
    house.ask(text)
    house.answer_with([Say("Asked again.")])
    assert house.ask(text).text.endswith("Asked again.")  # a note may stand before it
    assert house.logged()["cache"] == ""


def test_off_keeps_nothing(house: House) -> None:
    house.server.update_valves({"CACHE": "off"})
    house.answer_with([Say("On the wing.")])
    house.ask(TEXT)
    house.answer_with([Say("Asked again.")])
    assert house.ask(TEXT).text == "Asked again."


def test_a_question_that_means_the_same(house: House) -> None:
    house.ollama.models["all-minilm:latest"] = OllamaModel(
        "all-minilm:latest", capabilities=("embedding",), context_tokens=256
    )
    house.renew()
    kept(house)
    answer = house.ask(f"{TEXT} ")  # nothing but a blank differs, and the key is another
    assert answer.text == "On the wing."
    assert house.logged()["cache"] == "semantic"
