"""Passages compared by meaning, where a setting asks for it: the embedding model in Ollama."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import OllamaModel

from .enriching import SearchingHouse, lookup, question, topic

pytestmark = pytest.mark.server

MINILM = OllamaModel("all-minilm:latest", capabilities=("embedding",))
SAID = {"ADVANCED": "SEARCH_EMBEDDINGS=true"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchingHouse]:
    with SearchingHouse(tmp_path_factory.mktemp("enrich_meaning")) as running:
        yield running


def test_it_is_off_by_default(house: SearchingHouse) -> None:
    house.ollama.models[MINILM.name] = MINILM
    word = topic()
    house.publish(word, 2)
    house.ask(f"/web {question(word)}")
    assert lookup(house)["detail"]["meaning"] == ""
    assert house.ollama.asked("/api/embed") == []


def test_the_embedding_model_is_asked_once(house: SearchingHouse) -> None:
    house.ollama.models[MINILM.name] = MINILM
    house.server.update_valves(SAID)
    word = topic()
    house.publish(word, 2)
    answer = house.ask(f"/web {question(word)}")
    (request,) = house.ollama.asked("/api/embed")
    assert request.json["input"][0] == question(word)
    quoted = {passage for source in answer.sources for passage in source["document"]}
    assert len(quoted) == 2
    assert all(any(one[:40] in text for text in request.json["input"][1:]) for one in quoted)
    assert lookup(house)["detail"]["meaning"] == "used"


def test_without_the_model_words_will_do(house: SearchingHouse) -> None:
    """The sources are the same as ever, and the log knows why."""
    house.server.update_valves(SAID)
    word = topic()
    house.publish(word, 2)
    answer = house.ask(f"/web {question(word)}")
    assert len(answer.sources) == 2
    assert lookup(house)["detail"]["meaning"] == "model_missing"


def test_nothing_private_is_asked_of_another_machine(house: SearchingHouse) -> None:
    """The question goes to the model as it is: that model is on this machine, as its name says."""
    house.server.update_valves({"ADVANCED": "SEARCH_EMBEDDINGS=true EMBEDDING_MODEL=x:cloud"})
    word = topic()
    house.publish(word)
    house.ask(f"/web {question(word)}")
    assert {r.json["model"] for r in house.ollama.asked("/api/embed")} <= {"all-minilm"}
