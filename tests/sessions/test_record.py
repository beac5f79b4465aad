"""Rows survive the way into SQL and back, and rows and tables agree."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.database import version_of
from hal.sessions.columns import clean_text, decode, encode
from hal.sessions.record import ROWS as KINDS
from hal.sessions.record import TurnRow
from hal.sessions.schema import SCHEMA, VERSION
from hal.sessions.statements import save
from hal.types import Outcome, Route

from .rows import (
    call,
    case,
    comment,
    content,
    egress,
    policy,
    prompt,
    score,
    shadow,
    shadow_content,
    turn,
)

ROWS = [
    *(turn(), call(), egress(), prompt(), content(), score(), comment(), policy(), case()),
    *(shadow(), shadow_content()),
]
# Text as it can come out of JSON: with NUL, and with halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=()), max_size=20)
amounts = st.none() | st.floats(allow_nan=False, allow_infinity=False)
counts = st.none() | st.integers(0, 2**62)


def there_and_back(row: Any) -> Any:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        SCHEMA.migrate(connection)
        save(connection, row)
        found = connection.execute(f"SELECT * FROM {row.table}").fetchone()  # noqa: S608
        return decode(type(row), dict(found))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.table)
def test_a_row_comes_back_as_it_was(row: Any) -> None:
    assert there_and_back(row) == row


@settings(max_examples=60, deadline=None)
@given(
    reason=texts,
    confidence=amounts,
    probabilities=st.dictionaries(texts, st.floats(0, 1), max_size=4),
    notes=st.lists(texts, max_size=3).map(tuple),
    tokens=counts,
    leaves=st.booleans(),
)
def test_any_turn_comes_back(  # what is not UTF-8 comes back cleaned, and never fails the row
    reason: str,
    confidence: float | None,
    probabilities: dict[str, float],
    notes: tuple[str, ...],
    tokens: int | None,
    leaves: bool,
) -> None:
    row = turn(
        reason=reason,
        confidence=confidence,
        probabilities=probabilities,
        notes=notes,
        prompt_tokens=tokens,
        leaves_machine=leaves,
    )
    back = there_and_back(row)
    assert back.reason == clean_text(reason)
    assert (back.confidence, back.probabilities, back.notes) == (confidence, probabilities, notes)
    assert (back.prompt_tokens, back.leaves_machine) == (tokens, leaves)


def test_enums_are_written_as_their_words() -> None:
    back = there_and_back(
        turn(route=Route.ENRICH, outcome=Outcome.DONE, probabilities={Route.META: 1.0})
    )
    assert (back.route, back.outcome, back.probabilities) == ("ENRICH", "done", {"META": 1.0})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)
def test_every_field_has_its_column_and_the_other_way_round(kind: Any) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        SCHEMA.migrate(connection)
        columns = connection.execute(f"PRAGMA table_info({kind.table})").fetchall()
        assert {column[1] for column in columns} == {field.name for field in fields(kind)}
        assert version_of(connection) == VERSION


def test_columns_of_another_version_are_left_out() -> None:
    columns: dict[str, Any] = {**encode(turn()), "invented_later": 1}
    del columns["hal_version"]
    assert decode(TurnRow, columns) == turn()


@pytest.mark.parametrize("text", ["", "nonsense", "7", None])
def test_broken_json_reads_as_empty(text: str | None) -> None:
    columns = {**encode(turn()), "probabilities": text, "notes": text}
    back = decode(TurnRow, columns)
    assert (back.probabilities, back.notes) == ({}, ())
