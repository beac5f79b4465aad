"""The generated and pinned files of the repository are what the code says they are."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from hal.commands.checks.machine import PROMPTS
from hal.commands.valves import docs, example
from hal.valves import Valves

REPO = Path(__file__).resolve().parents[2]
PIN = re.compile(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+-]+")


def pins(name: str) -> dict[str, str]:
    lines = (REPO / name).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.strip() and not line.startswith("#")]
    assert all(PIN.fullmatch(line) for line in kept), "name==version lines only"
    return {_plain(n): v for n, v in (line.split("==") for line in kept)}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_example_of_the_valves_is_what_the_command_prints() -> None:
    text = (REPO / "valves.example.json").read_text(encoding="utf-8")
    assert text == example() + "\n", "hal valves example > valves.example.json"
    assert list(json.loads(text)) == list(Valves.model_fields)


def test_the_page_of_the_valves_is_what_the_command_prints() -> None:
    text = (REPO / "docs/valves.md").read_text(encoding="utf-8")
    assert text == docs() + "\n", "hal valves docs > docs/valves.md"


def test_every_direct_dependency_has_a_tested_version() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(need for extra in extras.values() for need in extra)]
    names = {_plain(re.split(r"[<>=~!\[ ;]", need)[0]) for need in wanted}
    assert {name for name in names if not name.startswith("types-")} <= set(pins("constraints.txt"))


def test_the_second_environment_has_the_versions_of_the_image() -> None:
    image = {
        "fastapi": "0.111.0",
        "pydantic": "2.7.1",
        "uvicorn": "0.22.0",
        "requests": "2.32.2",
        "aiohttp": "3.9.5",
    }
    assert image.items() <= pins("tests/pinned.txt").items()


def test_the_container_gets_the_client_that_was_tested() -> None:
    container, pinned = pins("docker/requirements.txt"), pins("tests/pinned.txt")
    assert container.items() <= pinned.items()
    assert container["ollama"] == pins("constraints.txt")["ollama"]


def test_the_doctor_looks_for_every_prompt() -> None:
    assert set(PROMPTS) == {path.stem for path in (REPO / "prompts").glob("*.md")}


@pytest.mark.parametrize("name", ["constraints.txt", "Makefile", ".ci/run", "docker-compose.yml"])
def test_no_file_chooses_where_packages_come_from(name: str) -> None:
    text = (REPO / name).read_text(encoding="utf-8")
    assert not re.search(r"--(extra-)?index-url|--find-links|simple/|pypi\.org", text)
