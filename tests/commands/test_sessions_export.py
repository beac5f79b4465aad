"""`hal sessions export` and `import`: files, streams and exit codes."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from hal.cli import main
from hal.commands.stored import settings_in_force
from tests.sessions.rows import NOON, SOON_S, content, egress, opened, turn

MAIL = "jane.doe@meridian-data.net"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("HAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HAL_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def log() -> Path:
    path = settings_in_force(os.environ).log.database
    with opened(path) as store:
        store.write(turn("t1", chat_id="c1", user_id="u1", outcome="done"))
        store.write(content("t1", question=f"My mail is {MAIL}."))
        store.write(turn("t2", chat_id="c2", started_at=NOON + 100))
        store.write_egress(egress(turn_id="t2")).result(SOON_S)
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["sessions", *words])
    out, err = capsys.readouterr()
    return code, out, err


def tables(text: str) -> list[str]:
    return [json.loads(line)["table"] for line in text.splitlines()[1:]]


def test_to_stdout(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "export")
    assert (code, err) == (0, "")
    assert tables(out) == ["turn", "turn", "egress", "content"]
    assert json.loads(out.splitlines()[0])["format"] == "hal-sessions"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--chat", "c1"), ["turn", "content"]),
        (("--since", "2026-03-01T12:01+00:00"), ["turn", "egress"]),
        (("--until", "2026-03-01T12:01+00:00"), ["turn", "content"]),
        (("--no-content",), ["turn", "turn", "egress"]),
        (("--since", "1m"), []),
    ],
    ids=str,
)
def test_a_part(
    log: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], found: list[str]
) -> None:
    code, out, _ = run(capsys, "export", *words)
    assert (code, tables(out)) == (0, found)


def test_a_file_is_the_owners_alone_and_comes_whole(
    log: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text("older")
    code, out, err = run(capsys, "export", "-o", str(file))
    assert (code, out) == (0, "")
    assert err == f"hal sessions: 5 lines written to {file}\n"
    assert file.read_text() == run(capsys, "export")[1]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "log.jsonl"]


def test_a_file_that_cannot_be_written(
    log: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = run(capsys, "export", "-o", str(tmp_path / "none" / "log.jsonl"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "cannot be written: No such file or directory" in err


def test_redacted(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "export", "--redact")
    assert (code, tables(out)) == (0, ["turn", "turn", "egress", "content"])
    assert [word for word in (MAIL, '"c1"', '"u1"', "ab" * 32) if word in out] == []
    assert "[[EMAIL_" in out
    assert '"redacted":true' in out.splitlines()[0]
    assert run(capsys, "export", "--redact")[1] != out  # other names for the ids


def test_as_spans(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "export", "--format", "otel")
    assert code == 0
    assert [json.loads(line)["name"] for line in out.splitlines()] == ["turn", "turn"]
    assert MAIL not in out
    redacted = run(capsys, "export", "--format", "otel", "--redact")[1]
    assert '"c1"' in out
    assert '"c1"' not in redacted


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_wrong_time_is_2(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "export", option, "soon")
    assert (code, out) == (2, "")
    assert err.startswith(f"hal sessions: {option} takes 30m")


def test_an_import_needs_a_yes(
    log: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "log.jsonl"
    run(capsys, "export", "-o", str(file))
    monkeypatch.setenv("HAL_DATA_DIR", str(tmp_path / "other"))
    other = settings_in_force(os.environ).log.database
    for words in ((), ("--yes", "--dry-run")):
        code, out, _ = run(capsys, "import", str(file), *words)
        assert (code, "would be added: 2 turn, 1 egress, 1 content" in out) == (0, True)
        assert out.endswith("Nothing was written. Add --yes to write it.\n")
        assert not other.exists()
    code, out, err = run(capsys, "import", str(file), "--yes")
    assert (code, out, err) == (0, "added: 2 turn, 1 egress, 1 content\n", "")
    assert run(capsys, "export")[1] == file.read_text()
    code, out, _ = run(capsys, "import", str(file), "--yes")
    assert (code, "added: nothing\nthere already: 2 turn" in out) == (0, True)
    document = json.loads(run(capsys, "import", str(file), "--json")[1])
    assert (document["present"]["turn"], document["written"]) == (2, False)


def test_lines_that_are_left_out(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = run(capsys, "export")[1] + "broken\n" + '{"table": "dream", "row": {}}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    code, out, _ = run(capsys, "import", "-", "--yes")
    assert code == 1
    assert "line 6 left out: not JSON\n" in out
    assert "left out, tables of a newer version: 1 dream\n" in out


def test_what_is_no_export(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Dear diary,\n")
    code, out, err = run(capsys, "import", str(file), "--yes")
    assert (code, out, err.count("\n")) == (2, "", 1)
    code, out, err = run(capsys, "import", str(tmp_path / "none"))
    assert (code, out, "cannot be read" in err) == (2, "", True)


def test_a_damaged_log_is_one_sentence(
    log: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    run(capsys, "export", "-o", str(file))
    log.write_bytes(b"this is no database" * 1000)
    Path(f"{log}-wal").unlink(missing_ok=True)
    for words in (("export",), ("import", str(file), "--yes"), ("forget", "--all", "--yes")):
        code, out, err = run(capsys, *words)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "session log cannot be" in err


def test_an_empty_log_is_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "export")
    assert (code, len(out.splitlines())) == (0, 1)
