"""The indexes of the summary: what they hold, and that a report without them says the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hal.lab.report.figures import Report
from hal.lab.report.queries import Queries, bounds
from hal.sessions.export import reading
from hal.sessions.summary import CREATE_INDEXES, INDEXES, SUMMARY, TURN_SUMMARY, Kind
from tests.lab.conftest import report_of
from tests.sessions.rows import turn


@pytest.fixture(scope="module")
def with_and_without(month: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two copies of the month."""
    paths = []
    for name, statements in (
        ("with", [s.replace("INDEX", "INDEX IF NOT EXISTS", 1) for s in CREATE_INDEXES]),
        ("without", [f"DROP INDEX IF EXISTS {name}" for name in INDEXES]),
    ):
        path = tmp_path_factory.mktemp(name) / "sessions.sqlite"
        with closing(sqlite3.connect(month)) as source, closing(sqlite3.connect(path)) as copy:
            source.backup(copy)
            for statement in statements:
                copy.execute(statement)
            copy.commit()
        paths.append(path)
    return paths[0], paths[1]


def test_a_log_without_the_indexes_gives_the_same_report(
    with_and_without: tuple[Path, Path],
) -> None:
    found, plain = map(report_of, with_and_without)
    assert found.totals.turns > 3000
    assert _without_noise(found) == _without_noise(plain)


def _without_noise(report: Report) -> str:
    """Sums of floats come in another order."""
    from hal.lab.report.document import document

    return str(document(report))


def test_the_sums_read_the_index_alone(with_and_without: tuple[Path, Path]) -> None:
    """Otherwise each turn would be looked up in the table, in a random place of the disk."""
    with reading(with_and_without[0]) as connection:
        assert connection is not None
        Queries(connection, *(bounds(connection) or (0.0, 0.0)))
        columns = ", ".join(SUMMARY)
        sql = f"SELECT {columns} FROM summary WHERE kind = 'x' AND at >= 0 AND at < 1"  # noqa: S608
        plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        opened = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name IN ('turn', ?) ORDER BY name",
            (TURN_SUMMARY,),
        ).fetchall()
        program = connection.execute(f"EXPLAIN {sql}").fetchall()
    (cursor,) = [
        row["p1"] for row in program if row["opcode"] == "OpenRead" and row["p2"] == opened[0][0]
    ]
    read = [row for row in program if row["opcode"] == "Column" and row["p1"] == cursor]
    assert any(f"USING INDEX {TURN_SUMMARY}" in line or TURN_SUMMARY in line for line in plan)
    assert not read


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(turn(), id="as it begins"),
        pytest.param(
            turn(
                route="SIMPLE", source="classifier", confidence=1.0, provider="ollama", model="a|b"
            ),
            id="a model with the separator",
        ),
        pytest.param(
            turn(source="classifier", confidence=None, leaves_machine=True, outcome="done"),
            id="no confidence",
        ),
        pytest.param(
            turn(source="sticky", confidence=0.5, task="title", cache="exact", error_code="reset"),
            id="all the rest",
        ),
        pytest.param(turn(source="classifier", confidence=0.79, model="🦙\nx"), id="strange names"),
    ],
)
def test_a_kind_says_what_the_turn_is(row: object, write: Callable[..., Path]) -> None:
    path = write(row)
    with reading(path) as connection:
        assert connection is not None
        ((key, kind),) = list(Queries(connection, 0.0, 1e12).kinds())
    expected = Kind(
        *(row.route, row.source, row.leaves_machine, row.outcome, row.cache, row.error_code),
        row.task is not None,
        min(9, int(row.confidence * 10))
        if row.source == "classifier" and row.confidence is not None
        else None,
        *(row.provider, row.model),
    )
    assert kind == expected
    assert Kind.parse(key) == kind


def test_a_key_that_is_not_ours_is_no_error() -> None:
    empty = Kind("", "", False, "", "", "", False, None, "", "")
    assert Kind.parse("") == empty
    assert Kind.parse("a|b") == replace(empty, route="a", source="b")
