"""What people are told of settings that are not in force as given: once, and nothing secret."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hal.settings_notice import MAX_PEOPLE, SettingsNotice, line, listed
from hal.types import Turn

from .things import DEFAULTS, turn

WARNING = "CLOUD_CONFIDENCE: 'abc' is not a number, 0.6 is in force"
WRONG = replace(DEFAULTS, warnings=(WARNING,))


def person(name: str = "anna", **changes: Any) -> Turn:
    return turn(user_id=name, **{"message_id": "m", **changes})


def test_each_person_is_told_once() -> None:
    notice = SettingsNotice(WRONG)
    said = [notice.for_turn(person(name)) for name in ("anna", "anna", "ben", "anna", "ben")]
    assert said == [f"Settings: {WARNING}", "", f"Settings: {WARNING}", "", ""]


@pytest.mark.parametrize(
    "unseen",
    [{"message_id": None}, {"task": "title_generation"}],
    ids=["a program", "a background task"],
)
def test_who_does_not_see_it_is_not_told(unseen: dict[str, Any]) -> None:
    notice = SettingsNotice(WRONG)
    assert notice.for_turn(person(**unseen)) == ""
    assert notice.for_turn(person()) == f"Settings: {WARNING}"


def test_nothing_is_said_without_status_lines() -> None:
    hidden = replace(WRONG, answer=replace(WRONG.answer, show_status=False))
    assert SettingsNotice(hidden).for_turn(person()) == ""
    assert SettingsNotice(DEFAULTS).for_turn(person()) == ""


def test_the_memory_is_bounded() -> None:
    notice = SettingsNotice(WRONG)
    told = [notice.for_turn(person(f"p{n}")) for n in range(MAX_PEOPLE + 5)]
    assert all(told)
    assert len(notice._told) <= MAX_PEOPLE


@pytest.mark.parametrize(
    ("warnings", "words"),
    [
        ((), ""),
        (("A: no", "B: no"), "Settings: A: no · B: no"),
        (("A: no", "B: no", "C: no"), "Settings: A: no · B: no · and 1 more, /why lists them"),
        (
            ("LOCAL_HOSTS: http://me:pass@host: is not an http address, left out",),
            "Settings: LOCAL_HOSTS: not as given, `hal doctor` says why",
        ),
    ],
    ids=["none", "two", "three", "a login"],
)
def test_the_line(warnings: tuple[str, ...], words: str) -> None:
    assert line(warnings) == words


def test_why_lists_all_of_them() -> None:
    assert listed(()) == ""
    text = listed(("A: no", "B: me@host", "C: no"))
    assert "\n- A: no\n- B: not as given, `hal doctor` says why\n- C: no\n" in text
    assert "Admin Settings > Pipelines" in text
