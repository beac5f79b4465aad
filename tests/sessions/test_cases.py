"""What a turn teaches, how suspicious it is, and the table of cases that follows the scores."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.sessions.cases import Collected, case_of, collect, suspicion
from hal.sessions.columns import encode
from hal.sessions.database import open_for_writing
from hal.sessions.record import CaseRow, ScoreRow, TurnRow
from hal.sessions.signals import Name
from hal.sessions.statements import save
from tests.core.things import fixed

from .rows import NOON, score, turn

_numbers = itertools.count(1)


def says(name: str, value: float | None, label: str = "", at_s: float = 0, **more: Any) -> ScoreRow:
    source = "human" if name in {"override", "user_thumb", "user_rating"} else "implicit"
    values = {"name": name, "value": value, "label": label, "created_at": NOON + at_s}
    return score(f"score-{next(_numbers):06d}", **{"source": source, **values, **more})


def decided(**changes: Any) -> TurnRow:
    values = {"route": "MODERATE", "source": "classifier", "confidence": 1.0, "outcome": "done"}
    return turn(**{**values, **changes})


UP, DOWN = says("user_thumb", 0.9), says("user_thumb", -0.9)
WEB = says("override", -1.0, "ENRICH", 10)
CUTOFF = says("knowledge_cutoff", -0.8, "ENRICH")
AGAIN, WRONG = says("regenerate", -0.5), says("correction", -0.5)
STOP = says("stop", None)
CLOUD = {"route": "COMPLEX", "leaves_machine": True}

CASES = [
    pytest.param(decided(), [], None, id="nobody said anything"),
    pytest.param(decided(), [STOP], None, id="nothing about the route"),
    pytest.param(decided(), [DOWN], None, id="wrong, but what would be right"),
    pytest.param(decided(), [AGAIN, WRONG], None, id="twice wrong, and still"),
    pytest.param(decided(), [UP], ("MODERATE", 0.9, ("user_thumb",)), id="right"),
    pytest.param(
        decided(**CLOUD), [UP], ("COMPLEX", 0.45, ("user_thumb",)), id="praise of the cloud"
    ),
    pytest.param(decided(), [WEB], ("ENRICH", 1.0, ("override",)), id="another route wanted"),
    pytest.param(
        *(decided(), [WEB, CUTOFF], ("ENRICH", 1.0, ("knowledge_cutoff", "override"))),
        id="two say the same",
    ),
    pytest.param(
        decided(), [CUTOFF, AGAIN], ("ENRICH", 0.8, ("knowledge_cutoff",)), id="no contradiction"
    ),
    pytest.param(decided(), [UP, AGAIN], ("MODERATE", 0.4, ("user_thumb",)), id="a small doubt"),
    pytest.param(decided(), [UP, WEB], None, id="a contradiction"),
    pytest.param(decided(), [UP, DOWN], None, id="two hands"),
    pytest.param(
        *(decided(), [says("override", 1.0, "COMPLEX"), CUTOFF], None), id="two routes wanted"
    ),
    pytest.param(
        *(decided(**CLOUD, source="override"), [says("override", 1.0, "COMPLEX")]),
        ("COMPLEX", 1.0, ("override",)),
        id="a command labels its turn",
    ),
    pytest.param(
        *(decided(), [says("correction", -0.5, "ENRICH")], ("ENRICH", 0.5, ("correction",))),
        id="look it up",
    ),
    pytest.param(
        *(decided(), [UP, replace(DOWN, created_at=NOON + 1)], None), id="the thumb was turned down"
    ),
    pytest.param(
        *(decided(), [replace(DOWN, created_at=NOON - 1), UP], ("MODERATE", 0.9, ("user_thumb",))),
        id="the thumb was turned up",
    ),
    pytest.param(
        *(decided(), [UP, says("user_thumb", None, at_s=1)], None), id="the thumb was taken back"
    ),
    pytest.param(decided(), [says("user_thumb", -0.9, "bad style")], None, id="a reason, no route"),
    pytest.param(
        *(decided(), [says("judge_pair", -0.7, "COMPLEX", source="judge")]),
        ("COMPLEX", 0.7, ("judge_pair",)),
        id="a judge",
    ),
    pytest.param(
        *(decided(), [says("judge_pair", -1.0, "cloud", source="judge")]),
        ("COMPLEX", 0.5, ("judge_pair",)),
        id="a pair: the cloud was better than what was shown",
    ),
    pytest.param(
        *(decided(), [says("judge_pair", 1.0, "tie", source="human")]),
        ("MODERATE", 1.0, ("judge_pair",)),
        id="a pair: the local answer that was shown was enough",
    ),
    pytest.param(
        *(decided(**CLOUD), [says("judge_pair", -1.0, "cloud", source="judge")]),
        ("COMPLEX", 0.5, ("judge_pair",)),
        id="a pair: the cloud was right to answer",
    ),
    pytest.param(
        *(decided(**CLOUD), [says("judge_pair", 1.0, "tie", source="human")]),
        ("MODERATE", 1.0, ("judge_pair",)),
        id="a pair: nobody needed the cloud",
    ),
    pytest.param(
        *(decided(), [says("judge_pair", 1.0, "tie", source="judge")], None),
        id="a pair: a judge that may not be able to tell",
    ),
    pytest.param(
        *(decided(), [says("judge_pair", 0.0, "unsure", source="judge")], None),
        id="a pair: nobody knows",
    ),
    pytest.param(decided(), [says("override", -1.0, "MODERATE")], None, id="it had that route"),
    pytest.param(decided(task="title_generation"), [UP], None, id="a background task"),
    pytest.param(decided(route="META"), [UP], None, id="no route to learn"),
    pytest.param(decided(route=""), [UP], None, id="never decided"),
    pytest.param(decided(source="rule"), [UP], None, id="no question was read"),
]


@pytest.mark.parametrize(("row", "scores", "expected"), CASES)
def test_what_a_turn_teaches(
    row: TurnRow, scores: list[ScoreRow], expected: tuple[str, float, tuple[str, ...]] | None
) -> None:
    found = case_of(row, scores)
    seen = None if found is None else (found.expected, found.weight, found.sources)
    assert seen == expected


def test_a_case_is_as_old_as_what_says_so() -> None:
    found = case_of(decided(), [WEB, CUTOFF, STOP])
    assert found is not None
    assert (found.created_at, found.split) == (NOON + 10, "")


SUSPICIOUS = [  # each one more than those before it
    pytest.param(decided(), [UP], id="praised"),
    pytest.param(decided(outcome="stopped"), [STOP], id="stopped"),
    pytest.param(decided(source="default", degradations=("classifier_timeout",)), [], id="default"),
    pytest.param(decided(), [AGAIN], id="regenerated"),
    pytest.param(decided(), [AGAIN, WRONG], id="regenerated and wrong"),
    pytest.param(decided(), [CUTOFF], id="a missed search"),
    pytest.param(decided(), [CUTOFF, WRONG], id="a missed search, and wrong"),
    pytest.param(decided(), [WEB], id="another route wanted"),
]


def test_the_order_of_suspicion() -> None:
    values = [suspicion(*param.values) for param in SUSPICIOUS]
    assert values == sorted(values)
    assert len(set(values)) == len(values)
    assert (values[0], values[-1]) == (0.0, 1.0)


def test_what_is_not_suspicious() -> None:
    assert suspicion(decided(), []) == 0.0
    assert suspicion(decided(task="title_generation", outcome="failed"), [DOWN]) == 0.0
    assert suspicion(decided(source="rule", confidence=0.0), []) == 0.0


def test_praise_takes_half_of_it_away() -> None:
    assert suspicion(decided(), [AGAIN, UP]) < suspicion(decided(), [AGAIN])
    unsure = replace(decided(), confidence=0.3)
    assert suspicion(unsure, []) > suspicion(decided(), [])


all_scores = st.lists(
    st.builds(
        says,
        st.sampled_from(list(Name)),
        st.none() | st.floats(-1, 1),
        st.sampled_from(["", "SIMPLE", "MODERATE", "COMPLEX", "ENRICH", "META", "odd"]),
        st.floats(0, 100),
    ),
    max_size=8,
)
all_turns = st.builds(
    lambda **values: decided(**values),
    route=st.sampled_from(["", "META", "SIMPLE", "MODERATE", "COMPLEX", "ENRICH"]),
    source=st.sampled_from(["rule", "classifier", "override", "sticky", "default", "odd"]),
    outcome=st.sampled_from(["done", "stopped", "failed", "cut", "running"]),
    confidence=st.none() | st.floats(0, 1),
    leaves_machine=st.booleans(),
)


@fixed
@given(all_turns, all_scores)
def test_all_numbers_are_in_their_range_and_no_order_matters(
    row: TurnRow, scores: list[ScoreRow]
) -> None:
    found = case_of(row, scores)
    assert 0.0 <= suspicion(row, scores) <= 1.0
    if found is not None:
        assert 0.4 <= found.weight <= 1.0
        assert found.expected in {"SIMPLE", "MODERATE", "COMPLEX", "ENRICH"}
        assert found.sources
    if len({s.created_at for s in scores}) == len(scores):
        assert case_of(row, scores[::-1]) == found


# The table.


@pytest.fixture
def log(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_for_writing(path, 5.0)) as connection:
        yield connection


def add(log: sqlite3.Connection, *rows: TurnRow | ScoreRow | CaseRow) -> None:
    for row in rows:
        save(log, row)


def about(turn_id: str, row: ScoreRow) -> ScoreRow:
    return replace(row, id=f"{row.id}-{turn_id}", turn_id=turn_id)


def cases(log: sqlite3.Connection) -> list[tuple[str, str, float, str]]:
    sql = "SELECT turn_id, expected, weight, split FROM eval_case ORDER BY turn_id"
    return log.execute(sql).fetchall()


def test_scores_become_cases_once(log: sqlite3.Connection) -> None:
    add(log, decided(id="a"), decided(id="b"), about("a", WEB), about("b", AGAIN))
    assert collect(log, NOON) == Collected(written=1)
    assert cases(log) == [("a", "ENRICH", 1.0, "")]
    before = log.total_changes
    assert collect(log, NOON) == Collected()
    assert log.total_changes == before


def test_only_what_is_new_is_read(log: sqlite3.Connection) -> None:
    for number in range(50):
        add(log, decided(id=f"t{number}"), about(f"t{number}", WEB))
    collect(log, NOON)
    add(log, decided(id="new"), about("new", CUTOFF))
    asked: list[str] = []
    log.set_trace_callback(asked.append)
    assert collect(log, NOON) == Collected(written=1)
    log.set_trace_callback(None)
    assert not [sql for sql in asked if "'t1'" in sql]
    assert [sql for sql in asked if "'new'" in sql]


def test_a_later_score_changes_the_case_or_takes_it_back(log: sqlite3.Connection) -> None:
    add(log, decided(id="a"), decided(id="b"), about("a", UP), about("b", UP))
    collect(log, NOON)
    add(log, about("a", AGAIN), about("b", replace(DOWN, created_at=NOON + 5)))
    assert collect(log, NOON) == Collected(written=1, removed=1)
    assert cases(log) == [("a", "MODERATE", 0.4, "")]


def test_a_case_keeps_its_split_and_a_pin_all_of_it(log: sqlite3.Connection) -> None:
    add(log, decided(id="a"), decided(id="b"), about("a", UP), about("b", UP))
    collect(log, NOON)
    log.execute("UPDATE eval_case SET split = CASE turn_id WHEN 'a' THEN 'test' ELSE 'pin' END")
    add(log, about("a", AGAIN), about("b", WEB))
    assert collect(log, NOON) == Collected(written=1)
    assert cases(log) == [("a", "MODERATE", 0.4, "test"), ("b", "MODERATE", 0.9, "pin")]


def test_an_older_score_that_comes_late_counts(log: sqlite3.Connection) -> None:
    add(log, decided(id="a"), about("a", UP))
    collect(log, NOON)
    add(log, decided(id="b"), about("b", replace(WEB, created_at=NOON - 1000)))
    assert collect(log, NOON) == Collected(written=1)


FORGOTTEN = [
    pytest.param("DELETE FROM score WHERE turn_id = 'a'", id="the first one"),
    pytest.param("DELETE FROM score WHERE turn_id = 'c'", id="the last one"),
    pytest.param("DELETE FROM score", id="all"),
]


@pytest.mark.parametrize("statement", FORGOTTEN)
@pytest.mark.parametrize("vacuum", [True, False], ids=["vacuumed", "left"])
def test_what_was_deleted_teaches_no_more(
    log: sqlite3.Connection, statement: str, vacuum: bool
) -> None:
    """New rows may get the numbers of deleted ones; they are read all the same."""
    add(log, *(decided(id=id) for id in "abcd"), *(about(id, WEB) for id in "abc"))
    collect(log, NOON)
    log.execute(statement)
    if vacuum:
        log.execute("VACUUM")
    add(log, about("d", WEB))
    collect(log, NOON)
    left = {id for (id,) in log.execute("SELECT turn_id FROM score")}
    assert {case[0] for case in cases(log)} == left
    assert "d" in left


def test_within_the_callers_transaction(log: sqlite3.Connection) -> None:
    add(log, decided(id="a"), about("a", WEB))
    log.execute("BEGIN IMMEDIATE")
    collect(log, NOON)
    log.execute("ROLLBACK")
    assert cases(log) == []
    assert collect(log, NOON) == Collected(written=1)


def test_more_scores_than_one_transaction_takes(log: sqlite3.Connection) -> None:
    names = list(encode(WEB))
    places = ", ".join("?" * len(names))
    rows = [about(f"t{n % 700}", replace(WEB, id=f"s{n}")) for n in range(1400)]
    log.execute("BEGIN")
    add(log, *(decided(id=f"t{number}") for number in range(700)))
    log.executemany(
        f"INSERT INTO score ({', '.join(names)}) VALUES ({places})",  # noqa: S608
        [tuple(encode(row).values()) for row in rows],
    )
    log.execute("COMMIT")
    assert collect(log, NOON).written == 700
    assert collect(log, NOON) == Collected()


@pytest.mark.parametrize("mark", ["", "{", "[]", '{"rowid": 1}', '{"odd": 1}', '"x"'])
def test_a_mark_that_makes_no_sense_costs_only_time(log: sqlite3.Connection, mark: str) -> None:
    add(log, decided(id="a"), about("a", WEB))
    log.execute("INSERT INTO state VALUES ('cases.collected', ?, 0)", (mark,))
    assert collect(log, NOON) == Collected(written=1)
