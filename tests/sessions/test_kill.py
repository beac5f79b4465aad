"""kill -9, and two processes at once: what was finished stays, what was not is said to be cut."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hal.sessions.process import Life, ProcessMark, life_of, this_process
from hal.sessions.reader import SessionReader
from hal.sessions.statements import FOREIGN_TURN_MAX_S

from .rows import NOON, SOON_S, call, opened, sql, turn, wait_until

needs_proc = pytest.mark.skipif(
    not this_process().start, reason="without /proc nobody can tell, and age decides"
)

# Begins turns without end and says, for each, when its last row was committed.
BUSY = """
import sys
from pathlib import Path
from tests.sessions.rows import content, egress, opened, turn

with opened(Path(sys.argv[1])) as store:
    for n in range(1_000_000):
        store.write(turn(f"{n:06}"))
        store.write_egress(egress(f"{n:06}", turn_id=f"{n:06}")).result(10)
        store.write(content(f"{n:06}", answer="z" * 500))
        store.write(turn(f"{n:06}", outcome="done")).result(10)
        print(f"{n:06}", flush=True)
"""

# Begins one turn, says so, and waits to be told that it may end it.
PATIENT = """
import sys
from pathlib import Path
from tests.sessions.rows import call, opened, turn

name = sys.argv[2]
with opened(Path(sys.argv[1])) as store:
    store.write(turn(name)).result(10)
    store.write(call(name, turn_id=name)).result(10)
    print("begun", flush=True)
    sys.stdin.readline()
    store.write(turn(name, outcome="done")).result(10)
"""


@contextmanager
def child(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_nothing_finished_is_lost_on_kill(path: Path) -> None:
    with child(BUSY, str(path)) as process:
        finished = [process.stdout.readline().strip() for _ in range(60)]
        process.send_signal(signal.SIGKILL)
        finished += process.stdout.read().split()
    reader = SessionReader(path)
    for name in finished:
        assert reader.turn(name).outcome == "done"
        assert len(reader.content(name).answer) == 500
        assert reader.egress(name)
    assert len(finished) >= 60
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


@needs_proc
def test_what_a_dead_process_left_is_cut_at_the_next_start(path: Path) -> None:
    with child(PATIENT, str(path), "theirs") as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGKILL)
    reader = SessionReader(path)
    assert reader.turn("theirs").outcome == "running"
    with opened(path):
        wait_until(lambda: reader.turn("theirs").outcome == "cut")
    assert reader.calls("theirs")[0].outcome == "cut"


@needs_proc
def test_a_second_process_leaves_the_turns_of_a_live_one_alone(path: Path) -> None:
    reader = SessionReader(path)
    with child(PATIENT, str(path), "theirs") as process, opened(path) as store:
        assert process.stdout.readline() == "begun\n"
        store.write(turn("ours")).result(SOON_S)
        with opened(path) as third:  # the same process: a reload keeps running turns
            third.write(call("x", turn_id="ours")).result(SOON_S)
            wait_until(lambda: reader.get_state("content_policy") is not None)
        assert reader.turn("theirs").outcome == "running"
        assert reader.turn("ours").outcome == "running"
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.wait(SOON_S) == 0
    assert reader.turn("theirs").outcome == "done"


def test_processes_that_begin_together_share_one_new_file(path: Path) -> None:
    with (
        child(PATIENT, str(path), "a") as a,
        child(PATIENT, str(path), "b") as b,
        child(PATIENT, str(path), "c") as c,
    ):
        for process in (a, b, c):
            assert process.stdout.readline() == "begun\n"
            process.stdin.write("go on\n")
            process.stdin.flush()
        assert [process.wait(SOON_S) for process in (a, b, c)] == [0, 0, 0]
    done = SessionReader(path).turns(outcome="done")
    assert sorted(row.id for row in done) == ["a", "b", "c"]


HERE = ProcessMark("boot1", "ns1", 4_000_000, "77")


@pytest.mark.parametrize(
    ("mark", "life"),
    [
        pytest.param(str(HERE), Life.ALIVE, id="this-one"),
        pytest.param("boot1:ns1:4000000:78", Life.DEAD, id="same-pid-other-start"),
        pytest.param("boot1:ns1:4000001:5", Life.DEAD, id="no-such-pid"),
        pytest.param("boot0:ns1:4000000:77", Life.DEAD, id="before-the-reboot"),
        pytest.param("boot1:ns2:4000000:77", Life.UNKNOWN, id="another-container"),
        pytest.param("::4000000:", Life.UNKNOWN, id="a-system-that-does-not-tell"),
        pytest.param("", Life.UNKNOWN, id="none"),
        pytest.param("a:b:c:d", Life.UNKNOWN, id="nonsense"),
    ],
)
def test_who_lives(mark: str, life: Life) -> None:
    assert life_of(mark, HERE) is life


def test_where_nobody_can_tell_age_decides(path: Path) -> None:
    with opened(path) as store:
        store.write(turn("young", started_at=NOON - FOREIGN_TURN_MAX_S + 1))
        store.write(turn("old", started_at=NOON - FOREIGN_TURN_MAX_S - 1)).result(SOON_S)
    mark = this_process()
    foreign = str(ProcessMark(mark.boot, "another-namespace", 1, "1" if mark.start else ""))
    sql(path, "UPDATE turn SET process_id = ?", foreign)
    with opened(path):
        wait_until(lambda: SessionReader(path).turn("old").outcome == "cut")
    assert SessionReader(path).turn("young").outcome == "running"


def test_turns_of_a_killed_process_are_in_the_log_as_they_were_delivered(tmp_path: Path) -> None:
    """A dozen of the thousand trials of `bench/sessions.py`; in a process that may fork."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sessions.killing", str(tmp_path), "12"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    figures, *faults = done.stdout.strip().split("\n")
    assert faults == []
    tally = json.loads(figures)
    assert tally["trials"] == 12
    assert tally["finished"] > 0
    assert tally["spooled"] > 0
    assert tally["cut"] > 0 or not this_process().start
