"""A log that cannot be written: locked, full, damaged, gone, or of a newer version."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hal.errors import EgressRefused
from hal.sessions.backlog import BACKLOG_MAX
from hal.sessions.database import open_for_writing
from hal.sessions.operation import LogUnavailable
from hal.sessions.reader import LogUnreadable, SessionReader
from hal.sessions.schema import VERSION, SchemaTooNew
from hal.sessions.spool import spool_files
from hal.sessions.statements import save

from .rows import DAY_S, NOON, SOON_S, call, content, egress, opened, sql, turn, wait_until

SHORT_S = 0.02  # instead of the 5 s that a real store waits for a lock


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def test_while_the_database_is_locked_rows_wait_in_a_file_and_egress_is_refused(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = SessionReader(path)
    with opened(path, busy_timeout_s=SHORT_S) as store:
        store.write(turn()).result(SOON_S)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert store.write(turn(outcome="done")).result(SOON_S) is None
            refused = store.write_egress(egress()).exception(SOON_S)
            assert isinstance(refused, EgressRefused)
            assert "Nothing was sent" in refused.sentence
            assert store.write(call()).result(SOON_S) is None
            change = store.put_state("k", "1").exception(SOON_S)
            assert isinstance(change, LogUnavailable)
            (file,) = spool_files(path)
            assert len(file.read_bytes().splitlines()) == 2
            assert reader.turn("turn-1").outcome == "running"
            other.execute("ROLLBACK")
        store.write_egress(egress("second")).result(SOON_S)
        assert reader.turn("turn-1").outcome == "done"
        assert reader.calls("turn-1") == [call()]
        assert reader.get_state("k") == "1"
    assert [row.id for row in reader.egress("turn-1")] == ["second"]
    assert spool_files(path) == []
    assert len(warnings_of(caplog)) == 1
    assert store.warnings == tuple(warnings_of(caplog))
    assert "end that program" in store.warnings[0]
    assert file.name in store.warnings[0]


def test_a_short_lock_goes_unseen_and_egress_waits_for_it(path: Path) -> None:
    with opened(path) as store:
        store.write(turn()).result(SOON_S)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            sent = store.write_egress(egress())
            # The turn is on the disk while the lock still holds, and the egress row is not.
            assert store.write(turn(outcome="done")).result(SOON_S) is None
            assert not sent.done()
            other.execute("ROLLBACK")
        assert sent.result(SOON_S) is None
        assert SessionReader(path).turn("turn-1").outcome == "done"
    assert store.warnings == ()


def test_what_nobody_waits_to_send_any_more_is_not_logged_as_sent(path: Path) -> None:
    with opened(path) as store:
        store.write(turn()).result(SOON_S)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            sent = store.write_egress(egress())
            store.write(turn(outcome="done")).result(SOON_S)  # by now it has been tried
            assert sent.cancel()
            other.execute("ROLLBACK")
        store.write_egress(egress("second")).result(SOON_S)
    assert [row.id for row in SessionReader(path).egress("turn-1")] == ["second"]


@contextmanager
def no_place(path: Path) -> Iterator[None]:
    """Neither the log nor a file beside it can be written: its folder is a file."""
    if path.parent.exists():
        path.parent.rename(path.parent.with_name("aside"))
    path.parent.write_text("in the way")
    yield
    path.parent.unlink()
    if path.parent.with_name("aside").exists():
        path.parent.with_name("aside").rename(path.parent)


def test_the_backlog_is_bounded_and_the_newest_rows_stay(path: Path) -> None:
    with opened(path) as store:
        store.write(turn("first", started_at=0.0)).result(SOON_S)
        with no_place(path):
            futures = [store.write(turn(f"{n:05}")) for n in range(BACKLOG_MAX + 50)]
            assert all(future.exception(SOON_S) for future in futures)
            assert "in memory" in store.warnings[0]
            assert "the oldest are lost" in store.warnings[-1]
            assert len(store.warnings) == 2
        store.put_state("now", "1").result(SOON_S)
    assert SessionReader(path).counts()["turn"] == BACKLOG_MAX + 1
    assert min(row.id for row in SessionReader(path).turns(BACKLOG_MAX)) == "00050"


def test_what_could_not_be_written_before_the_end_is_said(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(path) as store:
        store.write(turn()).result(SOON_S)
        with no_place(path):
            future = store.write(turn("lost"))
            store.close()
            assert isinstance(future.exception(0), LogUnavailable)
    assert "closed with 1 rows" in warnings_of(caplog)[-1]


def test_a_lock_at_the_end_leaves_the_rows_for_the_next_start(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(path) as store:
        store.write(turn()).result(SOON_S)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            future = store.write(turn("late", outcome="done"))
            store.close()
            assert future.result(0) is None
            other.execute("ROLLBACK")
    assert len(spool_files(path)) == 1
    assert warnings_of(caplog) == []
    with opened(path):
        wait_until(lambda: SessionReader(path).turn("late") is not None)
    assert spool_files(path) == []


def test_close_does_not_wait_for_a_lock_longer_than_two_seconds(path: Path) -> None:
    with opened(path, busy_timeout_s=30.0) as store:
        store.write(turn()).result(SOON_S)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            future = store.put_state("late", "1")
            began = time.monotonic()
            store.close()
            assert time.monotonic() - began < 10.0
            assert isinstance(future.exception(SOON_S), LogUnavailable)
            other.execute("ROLLBACK")
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
    done = run_script(FULL_DISK, str(path))
    assert done.stdout.split() == ["LogUnavailable", "EgressRefused", "1"], done.stderr
    assert {row.id for row in SessionReader(path).turns()} == {"before", "during"}
    assert [row.id for row in SessionReader(path).egress("turn-1")] == ["after"]


FULL_FOLDER = """
import sys
from pathlib import Path
from tests.sessions.rows import content, egress, opened, sql, turn, wait_until
from hal.sessions.reader import SessionReader

path = Path(sys.argv[1])
with opened(path) as store:
    store.write(turn("before")).result(10)
    fat = path.parent / "fat"
    with fat.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    failed = store.write(turn("during", outcome="done", reason="x" * 60_000)).exception(10)
    refused = store.write_egress(egress(sha256="y" * 60_000)).exception(10)
    warning = store.warnings[0]
    fat.unlink()
    store.write(turn("after")).result(10)
    wait_until(lambda: SessionReader(path).turn("during") is not None)
    print(type(failed).__name__, type(refused).__name__, "Free some space" in warning)
print(*sorted(t.id for t in SessionReader(path).turns()), sql(path, "PRAGMA integrity_check"))
"""


def run_script(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk; RLIMIT_FSIZE stands in for it above")
    try:
        done = run_script(FULL_FOLDER, str(folder / "data" / "sessions.db"))
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert done.stdout.splitlines() == [
        "LogUnavailable EgressRefused True",
        "after before during [('ok',)]",
    ], done.stderr


# Root may write anywhere, so that it has to become somebody else first.
NO_RIGHT = """
import os, sys
from pathlib import Path
from tests.sessions.rows import egress, opened, turn, wait_until
from hal.sessions.reader import SessionReader
from hal.sessions.spool import spool_files
from hal.sessions.statements import save

path, harm = Path(sys.argv[1]), sys.argv[2]
if os.geteuid() == 0:
    os.chown(path.parent.parent, 65534, 65534)
    os.setgid(65534)
    os.setuid(65534)
with opened(path) as store:
    store.write(turn("before", outcome="done")).result(10)
if harm == "folder":
    path.parent.chmod(0o500)
if harm == "file":
    path.chmod(0o400)
if harm == "nothing allowed":
    path.chmod(0o400)
    path.parent.chmod(0o500)
with opened(path) as store:
    outcomes = [store.write(turn("during", outcome="done")).exception(10)]
    outcomes += [store.write_egress(egress()).exception(10)]
    print(*[type(o).__name__ for o in outcomes])
    print(*["Let this user write" in w for w in store.warnings])
    print(SessionReader(path).turn("before").outcome)
    path.parent.chmod(0o700)
    path.chmod(0o600)
    store.write(turn("after", outcome="done"))
    wait_until(lambda: SessionReader(path).turn("during") is not None)
print(len(spool_files(path)))
"""


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        pytest.param("folder", ["LogUnavailable EgressRefused", "True", "done", "0"], id="folder"),
        # Its owner sets the rights of the file again, as at every start.
        pytest.param("file", ["NoneType NoneType", "", "done", "0"], id="file"),
        pytest.param(
            "nothing allowed", ["LogUnavailable EgressRefused", "True", "done", "0"], id="both"
        ),
    ],
)
def test_a_folder_or_a_file_that_may_not_be_written(harm: str, said: list[str]) -> None:
    # Not below pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        done = run_script(NO_RIGHT, str(Path(folder) / "home" / "sessions.db"), harm)
    assert done.stdout.splitlines() == said, done.stderr


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


def test_a_damaged_wal_file_costs_what_stood_in_it_and_nothing_else(path: Path) -> None:
    """SQLite checks every page of it: what is damaged there was never written."""
    with closing(open_for_writing(path, 1.0)) as log:
        save(log, turn("old"))
        log.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        save(log, turn("in the wal"))
        wal = path.with_name(f"{path.name}-wal")
        kept = {path: path.read_bytes(), wal: wal.read_bytes()}
    kept[wal] = kept[wal][:200] + b"\xff" * (len(kept[wal]) - 200)
    for file, data in kept.items():
        file.write_bytes(data)
    with opened(path) as store:
        store.write(turn("new")).result(SOON_S)
        assert store.warnings == ()
    assert [row.id for row in SessionReader(path).turns()] == ["new", "old"]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_damage_that_only_the_care_comes_across(path: Path) -> None:
    """Old pages are read by nobody, until they are to be deleted."""
    with opened(path, content_days=30) as store:
        for number in range(200):
            store.write(content(f"{number:03}", created_at=NOON - 10 * DAY_S, answer="y" * 3000))
        store.write(turn("old")).result(SOON_S)
    data = path.read_bytes()
    first = data.index(b"y" * 3000) // 4096 * 4096
    with path.open("r+b") as file:
        file.seek(first)
        file.write(b"\xff" * 4096 * 20)
    with opened(path, content_days=1) as store:
        store.write(turn("new")).result(SOON_S)
        wait_until(lambda: "damaged" in str(store.warnings))
        store.write(turn("newer")).result(SOON_S)
    assert "newer" in {row.id for row in SessionReader(path).turns()}
    assert len(list(path.parent.glob("sessions.db.damaged-*"))) >= 1


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
        store.write(turn("x", outcome="done")).result(SOON_S)
    assert path.read_bytes() == before
    assert len([w for w in store.warnings if "schema" in w]) == 1
    with pytest.raises(SchemaTooNew) as caught:
        SessionReader(path).turns()
    assert "Update hal-auto" in caught.value.sentence
    # What it could not write waits for the version that can.
    sql(path, f"PRAGMA user_version = {VERSION}")
    with opened(path):
        wait_until(lambda: SessionReader(path).turn("x") is not None)


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


@pytest.mark.parametrize(
    ("turns", "is_hard"),
    [
        pytest.param([("hard", 10), ("/public", 20)], False, id="released"),
        pytest.param([("/public", 10), ("hard", 20)], True, id="hard-again"),
        pytest.param([("/public", 20), ("hard", 10)], True, id="hard-after-the-clock-was-set-back"),
        pytest.param([("hard", 20), ("/public", 10)], True, id="in-doubt-it-stays"),
        pytest.param([("hard", 10), ("/public", 20), ("", 30)], False, id="others-do-not-count"),
    ],
)
def test_a_clock_set_back_does_not_let_a_private_chat_leave(
    path: Path, turns: list[tuple[str, int]], is_hard: bool
) -> None:
    with opened(path) as store:
        for number, (kind, at) in enumerate(turns):
            word = kind if kind == "/public" else ""
            row = turn(str(number), started_at=NOON + at, is_hard=kind == "hard", privacy_word=word)
            store.write(row).result(SOON_S)
    assert SessionReader(path).was_hard("chat-1") is is_hard


def test_the_last_decision_is_the_one_that_was_written_last(path: Path) -> None:
    with opened(path) as store:
        store.write(turn("before", route="SIMPLE", started_at=NOON))
        store.write(turn("after", route="COMPLEX", started_at=NOON - DAY_S)).result(SOON_S)
    assert SessionReader(path).last_decision("chat-1").id == "after"
