"""A version of a prompt in the real server: in force with the next turn, and taken back as fast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hal.lab.improve.parts import Parts
from hal.prompt_versions import Manifest, VersionStore
from hal.prompts import load_prompt
from hal.routing.question import Example

from .house import House

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("versions")


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    valves = {"SPECULATE": False, "CLASSIFIER_DEADLINE_S": 20}
    with House(folder, valves=valves) as running:
        yield running


def decided_by(house: House) -> str:
    house.ask(TEXT)
    return str(house.logged()["prompt_id"]).split()[0]


def test_no_restart_is_needed(house: House, folder: Path) -> None:
    store = VersionStore(folder / "data" / "prompts")
    shipped = load_prompt("classify")
    other = Parts.of(shipped).with_example(Example("Which soil do roses like?", "normal"))
    version = store.stage("classify", other.text, Manifest("", 0.0))
    seen = [decided_by(house)]
    store.apply("classify", version, 0.0)
    seen.append(decided_by(house))
    store.rollback("classify", 0.0)
    seen.append(decided_by(house))
    store.try_out("classify", version, 1.0, 0.0)
    seen.append(decided_by(house))
    store.pointer_path("classify").write_text("{", encoding="utf-8")
    seen.append(decided_by(house))
    new = other.prompt.id
    assert seen == [shipped.id, new, shipped.id, new, shipped.id]
    assert len({row["text"] for row in house.log.rows("prompt_version")} & {other.text}) == 1
