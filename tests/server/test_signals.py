"""What people do in Open WebUI ends up as scores of the right turn, and kills cost little text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.harness import openwebui
from tests.servers import Finish, Say, Stall, Usage

from .house import House, new_chat
from .logbook import Row, wait_until

pytestmark = pytest.mark.server
TEXT = "How long do swifts sleep in the air?"
# The price table's, in USD per million tokens.
GROK_IN, GROK_OUT = 1.25, 2.50


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    valves = {"SPECULATE": False}
    with House(tmp_path_factory.mktemp("signals"), valves=valves) as running:
        yield running


def scores(house: House, turn: Row, count: int = 1) -> list[tuple[str, float | None, str]]:
    """The scores of a turn, once there are so many."""

    def found() -> list[Row]:
        rows = house.log.of_turn("score", turn["id"])
        return rows if len(rows) >= count else []

    rows = wait_until(found) if count else house.log.of_turn("score", turn["id"])
    return [(row["name"], row["value"], row["label"]) for row in rows]


def settled(house: House) -> None:
    """All that the turns so far have to say is written: a later turn's score is."""
    house.answer_with([Say("I cannot assist with that.")])
    house.ask("Something else entirely, in a chat of its own")
    assert scores(house, house.logged()) == [("refusal", -0.3, "")]


def answered(house: House, text: str = TEXT, *earlier: str, chat_id: str | None = None) -> Row:
    house.answer_with([Say("They doze.")])
    house.ask(text, *earlier, chat_id=chat_id)
    return house.logged()


def test_another_answer_is_wanted(house: House) -> None:
    turn = house.turn(TEXT)
    house.answer_with([Say("They doze.")])
    house.send(turn)
    first = house.logged()
    house.send(openwebui.regenerate(turn))
    second = wait_until(lambda: house.log.turns(house.chat)[1:])[0]
    assert scores(house, first) == [("regenerate", -0.5, "")]
    assert scores(house, second, 0) == []
    assert (first["message_count"], second["message_count"]) == (1, 1)


def test_a_more_concise_answer_is_wanted(house: House) -> None:
    """Open WebUI's menu behind Regenerate: the answer and the wish follow the question."""
    turn = house.turn(TEXT)
    house.answer_with([Say("They doze.")])
    house.send(turn)
    first = house.logged()
    messages = openwebui.history(TEXT, "They doze.", "More Concise")
    house.send(replace(openwebui.regenerate(turn), messages=messages))
    second = wait_until(lambda: house.log.turns(house.chat)[1:])[0]
    assert scores(house, first) == [("regenerate", None, "")]
    answered(house, "No, that's wrong.", TEXT, "They doze.", chat_id=house.chat)
    assert scores(house, second) == [("correction", -0.5, "")]
    assert (first["message_count"], second["message_count"]) == (1, 1)


def test_the_answer_is_stopped(house: House) -> None:
    house.answer_with([Say("They "), Stall()])
    with house.begin(house.turn(TEXT)) as stream:
        stream.until(lambda answer: answer.text)
    assert scores(house, house.logged("stopped")) == [("stop", None, "")]


def test_the_user_corrects(house: House) -> None:
    first = answered(house)
    second = answered(
        *(house, "No, that's wrong. They wake up.", TEXT, "They doze."), chat_id=house.chat
    )
    assert scores(house, first) == [("correction", -0.5, "")]
    assert (second["message_count"], second["override"]) == (3, "")
    (row,) = house.log.of_turn("score", first["id"])
    assert (row["source"], row["source_version"]) == ("implicit", "signals-1")


def test_the_user_asks_the_cloud_the_same(house: House) -> None:
    first = answered(house)
    house.ask(f"/cloud {TEXT}", TEXT, "They doze.", chat_id=house.chat)
    second = house.logged()
    assert scores(house, first) == [("override", -1.0, "COMPLEX")]
    assert scores(house, second) == [("override", 1.0, "COMPLEX")]
    assert (second["override"], second["propensity"]) == ("/cloud", 1.0)


def test_the_model_says_where_its_knowledge_ends(house: House) -> None:
    house.answer_with([Say("As of my last "), Say("update in 2023, it was Maria.")])
    house.ask("Who is the mayor of our town?")
    assert scores(house, house.logged()) == [("knowledge_cutoff", -0.8, "ENRICH")]


def test_the_answer_is_cut_at_the_length_limit(house: House) -> None:
    house.answer_with([Say("They "), Finish("length")])
    house.ask(TEXT)
    assert scores(house, house.logged()) == [("truncation", None, "")]


def test_an_edit_is_no_regeneration(house: House) -> None:
    first = answered(house)
    answered(house, "How long do ducks sleep on the water?", chat_id=house.chat)
    settled(house)
    assert scores(house, first, 0) == []


def test_another_model_in_between(house: House) -> None:
    first = answered(house)
    answered(
        *(house, "And owls?", TEXT, "They doze.", "And ducks?", "They float."), chat_id=house.chat
    )
    assert scores(house, first) == [("model_switch", -0.3, "")]


def test_what_gives_no_signals(house: House) -> None:
    """An explanation, a background task, a tool round, and a temporary chat."""
    first = answered(house)
    chat, turn = house.chat, house.turn(TEXT, chat_id=house.chat)
    house.send(openwebui.title_task(turn.messages, chat_id=chat))
    house.ask("/why", TEXT, "They doze.", chat_id=chat)
    house.send(turn)
    house.send(openwebui.tool_round(turn, "now", {}, "noon"))
    wait_until(lambda: len(house.log.turns(chat)) == 4)
    house.answer_with([Say("I cannot assist with that.")])
    house.ask(TEXT, chat_id=f"temporary:{new_chat()}")
    temporary = house.logged()
    settled(house)
    rows = house.log.turns(chat)
    # The same question once more is one; it came before the tool round.
    assert [scores(house, row, 0) for row in rows if row["id"] != first["id"]] == [[], [], []]
    assert scores(house, temporary, 0) == []


def test_what_the_cloud_would_have_cost(house: House) -> None:
    house.answer_with([Say("They doze."), Usage(2000, 100)])
    house.ask(TEXT)
    row = house.logged()
    assert row["cost_usd"] == 0.0
    assert row["cloud_cost_usd"] == pytest.approx((2000 * GROK_IN + 100 * GROK_OUT) / 1e6)
    house.xai.answer([Say("They doze."), Usage(1000, 200)])
    house.ask(f"/cloud {TEXT}")
    row = house.logged()
    assert row["cloud_cost_usd"] == pytest.approx(row["cost_usd"])
    assert row["prompt_chars"] == len(TEXT)


def test_the_rules_of_each_policy_are_kept_once(house: House) -> None:
    answered(house)
    first = house.logged()["policy_id"]
    house.server.update_valves({"CLOUD_CONFIDENCE": 0.9})
    answered(house)
    second = house.logged()["policy_id"]
    kept = {row["id"]: json.loads(row["settings"]) for row in house.log.rows("policy")}
    assert kept[first]["cloud"]["confidence"] == 0.6
    assert kept[second]["cloud"]["confidence"] == 0.9
    assert kept[second]["in_force"] == {"usable": True}
    text = json.dumps(kept)
    assert not any(word in text for word in ("http", "127.0.0.1", "xai-"))


def test_what_was_said_before_a_kill_is_in_the_log(house: House) -> None:
    """While the answer goes on: the row is there, as a kill would leave it."""
    house.answer_with([Say("They doze "), Say("on the wing"), Stall()])
    with house.begin(house.turn(TEXT)) as stream:
        stream.until(lambda answer: "wing" in answer.text)
        row = wait_until(lambda: house.log.turns(house.chat))[0]
        assert row["outcome"] == "running"
        kept = wait_until(lambda: house.log.content(row["id"]), 10.0)
        assert (kept["question"], kept["answer"]) == (TEXT, "They doze on the wing")
    house.logged("stopped")
