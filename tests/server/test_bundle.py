"""The one-file bundle in the real Pipelines server, as the admin panel brings it there: by upload,
and by the address of a file. Then a turn, valves, a search's extractor, a reload, a turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from hal.lab.bundle.compose import PIPELINE

from .bundled import BundleHouse, EmptyServer
from .house import GROK, NANO, House

pytestmark = pytest.mark.server
TEXT = "How do swifts sleep?"


@pytest.fixture(
    scope="module",
    params=[("newest", "upload"), ("pinned", "url")],
    ids=["newest, uploaded", "pinned, from its address"],
)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with BundleHouse(tmp_path_factory.mktemp("bundle"), *request.param) as running:
        yield running


def without_pip(text: str) -> str:
    """The server runs it for each requirement anew, at every load: once is enough to try."""
    return re.sub("(?m)^requirements: .*$", "", text, count=1)


def test_it_answers(house: House) -> None:
    assert [model["name"] for model in house.server.models()] == ["hal-auto"]
    answer = house.ask(TEXT)
    assert (answer.text, answer.error) == (f"{NANO}: {TEXT}", None)
    assert house.logged()["route"] == "MODERATE"
    house.judge("COMPLEX", 0.93)
    assert (house.ask(TEXT).usage or {})["hal_model"] == GROK
    assert "Traceback" not in house.server.log()


def test_valves_and_a_reload_count(house: House) -> None:
    house.server.update_valves({"SHOW_STATUS": False})
    assert house.ask(TEXT).statuses == []
    house.server.reload()
    assert house.server.valves()["SHOW_STATUS"] is False
    answer = house.ask(TEXT)
    assert (answer.text, answer.statuses) == (f"{NANO}: {TEXT}", [])
    assert not (house.server.pipelines / "failed").exists()


def test_a_newer_one_takes_its_place(house: House) -> None:
    server = house.server
    assert isinstance(server, EmptyServer)
    text = server.source.read_text(encoding="utf-8")
    assert '"Choosing a model"' in text
    server.source.write_text(without_pip(text.replace("Choosing a model", "Thinking")), "utf-8")
    server.upload()
    assert house.ask(TEXT).statuses[0] == "Thinking"
    assert server.valves()["SHOW_STATUS"] is True


def test_a_broken_one_explains_itself_and_keeps_the_valves(house: House) -> None:
    server = house.server
    assert isinstance(server, EmptyServer)
    server.update_valves({"CLOUD_MODEL": "grok-4.7"})
    whole = without_pip(server.source.read_text(encoding="utf-8"))
    server.source.write_text(whole.replace("async def run_turn(", "async def run_turn(("), "utf-8")
    server.upload()
    answer = house.ask(TEXT)
    assert "hal-auto could not be loaded: SyntaxError" in answer.error["message"]
    assert f"{PIPELINE.name}/hal/turn.py" in server.log()  # the traceback says where
    server.source.write_text(whole, "utf-8")
    server.upload()
    assert house.ask(TEXT).text == f"{NANO}: {TEXT}"
    assert server.valves()["CLOUD_MODEL"] == "grok-4.7"
