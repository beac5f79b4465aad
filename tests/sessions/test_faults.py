"""A log that cannot be written: locked, full, damaged, gone, or of a newer version."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pytest

from hal.errors import EgressRefused
from hal.sessions.operation import LogUnavailable
from hal.sessions.reader import LogUnreadable, SessionReader
from hal.sessions.schema import VERSION, SchemaTooNew
from hal.sessions.writer import BACKLOG_MAX

from .rows import SOON_S, call, content, egress, opened, sql, turn

SHORT_S = 0.02  # instead of the 5 s that a real store waits for a lock


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def test_a_locked_database_fails_futures_soon_and_is_written_later(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = SessionReader(path)
    with opened(path, busy_timeout_s=SHORT_S) as store:
        store.write(turn()).result(SOON_S)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            row = store.write(turn(outcome="done"))
            assert isinstance(row.exception(SOON_S), LogUnavailable)
            refused = store.write_egress(egress()).exception(SOON_S)
            assert isinstance(refused, EgressRefused)
            assert "Nothing was sent" in refused.sentence
            assert isinstance(store.write(call()).exception(SOON_S), LogUnavailable)
            assert reader.turn("turn-1").outcome == "running"
            other.execute("ROLLBACK")
        store.write_egress(egress("second")).result(SOON_S)
        assert reader.turn("turn-1").outcome == "done"
        assert reader.calls("turn-1") == [call()]
    assert [row.id for row in reader.egress("turn-1")] == ["second"]
    assert len(warnings_of(caplog)) == 1
    assert store.warnings == tuple(warnings_of(caplog))


def test_the_backlog_is_bounded_and_the_newest_rows_stay(path: Path) -> None:
    with opened(path, busy_timeout_s=SHORT_S) as store:
        store.write(turn("first", started_at=0.0)).result(SOON_S)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            futures = [store.write(turn(f"{n:05}")) for n in range(BACKLOG_MAX + 50)]
            assert all(future.exception(SOON_S) for future in futures)
            other.execute("ROLLBACK")
        store.put_state("now", "1").result(SOON_S)
    assert SessionReader(path).counts()["turn"] == BACKLOG_MAX + 1
    assert min(row.id for row in SessionReader(path).turns(BACKLOG_MAX)) == "00050"


def test_what_could_not_be_written_before_the_end_is_said(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(path, busy_timeout_s=SHORT_S) as store:
        store.write(turn()).result(SOON_S)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            future = store.write(turn("lost"))
            store.close()
            assert isinstance(future.exception(0), LogUnavailable)
    assert "closed with 1 rows" in warnings_of(caplog)[-1]


def test_close_does_not_wait_for_a_lock_longer_than_two_seconds(path: Path) -> None:
    with opened(path, busy_timeout_s=30.0) as store:
        store.write(turn()).result(SOON_S)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            future = store.write(turn("late"))
            began = time.monotonic()
            store.close()
            assert time.monotonic() - began < 10.0
            other.execute("ROLLBACK")
        # The thread is a daemon that still tries: once the lock is gone, the row arrives.
        assert future.result(SOON_S) is None
        store.close()


FULL_DISK = """
import resource, signal, sys, time
from pathlib import Path
from tests.sessions.rows import egress, opened, turn
from hal.sessions.reader import SessionReader

path = Path(sys.argv[1])
with opened(path) as store:
    store.write(turn("before")).result(10)
    # SQLite cannot make a file any longer: to it, and to its caller, that is a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
    failed = store.write(turn("during", reason="x" * 60_000)).exception(10)
    refused = store.write_egress(egress()).exception(10)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    end = time.monotonic() + 10
    while SessionReader(path).turn("during") is None and time.monotonic() < end:
        time.sleep(0.02)
    store.write_egress(egress("after")).result(10)
    print(type(failed).__name__, type(refused).__name__, len(store.warnings))
"""


def test_a_full_disk_refuses_egress_and_keeps_the_rest_for_later(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(FULL_DISK), str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.split() == ["LogUnavailable", "EgressRefused", "1"], done.stderr
    assert {row.id for row in SessionReader(path).turns()} == {"before", "during"}
    assert [row.id for row in SessionReader(path).egress("turn-1")] == ["after"]


def filled(path: Path) -> bytes:
    with opened(path) as store:
        for number in range(50):
            store.write(content(str(number), answer="y" * 3000))
        store.write(turn("old")).result(SOON_S)
    return path.read_bytes()


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda data: b"this is no database, and quite long enough" * 40, id="no-db"),
        pytest.param(lambda data: data[: len(data) // 2], id="half-of-it"),
        pytest.param(lambda data: data[:4096] + b"\xff" * (len(data) - 4096), id="pages-gone"),
        pytest.param(lambda data: data[:100] + b"\xff" * 3996 + data[4096:], id="schema-gone"),
    ],
)
def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(path: Path, harm) -> None:
    harmed = harm(filled(path))
    path.write_bytes(harmed)
    with opened(path) as store:
        store.write(turn("new")).result(SOON_S)
        store.write_egress(egress()).result(SOON_S)
        (warning,) = store.warnings
    (aside,) = path.parent.glob("sessions.db.damaged-20260301T120000Z")
    assert aside.read_bytes() == harmed
    assert aside.name in warning
    assert [row.id for row in SessionReader(path).turns()] == ["new"]


def test_damage_twice_in_a_second_keeps_both_files(path: Path) -> None:
    path.parent.mkdir()
    for _ in range(2):
        path.write_bytes(b"no database at all " * 99)
        with opened(path) as store:
            store.write(turn()).result(SOON_S)
    assert len(list(path.parent.glob("sessions.db.damaged-*"))) == 2


def test_damage_under_a_running_store(path: Path) -> None:
    with opened(path) as store:
        store.write(turn("old")).result(SOON_S)
        sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.write(b"\xff" * path.stat().st_size)
        store.write_egress(egress()).result(SOON_S)
        assert len(store.warnings) == 1
    assert SessionReader(path).counts()["egress"] == 1


def test_a_file_removed_under_a_running_store_is_made_again(path: Path) -> None:
    with opened(path) as store:
        store.write(turn("old")).result(SOON_S)
        for file in list(path.parent.iterdir()):
            file.unlink()
        store.write_egress(egress()).result(SOON_S)
        assert SessionReader(path).counts()["egress"] == 1


def test_two_stores_agree_on_the_new_file_after_one_moved_the_old_one(path: Path) -> None:
    with opened(path) as first, opened(path) as second:
        first.write(turn("old")).result(SOON_S)
        second.write(turn("old-too")).result(SOON_S)
        for file in list(path.parent.iterdir()):
            file.rename(file.with_name(file.name.replace("sessions.db", "aside.db")))
        first.write(turn("a")).result(SOON_S)
        second.write(turn("b")).result(SOON_S)
        first.write(turn("c")).result(SOON_S)
        # Closing the connection to the moved file must not take the new one's WAL with it.
        assert {row.id for row in SessionReader(path).turns()} == {"a", "b", "c"}
    assert {row.id for row in SessionReader(path).turns()} == {"a", "b", "c"}


def test_a_newer_file_is_left_alone(path: Path) -> None:
    filled(path)
    sql(path, f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with opened(path) as store:
        refused = store.write_egress(egress()).exception(SOON_S)
        assert isinstance(refused, EgressRefused)
        assert "Update hal-auto" in refused.sentence
        assert isinstance(store.write(turn("x")).exception(SOON_S), LogUnavailable)
    assert path.read_bytes() == before
    assert len([w for w in store.warnings if "schema" in w]) == 1
    with pytest.raises(SchemaTooNew) as caught:
        SessionReader(path).turns()
    assert "Update hal-auto" in caught.value.sentence


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "sessions.db"
    with opened(path) as store:
        assert isinstance(store.write_egress(egress()).exception(SOON_S), EgressRefused)
    assert str(path.parent) in store.warnings[0]


def test_warnings_hold_no_users_text(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(path) as store:
        store.write(turn(reason=["my secret"])).exception(SOON_S)
        store.write(content(answer=b"my secret".hex)).exception(SOON_S)
    assert "secret" not in json.dumps([store.warnings, caplog.text])


def test_a_reader_says_what_is_wrong_with_a_broken_file(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all " * 99)
    with pytest.raises(LogUnreadable, match="not a database"):
        SessionReader(path).last_decision("chat-1")
