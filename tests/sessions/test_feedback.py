"""Ratings as scores: joined, changed, taken back, counted once, and forgotten with their words."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.database import transaction
from hal.sessions.columns import decode
from hal.sessions.feedback import PREFERRED_OTHER, apply
from hal.sessions.operation import ContentPolicy
from hal.sessions.own_connection import writing
from hal.sessions.ratings import (
    NO_IDS,
    NO_TURN,
    NO_VALUE,
    OVERLAP_S,
    Pull,
    Pulled,
    Rating,
    watermark,
    with_newest,
)
from hal.sessions.record import ScoreRow
from hal.sessions.statements import save

from .rows import DAY_S, NOON, score, turn

GIVEN = NOON + 60
PULL = Pull(source="open-webui@home:3000", policy=ContentPolicy(True, 30), now_s=NOON + 3600)


def rating(id: str = "f1", **changes: Any) -> Rating:
    values = {"updated_at": GIVEN, "chat_id": "chat-1", "message_id": "m1", "is_of_ours": True}
    return Rating(**{"id": id, **values, **changes})


@pytest.fixture
def log(path: Path) -> Iterator[sqlite3.Connection]:
    with writing(path) as connection:
        save(connection, turn("t1", message_id="m1", user_message_id="u1", outcome="done"))
        save(connection, turn("t2", message_id="m2", user_message_id="u2", started_at=NOON + 9))
        save(connection, turn("task", message_id="m1", task="title_generation"))
        yield connection


def pull(log: sqlite3.Connection, *ratings: Rating, **changes: Any) -> Pulled:
    with transaction(log):
        return apply(log, ratings, replace(PULL, **changes))


def told(pulled: Pulled) -> dict[str, Any]:
    """What is not zero, but for how many were seen."""
    counts = {name: getattr(pulled, name) for name in Pulled.__slots__}
    return {name: count for name, count in counts.items() if count and name != "seen"}


def scores(log: sqlite3.Connection, turn_id: str = "t1") -> list[ScoreRow]:
    cursor = log.execute("SELECT * FROM score WHERE turn_id = ? ORDER BY rowid", (turn_id,))
    names = [column[0] for column in cursor.description]
    return [decode(ScoreRow, dict(zip(names, row, strict=True))) for row in cursor]


def says(log: sqlite3.Connection, turn_id: str = "t1") -> list[tuple[str, float | None, str]]:
    return [(row.name, row.value, row.label) for row in scores(log, turn_id)]


def words(log: sqlite3.Connection) -> list[str]:
    return [text for (text,) in log.execute("SELECT explanation FROM score_content")]


def test_a_thumb_becomes_a_score(log: sqlite3.Connection) -> None:
    found = pull(log, rating(thumb=-1.0, reason="not_helpful", comment="It is longer."))
    assert told(found) == {"new": 1}
    (row,) = scores(log)
    assert row == replace(
        score(row.id, turn_id="t1", created_at=GIVEN, name="user_thumb", value=-1.0),
        label="not_helpful",
        source="human",
        source_version="open-webui@home:3000",
        external_id="f1",
    )
    assert words(log) == ["It is longer."]


def test_a_thumb_and_a_number_are_two_scores_of_one_rating(log: sqlite3.Connection) -> None:
    assert told(pull(log, rating(thumb=1.0, rating=0.5))) == {"new": 1}
    assert says(log) == [("user_thumb", 1.0, ""), ("user_rating", 0.5, "")]
    assert told(pull(log, rating(thumb=1.0, rating=0.75, updated_at=GIVEN + 1))) == {"changed": 1}
    assert says(log)[2:] == [("user_rating", 0.75, "")]


FIRST = rating(thumb=1.0)
LATER = GIVEN + 9
STORIES: dict[str, tuple[Sequence[Rating], dict[str, int], list[tuple[str, float | None, str]]]] = {
    "twice the same": ([FIRST, FIRST], {"unchanged": 1}, [("user_thumb", 1.0, "")]),
    "only touched": (
        [FIRST, replace(FIRST, updated_at=LATER)],
        {"unchanged": 1},
        [("user_thumb", 1.0, "")],
    ),
    "the other thumb": (
        [FIRST, replace(FIRST, thumb=-1.0, updated_at=LATER)],
        {"changed": 1},
        [("user_thumb", 1.0, ""), ("user_thumb", -1.0, "")],
    ),
    "a reason": (
        [FIRST, replace(FIRST, reason="thorough_explanation", updated_at=LATER)],
        {"changed": 1},
        [("user_thumb", 1.0, ""), ("user_thumb", 1.0, "thorough_explanation")],
    ),
    "taken back": (
        [FIRST, replace(FIRST, thumb=None, updated_at=LATER)],
        {"withdrawn": 1},
        [("user_thumb", 1.0, ""), ("user_thumb", None, "")],
    ),
    "taken back twice": (
        [FIRST, *[replace(FIRST, thumb=None, updated_at=LATER)] * 2],
        {"unchanged": 1},
        [("user_thumb", 1.0, ""), ("user_thumb", None, "")],
    ),
    "given again": (
        [FIRST, replace(FIRST, thumb=None, updated_at=LATER), FIRST],
        {"changed": 1},
        [("user_thumb", 1.0, ""), ("user_thumb", None, ""), ("user_thumb", 1.0, "")],
    ),
    "there and back within a second": (
        [FIRST, replace(FIRST, thumb=-1.0), FIRST],
        {"changed": 1},
        [("user_thumb", 1.0, ""), ("user_thumb", -1.0, ""), ("user_thumb", 1.0, "")],
    ),
}


@pytest.mark.parametrize(("story", "last", "found"), STORIES.values(), ids=STORIES.keys())
def test_what_a_person_does_after_the_other(
    log: sqlite3.Connection,
    story: Sequence[Rating],
    last: dict[str, int],
    found: list[tuple[str, float | None, str]],
) -> None:
    for each in story[:-1]:
        pull(log, each)
    assert told(pull(log, story[-1])) == last
    assert says(log) == found
    rows = scores(log)
    assert len({row.id for row in rows}) == len(rows)
    assert [row.created_at for row in rows] == sorted(row.created_at for row in rows)


UNUSED = {
    "no chat": (rating(chat_id="", thumb=1.0), {"unmatched": {NO_IDS: 1}}),
    "no message": (rating(message_id="", thumb=1.0), {"unmatched": {NO_IDS: 1}}),
    "another message": (rating(message_id="m9", thumb=1.0), {"unmatched": {NO_TURN: 1}}),
    "another chat": (rating(chat_id="chat-9", thumb=1.0), {"unmatched": {NO_TURN: 1}}),
    "no value": (rating(), {"unmatched": {NO_VALUE: 1}}),
    "another model": (rating(message_id="m9", thumb=1.0, is_of_ours=False), {"foreign": 1}),
    "another model without ids": (rating(chat_id="", is_of_ours=False), {"foreign": 1}),
    "a thumb down for another beside us": (
        rating(message_id="m9", thumb=-1.0, is_of_ours=False, is_beside_ours=True),
        {"foreign": 1},
    ),
    "a thumb up for another whose question is not known": (
        rating(message_id="m9", thumb=1.0, is_of_ours=False, is_beside_ours=True),
        {"unmatched": {NO_TURN: 1}},
    ),
}


@pytest.mark.parametrize(("given", "expected"), UNUSED.values(), ids=UNUSED.keys())
def test_what_belongs_to_no_turn_is_counted_by_why(
    log: sqlite3.Connection, given: Rating, expected: dict[str, Any]
) -> None:
    found = pull(log, given)
    assert (found.seen, told(found)) == (1, expected)
    assert scores(log) == []


def test_an_answer_of_ours_under_the_name_of_a_preset(log: sqlite3.Connection) -> None:
    """What the message's id says counts, whatever the model is called there."""
    assert told(pull(log, rating(thumb=1.0, is_of_ours=False))) == {"new": 1}


def test_another_model_was_better(log: sqlite3.Connection) -> None:
    beside = {"message_id": "m9", "is_of_ours": False, "is_beside_ours": True}
    given = rating(thumb=1.0, user_message_id="u2", **beside)
    assert told(pull(log, given)) == {"new": 1}
    assert says(log, "t2") == [("model_switch", PREFERRED_OTHER, "")]
    assert told(pull(log, given)) == {"unchanged": 1}


def test_a_continued_answer_is_its_last_turn(log: sqlite3.Connection) -> None:
    save(log, turn("t3", message_id="m1", started_at=NOON + 99, outcome="done"))
    pull(log, rating(thumb=1.0))
    assert (says(log, "t1"), len(says(log, "t3"))) == ([], 1)


def test_one_that_comes_twice_in_a_pull_counts_once(log: sqlite3.Connection) -> None:
    found = pull(log, rating(thumb=1.0), rating(thumb=1.0))
    assert (found.seen, told(found), len(scores(log))) == (1, {"new": 1}, 1)


def test_what_is_gone_is_withdrawn_by_a_whole_pull_alone(log: sqlite3.Connection) -> None:
    stays = rating("f2", message_id="m2", thumb=1.0)
    pull(log, rating(thumb=1.0, rating=0.5, comment="Good."), stays)
    assert told(pull(log, stays)) == {"unchanged": 1}
    whole = {"is_complete": True, "now_s": NOON + DAY_S}
    found = pull(log, stays, **whole)
    assert told(found) == {"unchanged": 1, "withdrawn": 1}
    assert [row.value for row in scores(log)] == [1.0, 0.5, None, None]
    assert words(log) == []
    again = pull(log, stays, **whole)
    assert told(again) == {"unchanged": 1}
    assert told(pull(log, rating(thumb=1.0))) == {"changed": 1}  # it is back
    assert scores(log)[-1].created_at == NOON + DAY_S  # newer than its withdrawal


def test_another_server_withdraws_nothing_here(log: sqlite3.Connection) -> None:
    pull(log, rating(thumb=1.0))
    save(log, score("mine", turn_id="t1", name="regenerate", source="implicit"))
    assert told(pull(log, is_complete=True, source="open-webui@other:3000")) == {}
    assert told(pull(log, is_complete=True)) == {"withdrawn": 1}


WORDS = rating(thumb=1.0, comment="My words.")


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, ["My words."]),
        ({"policy": ContentPolicy(False, 30)}, []),
        ({"policy": ContentPolicy(True, 0)}, []),
        ({"now_s": GIVEN + 31 * DAY_S}, []),
    ],
    ids=["kept", "content off", "no days", "expired"],
)
def test_words_are_kept_as_texts_are(
    log: sqlite3.Connection, changes: dict[str, Any], kept: list[str]
) -> None:
    pull(log, WORDS, **changes)
    assert words(log) == kept
    assert log.execute("SELECT DISTINCT created_at FROM score_content").fetchall() in (
        [(GIVEN,)],
        [],
    )


def test_words_that_have_expired_do_not_come_back(log: sqlite3.Connection) -> None:
    pull(log, WORDS)
    log.execute("DELETE FROM score_content")
    assert told(pull(log, WORDS)) == {"unchanged": 1}
    assert words(log) == []


def test_words_that_were_changed_replace_the_old_ones(log: sqlite3.Connection) -> None:
    pull(log, WORDS)
    found = pull(log, replace(WORDS, comment="Other words.", updated_at=LATER))
    assert (told(found), words(log)) == ({"changed": 1}, ["Other words."])
    pull(log, replace(WORDS, comment="", updated_at=LATER + 1))
    assert words(log) == []


def test_from_when_on_to_ask() -> None:
    assert watermark(None, "a:1") is None
    marks = with_newest(None, "a:1", 500_000.0)
    assert (watermark(marks, "a:1"), watermark(marks, "b:2")) == (500_000.0 - OVERLAP_S, None)
    marks = with_newest(marks, "a:1", 400_000.0)  # never back
    marks = with_newest(marks, "b:2", 1.0)
    assert json.loads(marks) == {"a:1": 500_000.0, "b:2": 1.0}


@pytest.mark.parametrize("state", ["", "nonsense", "[]", '{"a:1": "soon"}', '{"a:1": null}'])
def test_a_broken_mark_asks_for_all(state: str) -> None:
    assert watermark(state, "a:1") is None


one_rating = st.builds(
    rating,
    st.sampled_from(["f1", "f2"]),
    updated_at=st.sampled_from([GIVEN, GIVEN + 1, GIVEN + 2]),
    message_id=st.sampled_from(["m1", "m2", "m9"]),
    thumb=st.sampled_from([1.0, -1.0, None]),
    rating=st.sampled_from([0.5, None]),
    comment=st.sampled_from(["", "words"]),
)


@given(st.lists(st.lists(one_rating, max_size=3), max_size=4))
@settings(max_examples=40)
def test_whatever_comes_the_same_pull_again_adds_nothing(
    tmp_path_factory: pytest.TempPathFactory, pulls: list[list[Rating]]
) -> None:
    with writing(tmp_path_factory.mktemp("log") / "s.sqlite") as log:
        save(log, turn("t1", message_id="m1"))
        save(log, turn("t2", message_id="m2"))
        for each in pulls:
            by_id = {one.id: one for one in each}
            pull(log, *by_id.values(), is_complete=True)
            before = log.execute("SELECT * FROM score ORDER BY rowid").fetchall()
            again = pull(log, *by_id.values(), is_complete=True, now_s=NOON + DAY_S)
            assert log.execute("SELECT * FROM score ORDER BY rowid").fetchall() == before
            assert (again.new, again.changed, again.withdrawn) == (0, 0, 0)
            for one in by_id.values():
                assert _counts(log, one) in (one.thumb, "no turn")


def _counts(log: sqlite3.Connection, one: Rating) -> object:
    """The thumb that counts for this rating's turn."""
    if one.message_id == "m9":
        return "no turn"
    found = log.execute(
        "SELECT value FROM score WHERE external_id = ? AND name = 'user_thumb'"
        " ORDER BY created_at DESC, rowid DESC LIMIT 1",
        (one.id,),
    ).fetchone()
    return found[0] if found else None
