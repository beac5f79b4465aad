"""Which engine answers: the rule, and what the server is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hal.commands.engine import EngineProblem, choose, embedded_environment, running_engine
from hal.commands.ollama_host import Inventory, at_least, full_name, take_inventory
from hal.errors import Unreachable
from tests.servers import (
    Exchange,
    OllamaModel,
    OllamaServer,
    RecordedRequest,
    ScriptedServer,
    refused_url,
)

QWEN = "qwen2.5-coder:0.5b"


class Website(ScriptedServer):
    """Answers everything with a page."""

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        await exchange.reply(200, b"<html>hello</html>", {"content-type": "text/html"})


def environ(tmp_path: Path, url: str, **more: str) -> dict[str, str]:
    return {"HAL_DATA_DIR": str(tmp_path), "HOME": str(tmp_path), "OLLAMA_BASE_URL": url} | more


def test_an_ollama_that_has_the_models_wins(tmp_path: Path) -> None:
    said: list[str] = []
    with OllamaServer() as server:
        engine = choose(environ(tmp_path, server.url), "auto", said.append)
    assert (engine.process, engine.environment, said) == (None, {}, [])
    assert engine.sentence == f"Ollama 0.13.5 at {server.url}"
    assert engine.alive


def test_a_stored_setting_counts_too(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines/hal_auto"
    folder.mkdir(parents=True)
    (folder / "valves.json").write_text('{"LOCAL_MODEL": "mine:7b"}', encoding="utf-8")
    said: list[str] = []
    with OllamaServer() as server:
        choose(environ(tmp_path, server.url), "ollama", said.append)
    assert said == ["Ollama runs without mine:7b; to have it: ollama pull mine:7b"]


def test_every_missing_model_is_named_with_its_command(tmp_path: Path) -> None:
    said: list[str] = []
    with OllamaServer(models=[OllamaModel("other:1b")]) as server:
        engine = choose(environ(tmp_path, server.url), "ollama", said.append)
    assert engine.inventory.models == ("other:1b",)
    assert [line.rpartition(": ")[2] for line in said] == [
        "ollama pull nemotron-3-nano:30b",
        "ollama pull nemotron-mini:4b",
    ]


def test_insisting_on_an_ollama_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(EngineProblem) as caught:
        choose(environ(tmp_path, refused_url()), "ollama", print)
    assert "--engine auto" in caught.value.remedy


@pytest.mark.parametrize("kind", ["refused", "website"])
def test_what_is_no_ollama_is_unreachable(kind: str) -> None:
    if kind == "refused":
        with pytest.raises(Unreachable, match="No Ollama at"):
            take_inventory(refused_url())
        return
    with Website() as server, pytest.raises(Unreachable, match="is no Ollama"):
        take_inventory(server.url)


def test_an_inventory_knows_what_is_there_and_loaded() -> None:
    host = Inventory("http://x", "0.13.5", ("a:latest", "B:1b"), ("b:1b",))
    assert host.has("a")
    assert host.has("b:1B")
    assert not host.has("b")
    assert host.is_loaded("b:1b")
    assert not host.is_loaded("a")
    assert host.missing("a", "c", "", "c", "b:1b") == ("c",)


@pytest.mark.parametrize(
    ("name", "full"),
    [("a", "a:latest"), ("A:1B", "a:1b"), ("hub.lan:5000/a", "hub.lan:5000/a:latest")],
)
def test_names_are_compared_as_ollama_does(name: str, full: str) -> None:
    assert full_name(name) == full


@pytest.mark.parametrize(
    ("version", "wanted", "enough"),
    [
        ("0.12.11", "0.12.11", True),
        ("0.13.0", "0.12.11", True),
        ("0.12.9", "0.12.11", False),
        ("v0.35.1", "0.13.4", True),
        ("0.13.4-rc1", "0.13.4", True),
        ("0.0.0", "0.13.4", True),
        ("1", "0.13.4", True),
        ("0.13.5-embedded", "0.13.4", True),
        ("", "0.13.4", False),
        ("strange", "0.13.4", False),
    ],
)
def test_versions_are_numbers_and_not_text(version: str, wanted: str, enough: bool) -> None:
    assert at_least(version, wanted) is enough


@pytest.mark.parametrize(
    ("environ", "changed"),
    [
        ({}, {}),
        ({"HAL_SPECULATE": "true"}, {"HAL_SPECULATE": "true"}),
        ({"HAL_CLASSIFIER_DEADLINE_S": "20"}, {"HAL_CLASSIFIER_DEADLINE_S": "20"}),
        ({"HAL_LOCAL_CONTEXT_TOKENS": " "}, {}),
        ({"HAL_LOCAL_MODEL": "qwen2.5-coder:1.5b"}, {"HAL_LOCAL_MODEL": "qwen2.5-coder:1.5b"}),
        ({"HAL_LOCAL_MODEL": "nemotron-3-nano:30b"}, {}),
        ({"OLLAMA_HOST": "elsewhere"}, {}),
        ({"HAL_SIMPLE_MODEL": "small:1b"}, {}),
    ],
)
def test_the_server_is_told_what_the_engine_can_do(
    environ: dict[str, str], changed: dict[str, str]
) -> None:
    host = Inventory("http://127.0.0.1:40001", "0.13.5", ("smollm2:135m", QWEN), (QWEN,))
    expected = {
        "HAL_OLLAMA_BASE_URL": "http://127.0.0.1:40001",
        "HAL_LOCAL_MODEL": QWEN,
        "HAL_CLASSIFIER_MODEL": QWEN,
        "HAL_SIMPLE_MODEL": "",
        "HAL_LOCAL_CONTEXT_TOKENS": "4096",
        "HAL_CLASSIFIER_CONTEXT_TOKENS": "1664",
        "HAL_CLASSIFIER_DEADLINE_S": "10",
        "HAL_SPECULATE": "false",
    }
    assert embedded_environment(environ, host) == expected | changed


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"HAL_OLLAMA_BASE_URL": "http://127.0.0.1:1"}'])
def test_an_engine_that_has_ended_is_not_running(text: str, tmp_path: Path) -> None:
    (tmp_path / "engine.json").write_text(text, encoding="utf-8")
    assert running_engine({"HAL_DATA_DIR": str(tmp_path)}) == {}


def test_an_engine_that_answers_is_running(tmp_path: Path) -> None:
    with OllamaServer() as server:
        told = {"HAL_OLLAMA_BASE_URL": server.url, "HAL_LOCAL_MODEL": "x", "PATH": "/evil"}
        (tmp_path / "engine.json").write_text(json.dumps(told), encoding="utf-8")
        found = running_engine({"HAL_DATA_DIR": str(tmp_path)})
    assert found == {"HAL_OLLAMA_BASE_URL": server.url, "HAL_LOCAL_MODEL": "x"}
