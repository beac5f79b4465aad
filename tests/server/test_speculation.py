"""The local answer begins before the verdict, and is used or thrown away by it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from tests.servers import Say, Stall, Until, words

from .house import MINI, NANO, House

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    valves = {"CLASSIFIER_DEADLINE_S": 20, "STICKY": False}
    with House(tmp_path_factory.mktemp("speculation"), valves=valves) as running:
        yield running


def load(house: House, *models: tuple[str, int]) -> None:
    """Have exactly these models in memory, and let hal-auto hear of it."""
    unload(house)
    for name, context in models:
        load_one(house, name, context, keep_alive=300)
    house.ollama.forget()
    house.renew()
    house.ollama.wait_for(lambda r: r.path == "/api/ps" and r.finished)
    house.ask("first")
    house.logged()
    house.ollama.forget()


def unload(house: House) -> None:
    for name in (MINI, NANO):
        load_one(house, name, 0, keep_alive=0)


def load_one(house: House, model: str, num_ctx: int, keep_alive: int) -> None:
    body = {"model": model, "messages": [], "keep_alive": keep_alive}
    body |= {"options": {"num_ctx": num_ctx}}
    headers = {"Connection": "close"}
    assert requests.post(f"{house.ollama.url}/api/chat", json=body, headers=headers, timeout=5).ok


BOTH = ((MINI, 4096), (NANO, 32768))


def verdict_after(house: House, event: threading.Event, route: str) -> None:
    """The classifier answers when the event is set."""
    house.judge(route, 0.96)
    house.classify_with(lambda body: [Until(event), *house.verdict(body)])


def test_the_answer_that_began_first_is_used(house: House) -> None:
    load(house, *BOTH)
    verdict = threading.Event()
    verdict_after(house, verdict, "MODERATE")
    house.answer_with([*words("On the wing.")])
    with house.begin(house.turn(TEXT)) as stream:
        # The model is asked, and has answered, while the classifier still thinks.
        house.wait_for_local()
        asked = house.ollama.wait_for(lambda r: r.finished and r.json["model"] == NANO)
        assert not any(r.finished for r in house.classifications)
        assert (asked.aborted_at, stream.text) == (None, "")
        verdict.set()
        answer = stream.rest()
    assert answer.text == "On the wing."
    assert len(house.local_requests) == 1
    row = house.logged()
    assert (row["speculation"], row["route"]) == ("used", "MODERATE")
    # What was there already comes with the verdict, not a model call later.
    assert row["first_token_ms"] - row["classify_ms"] < 150
    assert [c["outcome"] for c in house.log.of_turn("call", row["id"])] == ["done"]


def test_nothing_is_shown_before_the_verdict(house: House) -> None:
    load(house, *BOTH)
    verdict = threading.Event()
    verdict_after(house, verdict, "COMPLEX")
    house.answer_with([Say("a local secret"), Stall()])
    house.xai.answer([Say("from the cloud")])
    with house.begin(house.turn(TEXT)) as stream:
        house.wait_for_local()
        assert house.cloud_requests == []
        verdict.set()
        aborted = house.ollama.wait_for_abort(2.0)
        answer = stream.rest()
    assert answer.text == "from the cloud"
    assert "secret" not in answer.raw.decode()
    # At once: before xAI was asked, and not at the end of the turn.
    assert aborted.aborted_at is not None
    assert aborted.aborted_at - max(r.ended_at or 0 for r in house.classifications) < 0.5
    row = house.logged()
    assert (row["speculation"], row["provider"]) == ("discarded", "xai")
    calls = house.log.of_turn("call", row["id"])
    assert [(c["provider"], c["outcome"], c["error_code"]) for c in calls] == [
        ("ollama", "stopped", "discarded"),
        ("xai", "done", ""),
    ]
    content = house.log.content(row["id"])
    assert content is not None
    assert content["answer"] == "from the cloud"


def test_a_search_throws_it_away_too(house: House) -> None:
    load(house, *BOTH)
    house.judge("MODERATE", search=0.95)
    house.answer_with([*words("a b c", 0.05)])
    answer = house.ask(TEXT)
    assert answer.text.endswith("\n\na b c")
    assert house.logged()["speculation"] == "discarded"
    # The one that is shown has been told that it cannot search.
    assert "So there are no sources." in house.local_requests[-1].json["messages"][0]["content"]


def test_when_it_fails_ahead_the_turn_falls_back_as_ever(house: House) -> None:
    load(house, *BOTH)
    house.answer_with([Say("")])
    answer = house.ask(TEXT)
    assert answer.text == f"cloud: {TEXT}"
    row = house.logged()
    assert (row["speculation"], row["provider"]) == ("used", "xai")
    assert len(house.local_requests) == 2  # an empty answer is asked for once more


def test_stop_ends_both(house: House) -> None:
    load(house, *BOTH)
    house.classify_with([Stall()])
    house.answer_with([Stall()])
    with house.begin(house.turn(TEXT)) as stream:
        house.wait_for_local()
        house.ollama.wait_for_request(path="/api/chat", count=3)
        stream.close()
        house.ollama.wait_for_abort(1.0, count=3)
    assert house.logged("stopped")["outcome"] == "stopped"


@pytest.mark.parametrize("loaded", [BOTH[:1], BOTH[1:]])
def test_not_when_a_model_is_not_loaded(house: House, loaded: tuple[tuple[str, int], ...]) -> None:
    """Two loads at once would push each other out of a small card."""
    # Slow to load, so that hal-auto asks what is loaded before the turn itself has loaded it.
    for name, model in house.ollama.models.items():
        house.ollama.models[name] = replace(model, load_s=0.3)
    load(house, *loaded)
    no_local_request_before_the_verdict(house)


def test_not_when_it_is_switched_off(house: House) -> None:
    house.server.update_valves({"SPECULATE": False})
    unload(house)
    for name, context in BOTH:
        load_one(house, name, context, keep_alive=300)
    house.ask("first")
    no_local_request_before_the_verdict(house)


def no_local_request_before_the_verdict(house: House) -> None:
    verdict = threading.Event()
    verdict_after(house, verdict, "MODERATE")
    house.ollama.forget()
    with house.begin(house.turn(TEXT)) as stream:
        house.ollama.wait_for_request(path="/api/chat", count=2)
        assert house.local_requests == []
        verdict.set()
        assert stream.rest().error is None
    assert house.logged()["speculation"] == ""
    assert len(house.local_requests) == 1
