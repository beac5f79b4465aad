"""From a log to decisions: what `hal router` learned and calibrated is what the real server does,
at once, and no longer when the local model is another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the lab extra is not installed")

from hal.cli import main
from tests.lab.router_log import World, write

from .house import NANO, House

pytestmark = pytest.mark.server

EASY = "please tell my friend the capital city name again"
HARD = "please prove the theorem and derive the integral of the quantum lemma"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("learned-from-log")
    data = folder / "data"
    data.mkdir()
    write(data / "sessions.sqlite", World(turns=900))
    valves = {"CLASSIFIER_DEADLINE_S": 20, "STICKY": False, "SPECULATE": False}
    with House(folder, valves=valves) as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAL_DATA_DIR", str(data))
        patch.setenv("HAL_OLLAMA_BASE_URL", running.ollama.url)
        running.ask(HARD)
        assert running.logged()["source"] == "classifier"
        assert main(["router", "fit", "--apply"]) == 0
        assert main(["router", "calibrate", "--apply"]) == 0
        yield running


def test_the_running_server_decides_by_it(house: House) -> None:
    # The classifier is of the other opinion each time, and not very sure.
    for text, said, route in ((EASY, "COMPLEX", "MODERATE"), (HARD, "MODERATE", "COMPLEX")):
        house.judge(said, 0.5)
        house.ask(text)
        row = house.logged()
        assert (row["route"], row["source"]) == (route, "learned")
        assert row["router_id"].startswith("router+")


def test_another_version_of_the_local_model_ends_it(house: House) -> None:
    models = house.ollama.models
    name = next(one for one in models if one.startswith(NANO))
    models[name] = replace(models[name], version=models[name].version + 1)
    house.renew()
    house.judge("MODERATE")
    house.ask(HARD)
    assert house.logged()["source"] == "classifier"
