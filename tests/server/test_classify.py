"""The small local model decides: from its log-probabilities to the target of a turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hal.commands.checks.machine import PROMPTS
from tests.harness.interpreters import REPO
from tests.servers import BUSY, Label, Say, Script, Stall, Status, last_user_text

from .house import GROK, MINI, NANO, House
from .questions import CONTENT_FREE, DIFFICULTY, SEARCH, is_calibration, question_of

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    valves = {"SPECULATE": False, "CLASSIFIER_DEADLINE_S": 20}
    with House(tmp_path_factory.mktemp("classify"), valves=valves) as running:
        yield running


@pytest.mark.parametrize(
    ("route", "by"),
    [("SIMPLE", NANO), ("MODERATE", NANO), ("COMPLEX", GROK)],
)
def test_each_difficulty_has_its_target(house: House, route: str, by: str) -> None:
    house.judge(route, 0.9)
    answer = house.ask(TEXT)
    assert answer.usage is not None
    assert (answer.usage["hal_route"], answer.usage["hal_model"]) == (route, by)
    assert answer.usage["hal_confidence"] == pytest.approx(0.9)
    assert (len(house.local_requests), len(house.cloud_requests)) == ((0, 1), (1, 0))[by == NANO]
    row = house.logged()
    assert (row["route"], row["source"], row["leaves_machine"]) == (
        *(route, "classifier"),
        by == GROK,
    )
    assert row["probabilities"][route] == pytest.approx(0.9 * 0.98, abs=0.01)
    assert row["needs_search"] == pytest.approx(0.02)
    assert row["classify_ms"] > 0
    assert row["prompt_id"].startswith("classify@")


def test_small_talk_may_have_a_model_of_its_own(house: House) -> None:
    house.server.update_valves({"SIMPLE_MODEL": MINI})
    house.judge("SIMPLE")
    assert house.ask("hello").text == f"{MINI}: hello"


def test_what_the_classifier_is_asked(house: House) -> None:
    house.ask("And how do they eat?", TEXT, "On the wing.", system="Be brief.")
    asked = {r.json["messages"][0]["content"]: r.json for r in house.classifications}
    assert set(asked) == {DIFFICULTY.system, SEARCH.system}
    for question in (DIFFICULTY, SEARCH):
        body = asked[question.system]
        assert question.text_of(body) == "And how do they eat?"
        earlier = last_user_text(body).partition(question.before)[0]
        assert TEXT in earlier
        assert "On the wing." in earlier
        assert "Be brief." not in earlier
        assert (body["model"], body["logprobs"], body["top_logprobs"]) == (MINI, True, 20)
        assert body["options"]["num_predict"] == 1
        assert body["options"]["num_ctx"] == 4096


def test_a_long_history_fits_the_classifiers_window(house: House) -> None:
    long = [f"{n} " + "pages of old text " * 200 for n in range(20)]
    assert house.ask("So what?", *long).error is None
    bodies = [r.json for r in house.classifications]
    assert len(bodies) == 2
    for body in bodies:
        assert sum(len(m["content"]) for m in body["messages"]) < 4096 * 4
    assert house.ollama.loads.count((MINI, 4096)) == 1


def test_a_search_is_wanted_and_nobody_can_search(house: House) -> None:
    house.judge("MODERATE", search=0.9)
    answer = house.ask("What did the election bring?")
    assert answer.usage is not None
    assert (answer.usage["hal_route"], answer.usage["hal_model"]) == ("ENRICH", NANO)
    assert "needs current information" in answer.statuses[1]
    assert answer.statuses[2] == "Looking for what to search"
    assert "nothing listens at" in answer.statuses[-2]
    system = house.local_requests[0].json["messages"][0]
    assert system["role"] == "system"
    assert "So there are no sources." in system["content"]
    house.judge("MODERATE", search=0.5)
    assert "Looking for" not in " ".join(house.ask("What did the election bring?").statuses)


def test_the_bias_of_the_model_is_taken_off(house: House) -> None:
    """The same answers of the model lead to another route when its bias is another one."""
    house.judge_all({"SIMPLE": 0.6, "MODERATE": 0.3, "COMPLEX": 0.1})
    first = house.ask(TEXT)
    assert (first.usage or {})["hal_route"] == "SIMPLE"
    # A model that says SIMPLE to everything; a new version of it, so that it is measured anew.
    house.prior = {"SIMPLE": 0.8, "MODERATE": 0.1, "COMPLEX": 0.1, "YES": 0.5, "NO": 0.5}
    house.ollama.models[MINI] = replace(house.ollama.models[MINI], version=2)
    house.renew()
    second = house.ask(TEXT)
    assert (second.usage or {})["hal_route"] == "MODERATE"
    weights = (0.6 / 0.8, 0.3 / 0.1, 0.1 / 0.1)
    assert (second.usage or {})["hal_confidence"] == pytest.approx(
        weights[1] / sum(weights), abs=2e-3
    )
    # Three inputs without content, for each of the two questions, and never again.
    asked = [question_of(r.json) for r in house.ollama.chats if is_calibration(r.json)]
    for question in (DIFFICULTY, SEARCH):
        texts = {question.text_of(r.json) for r in house.ollama.chats if question.asked_in(r.json)}
        assert texts >= set(CONTENT_FREE)
        assert asked.count(question) >= 3
    assert sorted(house.measured) == ["classify", "search_need"]
    house.renew()
    house.ask(TEXT)
    assert len(house.measured) == 2


def test_ollama_without_logprobs_is_asked_for_json(house: House) -> None:
    house.ollama.version = "0.12.10"
    house.renew()
    house.judge("COMPLEX", 0.9)
    answer = house.ask(TEXT)
    assert (answer.usage or {})["hal_route"] == "COMPLEX"
    assert (answer.usage or {})["hal_model"] == GROK
    schemas = [r.json["format"] for r in house.classifications if r.json.get("format")]
    labels = [schema["properties"]["label"]["enum"] for schema in schemas]
    assert sorted(map(sorted, labels)) == sorted(
        sorted(question.tokens.values()) for question in (DIFFICULTY, SEARCH)
    )
    assert house.logged()["degradations"] == ["classifier_without_logprobs"]
    assert "classifier without logprobs" in answer.statuses[1]
    house.ollama.forget()
    house.ask(TEXT)
    assert all(r.json.get("format") for r in house.classifications)


def test_a_classifier_that_hangs_costs_its_deadline_only(house: House) -> None:
    house.server.update_valves({"CLASSIFIER_DEADLINE_S": 0.3})
    house.ask("warm")
    house.classify_with([Stall()])
    began = time.monotonic()
    answer = house.ask(TEXT)
    assert 0.3 < time.monotonic() - began < 2.9  # 3 s is the default
    assert answer.text == f"{NANO}: {TEXT}"
    assert (answer.usage or {})["hal_route"] == "MODERATE"
    assert "no decision within 0.3 s" in answer.statuses[1]
    row = house.logged()
    assert (row["source"], row["degradations"]) == ("default", ["classifier_timeout"])
    # Both questions are given up, so that the model is free again.
    house.ollama.wait_for_abort(1.0, count=2)


@pytest.mark.parametrize(
    ("said", "degraded", "words"),
    [
        ([Say("banana")], "classifier_bad_reply", "something else than a label"),
        ([Label({"banana": 0.9, "apple": 0.1})], "classifier_bad_reply", "something else"),
        ([BUSY], "classifier_overloaded", "server busy"),
        ([Status(500, {"error": "runner died"})], "classifier_overloaded", "runner died"),
        ([Status(200, "<html>login</html>")], "classifier_bad_reply", "not Ollama's"),
    ],
)
def test_a_classifier_that_fails_never_fails_the_turn(
    house: House, said: Script, degraded: str, words: str
) -> None:
    house.classify_with(said)
    answer = house.ask(TEXT)
    assert answer.text == f"{NANO}: {TEXT}"
    assert (answer.error, answer.dones) == (None, 1)
    assert words in answer.statuses[1]
    row = house.logged()
    assert (row["route"], row["source"], row["confidence"]) == ("MODERATE", "default", 0.0)
    assert row["degradations"] == [degraded]
    assert house.cloud_requests == []


def test_a_classifier_that_is_not_installed(house: House) -> None:
    house.server.update_valves({"CLASSIFIER_MODEL": "absent:1b"})
    answer = house.ask(TEXT)
    assert answer.text == f"{NANO}: {TEXT}"
    assert "ollama pull absent:1b" in answer.statuses[1]
    assert house.logged()["degradations"] == ["classifier_model_missing"]
    house.server.update_valves({"CLASSIFIER_MODEL": MINI})
    assert "pull" not in " ".join(house.ask(TEXT).statuses)


def test_the_calibration_is_kept_over_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    with House(tmp_path_factory.mktemp("restart"), valves={"SPECULATE": False}) as house:
        house.calibrated()
        assert len(house.measured) == 2
        keys = house.log.calibrations()
        assert all(house.ollama.models[MINI].digest in key for key in keys)
        house.server.restart()
        house.ask(TEXT)
        assert len(house.measured) == 2
        # The smallest change of a prompt is another prompt, and only that one is measured anew.
        prompts = house.server.folder / "my-prompts"
        prompts.mkdir()
        for name in PROMPTS:
            text = (REPO / "prompts" / f"{name}.md").read_text(encoding="utf-8")
            if name == "classify":
                text = text.replace("\nversion: ", "\nversion: 9")
            (prompts / f"{name}.md").write_text(text, encoding="utf-8")
        house.server.env["HAL_PROMPTS_DIR"] = str(prompts)
        house.server.restart()
        house.ask(TEXT)
        assert house.measured[2:] == ["classify"]
        assert len(house.log.calibrations()) == 3
