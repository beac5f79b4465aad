"""Which turn a signal is about, in a log that holds the whole chat."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hal.sessions import scoring
from hal.sessions.reader import SessionReader
from hal.sessions.record import ScoreRow
from hal.sessions.scoring import note_signals
from hal.sessions.succession import Words

from .rows import NOON, SOON_S, content, opened, sql, turn

QUESTION = "How long do swifts sleep in the air?"
LATER = NOON + 5000


def answered(id: str, at_s: float, question: str, **changes: Any) -> list[Any]:
    """A turn and its texts: an answer of one second, `at_s` seconds after noon."""
    values = {
        "started_at": NOON + at_s,
        "user_message_id": f"u-{id}",
        "message_id": f"m-{id}",
        "outcome": "done",
        "route": "MODERATE",
        "first_token_ms": 100.0,
        "total_ms": 1000.0,
        "message_count": 1,
    }
    row = turn(id, **{**values, **changes})
    return [row, content(id, question=question)]


def scores_after(
    path: Path, *turns: list[Any], words: Words, times: int = 1
) -> dict[str, list[tuple[str, float | None]]]:
    """What is known of each turn when the last one has given its signals."""
    with opened(path) as store:
        for rows in turns:
            for row in rows:
                store.write(row)
        last = turns[-1][0]
        for _ in range(times):
            store.apply(partial(note_signals, row=last, words=words, now_s=LATER)).result(SOON_S)
    reader = SessionReader(path)
    found = {rows[0].id: reader.scores(rows[0].id) for rows in turns}
    return {id: [(s.name, s.value) for s in scores] for id, scores in found.items()}


FIRST = answered("a", 0, QUESTION)
COMPLAINT = Words(question="That's wrong.", earlier=QUESTION, answers=(1,))
REGENERATED = answered("b", 10, QUESTION, user_message_id="u-a")


def test_a_complaint_is_about_the_newest_turn(path: Path) -> None:
    second = answered("b", 10, "And ducks?", message_count=3)
    third = answered("c", 20, "That's wrong.", message_count=5)
    words = Words(question="That's wrong.", earlier="And ducks?", answers=(1, 3))
    found = scores_after(path, FIRST, second, third, words=words)
    assert found == {"a": [], "b": [("correction", -0.5)], "c": []}


def test_whole_rows(path: Path) -> None:
    scores_after(path, FIRST, answered("b", 10, "", message_count=3), words=COMPLAINT)
    (score,) = SessionReader(path).scores("a")
    assert score == ScoreRow(
        id=score.id,
        turn_id="a",
        created_at=LATER,
        name="correction",
        value=-0.5,
        source="implicit",
        source_version="signals-1",
    )
    assert len(score.id) == 32


def test_running_it_twice_adds_nothing(path: Path) -> None:
    found = scores_after(path, FIRST, REGENERATED, words=Words(question=QUESTION), times=3)
    assert found == {"a": [("regenerate", -0.5)], "b": []}


def test_each_answer_is_judged_by_the_next_one(path: Path) -> None:
    scores_after(path, FIRST, REGENERATED, words=Words(question=QUESTION))
    third = answered("c", 20, QUESTION, user_message_id="u-a")
    found = scores_after(path, FIRST, REGENERATED, third, words=Words(question=QUESTION))
    assert found == {"a": [("regenerate", -0.5)], "b": [("regenerate", -0.5)], "c": []}


def test_an_old_answer_is_found_by_its_message(path: Path) -> None:
    second = answered("b", 10, "And ducks?", message_count=3)
    third = answered("c", 500, QUESTION, user_message_id="u-a")
    found = scores_after(path, FIRST, second, third, words=Words(question=QUESTION))
    assert found == {"a": [("regenerate", -0.3)], "b": [], "c": []}


def test_an_edit_is_about_what_it_replaced(path: Path) -> None:
    second = answered("b", 10, "And ducks?", message_count=3)
    third = answered("c", 20, QUESTION.lower())
    found = scores_after(path, FIRST, second, third, words=Words(question=QUESTION.lower()))
    assert found == {"a": [("rephrase", -0.4)], "b": [], "c": []}


def test_a_turn_says_something_about_both(path: Path) -> None:
    second = answered("b", 10, QUESTION, message_count=3, override="/web", route="ENRICH")
    found = scores_after(
        path, FIRST, second, words=Words(question=QUESTION, earlier=QUESTION, answers=(1,))
    )
    assert found == {"a": [("override", -1.0)], "b": [("override", 1.0)]}


NOT_BEFORE = [
    pytest.param({"task": "title_generation"}, id="a background task"),
    pytest.param({"outcome": "running", "total_ms": None}, id="it is still running"),
    pytest.param({"chat_id": "chat-2"}, id="another chat"),
    pytest.param({"chat_id": None}, id="no chat"),
    pytest.param({"started_at": NOON + 11}, id="it began later"),
    pytest.param({"outcome": "failed", "first_token_ms": None}, id="it failed"),
]


@pytest.mark.parametrize("changes", NOT_BEFORE)
def test_what_is_no_turn_before(path: Path, changes: dict[str, Any]) -> None:
    second = answered("b", 10, "", message_count=3)
    first = answered("a", 0, QUESTION, **changes)
    assert scores_after(path, first, second, words=COMPLAINT) == {"a": [], "b": []}


def test_a_turn_that_began_later_does_not_hide_the_one_before(path: Path) -> None:
    second = answered("b", 10, "", message_count=3)
    later = answered("c", 50, "And ducks?", message_count=5)
    found = scores_after(path, FIRST, later, second, words=COMPLAINT)
    assert found == {"a": [("correction", -0.5)], "c": [], "b": []}


def test_tasks_in_between_do_not_count(path: Path) -> None:
    tags = answered("t", 5, "", task="tags_generation")
    second = answered("b", 10, "", message_count=3)
    found = scores_after(path, FIRST, tags, second, words=COMPLAINT)
    assert found == {"a": [("correction", -0.5)], "t": [], "b": []}


def test_without_a_chat_a_turn_speaks_of_itself_only(path: Path) -> None:
    alone = answered("b", 10, "", chat_id=None, outcome="stopped", message_count=3)
    first = answered("a", 0, QUESTION, chat_id=None)
    found = scores_after(path, first, alone, words=COMPLAINT)
    assert found == {"a": [], "b": [("stop", None)]}


def test_texts_need_not_be_kept(path: Path) -> None:
    first, second = FIRST[:1], answered("b", 10, "", message_count=3)[:1]
    assert scores_after(path, first, second, words=COMPLAINT)["a"] == [("correction", -0.5)]


def test_what_we_answered_in_another_branch_is_no_other_model(path: Path) -> None:
    branch = answered("b", 10, "And ducks?", message_count=3)
    edited = answered("c", 20, "Who was Bach?")
    back = answered("d", 30, "And owls?", message_count=5)
    words = Words(question="And owls?", earlier="And ducks?", answers=(1, 3))
    found = scores_after(path, FIRST, branch, edited, back, words=words)
    assert found == {"a": [], "b": [], "c": [], "d": []}


def test_another_model_in_between(path: Path) -> None:
    second = answered("b", 60, "And owls?", message_count=5)
    found = scores_after(
        path, FIRST, second, words=Words(question="And owls?", earlier="And ducks?", answers=(1, 3))
    )
    assert found == {"a": [("model_switch", -0.3)], "b": []}


def test_a_mistake_of_ours_costs_no_other_row(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("swifts")

    monkeypatch.setattr(scoring, "of_answer", broken)
    with caplog.at_level(logging.ERROR, "hal.sessions"):
        assert scores_after(path, FIRST, words=COMPLAINT) == {"a": []}
    assert "no signals of turn a" in caplog.text
    assert sql(path, "SELECT count(*) FROM turn") == [(1,)]


def steps_of(connection: sqlite3.Connection, work: Callable[[], None]) -> int:
    """How much work SQLite has, in hundreds of its virtual machine's steps."""
    count = [0]

    def tick() -> None:
        count[0] += 1

    connection.set_progress_handler(tick, 100)
    work()
    connection.set_progress_handler(None, 100)
    return count[0]


@pytest.mark.parametrize("chats", [1, 3000], ids=["a long chat", "many chats"])
def test_the_work_does_not_grow_with_the_log(path: Path, chats: int) -> None:
    last = answered("z", 9000, "", message_count=3)[0]
    with opened(path) as store:
        for row in FIRST:
            store.write(row)
        store.write(last).result(SOON_S)
    work = partial(note_signals, row=last, words=COMPLAINT, now_s=LATER)
    connection = sqlite3.connect(path, isolation_level=None)
    few = steps_of(connection, lambda: work(connection))
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO turn (id, started_at, chat_id, user_message_id, outcome, message_count)"
        " VALUES (?, ?, ?, ?, 'done', 1)",
        [(f"t{n}", NOON - 1 - n, f"chat-{n % chats + 1}", f"v{n}") for n in range(3000)],
    )
    connection.execute("DELETE FROM score")
    connection.execute("COMMIT")
    many = steps_of(connection, lambda: work(connection))
    connection.close()
    assert many <= few + 1
