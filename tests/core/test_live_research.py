"""The prompts of a search in the versions in force: taken over at once, and never a broken one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from hal.lab.improve.advice import with_rule
from hal.live_research import LiveResearch
from hal.prompt_versions import Manifest, VersionStore
from hal.prompts import load_prompt
from tests.core.things import turn

TODAY = date(2026, 3, 1)
RULE = "Prefer the names of places as they are written there."


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    return VersionStore(tmp_path / "prompts")


def put_in_force(store: VersionStore, name: str, text: str) -> None:
    store.apply(name, store.stage(name, text, Manifest("", 0.0)), 0.0)


def test_both_are_taken_over_with_the_next_search(store: VersionStore) -> None:
    live = LiveResearch(store, pytest.fail)
    asked = turn("Will it rain in Lisbon?")
    before = live.messages(asked, TODAY, 2048)[0].text
    assert RULE not in before
    for name in ("rewrite", "grounded"):
        put_in_force(store, name, with_rule(load_prompt(name).text, RULE))
    assert RULE in live.messages(asked, TODAY, 2048)[0].text
    assert len(live.messages(asked, TODAY, 2048)) == len(
        LiveResearch(VersionStore(Path("nowhere"))).messages(asked, TODAY, 2048)
    )  # no example was taken for a rule
    assert RULE in live.grounded.body
    for name in ("rewrite", "grounded"):
        store.rollback(name, 0.0)
    assert live.messages(asked, TODAY, 2048)[0].text == before
    assert live.grounded.text == load_prompt("grounded").text


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("grounded", "$sources", "none", id="without its sources"),
        pytest.param("grounded", "Answer from", "For 5 $ answer from", id="a lone dollar"),
        pytest.param("rewrite", "# examples", "# samples", id="without its parts"),
    ],
)
def test_a_broken_version_leaves_the_shipped_one(
    store: VersionStore, name: str, old: str, new: str
) -> None:
    said: list[str] = []
    live = LiveResearch(store, said.append)
    put_in_force(store, name, load_prompt(name).text.replace(old, new))
    for _ in range(3):
        found = live.grounded if name == "grounded" else live.prompt
        assert found.text == load_prompt(name).text
    assert len(said) == 1
    assert "shipped prompt is used" in said[0]


def test_a_broken_pointer_leaves_the_shipped_one(store: VersionStore) -> None:
    said: list[str] = []
    path = store.pointer_path("grounded")
    path.parent.mkdir(parents=True)
    path.write_text("{", encoding="utf-8")
    assert LiveResearch(store, said.append).grounded.text == load_prompt("grounded").text
    assert len(said) == 1
