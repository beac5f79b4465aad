"""The words under a valve say what is wrong with it, in the form that the panel reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.settings_reader import read_valves
from hal.valve_notes import notes_in, with_notes
from hal.valves import Valves, valves_class

from .things import fixed

ENVIRON = {"HOME": "/nowhere", "HAL_CLOUD_CONFIDENCE": "high", "HAL_LOCAL_MODEL": "a:1b"}


def noted(**values: Any) -> Valves:
    cls = valves_class(ENVIRON)
    valves = cls(**values)
    return with_notes(valves, read_valves(valves, ENVIRON).warnings, cls)


def spec(valves: Valves) -> dict[str, Any]:
    """What the server gives the panel."""
    return type(valves).model_json_schema()


def test_each_warning_stands_in_its_own_row() -> None:
    rows = spec(noted(STICKY="perhaps", ADVANCED="NO=1 CACHE_HOURS=soon"))["properties"]
    said = {name: row["description"] for name, row in rows.items() if "⚠" in row["description"]}
    assert set(said) == {"CLOUD_CONFIDENCE", "STICKY", "ADVANCED"}
    assert said["CLOUD_CONFIDENCE"].startswith("⚠ HAL_CLOUD_CONFIDENCE: 'high' is not a number")
    assert "NO is not the name" in said["ADVANCED"]
    assert "CACHE_HOURS: 'soon'" in said["ADVANCED"]
    assert said["STICKY"].endswith("⚠ A chat keeps its route unless a turn is clearly different.")


def test_the_values_stay_and_the_next_save_begins_anew() -> None:
    first = noted(STICKY="perhaps", SIMPLE_MODEL="b:1b", ADVANCED="CACHE_HOURS=2")
    assert (first.SIMPLE_MODEL, first.LOCAL_MODEL) == ("b:1b", "a:1b")
    assert first.advanced.CACHE_HOURS == 2
    again = type(first)(**first.model_dump())  # what the server does with a save
    after = with_notes(again, read_valves(again, ENVIRON).warnings, valves_class(ENVIRON))
    assert "⚠" not in spec(after)["properties"]["STICKY"]["description"]
    assert after.model_dump() == first.model_dump()


def test_the_panel_still_gets_nothing_but_what_it_can_show() -> None:
    plain, with_them = spec(valves_class(ENVIRON)()), spec(noted(STICKY="perhaps", OLD=1))
    for name, row in plain["properties"].items():
        other = with_them["properties"][name]
        assert {**row, "description": ""} == {**other, "description": ""}


@pytest.mark.parametrize("broken", [{}, {"properties": None}, {"properties": {"A": {}}}])
def test_a_schema_of_somebody_else(broken: dict[str, Any]) -> None:
    assert list(notes_in(broken)) == []


@given(st.lists(st.sampled_from(["STICKY: no", "LOG_DAYS: 0 is in force", "valves.json: broken"])))
@fixed
def test_what_is_noted_is_read_again(warnings: list[str]) -> None:
    cls = valves_class({})
    found = list(notes_in(spec(with_notes(cls(), warnings, cls))))
    assert sorted(found) == sorted(warnings)
