"""When a target fails, the next one of the plan answers, but only before the first word."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.servers import (
    BUSY,
    Begin,
    Cut,
    End,
    ErrorLine,
    OllamaModel,
    Raw,
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


LOCAL_FAULTS: list[tuple[Script, str, str]] = [
    ([BUSY], "ollama_overloaded", "server busy"),
    ([Status(500, {"error": "runner died"})], "ollama_overloaded", "runner died"),
    ([Status(404, {"error": f"model '{NANO}' not found"})], "ollama_model_missing", "not on this"),
    ([Status(200, HTML)], "ollama_bad_reply", "sent a web page"),
    ([Say("")], "ollama_bad_reply", "without an answer"),
    ([Begin(), End()], "ollama_bad_reply", "was empty"),
    ([Begin(), Cut(reset=True)], "ollama_bad_reply", "was cut off"),
    ([Cut(reset=True)], "ollama_unreachable", "does not answer"),
    ([Begin(), Raw(b"oops\n")], "ollama_bad_reply", "no JSON"),
    ([Stall()], "ollama_timeout", "no first token within 1 s"),
    ([ErrorLine("out of memory")], "ollama_bad_reply", "out of memory"),
]


@pytest.mark.parametrize(("script", "degraded", "words"), LOCAL_FAULTS)
def test_the_cloud_answers_for_the_local_model(
    house: House, script: Script, degraded: str, words: str
) -> None:
    house.answer_with(script)
    answer = house.ask(TEXT)
    assert (answer.text, answer.error) == (f"cloud: {TEXT}", None)
    assert (answer.usage or {})["hal_model"] == GROK
    assert answer.statuses[2].startswith(f"local {NANO} failed: ")
    assert answer.statuses[2].endswith(f"Asking xAI {GROK}.")
    assert words in answer.statuses[2]
    row = house.logged()
    assert row["degradations"] == [degraded]
    assert (row["leaves_machine"], row["provider"]) == (1, "xai")
    failed, done = house.log.of_turn("call", row["id"])
    assert (failed["provider"], done["provider"], done["outcome"]) == ("ollama", "xai", "done")
    # A reply that ended well and held nothing is no failure of the call.
    assert failed["outcome"] == ("done" if words == "without an answer" else "failed")


def test_ollama_is_down(house: House) -> None:
    with house.without_ollama():
        answer = house.ask(TEXT)
        assert answer.text == f"cloud: {TEXT}"
        assert f"Ollama does not answer at {house.ollama.url}" in answer.statuses[2]
        assert house.logged()["degradations"] == ["classifier_unreachable", "ollama_unreachable"]
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"


def test_the_local_model_is_not_installed(house: House) -> None:
    del house.ollama.models[NANO]
    house.renew()
    answer = house.ask(TEXT)
    assert answer.text == f"cloud: {TEXT}"
    assert f"local {NANO} failed" in answer.statuses[2]
    assert house.logged()["degradations"] == ["ollama_model_missing"]


CLOUD_FAULTS: list[tuple[Script, str]] = [
    ([Status(401, {"error": "bad key"})], "xai_unauthorized"),
    ([Status(400, {"error": "Incorrect API key provided: xa***ey"})], "xai_unauthorized"),
    ([Status(403, {"error": "used all available credits"})], "xai_unauthorized"),
    ([Status(429, {"error": "slow down"})], "xai_overloaded"),
    ([Status(500, HTML)], "xai_overloaded"),
    ([Status(200, HTML)], "xai_bad_reply"),
    ([Status(200, {"error": "upstream broke"})], "xai_bad_reply"),
    ([Say("")], "xai_bad_reply"),
    ([Stall()], "xai_timeout"),
    ([Begin(), Stall()], "xai_timeout"),
    ([Begin(), Cut(reset=True)], "xai_bad_reply"),
    ([Cut(reset=True)], "xai_unreachable"),
]


@pytest.mark.parametrize(("script", "degraded"), CLOUD_FAULTS)
def test_the_local_model_answers_for_the_cloud(house: House, script: Script, degraded: str) -> None:
    house.judge("COMPLEX", 0.9)
    house.xai.answer(script)
    began = time.monotonic()
    answer = house.ask(TEXT)
    assert time.monotonic() - began < 4
    assert (answer.text, answer.error) == (f"{NANO}: {TEXT}", None)
    assert answer.statuses[2].startswith(f"xAI {GROK} failed: ")
    assert "<" not in answer.statuses[2]
    row = house.logged()
    assert row["degradations"] == [degraded]
    assert (row["provider"], row["leaves_machine"]) == ("ollama", 0)
    # What was sent was sent, whoever answered in the end.
    assert len(house.log.of_turn("egress", row["id"])) == 1


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


def test_shown_thinking_is_an_answer_that_has_begun(house: House) -> None:
    house.server.update_valves({"LOCAL_THINK": "on"})
    house.answer_with([Think("hm"), Cut(reset=True)])
    answer = house.ask(TEXT)
    assert "cut off" in answer.error["message"]
    assert house.cloud_requests == []


def test_when_nobody_can_answer_the_error_says_what_to_do(house: House) -> None:
    house.judge("COMPLEX", 0.9)
    house.xai.answer([Status(401, {"error": "bad key"})])
    house.answer_with([Status(404, {"error": f"model '{NANO}' not found"})])
    for stream in (True, False):
        answer = house.ask(TEXT, stream=stream)
        assert answer.text == ""
        assert answer.error["message"].endswith(f"Run: ollama pull {NANO}")
        assert answer.error["code"] == "model_missing"
    row = house.logged("failed")
    assert (row["error_code"], row["degradations"]) == (
        "model_missing",
        ["xai_unauthorized", "ollama_model_missing"],
    )


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
