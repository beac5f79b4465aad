"""The reading side: empty when there is nothing, and each question answered by the right rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from hal.sessions.reader import SessionReader

from .rows import NOON, SOON_S, call, opened, turn


def test_a_log_that_does_not_exist_is_an_empty_one(path: Path) -> None:
    reader = SessionReader(path)
    assert (reader.turns(), reader.calls("x"), reader.egress("x")) == ([], [], [])
    assert (reader.last_decision("x"), reader.turn("x"), reader.content("x")) == (None, None, None)
    assert reader.get_state("x") is None
    assert set(reader.counts().values()) == {0}
    assert not path.parent.exists()


def test_a_file_that_was_only_just_made_is_empty_too(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert SessionReader(path).turns() == []


@pytest.fixture
def reader(path: Path) -> SessionReader:
    rows = [
        turn("aaa1", started_at=NOON, route="SIMPLE", outcome="done"),
        turn("aaa2", started_at=NOON + 1, route="COMPLEX", outcome="stopped"),
        turn("bbb", started_at=NOON + 2, route="META", outcome="done", task="title_generation"),
        turn("ccc", started_at=NOON + 3),  # begun, not decided yet
        turn("aaa", started_at=NOON + 4, route="SIMPLE", outcome="done", chat_id="chat-2"),
        turn("ddd", started_at=NOON + 5, route="SIMPLE", outcome="failed", chat_id=None),
    ]
    with opened(path) as store:
        for row in rows:
            store.write(row)
        store.write(call("two", turn_id="aaa1", n=2))
        store.write(call("one", turn_id="aaa1", n=1)).result(SOON_S)
    return SessionReader(path)


def ids(rows: list) -> list[str]:
    return [row.id for row in rows]


def test_the_last_decision_is_no_background_task_and_no_undecided_turn(
    reader: SessionReader,
) -> None:
    assert reader.last_decision("chat-1").id == "aaa2"
    assert reader.last_decision("chat-2").id == "aaa"
    assert reader.last_decision("chat-3") is None
    assert reader.last_decision("hostile \ud800 ' OR 1") is None


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("aaa1", "aaa1"),
        ("bb", "bbb"),
        ("aaa", "aaa"),  # exact, although others begin so
        ("aa", None),  # three begin so
        ("zzz", None),
        ("", None),
        ("%", None),
        ("aaa_", None),
        ("\ud800", None),
    ],
)
def test_a_turn_by_the_beginning_of_its_id(
    reader: SessionReader, asked: str, found: str | None
) -> None:
    row = reader.turn(asked)
    assert (row and row.id) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["ddd", "aaa", "ccc", "bbb", "aaa2", "aaa1"]),
        ({"limit": 2}, ["ddd", "aaa"]),
        ({"since": NOON + 4}, ["ddd", "aaa"]),
        ({"chat_id": "chat-1", "outcome": "done"}, ["bbb", "aaa1"]),
        ({"route": "SIMPLE"}, ["ddd", "aaa", "aaa1"]),
        ({"outcome": "running"}, ["ccc"]),
        ({"route": "SIMPLE", "since": NOON + 1, "limit": 1}, ["ddd"]),
        ({"chat_id": "' OR 1=1 --"}, []),
    ],
)
def test_turns_that_match_newest_first(reader: SessionReader, wanted, found: list[str]) -> None:
    assert ids(reader.turns(**wanted)) == found


def test_calls_come_in_their_order(reader: SessionReader) -> None:
    assert ids(reader.calls("aaa1")) == ["one", "two"]
    assert reader.counts()["turn"] == 6


def test_reading_while_another_thread_writes(path: Path) -> None:
    with opened(path) as store:
        futures = [store.write(turn(str(n))) for n in range(300)]
        seen = [SessionReader(path).counts()["turn"] for _ in range(20)]
        for future in futures:
            future.result(SOON_S)
    assert seen == sorted(seen)


def test_the_newest_of_ten_thousand(path: Path) -> None:
    with opened(path) as store:
        for number in range(10_000):
            store.write(turn(f"{number:05}", started_at=NOON + number))
        store.put_state("last", "1").result(SOON_S)
    assert ids(SessionReader(path).turns(2)) == ["09999", "09998"]
    assert SessionReader(path).turn("07770").started_at == NOON + 7770
