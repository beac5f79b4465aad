"""What `hal doctor` says of the session log: each trouble in words, with what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hal.commands.checks import session_log
from hal.commands.checks.result import Check, Status
from hal.sessions.care import CLOCK_KEY
from hal.sessions.process import this_process
from hal.sessions.schema import VERSION
from hal.sessions.spool import Spool, line_of
from hal.sessions.trusted_clock import ClockView
from hal.settings_reader import read_environment
from tests.sessions.rows import NOON, SOON_S, content, opened, sql, turn


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log with something in it, closed."""
    path = tmp_path / "sessions.sqlite"
    with opened(path) as store:
        for number in range(50):
            store.write(content(str(number), answer="y" * 3000))
        store.write(turn(outcome="done")).result(SOON_S)
    return path


def look(path: Path) -> list[Check]:
    settings = read_environment({"HAL_DATA_DIR": str(path.parent), "HAL_LOG_MAX_MB": "100"})
    return list(session_log.checks(settings.log))


def clock(path: Path, view: ClockView) -> None:
    sql(path, "UPDATE state SET value = ? WHERE key = ?", view.to_json(), CLOCK_KEY)


def damage(path: Path) -> None:
    data = path.read_bytes()
    middle = data.index(b"y" * 3000) // 4096 * 4096
    path.write_bytes(data[:middle] + b"\xff" * 4096 * 8 + data[middle + 4096 * 8 :])


def wait_beside(path: Path) -> None:
    Spool(path, this_process()).append([line_of(turn("waits", reason="x" * 3000))])


def put_aside(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}.damaged-20260301T120000Z{suffix}").write_bytes(b"x")


def test_all_is_well(path: Path) -> None:
    (check,) = look(path)
    assert (check.status, check.remedy) == (Status.OK, "")
    assert f"schema {VERSION}" in check.detail
    assert "of at most 100 MB" in check.detail
    assert not list(path.parent.glob("*.spool-*"))


def test_nothing_yet(tmp_path: Path) -> None:
    (check,) = look(tmp_path / "sessions.sqlite")
    assert check.detail.endswith("nothing logged yet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("harm", "name", "status", "words"),
    [
        pytest.param(
            lambda path: path.write_bytes(b"no database at all " * 99),
            "session log",
            Status.FAIL,
            "not a database",
            id="no-database",
        ),
        pytest.param(damage, "session log", Status.FAIL, "Copy the folder now", id="damaged"),
        pytest.param(
            lambda path: sql(path, f"PRAGMA user_version = {VERSION + 1}"),
            "session log",
            Status.FAIL,
            "Update hal-auto",
            id="newer",
        ),
        pytest.param(
            lambda path: sql(path, f"PRAGMA user_version = {VERSION - 1}"),
            "session log",
            Status.OK,
            "brought up to date",
            id="older",
        ),
        pytest.param(
            lambda path: clock(path, ClockView(NOON, NOON + 1e8)),
            "session log",
            Status.WARN,
            "Set the clock",
            id="clock-set",
        ),
        pytest.param(
            wait_beside, "session log, waiting", Status.WARN, "could not be written", id="waiting"
        ),
        pytest.param(
            put_aside,
            "session log, damaged",
            Status.WARN,
            "put aside: sessions.sqlite.damaged-20260301T120000Z `sqlite3",
            id="put-aside",
        ),
    ],
)
def test_each_trouble_in_words(
    path: Path, harm: Callable[[Path], object], name: str, status: Status, words: str
) -> None:
    harm(path)
    found = {check.name: check for check in look(path)}
    assert found[name].status is status
    assert words in f"{found[name].detail} {found[name].remedy}"


def test_a_lock_that_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_log, "_LOCKED_S", 0.02)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        (check,) = look(path)
        other.execute("ROLLBACK")
    assert check.status is Status.FAIL
    assert "locked" in check.detail
    assert "end that program" in check.remedy
