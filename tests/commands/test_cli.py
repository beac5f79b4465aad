"""The command line: names, exit codes, and what goes to which stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from hal import __version__
from hal.parsers import build_parser

REPO = Path(__file__).resolve().parents[2]
COMMANDS = (
    *("serve", "ask", "doctor", "route", "privacy"),
    *("report", "audit", "sessions", "feedback", "router", "valves", "bundle"),
)
ACTIONS = (
    *(("sessions", name) for name in ("list", "show", "export", "import", "forget")),
    *(("privacy", name) for name in ("scan", "scrub", "restore", "allow")),
    *(("valves", name) for name in ("example", "advanced", "docs")),
    ("feedback", "pull"),
    *(("router", name) for name in ("fit", "eval", "calibrate", "judge", "show")),
)


def hal(*words: str, data: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, without this machine's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env = kept | {"HAL_DATA_DIR": str(data), "PYTHONPATH": str(REPO / "pipelines")}
    return subprocess.run(
        [sys.executable, "-m", "hal.cli", *words],
        env=env | {"PYTHONDONTWRITEBYTECODE": "1"},
        input=text,
        capture_output=True,
        text=True,
        timeout=40,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_module(name: str) -> None:
    assert callable(import_module(f"hal.commands.{name}").run)


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS), *ACTIONS])
def test_help_helps_with_an_example(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args([*words, "--help"])
    assert caught.value.code == 0
    help_text = capsys.readouterr().out
    assert "example" in help_text
    assert f"hal {' '.join(words)}".strip() in help_text


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["serve", "--port", "0"],
        ["serve", "--port", "70000"],
        ["serve", "--port", "http"],
        ["serve", "--engine", "steam"],
        ["ask"],
        ["route"],
        ["privacy"],
        ["privacy", "allow", "--kind", "NONSENSE"],
        ["privacy", "allow", "--list", "--remove"],
        ["audit", "today"],
        ["sessions"],
        ["sessions", "show"],
        ["sessions", "export", "--format", "csv"],
        ["sessions", "import"],
        ["sessions", "forget"],
        ["sessions", "forget", "--all", "--chat", "c"],
        ["feedback"],
        ["feedback", "pull", "--all", "--since", "7d"],
        ["report", "--width", "wide"],
        ["valves"],
        ["bundle"],
    ],
)
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(words)
    assert caught.value.code == 2
    assert "usage: hal" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--version"])
    assert capsys.readouterr().out == f"hal-auto {__version__}\n"


def test_data_goes_to_stdout_alone(tmp_path: Path) -> None:
    result = hal("valves", "example", data=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["STICKY"] is True


def test_an_empty_log_is_no_error(tmp_path: Path) -> None:
    result = hal("sessions", "list", "--json", data=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {"turns": []}


def test_a_turn_that_is_not_there_is_1_and_a_wrong_option_2(tmp_path: Path) -> None:
    assert hal("sessions", "show", "3f9a", data=tmp_path).returncode == 1
    assert hal("sessions", "list", "--route", "NOWHERE", data=tmp_path).returncode == 2


def test_a_problem_is_one_sentence_on_stderr(tmp_path: Path) -> None:
    result = hal("serve", "--host", "host.invalid", data=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "hal serve: host.invalid is no address of this machine.\n"


def test_nobody_reading_on_is_no_error(tmp_path: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env = kept | {"HAL_DATA_DIR": str(tmp_path), "PYTHONPATH": str(REPO / "pipelines")}
    command = [sys.executable, "-m", "hal.cli", "valves", "example"]
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(command, env=env, stdout=writing, stderr=subprocess.PIPE, timeout=40)
    os.close(writing)
    assert (result.returncode, result.stderr) == (0, b"")
