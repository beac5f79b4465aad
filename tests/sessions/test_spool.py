"""The file beside the log: what is put into it while the log cannot be written, and comes back."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hal.sessions.columns import AnyRow
from hal.sessions.database import open_for_writing
from hal.sessions.process import ProcessMark, this_process
from hal.sessions.reader import SessionReader
from hal.sessions.spool import Replayed, Spool, SpoolFull, line_of, spool_files, take_over
from hal.sessions.statements import FOREIGN_TURN_MAX_S, save

from .rows import (
    NOON,
    SOON_S,
    call,
    case,
    comment,
    content,
    opened,
    policy,
    prompt,
    score,
    sql,
    turn,
    wait_until,
)

HERE = this_process()
DEAD = ProcessMark("boot0", HERE.namespace, 1, "1")
FOREIGN = ProcessMark(HERE.boot, "another-namespace", 1, "1")
needs_proc = pytest.mark.skipif(not HERE.start, reason="without /proc nobody can tell who is dead")


@pytest.fixture
def log(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_for_writing(path, 1.0)) as connection:
        yield connection


def lines(*rows: AnyRow) -> list[bytes]:
    return [line_of(row) for row in rows]


def left_by(path: Path, process: ProcessMark, *rows: AnyRow) -> Path:
    spool = Spool(path, process)
    spool.append(lines(*rows))
    return spool.path


def test_every_row_comes_back_as_it_was(log: sqlite3.Connection, path: Path) -> None:
    rows = [turn(), call(), content(), prompt(), score(), comment(), policy(), case()]
    spool = Spool(path, HERE)
    assert spool.replay(log) is None
    spool.append(lines(*rows[:3]))
    spool.append(lines(*rows[3:]))
    assert spool.replay(log) == Replayed(8, 0)
    reader = SessionReader(path)
    assert (reader.turn("turn-1"), reader.calls("turn-1")) == (turn(), [call()])
    assert (reader.content("turn-1"), reader.scores("turn-1")) == (content(), [score()])
    assert sql(path, "SELECT expected FROM eval_case") == [("ENRICH",)]
    assert spool_files(path) == []


def test_order_is_kept_and_doing_it_twice_changes_nothing(
    log: sqlite3.Connection, path: Path
) -> None:
    spool = Spool(path, HERE)
    spool.append(lines(turn(route="SIMPLE"), score()))
    spool.append(lines(turn(route="SIMPLE", outcome="done"), score("score-2")))
    twice = spool.path.read_bytes()
    spool.replay(log)
    spool.path.write_bytes(twice)  # as a kill between the commit and the removal leaves it
    spool.replay(log)
    assert [t.outcome for t in SessionReader(path).turns()] == ["done"]
    assert len(SessionReader(path).scores("turn-1")) == 2


def test_it_is_for_the_owner_only(path: Path) -> None:
    path.parent.mkdir()
    assert stat.S_IMODE(left_by(path, HERE, turn()).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("harm", "replayed", "turns"),
    [
        pytest.param(lambda data: data[:-9], Replayed(1, 1), ["a"], id="torn-at-the-end"),
        pytest.param(lambda data: data[:-1], Replayed(2, 0), ["a", "b"], id="without-its-newline"),
        pytest.param(
            lambda data: b"\0" * 99 + b"\n" + data, Replayed(2, 1), ["a", "b"], id="zeros"
        ),
        pytest.param(lambda data: b"\xff\xfe\n" + data, Replayed(2, 1), ["a", "b"], id="no-utf8"),
        pytest.param(lambda data: b"[]\n3\nnull\n" + data, Replayed(2, 3), ["a", "b"], id="no-row"),
        pytest.param(
            lambda data: b'{"table": "turn", "row": {"id": "c"}}\n' + data,
            Replayed(2, 1),
            ["a", "b"],
            id="half-a-row",
        ),
        pytest.param(
            lambda data: b'{"table": "sqlite_master", "row": {"id": "c"}}\n' + data,
            Replayed(2, 1),
            ["a", "b"],
            id="another-table",
        ),
        pytest.param(
            lambda data: data.replace(b'"outcome"', b'"of the future": 1, "outcome"'),
            Replayed(2, 0),
            ["a", "b"],
            id="an-unknown-column",
        ),
        pytest.param(
            lambda data: data.replace(b'"prompt_tokens": null', b'"prompt_tokens": 1e999', 1),
            Replayed(2, 0),
            ["a", "b"],
            id="an-infinite-number",
        ),
        pytest.param(
            lambda data: data.replace(
                b'"prompt_tokens": null', b'"prompt_tokens": ' + b"9" * 40, 1
            ),
            Replayed(1, 1),
            ["b"],
            id="a-number-too-big",
        ),
    ],
)
def test_what_is_broken_is_counted_and_the_rest_is_written(
    log: sqlite3.Connection, path: Path, harm, replayed: Replayed, turns: list[str]
) -> None:
    spool = Spool(path, HERE)
    spool.append(lines(turn("a"), turn("b")))
    spool.path.write_bytes(harm(spool.path.read_bytes()))
    assert spool.replay(log) == replayed
    assert sorted(t.id for t in SessionReader(path).turns()) == turns


def test_after_a_torn_line_a_new_one_begins(log: sqlite3.Connection, path: Path) -> None:
    spool = Spool(path, HERE)
    spool.append(lines(turn("a"), turn("b")))
    spool.path.write_bytes(spool.path.read_bytes()[:-40])
    spool.append(lines(turn("c")))
    assert spool.replay(log) == Replayed(2, 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(data=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_in_it_can_stop_the_log(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "sessions.db"
    with closing(open_for_writing(path, 1.0)) as log:
        spool = Spool(path, HERE)
        spool.path.write_bytes(data + b"\n" + b"".join(lines(turn())))
        replayed = spool.replay(log)
    assert replayed is not None
    assert replayed.rows == 1


def test_it_does_not_grow_without_end(path: Path) -> None:
    path.parent.mkdir()
    spool = Spool(path, HERE, max_bytes=5000)
    spool.append(lines(turn("a")))
    size = spool.path.stat().st_size
    with pytest.raises(SpoolFull):
        spool.append(lines(content(answer="x" * 5000)))
    assert spool.path.stat().st_size == size


FULL = """
import resource, sys
from pathlib import Path
from tests.sessions.rows import turn
from hal.sessions.process import this_process
from hal.sessions.spool import Spool, line_of

spool = Spool(Path(sys.argv[1]), this_process())
spool.append([line_of(turn("a"))])
size = spool.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
try:
    spool.append([line_of(turn("b"))])
except OSError as error:
    print(spool.path.stat().st_size - size, type(error).__name__)
"""


def test_what_a_full_disk_took_of_a_row_is_taken_back(path: Path) -> None:
    path.parent.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.split() == ["0", "OSError"], done.stderr


@pytest.mark.parametrize(
    ("owner", "age_s", "is_taken"),
    [
        pytest.param(DEAD, 0.0, True, id="dead", marks=needs_proc),
        pytest.param(HERE, 1e9, False, id="alive-in-this-process", marks=needs_proc),
        pytest.param(FOREIGN, FOREIGN_TURN_MAX_S - 60, False, id="perhaps-alive"),
        pytest.param(FOREIGN, FOREIGN_TURN_MAX_S + 60, True, id="silent-for-an-hour"),
    ],
)
def test_whose_file_is_taken_over(
    log: sqlite3.Connection, path: Path, owner: ProcessMark, age_s: float, is_taken: bool
) -> None:
    file = left_by(path, owner, turn())
    os.utime(file, (NOON - age_s, NOON - age_s))
    assert take_over(log, path, NOON) == Replayed(int(is_taken), 0)
    assert file.exists() is not is_taken


def test_several_files_and_files_of_others_beside_them(log: sqlite3.Connection, path: Path) -> None:
    for number in range(3):
        spool = Spool(path, HERE)
        spool.append(lines(turn(str(number))))
        spool.leave()
    other = path.with_name("other.db.spool-left-1.jsonl")
    other.write_bytes(b"".join(lines(turn("other"))))
    assert take_over(log, path, NOON) == Replayed(3, 0)
    assert other.exists()
    assert spool_files(path) == []


def test_a_live_process_keeps_its_file_and_a_killed_one_leaves_it(path: Path) -> None:
    """The same over two real processes: see `test_two_servers` for both of them writing."""
    script = """
    import sys
    from pathlib import Path
    from tests.sessions.rows import opened, turn
    from hal.sessions.reader import SessionReader

    with opened(Path(sys.argv[1]), busy_timeout_s=0.05) as store:
        store.write(turn("theirs", outcome="done")).result(10)
        print("kept", flush=True)
        sys.stdin.readline()
    """
    with closing(open_for_writing(path, 1.0)) as log:
        log.execute("BEGIN IMMEDIATE")
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        with process:
            assert process.stdout.readline() == "kept\n"
            (file,) = spool_files(path)
            assert take_over_in_vain(path)
            process.send_signal(signal.SIGKILL)
        log.execute("ROLLBACK")
    assert file.exists()
    with opened(path) as store:
        store.write(turn("ours")).result(SOON_S)
        wait_until(lambda: not spool_files(path))
    assert {t.id: t.outcome for t in SessionReader(path).turns()}["theirs"] == "done"


def take_over_in_vain(path: Path) -> bool:
    """Whether a live owner keeps its file; the log itself is locked meanwhile."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        return not HERE.start or take_over(memory, path, NOON) == Replayed(0, 0)


def test_a_running_turn_of_a_dead_writer_is_cut_and_a_finished_one_is_not(path: Path) -> None:
    path.parent.mkdir()
    left_by(
        path,
        DEAD,
        turn("running", process_id=str(DEAD)),
        turn("done", process_id=str(DEAD)),
        turn("done", outcome="done", process_id=str(DEAD)),
    )
    for file in spool_files(path):
        os.utime(file, (0, 0))
    with opened(path):
        wait_until(lambda: SessionReader(path).turn("done") is not None)
        if HERE.start:
            wait_until(lambda: SessionReader(path).turn("running").outcome == "cut")
    assert SessionReader(path).turn("done").outcome == "done"


def test_a_newer_row_in_the_log_is_not_written_over_by_an_older_score(
    log: sqlite3.Connection, path: Path
) -> None:
    save(log, score(value=1.0))
    left_by(path, DEAD, score(value=-1.0))
    for file in spool_files(path):
        os.utime(file, (0, 0))
    take_over(log, path, NOON)
    assert [s.value for s in SessionReader(path).scores("turn-1")] == [1.0]


def test_a_line_says_what_it_is() -> None:
    parsed = json.loads(line_of(turn(reason="half an emoji: \ud83d", notes=("a", "b"))))
    assert parsed["table"] == "turn"
    assert parsed["row"]["notes"] == '["a", "b"]'
    assert b"\n" not in line_of(turn(reason="two\nlines"))[:-1]
