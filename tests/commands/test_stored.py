"""What the server has stored: read without ever raising, and cleared of what nobody chose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hal.commands.stored import Places, forget_echoes, read_object, settings_in_force
from hal.valves import Valves, valves_class

ENGINE = {
    "HAL_OLLAMA_BASE_URL": "http://127.0.0.1:40001",
    "HAL_LOCAL_MODEL": "tiny:1b",
    "HAL_LOCAL_CONTEXT_TOKENS": "4096",
    "HAL_CLASSIFIER_DEADLINE_S": "10",
    "HAL_SPECULATE": "false",
}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = Places(tmp_path)
    found.valves.parent.mkdir(parents=True)
    return found


def environ(places: Places, **more: str) -> dict[str, str]:
    return {"HAL_DATA_DIR": str(places.root), "HOME": "/home/somebody"} | more


def store(places: Places, valves: Any) -> None:
    text = valves if isinstance(valves, str) else json.dumps(valves)
    places.valves.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "value", "wrong"),
    [
        ('{"a": 1}', {"a": 1}, ""),
        (None, {}, ""),
        ("", {}, "is not JSON"),
        ('{"a": ', {}, "is not JSON"),
        ("[1]", {}, "is not a JSON object"),
        ("null", {}, "is not a JSON object"),
    ],
)
def test_reading_never_raises(
    text: str | None, value: dict[str, Any], wrong: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert read_object(path) == (value, wrong)


def test_bytes_that_are_no_text_are_not_json(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert read_object(path) == ({}, "is not JSON")


def test_a_folder_in_its_place_cannot_be_read(tmp_path: Path) -> None:
    assert read_object(tmp_path)[1].startswith("cannot be read")


def test_what_is_stored_wins_over_the_environment(places: Places) -> None:
    store(places, {"LOCAL_MODEL": "stored:1b", "ANSWER_GAP_S": "bad"})
    settings = settings_in_force(environ(places, HAL_LOCAL_MODEL="env:1b", HAL_STICKY="0"))
    assert settings.local.model == "stored:1b"
    assert settings.routing.sticky is False
    assert any("ANSWER_GAP_S" in warning for warning in settings.warnings)


def test_a_broken_file_leaves_the_environment(places: Places) -> None:
    store(places, "{")
    assert settings_in_force(environ(places, HAL_LOCAL_MODEL="env:1b")).local.model == "env:1b"


def test_a_save_in_the_panel_does_not_freeze_the_engine_of_that_day(places: Places) -> None:
    saved = valves_class(ENGINE)(CLOUD_CONFIDENCE=0.8).model_dump()
    store(places, saved)
    places.engine.write_text(json.dumps(ENGINE), encoding="utf-8")
    # An advanced setting of the environment is never stored as long as nobody chose it.
    shown = {name.removeprefix("HAL_") for name in ENGINE} & set(Valves.model_fields)
    assert set(forget_echoes(places)) == shown
    kept = json.loads(places.valves.read_text(encoding="utf-8"))
    assert kept == {k: v for k, v in saved.items() if f"HAL_{k}" not in ENGINE}
    assert settings_in_force(environ(places)).local.model == Valves().LOCAL_MODEL
    assert settings_in_force(environ(places)).cloud.confidence == 0.8


def test_what_the_user_chose_instead_stays(places: Places) -> None:
    store(places, {"LOCAL_MODEL": "mine:7b", "SPECULATE": True})
    places.engine.write_text(json.dumps(ENGINE), encoding="utf-8")
    assert forget_echoes(places) == ()
    assert json.loads(places.valves.read_text(encoding="utf-8"))["LOCAL_MODEL"] == "mine:7b"


@pytest.mark.parametrize("valves", ["{", "[]", None, '{"LOCAL_MODEL": null}'])
def test_a_strange_file_is_left_alone(valves: str | None, places: Places) -> None:
    if valves is not None:
        store(places, valves)
    places.engine.write_text(json.dumps(ENGINE), encoding="utf-8")
    assert forget_echoes(places) == ()
    assert places.valves.exists() is (valves is not None)


def test_without_an_engine_nothing_is_touched(places: Places) -> None:
    store(places, {"LOCAL_MODEL": "tiny:1b"})
    assert forget_echoes(places) == ()
