"""Valves: a save takes effect on the next turn, and nothing that is saved breaks the server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
import requests

from tests.harness.interpreters import NAMES
from tests.servers import KEY, Say, Until

from .house import GROK, MINI, NANO, House

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"


@pytest.fixture(scope="module", params=NAMES)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("valves")
    valves = {"SPECULATE": False, "CLOUD_CONFIDENCE": 0.55}
    with House(folder, interpreter=request.param, valves=valves) as running:
        yield running


def test_a_save_in_the_middle_of_a_stream(house: House) -> None:
    go = threading.Event()
    house.answer_with([Say("old "), Until(go), Say("and whole")])
    with house.begin(house.turn(TEXT)) as stream:
        stream.until(lambda answer: answer.text)
        house.server.update_valves({"LOCAL_MODEL": MINI, "LOCAL_CONTEXT_TOKENS": 4096})
        house.answer_with([Say("new")])
        second = house.ask(TEXT)
        assert (second.text, (second.usage or {})["hal_model"]) == ("new", MINI)
        assert not stream.done
        go.set()
        first = stream.rest()
    assert (first.text, first.error, first.dones) == ("old and whole", None, 1)
    assert (first.usage or {})["hal_model"] == NANO


def test_a_save_is_stored_and_outlives_a_reload(house: House) -> None:
    house.server.update_valves({"CLOUD_MODEL": "grok-4.7"})
    assert json.loads(house.server.valves_json.read_text())["CLOUD_MODEL"] == "grok-4.7"
    house.server.reload()
    assert house.server.valves()["CLOUD_MODEL"] == "grok-4.7"
    house.judge("COMPLEX", 0.9)
    assert (house.ask(TEXT).usage or {})["hal_model"] == "grok-4.7"


def test_saving_nothing_means_the_defaults(house: House) -> None:
    defaults = house.server.valves()
    assert defaults["CLOUD_CONFIDENCE"] == 0.55  # the environment's
    assert defaults["SEARCH_CONFIDENCE"] == 0.6  # our own
    house.server.update_valves({"CLOUD_CONFIDENCE": 0.9, "LOCAL_MODEL": MINI})
    assert house.server.post_valves({}) == defaults


@pytest.mark.parametrize(
    "wrong",
    [
        {"CLOUD_CONFIDENCE": "high", "LOCAL_THINK": "very", "LOCAL_CONTEXT_TOKENS": "many"},
        {"LOCAL_MODEL": None, "CLOUD_MODEL": "", "XAI_API_KEY": "", "SIMPLE_MODEL": "  "},
        {"LOCAL_MODEL": ["a"], "CLOUD_ENABLED": {"a": 1}, "DAILY_BUDGET_USD": float("nan")},
        {"NO_SUCH_VALVE": 1, "valves": {}, "_problems": ["x"], "problems": "x"},
        {"OLLAMA_BASE_URL": 17, "SEARXNG_URL": [], "CLOUD_CONFIDENCE": 10**400},
    ],
)
def test_a_wrong_value_falls_back_and_the_save_succeeds(
    house: House, wrong: dict[str, object]
) -> None:
    defaults = house.server.valves()
    body = json.dumps(defaults | wrong)
    headers = {"Content-Type": "application/json"}
    url = f"{house.server.url}/hal/valves/update"
    reply = requests.post(url, data=body, headers=headers, timeout=20)
    assert (reply.status_code, reply.json()) == (200, defaults)
    json.loads(house.server.valves_json.read_text(), parse_constant=pytest.fail)
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"


def test_numbers_come_as_text_from_the_panel(house: House) -> None:
    house.server.update_valves({"CLOUD_CONFIDENCE": "0.7", "LOCAL_CONTEXT_TOKENS": "16384"})
    house.judge("COMPLEX", 0.65)
    assert (house.ask(TEXT).usage or {})["hal_model"] == NANO
    assert house.local_requests[0].json["options"]["num_ctx"] == 16384


def test_a_value_out_of_bounds_is_clamped_and_said(house: House) -> None:
    house.server.update_valves({"LOCAL_CONTEXT_TOKENS": 5, "CLOUD_CONFIDENCE": 7})
    # What was saved is shown as it was saved; what is in force is within the bounds.
    assert house.server.valves()["CLOUD_CONFIDENCE"] == 7
    house.server.wait_for_log("LOCAL_CONTEXT_TOKENS: 5 is outside 1024 to 1048576, 1024 is in")
    house.judge("COMPLEX", 0.95)
    assert (house.ask(TEXT).usage or {})["hal_model"] == NANO
    assert house.local_requests[0].json["options"]["num_ctx"] == 1024


def test_an_address_that_is_none_falls_back(house: House) -> None:
    house.server.update_valves({"OLLAMA_BASE_URL": "ftp://x"})
    house.server.wait_for_log("OLLAMA_BASE_URL: not an http address")
    house.server.update_valves({"OLLAMA_BASE_URL": house.ollama.url.removeprefix("http://")})
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"


def test_the_key_of_the_environment_is_never_shown(house: House) -> None:
    house.judge("COMPLEX", 0.9)
    assert (house.ask(TEXT).usage or {})["hal_model"] == GROK
    assert house.cloud_requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert house.server.valves()["XAI_API_KEY"] is None
    house.server.update_valves({"CLOUD_CONFIDENCE": 0.5})
    for path in ("/hal/valves", "/hal/valves/spec", "/models", "/pipelines"):
        assert (
            KEY
            not in requests.get(
                f"{house.server.url}{path}",
                headers={"Authorization": f"Bearer {house.server.api_key}"},
                timeout=20,
            ).text
        )
    assert KEY not in house.server.valves_json.read_text()
    assert KEY not in house.server.log()


def test_many_saves_leave_nothing_behind(house: House) -> None:
    """Each save makes new services; the old ones must not hold turns, tasks or calibrations."""
    for n in range(20):
        house.server.update_valves({"ANSWER_GAP_S": 30 + n})
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"
    assert house.measured == []
    assert "Traceback" not in house.server.log()


BROKEN = ["{oops", '["a", "list"]', '{"CLOUD_MODEL": "grok-4.7", "LOCAL_MO', "", "null", "\x00\xff"]


@pytest.mark.parametrize("stored", BROKEN)
def test_a_broken_file_of_valves_is_put_aside(house: House, stored: str) -> None:
    file = house.server.valves_json
    for old in file.parent.glob("valves.json.broken-*"):
        old.unlink()
    if stored == BROKEN[0]:
        house.server.stop()
        file.write_text(stored, encoding="latin-1")
        house.server.start()
    else:
        file.write_text(stored, encoding="latin-1")
        house.server.reload()
    assert house.server.valves()["CLOUD_MODEL"] == GROK
    (aside,) = file.parent.glob("valves.json.broken-*")
    assert aside.read_text(encoding="latin-1") == stored
    assert isinstance(json.loads(file.read_text()), dict)
    house.server.wait_for_log(
        f"valves.json was not readable: defaults are in force, the old file is {aside.name}"
    )
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"
    house.server.update_valves({"CLOUD_MODEL": "grok-4.7"})
    assert json.loads(file.read_text())["CLOUD_MODEL"] == "grok-4.7"


def test_stored_values_that_do_not_fit_do_not_stop_the_server(house: House) -> None:
    stored = {"CLOUD_CONFIDENCE": "high", "OLD_VALVE": 1, "LOCAL_THINK": "very", "STICKY": None}
    house.server.valves_json.write_text(json.dumps(stored | {"CLOUD_MODEL": "grok-4.7"}))
    house.server.reload()
    valves = house.server.valves()
    assert (valves["CLOUD_CONFIDENCE"], valves["CLOUD_MODEL"]) == (0.55, "grok-4.7")
    house.server.wait_for_log("CLOUD_CONFIDENCE: 'high' is not a number, 0.55 is in force")
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"
