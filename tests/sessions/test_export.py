"""Export and import: the same log again, nothing of it trusted, and nothing of it told twice."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hal.sessions.columns import AnyRow
from hal.sessions.export import FORMAT_VERSION, header, line_of, reading, rows, span_of
from hal.sessions.import_log import NoExport, import_log
from hal.sessions.import_rows import LINE_MAX_BYTES, TOLD_MAX, Imported
from hal.sessions.own_connection import writing
from hal.sessions.record import (
    ROWS,
    EgressContentRow,
    LookupRow,
)
from hal.sessions.schema import SCHEMA
from hal.sessions.selection import Selection
from hal.sessions.statements import save

from .rows import (
    DAY_S,
    NOON,
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


def of_turn(id: str, at: float, **changes: Any) -> list[AnyRow]:
    """A turn with one row of everything that hangs on it."""
    return [
        turn(id, started_at=at, outcome="done", policy_id="policy-1", **changes),
        call(f"c-{id}", turn_id=id, started_at=at),
        egress(f"e-{id}", turn_id=id, at=at, masked={"EMAIL": 1}, hashes=("ab",)),
        EgressContentRow(egress_id=f"e-{id}", created_at=at, body='{"a": "b"}'),
        content(id, question=f"Why {id}?", created_at=at),
        LookupRow(turn_id=id, created_at=at, cited=(1, 2), detail={"queries": ["a"]}),
        score(f"s-{id}", turn_id=id, created_at=at),
        comment(f"s-{id}", created_at=at),
        case(id, created_at=at),
        shadow(f"sh-{id}", turn_id=id, created_at=at, call_id=f"c-{id}"),
        shadow_content(f"sh-{id}", created_at=at),
    ]


ONE = [policy(), prompt(), *of_turn("t1", NOON)]
TWO = [*ONE, *of_turn("t2", NOON + DAY_S, chat_id="chat-2", user_id="u2")]


def log_of(path: Path, written: list[AnyRow]) -> Path:
    with writing(path) as connection:
        for row in written:
            save(connection, row)
    return path


def exported(path: Path, wanted: Selection | None = None, with_content: bool = True) -> str:
    with reading(path) as connection:
        lines = [header(with_content=with_content, is_redacted=False)]
        found = rows(connection, wanted or Selection(), with_content=with_content)
        lines += map(line_of, found)
    return "".join(f"{line}\n" for line in lines)


def imported(text: str | bytes, path: Path, is_dry: bool = False) -> Imported:
    raw = text.encode() if isinstance(text, str) else text
    return import_log(io.BytesIO(raw), path, is_dry=is_dry)


def tables(text: str) -> list[str]:
    return [json.loads(line)["table"] for line in text.splitlines()[1:]]


def test_every_row_once_in_the_order_of_an_import(path: Path) -> None:
    found = tables(exported(log_of(path, TWO)))
    assert found == sorted(found, key=[kind.table for kind in ROWS].index)
    assert len(found) == len(TWO)
    assert set(found) == {kind.table for kind in ROWS}


def test_the_same_log_again(path: Path, tmp_path: Path) -> None:
    text = exported(log_of(path, TWO))
    other = tmp_path / "other.sqlite"
    done = imported(text, other)
    assert (done.added.total(), done.present.total(), done.wrong_count) == (len(TWO), 0, 0)
    assert exported(other) == text
    again = imported(text, other)
    assert (again.added.total(), again.present.total()) == (0, len(TWO))
    assert exported(other) == text


def test_an_import_changes_nothing_that_is_there(path: Path) -> None:
    log_of(path, ONE)
    mine = exported(path)
    theirs = mine.replace('"Because."', '"Something else."').replace("api.x.ai", "other.org")
    assert mine != theirs
    assert imported(theirs, path).added.total() == 0
    assert exported(path) == mine


def test_a_dry_run_counts_and_writes_nothing(path: Path, tmp_path: Path) -> None:
    text = exported(log_of(path, TWO))
    other = tmp_path / "folder" / "other.sqlite"
    assert imported(text, other, is_dry=True).added.total() == len(TWO)
    assert not other.parent.exists()
    log_of(other, ONE)
    before = exported(other)
    dry = imported(text, other, is_dry=True)
    assert (dry.added.total(), dry.present.total()) == (len(TWO) - len(ONE), len(ONE))
    assert exported(other) == before
    assert imported(text, other).added == dry.added


@pytest.mark.parametrize(
    ("wanted", "turns"),
    [
        (Selection(), ["t1", "t2"]),
        (Selection(since_s=NOON + 1), ["t2"]),
        (Selection(until_s=NOON + 1), ["t1"]),
        (Selection(until_s=NOON), []),
        (Selection(chat_id="chat-2"), ["t2"]),
        (Selection(chat_id="chat"), []),
        (Selection(user_id="u2"), ["t2"]),
        (Selection(chat_id="chat-2", until_s=NOON), []),
    ],
    ids=str,
)
def test_a_part_of_the_log(path: Path, wanted: Selection, turns: list[str]) -> None:
    log_of(path, TWO)
    found = [json.loads(line) for line in exported(path, wanted).splitlines()[1:]]
    expected = [row for row in TWO if row in (policy(), prompt())]
    for each in turns:
        changes = {"chat_id": "chat-2", "user_id": "u2"} if each == "t2" else {}
        expected += of_turn(each, NOON if each == "t1" else NOON + DAY_S, **changes)
    assert sorted(map(json.dumps, found)) == sorted(
        json.dumps(json.loads(line_of(row))) for row in expected
    )


def test_without_content(path: Path) -> None:
    text = exported(log_of(path, TWO), with_content=False)
    assert not {"content", "egress_content", "score_content"} & set(tables(text))
    assert not [word for word in ("Why", "Because", "Not what", 'queries":[') if word in text]
    assert '"content":false' in text.splitlines()[0]


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    assert len(exported(tmp_path / "none.sqlite").splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("version", range(1, SCHEMA.version))
def test_a_log_of_an_older_version(path: Path, version: int) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for step in SCHEMA.migrations[:version]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("INSERT INTO turn (id, started_at, outcome) VALUES ('t', 1, 'done')")
    assert tables(exported(path, Selection(since_s=0.5))) == ["turn"]


def test_spans_have_the_names_of_opentelemetry_and_no_text(path: Path) -> None:
    log_of(path, TWO)
    with reading(path) as connection:
        lines = [span_of(row) for row in rows(connection, Selection())]
    found = [json.loads(line) for line in lines if line is not None]
    assert [(one["name"], one["turn_id"]) for one in found] == [
        ("turn", "t1"),
        ("turn", "t2"),
        ("call", "t1"),
        ("call", "t2"),
    ]
    assert found[0]["attributes"]["gen_ai.conversation.id"] == "chat-1"
    assert "Why" not in "".join(line or "" for line in lines)


HEAD = header(with_content=True, is_redacted=False)


@pytest.mark.parametrize(
    "first",
    [
        "",
        "nonsense",
        "[]",
        '{"format": "other", "version": 1}',
        '{"format": "hal-sessions"}',
        "[" * 9999,
    ],
    ids=["empty", "text", "list", "other", "no version", "deep"],
)
def test_what_is_no_export_is_refused(path: Path, first: str) -> None:
    with pytest.raises(NoExport):
        imported(f"{first}\n", path)
    assert not path.exists()


def test_a_newer_format_is_refused_with_a_remedy(path: Path) -> None:
    newer = json.dumps({"format": "hal-sessions", "version": FORMAT_VERSION + 1})
    with pytest.raises(NoExport) as caught:
        imported(newer, path)
    assert "Update hal-auto" in caught.value.sentence


def test_a_newer_schema_is_taken_as_far_as_it_is_known(path: Path) -> None:
    lines = [
        HEAD,
        '{"table": "dream", "row": {"id": "d"}}',
        '{"table": "turn", "row": {"id": "t", "started_at": 1, "mood": "good"}}',
    ]
    done = imported("\n".join(lines), path)
    assert (done.unknown_tables, done.unknown_columns) == ({"dream": 1}, {"turn.mood": 1})
    assert (done.added, done.wrong_count) == ({"turn": 1}, 0)


def a_turn(**columns: str) -> str:
    """A line with these columns, each as raw JSON."""
    values = {"id": '"a"', "started_at": "1", **columns}
    row = ", ".join(f'"{name}": {raw}' for name, raw in values.items())
    return f'{{"table": "turn", "row": {{{row}}}}}'


WRONG = {
    "no JSON": "nonsense",
    "cut off": line_of(turn())[:-9],
    "a list": "[]",
    "no row": '{"table": "turn"}',
    "no table": '{"row": {}}',
    "a table of another type": '{"table": 1, "row": {}}',
    "no key": '{"table": "turn", "row": {"started_at": 1}}',
    "a key that is none": a_turn(id="null"),
    "words for a number": a_turn(started_at='"soon"'),
    "infinite": a_turn(started_at="1e999"),
    "NaN": a_turn(started_at="NaN"),
    "a time that is none": a_turn(started_at="1e15"),
    "before 1970": a_turn(started_at="-1"),
    "too large": a_turn(prompt_tokens="1" + "0" * 20),
    "thousands of digits": a_turn(prompt_tokens="1" + "0" * 5000),
    "a mapping that is none": a_turn(probabilities="5"),
    "nested too deep": "[" * 20000,
}


@pytest.mark.parametrize("line", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_line_is_counted_with_its_number(path: Path, line: str) -> None:
    done = imported("\n".join([HEAD, "", line, line_of(turn())]), path)
    assert (done.added, done.wrong_count) == ({"turn": 1}, 1)
    assert done.wrong[0][0] == 3
    assert done.wrong[0][1]


def test_bytes_that_are_no_text(path: Path) -> None:
    done = imported(HEAD.encode() + b'\n{"table": "turn", "row": {"id": "\xff\xfe"}}\n', path)
    assert (done.wrong, done.added.total()) == ([(2, "not UTF-8")], 0)


def test_a_line_without_an_end_does_not_fill_the_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LINE_MAX_BYTES <= 64 << 20
    monkeypatch.setattr("hal.sessions.import_rows.LINE_MAX_BYTES", 1 << 20)
    long = b'{"table": "turn", "row": {"id": "' + b"a" * (5 << 20)
    done = imported(HEAD.encode() + b"\n" + long + b"\n" + line_of(turn()).encode(), path)
    assert (done.added.total(), done.wrong_count, done.wrong[0][0]) == (1, 1, 2)


def test_many_wrong_lines_are_a_number(path: Path) -> None:
    done = imported(f"{HEAD}\n" + "x\n" * 1000, path, is_dry=True)
    assert (done.wrong_count, len(done.wrong)) == (1000, TOLD_MAX)


def _value(name: str, hint: Any) -> st.SearchStrategy[Any]:
    if name in {"at", "started_at", "created_at", "first_seen"}:
        return st.floats(0, 4e9)
    if name in {"detail", "settings"}:
        plain = st.text(max_size=5) | st.integers(-9, 9) | st.booleans() | st.none()
        return st.dictionaries(st.text(max_size=5), plain | st.lists(plain, max_size=3), max_size=3)
    for kind, strategy in _BASIC.items():
        if hint == kind:
            return strategy
        if hint == kind | None:
            return st.none() | strategy
    return st.from_type(hint)


_BASIC: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(max_size=9),
    bool: st.booleans(),
    int: st.integers(-(2**63) + 1, 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
}


def any_row(kind: type[AnyRow]) -> st.SearchStrategy[AnyRow]:
    hints = {n: h for n, h in get_type_hints(kind).items() if n in kind.__dataclass_fields__}
    hints.pop("table")
    build: Callable[..., AnyRow] = kind
    values = {name: _value(name, hint) for name, hint in hints.items()}
    for name in ("probabilities", "private_kinds", "masked", "passed"):
        if name in values:
            number = _BASIC[float] if name == "probabilities" else _BASIC[int]
            values[name] = st.dictionaries(st.text(max_size=5), number, max_size=3)
    return st.builds(build, **values)


@given(st.lists(st.one_of([any_row(kind) for kind in ROWS]), max_size=6))
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_any_rows_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, written: list[AnyRow]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    with writing(folder / "one.sqlite") as connection:
        for row in {(row.table, next(iter(_first(row)))): row for row in written}.values():
            save(connection, row)
    text = exported(folder / "one.sqlite")
    done = imported(text, folder / "two.sqlite")
    assert done.wrong == []
    assert exported(folder / "two.sqlite") == text


def _first(row: AnyRow) -> tuple[Any, ...]:
    """The key as the file holds it."""
    name = next(name for name in row.__dataclass_fields__ if name != "table")
    return (getattr(row, name),)
