"""When a target fails, the next one of the plan answers, but only before the first word."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.servers import (
    BUSY,
    Cut,
    ErrorLine,
    OllamaModel,
    Say,
    Script,
    Stall,
    Status,
    Think,
)

from .house import GROK, MINI, NANO, House

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"
HTML = "<!doctype html><title>Log in</title><h1>502</h1>"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    valves = {"SPECULATE": False, "LOCAL_FIRST_TOKEN_S": 1, "CLOUD_FIRST_TOKEN_S": 1}
    with House(tmp_path_factory.mktemp("fallback"), valves=valves) as running:
        yield running


# Some of the faults, for the words and the log; all of them are in tests/faults.
# Script, error code, whether the same target is asked once more, words of the status line.
LOCAL_FAULTS: list[tuple[Script, str, bool, str]] = [
    ([BUSY], "overloaded", True, "server busy"),
    ([Status(404, {"error": f"model '{NANO}' not found"})], "model_missing", False, "not on this"),
    ([Status(200, HTML)], "bad_reply", True, "sent a web page"),
    ([Say("")], "bad_reply", True, "without an answer"),
    ([Cut(reset=True)], "reset", True, "closed the connection"),
    ([Stall()], "timeout", False, "no first token within 1 s"),
    ([ErrorLine("out of memory")], "bad_reply", True, "out of memory"),
]


@pytest.mark.parametrize(("script", "code", "retried", "words"), LOCAL_FAULTS)
def test_the_cloud_answers_for_the_local_model(
    house: House, script: Script, code: str, retried: bool, words: str
) -> None:
    house.answer_with(script)
    answer = house.ask(TEXT)
    assert (answer.text, answer.error) == (f"cloud: {TEXT}", None)
    assert (answer.usage or {})["hal_model"] == GROK
    *_, failed, _final = answer.statuses
    assert failed.startswith(f"local {NANO} failed: ")
    assert failed.endswith(f"Asking xAI {GROK}.")
    assert words in failed
    row = house.logged()
    again = [f"ollama_{code}_retried"] if retried else []
    assert row["degradations"] == [*again, f"ollama_{code}"]
    assert (row["leaves_machine"], row["provider"]) == (1, "xai")
    *failures, done = house.log.of_turn("call", row["id"])
    assert [(call["provider"], call["outcome"]) for call in failures] == [
        ("ollama", "failed") for _ in range(1 + retried)
    ]
    assert (done["provider"], done["outcome"]) == ("xai", "done")


def test_ollama_is_down(house: House) -> None:
    with house.without_ollama():
        answer = house.ask(TEXT)
        assert answer.text == f"cloud: {TEXT}"
        assert f"Ollama does not answer at {house.ollama.url}" in " ".join(answer.statuses)
        assert house.logged()["degradations"] == [
            "classifier_refused",
            "ollama_refused_retried",
            "ollama_refused",
        ]
    # It is found again by itself, within the seconds that its breaker stays open.
    for _ in range(16):
        if house.ask(TEXT).text == f"{NANO}: {TEXT}":
            break
        time.sleep(0.5)  # xAI may be asked 60 times a minute
    else:
        pytest.fail("Ollama is up again, and not found")


def test_the_local_model_is_not_installed(house: House) -> None:
    del house.ollama.models[NANO]
    house.renew()
    answer = house.ask(TEXT)
    assert answer.text == f"{MINI}: {TEXT}"
    note = f"{NANO} is not installed (ollama pull {NANO}), {MINI} answers"
    assert note in " ".join(answer.statuses)
    assert house.logged()["notes"] == [note]


def test_the_local_model_is_removed_while_it_is_wanted(house: House) -> None:
    house.answer_with([Status(404, {"error": f"model '{NANO}' not found"})])
    answer = house.ask(TEXT)
    assert answer.text == f"cloud: {TEXT}"
    assert f"Run: ollama pull {NANO}" in " ".join(answer.statuses)
    assert house.logged()["degradations"] == ["ollama_model_missing"]


CLOUD_FAULTS: list[tuple[Script, str, bool]] = [
    ([Status(401, {"error": "bad key"})], "unauthorized", False),
    ([Status(403, {"error": "used all available credits"})], "out_of_credits", False),
    ([Status(429, {"error": "slow down"})], "rate_limited", True),
    ([Status(500, HTML)], "overloaded", True),
    ([Say("")], "bad_reply", False),
    ([Stall()], "timeout", False),
    ([Cut(reset=True)], "reset", True),
]


@pytest.mark.parametrize(("script", "code", "retried"), CLOUD_FAULTS)
def test_the_local_model_answers_for_the_cloud(
    house: House, script: Script, code: str, retried: bool
) -> None:
    house.judge("COMPLEX", 0.9)
    house.xai.answer(script)
    began = time.monotonic()
    answer = house.ask(TEXT)
    assert time.monotonic() - began < 4
    assert (answer.text, answer.error) == (f"{NANO}: {TEXT}", None)
    *_, failed, _final = answer.statuses
    assert failed.startswith(f"xAI {GROK} failed: ")
    assert "<" not in failed
    row = house.logged()
    again = [f"xai_{code}_retried"] if retried else []
    assert row["degradations"] == [*again, f"xai_{code}"]
    assert (row["provider"], row["leaves_machine"]) == ("ollama", 0)
    # What was sent was sent, whoever answered in the end.
    assert len(house.log.of_turn("egress", row["id"])) == 1 + retried


def test_a_wrong_key(house: House) -> None:
    house.server.update_valves({"XAI_API_KEY": "xai-wrong-key-7788"})
    house.judge("COMPLEX", 0.9)
    answer = house.ask(TEXT)
    assert answer.text == f"{NANO}: {TEXT}"
    assert "xAI does not accept the key." in answer.statuses[2]
    assert "7788" not in answer.raw.decode() + house.server.log()


@pytest.mark.parametrize("route", ["MODERATE", "COMPLEX"])
@pytest.mark.parametrize("how", ["cut", "error", "hang"])
def test_an_answer_that_breaks_off_is_kept_and_not_repeated(
    house: House, route: str, how: str
) -> None:
    house.server.update_valves({"ANSWER_GAP_S": 1})
    house.judge(route, 0.9)
    tail = {"cut": Cut(reset=True), "error": ErrorLine("out of memory"), "hang": Stall()}[how]
    house.answer_with([Say("On the "), Say("wi"), tail])
    house.xai.answer([Say("On the "), Say("wi"), tail])
    answer = house.ask(TEXT)
    assert answer.text == "On the wi"
    assert "cut off" in answer.error["message"]
    assert answer.error["code"] == "cut_off"
    assert answer.dones == 1
    row = house.logged("cut")
    content = house.log.content(row["id"])
    assert content is not None
    assert content["answer"] == "On the wi"
    assert len(house.local_requests) + len(house.cloud_requests) == 1
    if how == "hang":
        return  # another second of waiting would tell nothing new
    whole = house.ask(TEXT, stream=False)
    assert whole.text.startswith("On the wi\n\n[The answer was cut off: ")
    assert whole.finish_reasons == ["error"]


def test_shown_thinking_is_no_answer_yet(house: House) -> None:
    house.server.update_valves({"LOCAL_THINK": "on"})
    house.answer_with([Think("hm"), Cut(reset=True)])
    answer = house.ask(TEXT)
    assert answer.text == f"cloud: {TEXT}"
    assert "hm" in answer.raw.decode()


def test_a_target_that_fails_again_and_again_is_spared(house: House) -> None:
    house.answer_with([Stall()])
    for _ in range(3):
        assert house.ask(TEXT).text == f"cloud: {TEXT}"
    house.ollama.forget()
    answer = house.ask(TEXT)
    assert answer.text == f"cloud: {TEXT}"
    assert house.local_requests == []
    assert house.logged()["degradations"] == ["ollama_circuit_open"]
    (breaker,) = [b for b in house.log.breakers() if NANO in b["target"]]
    assert breaker["state"] == "open"


def test_when_nobody_can_answer_the_error_says_what_to_do(house: House) -> None:
    house.judge("COMPLEX", 0.9)
    house.xai.answer([Status(401, {"error": "bad key"})])
    house.answer_with([Status(404, {"error": f"model '{NANO}' not found"})])
    for stream in (True, False):
        answer = house.ask(TEXT, stream=stream)
        assert answer.text == ""
        assert answer.error["message"].endswith(f"Run: ollama pull {NANO}")
        assert answer.error["message"].startswith("No model could answer. xAI ")
        assert answer.error["code"] == "model_missing"
        row = house.logged("failed")
        assert row["error_code"] == "model_missing"
        # A key that was refused is not tried again, unless it was another one a moment ago.
        first, second = row["degradations"]
        assert first in ("xai_unauthorized", "xai_circuit_open")
        assert second == "ollama_model_missing"


def test_a_cloud_model_that_is_gone_has_a_substitute(house: House) -> None:
    house.judge("COMPLEX", 0.9)
    house.server.update_valves(
        {"CLOUD_MODEL": "grok-gone", "ADVANCED": "CLOUD_SUBSTITUTE=grok-4.7 LOCAL_FIRST_TOKEN_S=1"}
    )
    answer = house.ask(TEXT)
    assert answer.text == f"cloud: {TEXT}"
    assert (answer.usage or {})["hal_model"] == "grok-4.7"
    assert "xAI grok-gone failed: xAI has no model grok-gone." in " ".join(answer.statuses)
    row = house.logged()
    assert row["degradations"] == ["xai_model_missing"]
    assert [e["model"] for e in house.log.of_turn("egress", row["id"])] == ["grok-gone", "grok-4.7"]


def test_the_fallback_to_the_cloud_can_be_switched_off(house: House) -> None:
    house.server.update_valves({"CLOUD_FALLBACK": False})
    house.answer_with([BUSY])
    answer = house.ask(TEXT)
    assert "server busy" in answer.error["message"]
    assert house.cloud_requests == []


def test_the_small_model_is_backed_by_the_local_one(house: House) -> None:
    house.ollama.models["tiny:1b"] = OllamaModel("tiny:1b")
    house.server.update_valves({"SIMPLE_MODEL": "tiny:1b"})
    house.judge("SIMPLE")
    house.ollama.when("tiny:1b", [BUSY])
    assert house.ask("hi").text == f"{NANO}: hi"
    assert MINI not in [r.json["model"] for r in house.local_requests]
    assert house.cloud_requests == []
