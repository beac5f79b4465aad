"""The learned router in the real server: who decides, from which file, and what a draft becomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from hal.routing.learned.calibration import Choice, DraftChoice
from hal.routing.learned.folder import RouterFolder
from tests.routing.learned_weights import by_length, by_meaning, calibration
from tests.servers import words
from tests.servers.ollama import embedding
from tests.servers.ollama_models import OllamaModel

from .house import NANO, House

pytestmark = pytest.mark.server

SHORT, MIDDLE = "Hi there!", "How do swifts sleep while they are on the wing at night?"
LONG = "Prove that there are infinitely many primes of the form 4k + 3. " * 6
CHOICE = Choice(0.95, 0.3, 0.2, 0.97, 0.95, margin=0.1)
MINILM = OllamaModel("all-minilm:latest", capabilities=("embedding",))
DRAFTS = DraftChoice(0.1, 0.25, 0.3, 0.1, 0.15, 0.97, 0.95)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("learned")


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[House]:
    valves = {"CLASSIFIER_DEADLINE_S": 20, "STICKY": False, "SPECULATE": False, "CASCADE": True}
    with House(folder, valves=valves) as running:
        yield running


@pytest.fixture
def house(shared: House) -> House:
    shared.reset()
    return shared


def learn(folder: Path, choice: Choice = CHOICE, *, draft_bias: float = 0.0, **changes: str) -> str:
    """Put a router into the data folder of the running server."""
    files = RouterFolder(folder / "data" / "router")
    router_id = files.put_weights(by_length(draft_bias=draft_bias))
    files.put_calibration(calibration(router_id, choice, **changes))
    return router_id


def test_when_it_is_sure_nobody_is_asked(house: House, folder: Path) -> None:
    router_id = learn(folder)
    for text, route, requests in (
        (SHORT, "MODERATE", house.local_requests),
        (LONG, "COMPLEX", house.cloud_requests),
    ):
        before = len(requests)
        answer = house.ask(text)
        row = house.logged()
        assert (row["route"], row["source"]) == (route, "learned")
        assert row["router_id"] == router_id
        assert row["p_local_ok"] is not None
        assert row["gain"] is not None
        assert row["prompt_id"] is None
        assert any("local answer good enough" in one for one in answer.statuses)
        assert before == 0
    assert house.classifications == []
    assert (len(house.local_requests), len(house.cloud_requests)) == (1, 1)


def test_when_it_is_not_the_classifiers_word_is_weighed(house: House, folder: Path) -> None:
    learn(folder)
    house.judge("COMPLEX", 0.98)
    house.ask(MIDDLE)
    row = house.logged()
    assert (row["route"], row["source"]) == ("COMPLEX", "learned")
    assert row["prompt_id"] is not None
    assert len(house.classifications) == 2
    house.judge("SIMPLE", 0.98)
    house.ask(MIDDLE)
    assert house.logged()["route"] == "SIMPLE"


@pytest.mark.parametrize(
    "changes",
    [{"local_model": "another:30b"}, {"local_digest": "f" * 64}, {"cloud_model": "grok-5"}],
    ids=lambda changes: next(iter(changes)),
)
def test_made_for_another_model_it_leaves_the_decision_to_the_classifier(
    house: House, folder: Path, changes: dict[str, str]
) -> None:
    learn(folder, **changes)
    house.ask(LONG)
    row = house.logged()
    assert (row["route"], row["source"], row["router_id"]) == ("MODERATE", "classifier", "")


def test_a_broken_file_costs_no_turn(house: House, folder: Path) -> None:
    learn(folder)
    (folder / "data" / "router" / "weights.json").write_text("{")
    house.ask(LONG)
    assert house.logged()["source"] == "classifier"
    learn(folder)
    house.ask(LONG)
    assert house.logged()["source"] == "learned"


def test_switched_off_by_its_valve(house: House, folder: Path) -> None:
    learn(folder)
    house.server.post_valves({**house.server.valves(), "LEARNED_ROUTER": False})
    house.ask(LONG)
    assert house.logged()["source"] == "classifier"


def test_the_quality_target_chooses_the_threshold(house: House, folder: Path) -> None:
    files = RouterFolder(folder / "data" / "router")
    router_id = files.put_weights(by_length())
    strict = replace(CHOICE, target=1.0, threshold=-1.0)
    files.put_calibration(calibration(router_id, CHOICE, strict))
    house.ask(SHORT)
    assert house.logged()["route"] == "MODERATE"
    house.server.post_valves({**house.server.valves(), "QUALITY_TARGET": 1.0})
    house.ask(SHORT)
    assert house.logged()["route"] == "COMPLEX"


def test_a_question_that_means_the_same_as_a_hard_one(house: House, folder: Path) -> None:
    files = RouterFolder(folder / "data" / "router")
    router_id = files.put_weights(by_meaning(embedding(MIDDLE), "all-minilm"))
    never_sure = replace(CHOICE, threshold=0.9, margin=inf)
    files.put_calibration(calibration(router_id, never_sure))
    house.ollama.models[MINILM.name] = MINILM
    for text, route in ((MIDDLE, "COMPLEX"), ("What is a good name for a cat?", "MODERATE")):
        house.ask(text)
        assert house.logged()["route"] == route
    assert len(house.ollama.asked("/api/embed")) == 2
    del house.ollama.models[MINILM.name]
    house.ask("Without a vector, what is a good name for a dog?")
    assert house.logged()["source"] == "learned"


def test_a_draft_that_falls_short_is_replaced_before_it_is_seen(house: House, folder: Path) -> None:
    learn(folder, replace(CHOICE, draft=DRAFTS), draft_bias=0.3)
    house.answer_with([*words("On the ground, I think.")])
    house.xai.answer([*words("On the wing.")])
    answer = house.ask(MIDDLE)
    row = house.logged()
    assert answer.text == "On the wing."
    assert (row["cascade"], row["leaves_machine"]) == ("escalated", 1)
    content = house.log.of_turn("content", row["id"])[0]
    assert (content["answer"], content["draft"]) == ("On the wing.", "On the ground, I think.")
    calls = house.log.of_turn("call", row["id"])
    assert [(c["model"], c["outcome"]) for c in calls if c["purpose"] == "answer"] == [
        (NANO, "done"),
        ("grok-4.3", "done"),
    ]
    assert any("local draft replaced" in one for one in answer.statuses)


def test_a_draft_that_is_good_enough_never_leaves(house: House, folder: Path) -> None:
    learn(folder, replace(CHOICE, draft=DRAFTS), draft_bias=0.1)
    house.answer_with([*words("On the wing.")])
    answer = house.ask(MIDDLE)
    row = house.logged()
    assert (answer.text, row["cascade"], row["leaves_machine"]) == ("On the wing.", "kept", 0)
    assert house.cloud_requests == []


def test_a_private_turn_is_never_drafted_for_the_cloud(house: House, folder: Path) -> None:
    learn(folder, replace(CHOICE, draft=DRAFTS), draft_bias=0.3)
    house.answer_with([*words("On the wing.")])
    answer = house.ask(f"{MIDDLE} Write to lena.winter@meridian-data.net")
    row = house.logged()
    assert (row["cascade"], row["leaves_machine"]) == ("", 0)
    assert answer.text == "On the wing."
    assert house.cloud_requests == []


def test_exploration_sends_some_turns_the_other_way_and_says_so(house: House, folder: Path) -> None:
    learn(folder)
    house.server.post_valves({**house.server.valves(), "ADVANCED": "EXPLORATION=0.5"})
    rows = []
    for _ in range(24):
        house.ask(SHORT)
        rows.append(house.logged())
    assert {row["propensity"] for row in rows} == {0.5}
    sources = [row["source"] for row in rows]
    # All alike once in eight million runs.
    assert set(sources) == {"learned", "exploration"}
    for row in rows:
        assert (row["route"] == "COMPLEX") == (row["source"] == "exploration")
