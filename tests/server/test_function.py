"""The Function face, as Open WebUI runs it: turns, tasks, users' valves, Stop, saving it anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from hal.function import Pipe
from hal.lab.bundle.compose import FUNCTION, bundle
from hal.routing.learned.calibration import Choice
from hal.routing.learned.folder import RouterFolder
from tests.harness import Answer, openwebui
from tests.harness.function_host import FunctionHost
from tests.harness.openwebui import WebUITurn
from tests.routing.learned_weights import by_length, calibration
from tests.servers import KEY, Say, Stall, Until, refused_url

from .house import GROK, NANO, House
from .logbook import wait_until

TEXT = "How do swifts sleep?"
EMAIL = "Write to anna.schmidt@posteo.de that I come."


class FunctionHouse(House):
    """The scripted servers, and a host of Functions in this process in place of a server."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self._folder, self._patch = folder, monkeypatch
        self.host = FunctionHost()

    def start(self) -> Self:
        self.ollama.__enter__()
        self.xai.__enter__()
        self.ollama.load(NANO, 32_768)
        for name, value in {
            "HAL_OLLAMA_BASE_URL": self.ollama.url,
            "HAL_XAI_API_BASE_URL": self.xai.base_url,
            "HAL_SEARXNG_URL": refused_url(),
            "HAL_SPECULATE": "False",
            "HAL_DATA_DIR": str(self._folder / "data"),
            "XAI_API_KEY": KEY,
        }.items():
            self._patch.setenv(name, value)
        self.host.__enter__()
        return self

    def stop(self) -> None:
        self.host.__exit__()
        wait_until(lambda: not loops())
        self.xai.__exit__(None, None, None)
        self.ollama.__exit__(None, None, None)

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def send(self, turn: WebUITurn) -> Answer:
        self.chat = turn.metadata["chat_id"]
        return self.host.send(turn)


def loops() -> list[threading.Thread]:
    """The threads of the runtimes that are there."""
    return [thread for thread in threading.enumerate() if thread.name == "hal-loop"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[FunctionHouse]:
    with pytest.MonkeyPatch.context() as patch, FunctionHouse(tmp_path, patch) as running:
        running.host.hold(Pipe)
        yield running


@pytest.fixture(autouse=True)
def _fresh_house() -> None:
    """In place of the one for houses with a server: each test has a house of its own here."""


def test_a_turn(house: FunctionHouse) -> None:
    answer = house.ask(TEXT)
    assert (answer.text, answer.error, answer.broken) == (f"{NANO}: {TEXT}", None, [])
    assert answer.statuses[0] == "Choosing a model"
    assert answer.statuses[-1].startswith(f"local {NANO} · moderate (0.90)")
    assert (answer.usage or {})["hal_model"] == NANO
    assert answer.chunks[-1]["choices"][0]["finish_reason"] == "stop"
    row = house.logged()
    assert (row["user_id"], row["route"]) == (openwebui.USER["id"], "MODERATE")


def test_a_complex_turn_leaves(house: FunctionHouse) -> None:
    house.judge("COMPLEX", 0.93)
    assert (house.ask(TEXT).usage or {})["hal_model"] == GROK


def test_without_a_stream(house: FunctionHouse) -> None:
    answer = house.ask(TEXT, stream=False)
    assert answer.text == f"{NANO}: {TEXT}"
    assert answer.finish_reasons == ["stop"]


def test_a_task_is_answered_here_and_is_no_wish_of_the_user(house: FunctionHouse) -> None:
    house.host.user_valves = {"ROUTE": "cloud"}
    chat = [{"role": "user", "content": TEXT}, {"role": "assistant", "content": "On the wing."}]
    answer = house.send(openwebui.title_task(chat))
    assert answer.text
    assert house.logged()["route"] == "META"
    assert house.cloud_requests == []


def test_valves_count_from_the_next_turn_on(house: FunctionHouse) -> None:
    house.judge("COMPLEX", 0.93)
    assert (house.ask(TEXT).usage or {})["hal_model"] == GROK
    house.host.valves = {"CLOUD_ENABLED": False, "XAI_API_KEY": None, "DAILY_BUDGET_USD": "lots"}

    def is_local() -> bool:
        return (house.ask(TEXT).usage or {})["hal_model"] == NANO

    wait_until(is_local)
    assert len(loops()) == 1


@pytest.mark.parametrize(
    ("wishes", "text", "model", "word"),
    [
        ({"ROUTE": "local"}, TEXT, NANO, "you asked for the local model"),
        ({"ROUTE": "local"}, f"/cloud {TEXT}", GROK, "you asked for the cloud"),
        ({"ROUTE": "nonsense"}, TEXT, GROK, ""),
        ({"PRIVACY": "private"}, TEXT, NANO, "/private"),
        ({"PRIVACY": "private"}, f"/public {TEXT}", GROK, ""),
        ({"PRIVACY": "local"}, TEXT, GROK, ""),
        (None, TEXT, GROK, ""),
    ],
    ids=["local", "typed word first", "nonsense", "private", "typed public", "privacy", "none"],
)
def test_what_a_user_wants(
    house: FunctionHouse, wishes: dict[str, str] | None, text: str, model: str, word: str
) -> None:
    house.judge("COMPLEX", 0.93)
    house.host.user_valves = wishes
    answer = house.ask(text)
    assert (answer.usage or {})["hal_model"] == model
    assert word in " ".join(answer.statuses)


def test_a_user_has_a_quality_target_of_their_own(house: FunctionHouse, tmp_path: Path) -> None:
    files = RouterFolder(tmp_path / "data" / "router")
    router_id = files.put_weights(by_length())
    usual = Choice(0.95, 2.0, 0.2, 0.97, 0.95, margin=0.1)
    files.put_calibration(calibration(router_id, usual, replace(usual, target=1.0, threshold=-2.0)))
    for wish, model in (({}, NANO), ({"QUALITY_TARGET": 7}, GROK), ({"QUALITY_TARGET": 0}, NANO)):
        house.host.user_valves = wish
        assert (house.ask(TEXT).usage or {})["hal_model"] == model


@pytest.mark.parametrize(
    ("admin", "wish", "model"),
    [
        ("off", "default", GROK),
        ("off", "local", NANO),
        ("local", "scrub", NANO),
        ("local", "default", NANO),
        ("scrub", "local", NANO),
    ],
)
def test_a_user_may_be_stricter_than_the_admin_and_never_less(
    house: FunctionHouse, admin: str, wish: str, model: str
) -> None:
    house.judge("COMPLEX", 0.93)
    house.host.valves = {"PRIVACY_MODE": admin}
    house.host.user_valves = {"PRIVACY": wish}
    assert (house.ask(EMAIL).usage or {})["hal_model"] == model
    assert bool(house.cloud_requests) == (model == GROK)


@pytest.mark.parametrize(("admin", "wish"), [("off", "scrub"), ("scrub", "default")])
def test_a_user_may_have_masks_put_on(house: FunctionHouse, admin: str, wish: str) -> None:
    house.judge("COMPLEX", 0.93)
    house.host.valves = {"PRIVACY_MODE": admin}
    house.host.user_valves = {"PRIVACY": wish}
    answer = house.ask(EMAIL)
    assert "anna.schmidt@posteo.de" in answer.text  # and put back in the answer
    (sent,) = house.cloud_requests
    assert "anna.schmidt" not in sent.body.decode()


def test_stop_ends_the_turn_within_half_a_second(house: FunctionHouse) -> None:
    house.answer_with([Say("one two "), Stall()])
    running = house.host.begin(house.turn(TEXT))
    wait_until(lambda: running.answer.text)
    began = time.monotonic()
    running.stop()
    aborted = house.ollama.wait_for_abort(2.0)
    assert aborted.aborted_at is not None
    assert aborted.aborted_at - began < 0.5
    row = house.logged("stopped")
    content = house.log.content(row["id"])
    assert content is not None
    assert content["answer"] == "one two "


def test_a_caller_without_a_stream_that_leaves_ends_the_turn(house: FunctionHouse) -> None:
    house.answer_with([Say("one two "), Stall()])
    running = house.host.begin(house.turn(TEXT, stream=False))
    house.wait_for_local()
    running.stop()
    house.ollama.wait_for_abort(2.0)
    house.logged("stopped")


def test_a_failure_is_a_sentence(house: FunctionHouse) -> None:
    house.ollama.stop()
    try:
        house.host.valves = {"CLOUD_ENABLED": False}
        for stream in (True, False):
            answer = house.ask(TEXT, stream=stream)
            assert "ollama" in answer.error["message"].lower()
            assert answer.text == ""
    finally:
        house.ollama.start()
    wait_until(lambda: house.ask(TEXT).text == f"{NANO}: {TEXT}", 15.0)  # its breaker is open


def test_what_cannot_start_says_so_and_tries_again(
    house: FunctionHouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    for name in ("classify", "search_need"):
        (tmp_path / "own" / f"{name}.md").write_text("no front matter", encoding="utf-8")
    monkeypatch.setenv("HAL_PROMPTS_DIR", str(tmp_path / "own"))
    for stream in (True, False):
        answer = house.ask(TEXT, stream=stream)
        assert "hal-auto could not start: Prompt classify" in answer.error["message"]
    monkeypatch.delenv("HAL_PROMPTS_DIR")
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"


@pytest.mark.parametrize("messages", [[], [5], "nonsense", None], ids=str)
def test_nonsense_is_answered_with_a_sentence(house: FunctionHouse, messages: Any) -> None:
    pipe = house.host._pipes["hal_auto"]
    reply = house.host._run(pipe.pipe({"messages": messages})).result(20)
    assert reply["choices"] if "choices" in reply else reply["error"]["message"]


def test_many_at_once(house: FunctionHouse) -> None:
    running = [house.host.begin(house.turn(f"{TEXT} {n}")) for n in range(20)]
    answers = [one.result().text for one in running]
    assert answers == [f"{NANO}: {TEXT} {n}" for n in range(20)]
    assert len(loops()) == 1


def test_the_key_is_masked_in_the_panel() -> None:
    properties = Pipe().Valves.model_json_schema()["properties"]
    assert properties["XAI_API_KEY"]["input"] == {"type": "password"}
    assert [name for name, one in properties.items() if "input" in one] == ["XAI_API_KEY"]


# Saved anew, as the text that `hal bundle --function` writes.


@pytest.fixture(scope="module")
def text() -> str:
    return bundle(FUNCTION)


@pytest.fixture
def saved(house: FunctionHouse, text: str) -> Iterator[FunctionHouse]:
    """The bundle in place of the class. The package of the tests is in force again afterwards."""
    import sys

    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "hal"}
    finders = list(sys.meta_path)
    try:
        house.host.save(text)
        yield house
    finally:
        house.host.delete()
        wait_until(lambda: not loops())
        for name in [name for name in sys.modules if name.split(".")[0] == "hal"]:
            del sys.modules[name]
        sys.modules.update(ours)
        sys.meta_path[:] = finders


def test_the_bundle_answers(saved: FunctionHouse) -> None:
    answer = saved.ask(TEXT)
    assert (answer.text, answer.error) == (f"{NANO}: {TEXT}", None)
    assert saved.logged()["route"] == "MODERATE"


def test_saving_it_anew_lets_the_old_one_end_with_its_last_turn(
    saved: FunctionHouse, text: str
) -> None:
    go = threading.Event()
    saved.answer_with([Say("old "), Until(go), Say("and whole")])
    old = saved.host.begin(saved.turn(TEXT))
    wait_until(lambda: old.answer.text)
    saved.host.save(text.replace("Choosing a model", "Thinking who knows"))
    saved.answer_with([Say("new")])
    assert saved.ask(TEXT).statuses[0] == "Thinking who knows"
    assert len(loops()) == 2
    go.set()
    assert old.result().text == "old and whole"
    wait_until(lambda: len(loops()) == 1)
    saved.host.delete()
    wait_until(lambda: not loops())


@pytest.mark.parametrize("stream", [True, False])
def test_a_broken_one_explains_itself(saved: FunctionHouse, text: str, stream: bool) -> None:
    saved.host.save(text.replace("async def run_turn(", "async def run_turn(("))
    answer = saved.ask(TEXT, stream=stream)
    assert "hal-auto could not be loaded: SyntaxError" in answer.text
    assert "save the Function again" in answer.text
