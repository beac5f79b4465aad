"""A chat turn from end to end: what Open WebUI gets, and what any other client gets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.harness import Answer, openwebui
from tests.harness.interpreters import NAMES
from tests.servers import Finish, Say, Think, Usage

from . import golden
from .house import NANO, House

pytestmark = pytest.mark.server
HI = openwebui.history("Where do swifts sleep?")
USAGE = {"hal_route", "hal_confidence", "hal_reason", "hal_model", "hal_cost_usd"}


@pytest.fixture(scope="module", params=NAMES)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("turn")
    valves = {"SPECULATE": False, "LOCAL_THINK": "on"}
    with House(folder, interpreter=request.param, valves=valves) as running:
        yield running


def kinds(answer: Answer) -> list[str]:
    """What each chunk is, in order."""
    return [_kind(chunk) for chunk in answer.chunks]


def _kind(chunk: dict[str, object]) -> str:
    if "event" in chunk:
        return "event"
    if "hal" in chunk:
        return "hal"
    if not chunk.get("choices"):
        return "usage"
    (choice,) = chunk["choices"]  # type: ignore[misc]
    names = [name for name in ("reasoning_content", "content") if choice["delta"].get(name)]
    return (names or [f"finish {choice['finish_reason']}"])[0]


def test_the_model_list_shows_exactly_one_model(house: House) -> None:
    assert [(m["id"], m["name"]) for m in house.server.models()] == [("hal.auto", "hal-auto")]


def test_a_chat_turn(house: House) -> None:
    house.answer_with([Think("Birds. "), Say("On the wing"), Say("."), Usage(21, 7)])
    answer = house.ask("Where do swifts sleep?")
    assert (answer.text, answer.reasoning, answer.error) == ("On the wing.", "Birds. ", None)
    choosing, decided, final = answer.of_type("status")
    assert choosing == {"description": "Choosing a model", "done": False}
    assert decided["done"] is final["done"] is True
    assert decided["description"] == f"local {NANO} · moderate (0.90) · an ordinary question"
    assert final["description"].startswith(f"local {NANO} · moderate (0.90) · ")
    assert (answer.finish_reasons, answer.dones, answer.broken) == (["stop"], 1, [])
    assert answer.usage is not None
    assert answer.usage["prompt_tokens"] == 21
    assert answer.usage["completion_tokens"] == 7
    assert {key: answer.usage[key] for key in USAGE} == {
        "hal_route": "MODERATE",
        "hal_confidence": 0.9,
        "hal_reason": "an ordinary question",
        "hal_model": NANO,
        "hal_cost_usd": 0.0,
    }
    golden.check("chat_turn", answer)


def test_a_turn_by_xai(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.xai.answer([Say("By "), Say("induction."), Usage(1000, 200, 400, 50)])
    answer = house.ask("Prove it.")
    assert answer.text == "By induction."
    assert answer.usage is not None
    cost = (600 * 1.25 + 400 * 0.20 + 250 * 2.50) / 1e6
    assert answer.usage["hal_cost_usd"] == pytest.approx(cost)
    assert answer.usage["hal_route"] == "COMPLEX"
    assert answer.usage["prompt_tokens_details"] == {"cached_tokens": 400}
    assert answer.usage["completion_tokens_details"] == {"reasoning_tokens": 50}
    assert answer.statuses[-1].startswith(f"xAI grok-4.3 · complex (0.95) · ${cost:.4f} · ")
    golden.check("cloud_turn", answer)


def test_a_direct_call_gets_no_events(house: House) -> None:
    house.answer_with([Think("Birds. "), Say("On the wing.")])
    answer = house.server.chat(HI)
    assert kinds(answer) == [
        *("hal", "reasoning_content", "content", "usage", "finish stop"),
    ]
    assert answer.chunks[0]["hal"] == {
        "route": "MODERATE",
        "confidence": 0.9,
        "source": "classifier",
        "reason": "an ordinary question",
        "target": f"local {NANO}",
        "notes": [],
        "degraded": None,
    }
    assert (answer.text, answer.dones, answer.finish_reasons) == ("On the wing.", 1, ["stop"])
    golden.check("direct_call", answer)


@pytest.mark.parametrize("through_inlet", [False, True])
def test_without_a_stream_it_is_one_completion(house: House, through_inlet: bool) -> None:
    house.answer_with([Think("Birds. "), Say("On the "), Say("wing."), Finish("length")])
    turn = house.turn("Where do swifts sleep?", stream=False)
    answer = house.send(turn) if through_inlet else house.server.chat(HI, stream=False)
    assert (answer.status, answer.text, answer.reasoning) == (200, "On the wing.", "Birds. ")
    assert answer.finish_reasons == ["length"]
    assert "event" not in answer.raw.decode()
    assert answer.completion is not None
    assert answer.completion["object"] == "chat.completion"
    assert len(answer.completion["choices"]) == 1
    assert set(answer.usage or {}) >= USAGE
    golden.check("completion", answer)


def test_no_text_in_the_servers_log(house: House) -> None:
    house.answer_with([Think("zwischenton"), Say("kranich"), Say("feder")])
    for stream in (True, False):
        for turn in (house.turn("wo schläft der mauersegler?", stream=stream), None):
            direct = openwebui.history("wo schläft der mauersegler?")
            answer = house.send(turn) if turn else house.server.chat(direct, stream)
            assert (answer.text, answer.reasoning) == ("kranichfeder", "zwischenton")
    house.judge("COMPLEX", 0.95)
    house.xai.answer([Think("zwischenton"), Say("kranich"), Say("feder")])
    assert house.ask("wo schläft der mauersegler?", stream=False).text == "kranichfeder"
    house.server.wait_for_log("stream:false:")  # it does log the object
    for word in ("zwischenton", "kranich", "mauersegler"):
        assert word not in house.server.log()


def test_the_server_shows_the_finish_that_the_model_gave(house: House) -> None:
    house.answer_with([Say("to be continu"), Finish("length")])
    # The server's own "stop", which would come after it, is left out.
    assert house.ask("Tell me all.").finish_reasons == ["length"]


def test_v1_paths_work_as_well(house: House) -> None:
    reply = requests.post(
        f"{house.server.url}/v1/chat/completions",
        json={"model": "hal.auto", "messages": HI, "stream": False},
        timeout=20,
    )
    assert reply.json()["choices"][0]["message"]["content"].endswith("swifts sleep?")


def test_the_status_can_be_switched_off(house: House) -> None:
    house.server.update_valves({"SHOW_STATUS": False})
    answer = house.ask("Where do swifts sleep?")
    assert (answer.events, answer.dones) == ([], 1)
    assert set(answer.usage or {}) >= USAGE
