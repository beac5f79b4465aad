"""`hal report`: figures on stdout, a page in a file, and clear words where there is nothing."""

from __future__ import annotations

import gc
import json
import os
import stat
import time
from contextlib import closing
from pathlib import Path

import pytest

from hal.cli import main
from hal.commands.stored import settings_in_force
from hal.sessions.database import open_for_writing
from hal.sessions.statements import save
from tests.sessions.rows import DAY_S, content, score, turn

pytestmark = pytest.mark.usefixtures("data")


def fill(*, days_ago: float = 1.0) -> Path:
    """Two turns: one local, one by the cloud and disliked."""
    path, at = settings_in_force(os.environ).log.database, time.time() - days_ago * DAY_S
    local = turn(
        "local-1", started_at=at, outcome="done", route="SIMPLE", source="classifier",
        confidence=0.9, provider="ollama", model="nano", cost_usd=0.0, cloud_cost_usd=1.0,
    )  # fmt: skip
    cloud = turn(
        "cloud-1", started_at=at + 1, outcome="done", route="COMPLEX", source="classifier",
        confidence=0.8, provider="xai", model="grok", leaves_machine=True, cost_usd=0.25,
        cloud_cost_usd=0.25,
    )  # fmt: skip
    disliked = score("s", turn_id="cloud-1", created_at=at + 2)
    with closing(open_for_writing(path, 5.0)) as connection:
        for row in (local, cloud, content("cloud-1", question="Who was it?"), disliked):
            save(connection, row)
    return path


SENTENCE = "50 % of 2 turns were answered on this machine; xAI cost $0.25 instead of $1.25."


def test_the_terminal_gets_the_sentence_first(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert main(["report"]) == 0
    out = capsys.readouterr().out
    assert " ".join(out.split()).startswith(SENTENCE)
    assert "cloud-1" in out
    assert "Who was it?" not in out


def test_questions_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert main(["report", "--with-texts"]) == 0
    assert "Who was" in capsys.readouterr().out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert main(["report", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sentence"] == SENTENCE
    assert found["totals"]["local"] == 1
    assert [each["id"] for each in found["suspects"]] == ["cloud-1"]
    assert "question" not in found["suspects"][0]


def test_a_page_for_its_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    page = tmp_path / "report.html"
    assert main(["report", "--html", str(page), "--with-texts"]) == 0
    assert str(page) in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "Who was it?" not in text
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_a_page_on_stdout_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert main(["report", "--html", "-"]) == 0
    assert capsys.readouterr().out.strip().endswith("</html>")


def test_a_page_and_json_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert main(["report", "--html", str(tmp_path / "x.html"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sentence"] == SENTENCE
    assert (tmp_path / "x.html").exists()


@pytest.mark.parametrize("words", [[], ["--json"], ["--html", "-"]], ids=["text", "json", "html"])
def test_no_log_is_said_in_words(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *words]) == 0
    assert "There are no finished turns in the session log yet." in capsys.readouterr().out


def test_the_asked_time(capsys: pytest.CaptureFixture[str]) -> None:
    fill(days_ago=5)
    assert main(["report", "--since", "7d"]) == 0
    assert "of 2 turns" in capsys.readouterr().out
    assert main(["report", "--since", "1d"]) == 0
    assert "no finished turns in this time" in capsys.readouterr().out
    assert main(["report", "--until", "6d"]) == 0
    assert "no finished turns in this time" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "yesterday"], "--since takes"),
        (["--until", "soon"], "--until takes"),
        (["--since", "1d", "--until", "2d"], "--since is not before --until"),
        (["--width", "10"], "--width must be at least 60"),
        (["--html", "/nowhere/at/all/x.html"], "cannot be written"),
    ],
)
def test_wrong_usage(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert main(["report", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_damaged_log_is_an_error_with_a_place(capsys: pytest.CaptureFixture[str]) -> None:
    path = fill()
    path.write_bytes(b"this is no database, but long enough to be read as one" * 100)
    assert main(["report"]) == 1
    assert str(path) in capsys.readouterr().err


def test_the_collector_runs_again_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    assert main(["report", "--json"]) == 0
    assert gc.isenabled()
