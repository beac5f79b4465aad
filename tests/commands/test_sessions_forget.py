"""`hal sessions forget`: nothing without --yes, and with it no byte in the whole data folder."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from hal.cli import main
from hal.commands.stored import settings_in_force
from hal.gateway.cache import Keys, user_key
from hal.gateway.cache_file import CacheFile
from hal.gateway.ports import CachedAnswer
from tests.sessions.rows import NOON, SOON_S, content, opened, sql, turn
from tests.sessions.test_forget import files_with

OLD, NEW = "thistlewhistle", "brackenbell"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two users with a chat, an answer in the cache each, and a budget."""
    for name in [name for name in os.environ if name.startswith("HAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HAL_DATA_DIR", str(tmp_path / "data"))
    log = settings_in_force(os.environ).log
    with opened(log.database, clock=time.time) as store:
        for name, word, at in (("old", OLD, NOON), ("new", NEW, NOON + 100)):
            ids = {"chat_id": f"c-{name}", "user_id": f"u-{name}"}
            store.write(turn(name, started_at=at, outcome="done", **ids))
            kept = content(name, question=word, answer=word * 500, created_at=time.time())
            store.write(kept).result(SOON_S)
    keep("old", OLD, NOON)
    keep("new", NEW, NOON + 100)
    log.budget_database.write_bytes(b"what was spent")
    return tmp_path / "data"


def keep(name: str, word: str, at: float) -> None:
    file = CacheFile(settings_in_force(os.environ).log.cache_database, lambda: at)
    keys = Keys(
        exact=name.encode(),
        scope=None,
        user=user_key(f"u-{name}"),
        origin=f"o-{name}".encode(),
        message=b"m",
        question=word,
    )
    answer = CachedAnswer(
        kind="exact",
        text=word * 300,
        thinking="",
        provider="ollama",
        model="m",
        finish="stop",
        similarity=1.0,
        age_s=0.0,
    )
    file.keep(keys, answer, None)
    file.close()


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["sessions", "forget", *words])
    out, err = capsys.readouterr()
    return code, out, err


WAYS = (("--chat", "c-old"), ("--user", "u-old"), ("--before", "2026-03-01T12:01+00:00"))


@pytest.mark.parametrize("words", WAYS, ids=lambda words: words[0])
def test_nothing_goes_without_a_yes(
    data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    code, out, err = run(capsys, *words)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "would be deleted: 1 content, 1 turn"
    assert lines[1].startswith("answers in the cache: 1")
    assert lines[-1] == "Nothing was deleted. Add --yes to delete it."
    after = {path.name: path.read_bytes() for path in data.iterdir()}
    assert {name: after[name] for name in before if "-shm" not in name} == {
        name: text for name, text in before.items() if "-shm" not in name
    }


@pytest.mark.parametrize("words", WAYS, ids=lambda words: words[0])
def test_it_is_in_no_byte_of_the_data_folder(
    data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert files_with(data, OLD) == ["cache.sqlite", "sessions.sqlite"]
    code, out, err = run(capsys, *words, "--yes")
    assert (code, out.splitlines()[0]) == (0, "deleted: 1 content, 1 turn")
    assert "answers in the cache: 1" in out
    assert "turns deleted" in err
    assert files_with(data, OLD) == []
    assert files_with(data, NEW) == ["cache.sqlite", "sessions.sqlite"]
    assert run(capsys, *words, "--yes")[1].startswith("deleted: nothing\n")


def test_everything(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "sessions.sqlite.damaged-20260301T120000Z").write_text(OLD)
    code, out, _ = run(capsys, "--all", "--yes")
    assert (code, out.splitlines()[0]) == (0, "deleted: 2 content, 2 turn")
    assert "files beside the log: sessions.sqlite.damaged-20260301T120000Z" in out
    assert files_with(data, OLD) == files_with(data, NEW) == []
    assert (data / "budget.sqlite").read_bytes() == b"what was spent"
    assert "What was spent stays counted" in out


def test_a_chat_takes_along_the_answers_of_whoever_wrote_in_it(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cache knows no chat; to ask once more costs less than a text that stays."""
    keep("old", "another chat", NOON + 7)
    code, out, _ = run(capsys, "--chat", "c-old", "--yes")
    assert (code, "all of whoever wrote in this one" in out) == (0, True)
    assert sql(data / "cache.sqlite", "SELECT question FROM answers") == [(NEW,)]
    assert sql(data / "cache.sqlite", "SELECT count(*) FROM asked") == [(1,)]


def test_a_chat_that_the_log_does_not_know(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--chat", "c-other", "--yes")
    assert (code, out.startswith("deleted: nothing\nanswers in the cache: 0 (")) == (0, True)
    assert "this one is not in the log; see --user or --all" in out
    assert files_with(data, OLD) == ["cache.sqlite", "sessions.sqlite"]


def test_what_may_hold_something_of_it_is_named(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "sessions.sqlite.damaged-20260301T120000Z").write_text(OLD)
    code, out, _ = run(capsys, "--chat", "c-old", "--yes")
    assert code == 0
    assert "cannot be told apart: sessions.sqlite.damaged-20260301T120000Z (--all" in out


def test_as_json(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--user", "u-old", "--json")
    found = json.loads(out)
    assert (code, found["rows"]["turn"], found["answers"], found["deleted"]) == (0, 1, 1, False)
    found = json.loads(run(capsys, "--user", "u-old", "--json", "--yes")[1])
    assert (found["rows"]["turn"], found["answers"], found["deleted"]) == (1, 1, True)


@pytest.mark.parametrize(
    "words",
    [("--chat", ""), ("--user", ""), ("--before", "soon")],
    ids=str,
)
def test_nothing_is_not_everything(
    data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    code, out, err = run(capsys, *words, "--yes")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert files_with(data, OLD) == ["cache.sqlite", "sessions.sqlite"]


@pytest.mark.parametrize("words", [(), ("--all", "--chat", "c"), ("--chat", "c", "--user", "u")])
def test_one_of_them_is_needed_and_only_one(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["sessions", "forget", *words])
    assert caught.value.code == 2


def test_without_anything_there_is_nothing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAL_DATA_DIR", str(tmp_path / "none"))
    assert run(capsys, "--all", "--yes")[0] == 0
    assert not (tmp_path / "none").exists()


def test_a_cache_that_another_process_holds_is_told(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hal.commands.sessions_answers._PATIENCE_S", 0.1)
    with closing(sqlite3.connect(data / "cache.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        code, _, err = run(capsys, "--user", "u-old", "--yes")
    assert (code, "answer cache could not be cleared" in err) == (1, True)
    assert files_with(data, OLD) == ["cache.sqlite"]
    assert run(capsys, "--user", "u-old", "--yes")[0] == 0
    assert files_with(data, OLD) == []
