"""What docker/ holds, as a container or a person runs it, with stand-ins for pip and the server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
SCRIPT = REPO / "docker/pipelines/start.sh"
# Stands for `python3 -m pip install ... --target DIR ...`: notes its words, and makes DIR.
FAKE_PYTHON = """#!/usr/bin/env bash
echo "$@" >> "$PIP_LOG"
test -z "${PIP_FAILS:-}" || exit 1
while [ "$1" != --target ]; do shift; done
mkdir -p "$2" && touch "$2/ollama.py"
"""
SERVER = 'echo "$PIPELINES_DIR"; echo "$PYTHONPATH"; pwd\n'

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("bash"), reason="a script for a Linux container"
)


@pytest.fixture
def container(tmp_path: Path) -> dict[str, str]:
    """The folders of the image and of the mounts, and the environment of the script."""
    for name in ("bin", "app", "code/pipelines", "data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "bin/python3").write_text(FAKE_PYTHON, encoding="utf-8")
    (tmp_path / "bin/python3").chmod(0o755)
    (tmp_path / "app/start.sh").write_text(SERVER, encoding="utf-8")
    (tmp_path / "code/pipelines/hal_auto.py").write_text("", encoding="utf-8")
    (tmp_path / "code/requirements.txt").write_text("ollama==1\n", encoding="utf-8")
    return {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PIP_LOG": str(tmp_path / "pip.log"),
        "HAL_CODE_DIR": str(tmp_path / "code"),
        "HAL_SERVER_DIR": str(tmp_path / "app"),
        "HAL_DATA_DIR": str(tmp_path / "data"),
    }


def test_the_command_line_works_in_the_container(container: dict[str, str]) -> None:
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    env |= {"HAL_CODE_DIR": str(REPO), "HAL_DATA_DIR": container["HAL_DATA_DIR"]}
    command = ["bash", str(REPO / "docker/pipelines/hal"), "valves", "example"]
    result = subprocess.run(
        command, env=env | {"PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, timeout=40
    )
    assert result.stdout == (REPO / "valves.example.json").read_bytes(), result.stderr


@pytest.mark.parametrize("name", ["backup.sh", "try-compose.sh"])
@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["--nonsense"], 2)])
def test_a_script_explains_itself(name: str, words: list[str], code: int) -> None:
    result = subprocess.run(
        ["bash", str(REPO / "docker" / name), *words], capture_output=True, text=True, timeout=20
    )
    assert result.returncode == code
    said = result.stdout if code == 0 else result.stderr
    assert all(word in said for word in ("usage:", "example:", "exit codes:"))


def start(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SCRIPT)], env=env, capture_output=True, text=True, timeout=20
    )


def installs(env: dict[str, str]) -> int:
    log = Path(env["PIP_LOG"])
    return len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0


def test_the_server_finds_the_pipeline_and_the_packages(container: dict[str, str]) -> None:
    result = start(container)
    assert result.returncode == 0, result.stderr
    data, code = Path(container["HAL_DATA_DIR"]), Path(container["HAL_CODE_DIR"])
    *_, folder, python_path, directory = result.stdout.splitlines()
    assert folder == str(data / "pipelines")
    assert python_path == f"{data / 'packages'}:{code / 'pipelines'}"
    assert directory == container["HAL_SERVER_DIR"]
    assert (data / "pipelines/hal_auto.py").resolve() == code / "pipelines/hal_auto.py"
    assert (data / "packages/ollama.py").exists()


def test_the_versions_of_the_image_stay_as_they_are(container: dict[str, str]) -> None:
    start(container)
    assert "--no-deps" in Path(container["PIP_LOG"]).read_text(encoding="utf-8").split()


def test_a_restart_installs_nothing_and_a_new_list_does(container: dict[str, str]) -> None:
    start(container)
    start(container)
    assert installs(container) == 1
    Path(container["HAL_CODE_DIR"], "requirements.txt").write_text("ollama==2\n", encoding="utf-8")
    start(container)
    assert installs(container) == 2


def test_an_installation_that_failed_is_tried_again(container: dict[str, str]) -> None:
    assert start(container | {"PIP_FAILS": "1"}).returncode != 0
    assert start(container).returncode == 0
    assert installs(container) == 2


def test_a_pipeline_that_the_server_moved_away_is_back_and_valves_stay(
    container: dict[str, str],
) -> None:
    start(container)
    pipelines = Path(container["HAL_DATA_DIR"], "pipelines")
    (pipelines / "failed").mkdir()
    (pipelines / "hal_auto.py").rename(pipelines / "failed/hal_auto.py")
    (pipelines / "hal_auto").mkdir()
    (pipelines / "hal_auto/valves.json").write_text('{"STICKY": false}', encoding="utf-8")
    start(container)
    assert (pipelines / "hal_auto.py").is_symlink()
    assert (pipelines / "hal_auto/valves.json").read_text(encoding="utf-8") == '{"STICKY": false}'
