"""What is forgotten is in no byte of the log any more, and nothing else is missing."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from hal.sessions.columns import AnyRow
from hal.sessions.export import header, line_of, reading, rows
from hal.sessions.forget import Forgotten, forget, would_forget
from hal.sessions.own_connection import writing
from hal.sessions.record import EgressContentRow, LookupRow
from hal.sessions.retention import BATCH_TURNS
from hal.sessions.schema import SCHEMA, SchemaTooNew
from hal.sessions.selection import Selection
from hal.sessions.spool import line_of as spool_line
from hal.sessions.statements import put_state, save

from .rows import (
    DAY_S,
    NOON,
    SOON_S,
    call,
    case,
    comment,
    content,
    egress,
    opened,
    policy,
    prompt,
    score,
    sql,
    turn,
)

HANGING = 8  # rows on each turn of `of_turn`


def of_turn(id: str, at: float, secret: str, **changes: object) -> list[AnyRow]:
    """A turn with one row of everything, and a text in each that can hold one."""
    return [
        turn(id, started_at=at, outcome="done", reason=secret, **changes),
        call(f"c-{id}", turn_id=id, error_code=secret),
        egress(f"e-{id}", turn_id=id, at=at, host=secret),
        EgressContentRow(egress_id=f"e-{id}", created_at=at, body=f"{secret} " * 400),
        content(id, question=secret, answer=f"{secret} " * 900, created_at=at),
        LookupRow(turn_id=id, created_at=at, detail={"queries": [secret]}),
        score(f"s-{id}", turn_id=id, created_at=at, label=secret),
        comment(f"s-{id}", explanation=secret, created_at=at),
        case(id, created_at=at, sources=(secret,)),
    ]


OLD, NEW = "thistlewhistle", "brackenbell"


def log_of(path: Path, *more: AnyRow) -> None:
    with writing(path) as connection:
        for row in (policy(), prompt(), *more):
            save(connection, row)
        put_state(connection, "calibration", "{}", NOON)


def two_chats(path: Path, turns_each: int = 3) -> None:
    written: list[AnyRow] = []
    for number in range(turns_each):
        at = NOON + number
        ids = {"chat_id": "old", "user_id": "u-old"}
        written += of_turn(f"old-{number}", at, OLD, **ids)
        ids = {"chat_id": "new", "user_id": "u-new"}
        written += of_turn(f"new-{number}", at + DAY_S, NEW, **ids)
    log_of(path, *written)


def files_with(folder: Path, word: str) -> list[str]:
    """Every file that has the word in it, whole or in UTF-16."""
    needles = (word.encode(), word.encode("utf-16-le"))
    return sorted(
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    )


def exported(path: Path) -> list[str]:
    with reading(path) as connection:
        return [
            header(with_content=True, is_redacted=False),
            *map(line_of, rows(connection, Selection())),
        ]


CHOICES = {
    "a chat": Selection(chat_id="old"),
    "a user": Selection(user_id="u-old"),
    "what is old": Selection(until_s=NOON + DAY_S),
}


@pytest.mark.parametrize("chosen", CHOICES.values(), ids=CHOICES.keys())
def test_it_is_in_no_byte_any_more_and_the_rest_is_whole(path: Path, chosen: Selection) -> None:
    two_chats(path)
    before = exported(path)
    assert files_with(path.parent, OLD)
    planned = would_forget(path, chosen)
    assert exported(path) == before
    done = forget(path, chosen)
    assert (done.turns, sum(done.rows.values())) == (3, 3 * (HANGING + 1))
    assert (planned.rows, planned.users) == (done.rows, done.users) == (done.rows, ("u-old",))
    assert (done.problems, done.unfinished, done.files, done.kept_files) == ((), 0, (), ())
    assert files_with(path.parent, OLD) == []
    assert exported(path) == [line for line in before if OLD not in line]
    assert len(exported(path)) == 3 + 3 * (HANGING + 1)
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_everything(path: Path) -> None:
    two_chats(path)
    with writing(path) as connection:  # whose turn was lost
        save(connection, egress("stray", turn_id="gone", host=OLD))
    done = forget(path, Selection())
    assert (done.turns, done.rows["egress"]) == (6, 7)
    assert files_with(path.parent, OLD) == files_with(path.parent, NEW) == []
    assert [line.split('"')[3] for line in exported(path)[1:]] == ["policy", "prompt_version"]
    assert sql(path, "SELECT key FROM state") == [("calibration",)]


def test_more_turns_than_one_transaction_takes(path: Path) -> None:
    many = [turn(f"t{number}", chat_id="old") for number in range(2 * BATCH_TURNS + 1)]
    log_of(path, *many, turn("other"))
    said: list[str] = []
    assert forget(path, Selection(chat_id="old"), said.append).turns == len(many)
    assert len(said) == 3 + 1  # three transactions, and the file written anew
    assert sql(path, "SELECT id FROM turn") == [("other",)]


@pytest.mark.parametrize(
    "chosen",
    [
        Selection(chat_id="ol"),
        Selection(chat_id="OLD"),
        Selection(chat_id="%"),
        Selection(user_id=""),
    ],
    ids=str,
)
def test_only_the_very_same_id(path: Path, chosen: Selection) -> None:
    two_chats(path)
    before = exported(path)
    assert sum(would_forget(path, chosen).rows.values()) == 0
    assert sum(forget(path, chosen).rows.values()) == 0
    assert exported(path) == before


def test_without_a_log_there_is_nothing_to_forget(tmp_path: Path) -> None:
    path = tmp_path / "none" / "sessions.sqlite"
    assert would_forget(path, Selection()) == forget(path, Selection()) == Forgotten()
    assert not path.parent.exists()


def test_a_newer_log_is_left_alone(path: Path) -> None:
    two_chats(path)
    sql(path, f"PRAGMA user_version = {SCHEMA.version + 1}")
    for attempt in (would_forget, forget):
        with pytest.raises(SchemaTooNew):
            attempt(path, Selection())
    assert files_with(path.parent, OLD)


def test_a_log_of_an_older_version(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for step in SCHEMA.migrations[:2]:
            step(connection)
        connection.execute("PRAGMA user_version = 2")
        connection.execute("INSERT INTO turn (id, started_at, outcome) VALUES ('t', 1, 'done')")
    assert would_forget(path, Selection(until_s=2.0)).turns == 1
    assert forget(path, Selection(until_s=2.0)).turns == 1


def test_what_lies_beside_the_log(path: Path) -> None:
    two_chats(path)
    damaged = path.with_name(f"{path.name}.damaged-20260301T120000Z")
    damaged.write_text(OLD)
    Path(f"{damaged}-wal").write_text(OLD)
    names = (damaged.name, f"{damaged.name}-wal")
    part = forget(path, Selection(chat_id="old"))
    assert (part.files, part.kept_files) == ((), names)
    assert files_with(path.parent, OLD) == list(names)
    assert would_forget(path, Selection()).files == names
    assert files_with(path.parent, OLD) == list(names)
    whole = forget(path, Selection())
    assert (whole.files, whole.kept_files) == (names, ())
    assert files_with(path.parent, OLD) == []


def test_rows_that_a_dead_process_could_not_write(path: Path) -> None:
    log_of(path)
    spool = path.with_name(f"{path.name}.spool-left-0123abcd.jsonl")
    waiting = [turn("late", chat_id="old"), content("late", question=OLD), turn("mine")]
    spool.write_bytes(b"".join(map(spool_line, waiting)))
    assert forget(path, Selection(chat_id="old")).turns == 1
    assert files_with(path.parent, OLD) == []
    assert sql(path, "SELECT id FROM turn") == [("mine",)]


def test_beside_a_server_that_writes_all_the_time(path: Path) -> None:
    """Both get on with it; what the server writes afterwards is there."""
    two_chats(path, turns_each=150)
    with opened(path) as store:
        stop = threading.Event()

        def serve() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                store.write(turn(f"live-{number}", chat_id="live")).result(SOON_S)
                store.write(content(f"live-{number}", question=NEW)).result(SOON_S)

        server = threading.Thread(target=serve)
        server.start()
        try:
            done = forget(path, Selection(chat_id="old"))
        finally:
            stop.set()
            server.join()
        assert (done.turns, done.problems) == (150, ())
        store.write(turn("after", chat_id="live")).result(SOON_S)
        assert store.warnings == ()
    assert files_with(path.parent, OLD) == []
    assert sql(path, "SELECT count(*) FROM turn WHERE chat_id = 'new'") == [(150,)]
    assert sql(path, "SELECT count(*) FROM turn WHERE id = 'after'") == [(1,)]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_turn_that_is_not_finished_is_told_and_comes_back(path: Path) -> None:
    with opened(path) as store:
        store.write(turn("t", chat_id="old")).result(SOON_S)
        done = forget(path, Selection(chat_id="old"))
        assert (done.turns, done.unfinished) == (1, 1)
        store.write(turn("t", chat_id="old", outcome="done")).result(SOON_S)
        assert forget(path, Selection(chat_id="old")).unfinished == 0
    assert sql(path, "SELECT count(*) FROM turn") == [(0,)]


def test_somebody_who_reads_the_old_state_is_a_problem_that_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_chats(path)
    for module in ("own_connection", "forget"):
        monkeypatch.setattr(f"hal.sessions.{module}.BUSY_TIMEOUT_S", 0.1)
    with opened(path) as store:  # with it, closing the last connection does not do the rest
        store.write(turn("live")).result(SOON_S)
        with reading(path) as connection:
            assert connection is not None
            connection.execute("SELECT count(*) FROM turn").fetchall()
            done = forget(path, Selection(chat_id="old"))
        assert "run this command again" in done.problems[0]
        assert path.name in files_with(path.parent, OLD)
        assert forget(path, Selection(chat_id="old")).problems == ()
        assert files_with(path.parent, OLD) == []
