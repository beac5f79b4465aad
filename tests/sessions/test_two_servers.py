"""Two servers on one log: both write, one goes, and neither takes anything from the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hal.sessions.database import open_for_writing
from hal.sessions.process import ProcessMark, this_process
from hal.sessions.reader import SessionReader
from hal.sessions.retention import Retention
from hal.sessions.spool import Spool, line_of, spool_files

from .rows import DAY_S, NOON, SOON_S, content, egress, opened, score, sql, turn, wait_until
from .whole_turns import fill, whole_turn

needs_proc = pytest.mark.skipif(
    not this_process().start, reason="without /proc nobody can tell who is dead"
)

# A server that does as it is told, line by line: begin, end and send a turn, or go.
SERVER = """
import json, sys
from pathlib import Path
from hal.sessions.retention import Retention
from tests.sessions.rows import content, egress, opened, turn

with opened(Path(sys.argv[1]), retention=Retention(365, 1 << 50)) as store:
    for line in sys.stdin:
        word, *ids = line.split()
        if word == "leave":
            break
        errors = 0
        for id in ids:
            if word == "begin":
                futures = [store.write(turn(id))]
            if word == "send":
                futures = [store.write_egress(egress(id, turn_id=id))]
            if word == "end":
                futures = [store.write(content(id)), store.write(turn(id, outcome="done"))]
            errors += sum(future.exception(20) is not None for future in futures)
        print(json.dumps([errors, list(store.warnings)]), flush=True)
"""


class Server:
    """One of the two, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def tell(self, word: str, *ids: str) -> None:
        self.process.stdin.write(f"{word} {' '.join(ids)}\n")
        self.process.stdin.flush()

    def answer(self) -> tuple[int, list[str]]:
        """How many rows it could not write, and its warnings."""
        errors, warnings = json.loads(self.process.stdout.readline())
        return errors, warnings

    def does(self, word: str, *ids: str) -> None:
        self.tell(word, *ids)
        assert self.answer() == (0, [])


@contextmanager
def server(path: Path) -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(SERVER), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        try:
            yield Server(process)
        finally:
            process.kill()


def outcomes(path: Path) -> dict[str, str]:
    return {row.id: row.outcome for row in SessionReader(path).turns(10_000)}


def test_both_write_at_once_and_nothing_is_lost(path: Path) -> None:
    mine, theirs = ([f"{name}-{n}" for n in range(120)] for name in "ab")
    with server(path) as first, server(path) as second:
        for word in ("begin", "send", "end"):
            first.tell(word, *mine)
            second.tell(word, *theirs)
            assert (first.answer(), second.answer()) == ((0, []), (0, []))
    assert outcomes(path) == dict.fromkeys([*mine, *theirs], "done")
    assert SessionReader(path).counts()["egress"] == 240
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


@needs_proc
def test_one_retires_and_the_other_goes_on_with_its_turn(path: Path) -> None:
    with server(path) as stays:
        stays.does("begin", "stays")
        with server(path) as retires:
            retires.does("begin", "retires")
            retires.does("end", "retires")
            retires.tell("leave")
            assert retires.process.wait(SOON_S) == 0
        # The next start looks for the dead: the one that lives is not among them.
        with server(path) as comes:
            comes.does("begin", "comes")
            assert outcomes(path)["stays"] == "running"
            stays.does("send", "stays")
            stays.does("end", "stays")
            comes.does("end", "comes")
    assert outcomes(path) == dict.fromkeys(["stays", "retires", "comes"], "done")


@needs_proc
def test_one_is_killed_and_only_its_turn_is_cut(path: Path) -> None:
    with server(path) as lives, server(path) as dies:
        lives.does("begin", "lives")
        dies.does("begin", "dies")
        dies.process.kill()
        dies.process.wait(SOON_S)
        with opened(path):
            wait_until(lambda: outcomes(path)["dies"] == "cut")
        assert outcomes(path)["lives"] == "running"


def test_the_care_of_one_holds_up_nothing_of_the_other(path: Path) -> None:
    with closing(open_for_writing(path, 1.0)) as log:
        fill(log, *(whole_turn(f"{n:04}", NOON - 400 * DAY_S + n) for n in range(1000)))
        fill(log, [turn("young", outcome="done")])
    with server(path) as sends, opened(path, retention=Retention(365, 1 << 50)) as cares:
        for number in range(40):
            sends.does("send", f"new-{number}")
        cares.write(turn("last", outcome="done")).result(SOON_S)
        wait_until(lambda: len(outcomes(path)) == 2)
        assert cares.warnings == ()
    assert SessionReader(path).counts()["egress"] == 40


def test_what_a_dead_one_left_is_taken_in_once(path: Path) -> None:
    path.parent.mkdir()
    dead = ProcessMark("boot0", this_process().namespace, 1, "1")
    for number in range(5):
        rows = [
            turn(f"{number}", outcome="done", process_id=str(dead)),
            content(f"{number}"),
            score(f"{number}", turn_id=f"{number}"),
        ]
        Spool(path, dead).append([line_of(row) for row in rows])
    for file in spool_files(path):
        os.utime(file, (0, 0))  # where nobody can tell who is dead, age decides
    with server(path) as first, server(path) as second:
        first.does("begin", "a")
        second.does("begin", "b")
        wait_until(lambda: not spool_files(path))
        wait_until(lambda: len(outcomes(path)) == 7)
    counts = SessionReader(path).counts()
    assert (counts["turn"], counts["content"], counts["score"]) == (7, 5, 5)


def test_a_file_removed_under_two_servers_is_one_new_file(path: Path) -> None:
    with server(path) as first, server(path) as second:
        first.does("begin", "old")
        second.does("begin", "old-too")
        for file in path.parent.iterdir():
            file.unlink()
        first.does("begin", "a")
        second.does("begin", "b")
        first.does("end", "a", "old")
        second.does("send", "b")
        assert set(outcomes(path)) == {"a", "b", "old"}
    assert SessionReader(path).egress("b") == [egress("b", turn_id="b")]
