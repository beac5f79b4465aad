"""A setting that is not in force as given: each kind of it, and each place where that is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from hal.commands.checks import valves as check
from hal.commands.checks.result import Context
from hal.commands.stored import Places, settings_in_force
from tests.harness.interpreters import NAMES

from .house import House

pytestmark = pytest.mark.server

# What the panel, a script or an old file may hold; the sentence; the row of the panel it stands at.
WRONG = [
    pytest.param(
        {"CLOUD_CONFIDENCE": "abc"}, "CLOUD_CONFIDENCE: 'abc' is not a number, 0.55 is in force",
        "CLOUD_CONFIDENCE", id="no number",
    ),
    pytest.param(
        {"LOCAL_CONTEXT_TOKENS": "1.5"},
        "LOCAL_CONTEXT_TOKENS: '1.5' is not a whole number, 32768 is in force",
        "LOCAL_CONTEXT_TOKENS", id="no whole number",
    ),
    pytest.param(
        {"STICKY": "perhaps"}, "STICKY: 'perhaps' is neither true nor false, True is in force",
        "STICKY", id="no switch",
    ),
    pytest.param(
        {"LOCAL_THINK": "very"},
        "LOCAL_THINK: 'very' is none of off, on, low, medium, high, off is in force",
        "LOCAL_THINK", id="none of a list",
    ),
    pytest.param(
        {"LOCAL_MODEL": 7}, "LOCAL_MODEL: 7 is not a text, nemotron-3-nano:30b is in force",
        "LOCAL_MODEL", id="no text",
    ),
    pytest.param(
        {"CLOUD_CONFIDENCE": 7}, "CLOUD_CONFIDENCE: 7.0 is outside 0.0 to 1.0, 1.0 is in force",
        "CLOUD_CONFIDENCE", id="out of bounds",
    ),
    pytest.param(
        {"SEARXNG_URL": "ftp://x"},
        "SEARXNG_URL: not an http address, http://127.0.0.1:8080 is in force",
        "SEARXNG_URL", id="no address",
    ),
    pytest.param(
        {"LOCAL_MODEL": "glm-5:cloud"},
        "LOCAL_MODEL: glm-5:cloud runs in Ollama's cloud, not here; nemotron-3-nano:30b is in "
        "force", "LOCAL_MODEL", id="a model that is not local",
    ),
    pytest.param(
        {"ADVANCED": "NO_SUCH=1"}, "ADVANCED: NO_SUCH is not the name of an advanced setting",
        "ADVANCED", id="an advanced name",
    ),
    pytest.param(
        {"ADVANCED": "CACHE_HOURS=soon"},
        "CACHE_HOURS: 'soon' is not a number, 24.0 is in force", "ADVANCED",
        id="an advanced value",
    ),
    pytest.param(
        {"OLD_VALVE": 1}, "OLD_VALVE: no setting of this version, left out", "ADVANCED",
        id="of another version",
    ),
    pytest.param(
        {"XAI_API_KEY": ["xai-secret"]}, "XAI_API_KEY: what was given is not a text, nothing is "
        "in force", "XAI_API_KEY", id="a key is never shown",
    ),
    pytest.param(
        {"DAILY_BUDGET_USD": "xai-0123456789abcdef0123456789"},
        "DAILY_BUDGET_USD: what was given is not a number, 5.0 is in force", "DAILY_BUDGET_USD",
        id="nor one in the wrong row",
    ),
]  # fmt: skip
NOTHING = [
    pytest.param({"XAI_API_KEY": "", "SIMPLE_MODEL": "  ", "LOCAL_MODEL": None}, id="empty"),
    pytest.param({"CLOUD_CONFIDENCE": "0.7", "STICKY": "false"}, id="numbers as text"),
]


@pytest.fixture(scope="module", params=NAMES)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("wrong-valves")
    # The address that the harness gives is one of its own.
    env = {"HAL_SEARXNG_URL": ""}
    valves = {"SPECULATE": False, "CLOUD_CONFIDENCE": 0.55}
    with House(folder, interpreter=request.param, valves=valves, env=env) as running:
        yield running


def notes(house: House) -> dict[str, str]:
    spec = requests.get(f"{house.server.url}/hal/valves/spec", timeout=20).json()
    return {name: row["description"] for name, row in spec["properties"].items()}


def settings_lines(house: House, text: str = "Good morning.") -> list[str]:
    return [line for line in house.ask(text).statuses if "Settings: " in line]


# The sentences are the same with all libraries; `test_many_at_once` is for those of the image too.
@pytest.mark.parametrize("house", NAMES[:1], indirect=True)
@pytest.mark.parametrize(("wrong", "sentence", "row"), WRONG)
def test_it_is_said_in_the_panel_in_the_chat_and_by_why(
    house: House, wrong: dict[str, object], sentence: str, row: str
) -> None:
    words = notes(house)[row]
    house.server.update_valves(wrong)
    assert notes(house)[row] == f"⚠ {sentence} ⚠ {words}"
    house.server.wait_for_log(f"valves: {sentence}")
    first, last = settings_lines(house)
    assert first == f"Settings: {sentence}"
    assert last.endswith(f" · Settings: {sentence}")
    assert settings_lines(house) == []  # once, until the next change
    assert sentence in house.ask("/why").text
    assert "xai-" not in house.server.log()
    house.server.post_valves({})
    assert notes(house)[row] == words
    assert settings_lines(house) == []
    assert "Settings" not in house.ask("/why").text


def test_many_at_once(house: House) -> None:
    wrong = {"CLOUD_CONFIDENCE": "abc", "STICKY": "perhaps", "LOCAL_THINK": "very", "OLD": 1}
    house.server.update_valves(wrong)
    said = {name: text for name, text in notes(house).items() if "⚠" in text}
    assert set(said) == {"CLOUD_CONFIDENCE", "STICKY", "LOCAL_THINK", "ADVANCED"}
    first, _ = settings_lines(house)
    assert first.endswith(" · and 2 more, /why lists them")
    why = house.ask("/why").text
    assert all(f"\n- {name}: " in why for name in wrong)
    house.server.post_valves({})
    assert not [text for text in notes(house).values() if "⚠" in text]


@pytest.mark.parametrize("harmless", NOTHING)
def test_nothing_is_said_where_nothing_is_wrong(house: House, harmless: dict[str, object]) -> None:
    house.server.update_valves(harmless)
    assert not [words for words in notes(house).values() if "⚠" in words]
    assert settings_lines(house) == []
    house.server.post_valves({})


def test_an_old_file_is_said_as_well(house: House) -> None:
    stored = {"CLOUD_CONFIDENCE": "high", "OLD_VALVE": 1}
    house.server.valves_json.write_text(json.dumps(stored), encoding="utf-8")
    house.server.reload()
    first, _ = settings_lines(house)
    assert first == (
        "Settings: CLOUD_CONFIDENCE: 'high' is not a number, 0.55 is in force · "
        "OLD_VALVE: no setting of this version, left out"
    )
    house.server.post_valves({})
    assert settings_lines(house) == []


def test_a_file_that_is_no_json_is_said_until_the_next_save(house: House) -> None:
    house.server.valves_json.write_text("{oops", encoding="utf-8")
    house.server.reload()
    first, _ = settings_lines(house)
    assert first.startswith("Settings: valves.json was not readable: defaults are in force")
    assert "valves.json was not readable" in notes(house)["ADVANCED"]
    house.server.post_valves({})
    assert settings_lines(house) == []


def test_programs_and_background_tasks_are_not_told(house: House) -> None:
    house.server.update_valves({"CLOUD_CONFIDENCE": "abc"})
    messages = [{"role": "user", "content": "Good morning."}]
    assert not house.server.chat(messages).statuses
    assert len(settings_lines(house)) == 2  # a person is, after them
    house.server.post_valves({})


def test_the_doctor_reads_it_from_the_running_server(house: House, tmp_path: Path) -> None:
    house.server.update_valves({"CLOUD_CONFIDENCE": "abc"})
    env = {"HOME": str(tmp_path), "HAL_DATA_DIR": str(tmp_path)}
    port = int(house.server.url.rpartition(":")[2])
    found = check.checks(Context(env, settings_in_force(env), Places.of(env), port))
    (said,) = [one.detail for one in found if one.name == "valve CLOUD_CONFIDENCE"]
    assert said == "'abc' is not a number, 0.55 is in force"
    house.server.post_valves({})
