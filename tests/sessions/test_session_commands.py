"""`hal sessions list` and `show`: what the reader of the terminal gets, to the letter."""

from __future__ import annotations

import io
import json
import math
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.sessions.commands import list_sessions, parse_since, show_session
from hal.sessions.reader import SessionReader
from hal.sessions.render import short_id_chars
from hal.sessions.schema import VERSION

from .rows import DAY_S, NOON, SOON_S, call, content, egress, opened, sql, turn

LOCAL = turn(
    "0192aaaa-1111",
    message_id="m1",
    user_message_id="u1",
    policy_id="default",
    route="MODERATE",
    source="classifier",
    confidence=0.912,
    reason="coding help",
    needs_search=0.08,
    probabilities={"SIMPLE": 0.05, "MODERATE": 0.912, "COMPLEX": 0.038},
    prompt_id="classify@3+ab12cd34",
    provider="ollama",
    model="nemotron-3-nano:30b",
    outcome="done",
    classify_ms=212.4,
    first_token_ms=640.0,
    total_ms=4210.9,
    prompt_tokens=1812,
    completion_tokens=143,
    cost_usd=0.0,
    speculation="used",
    degradations=("classifier_timeout",),
    notes=("kept local: e-mail",),
    features_json='{"chars": 11}',
    hal_version="0.1.0",
)
CLOUD = turn(
    "0192aaab-2222",
    started_at=NOON + 61,
    route="COMPLEX",
    source="classifier",
    confidence=0.88,
    provider="xai",
    model="grok-4.3-with-a-very-long-name-indeed",
    leaves_machine=True,
    outcome="failed",
    error_code="timeout",
    total_ms=30000.0,
    cost_usd=0.00421,
)
BEGUN = turn("0192aaab-3333", started_at=NOON + 62)


@pytest.fixture
def reader(path: Path) -> SessionReader:
    with opened(path) as store:
        for row in (LOCAL, CLOUD, BEGUN):
            store.write(row)
        done = {"outcome": "done", "total_ms": 200.0, "prompt_tokens": 90, "completion_tokens": 1}
        store.write(call("c1", turn_id=LOCAL.id, purpose="classify", model="mini:4b", **done))
        store.write(call("c2", turn_id=LOCAL.id, n=2, model=LOCAL.model, **done, cost_usd=0.0))
        store.write_egress(egress("e", turn_id=CLOUD.id, provider="xai", purpose="answer"))
        store.write(content(LOCAL.id, answer="Because\n\x1b[31mred.", thinking="Hm.")).result(
            SOON_S
        )
    return SessionReader(path)


def listed(reader: SessionReader, **options: Any) -> tuple[int, str]:
    given = {"limit": 20, "chat": None, "route": None, "outcome": None, "since": None}
    out = io.StringIO()
    more = {"as_json": False, "now_s": NOON + DAY_S, "tz": UTC, **options}
    return list_sessions(reader, **{**given, **more}, out=out), out.getvalue()


def shown(reader: SessionReader, prefix: str, as_json: bool = False) -> tuple[int, str]:
    out = io.StringIO()
    options = {"now_s": NOON + 2 * DAY_S, "tz": UTC}
    return show_session(reader, prefix, as_json=as_json, out=out, **options), out.getvalue()


def golden(name: str) -> str:
    return (Path(__file__).parent / "golden" / name).read_text(encoding="utf-8")


def test_the_list(reader: SessionReader) -> None:
    assert listed(reader) == (0, golden("list.txt"))


@pytest.mark.parametrize(
    ("prefix", "name"), [("0192aaaa", "show-local.txt"), ("0192aaab-2", "show-cloud.txt")]
)
def test_the_page_of_a_turn(reader: SessionReader, prefix: str, name: str) -> None:
    assert shown(reader, prefix) == (0, golden(name))


def test_both_as_one_json_document(reader: SessionReader) -> None:
    code, text = listed(reader, as_json=True, limit=1)
    assert (code, [row["id"] for row in json.loads(text)["turns"]]) == (0, [BEGUN.id])
    code, text = shown(reader, LOCAL.id, as_json=True)
    document = json.loads(text)
    assert (code, document["turn"]["probabilities"]["MODERATE"]) == (0, 0.912)
    assert document["content"]["answer"] == "Because\n\x1b[31mred."
    assert [row["n"] for row in document["calls"]] == [1, 2]
    assert (document["egress"], document["content_note"]) == ([], None)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"route": "complex"}, [CLOUD.id]),
        ({"outcome": "RUNNING"}, [BEGUN.id]),
        ({"chat": "chat-1", "limit": 2}, [BEGUN.id, CLOUD.id]),
        ({"chat": "other"}, []),
        ({"since": "24h"}, [BEGUN.id, CLOUD.id, LOCAL.id]),
        ({"since": "1439m"}, [BEGUN.id, CLOUD.id]),
        ({"since": "2026-03-02"}, []),
    ],
)
def test_the_list_can_be_narrowed(reader: SessionReader, options: Any, found: list[str]) -> None:
    code, text = listed(reader, as_json=True, **options)
    assert (code, [row["id"] for row in json.loads(text)["turns"]]) == (0, found)


@pytest.mark.parametrize(
    "options",
    [{"route": "HARD"}, {"outcome": "ok"}, {"since": "soon"}, {"since": "9d9"}, {"limit": 0}],
    ids=str,
)
def test_a_wrong_option_is_explained(reader: SessionReader, options: Any) -> None:
    code, text = listed(reader, **options)
    assert code == 2
    assert f"--{next(iter(options))}" in text
    code, text = listed(reader, as_json=True, **options)
    assert (code, list(json.loads(text))) == (2, ["error"])


def test_an_id_that_is_not_there_or_not_alone(reader: SessionReader) -> None:
    assert shown(reader, "ffff") == (1, "No turn begins with 'ffff'.\n")
    assert shown(reader, "") == (1, "No turn begins with ''.\n")
    code, text = shown(reader, "0192aaab")
    assert (code, text) == (2, f"Several turns begin so: {CLOUD.id}, {BEGUN.id}.\n")


def test_without_a_log_there_is_nothing_to_list(tmp_path: Path) -> None:
    reader = SessionReader(tmp_path / "none.db")
    assert listed(reader) == (0, "No turns match.\n")
    assert json.loads(listed(reader, as_json=True)[1]) == {"turns": []}
    assert shown(reader, "x")[0] == 1


def test_a_log_of_a_newer_version_is_explained(reader: SessionReader, path: Path) -> None:
    sql(path, f"PRAGMA user_version = {VERSION + 1}")
    assert "Update hal-auto" in listed(reader)[1]
    code, text = shown(reader, "x", as_json=True)
    assert (code, "Update hal-auto" in json.loads(text)["error"]) == (1, True)


@pytest.mark.parametrize(
    ("policy", "turn_id", "reason"),
    [
        ('{"log_content": true, "content_days": 1}', CLOUD.id, "expired after 1 days"),
        ('{"log_content": false, "content_days": 1}', CLOUD.id, "switched off (LOG_CONTENT)"),
        ('{"log_content": true, "content_days": 0}', CLOUD.id, "switched off (LOG_CONTENT)"),
        ('{"log_content": true, "content_days": 999999}', CLOUD.id, "temporary"),
        ("nonsense", CLOUD.id, "temporary"),
        ("[]", BEGUN.id, "not finished"),
    ],
)
def test_why_there_is_no_content(
    reader: SessionReader, path: Path, policy: str, turn_id: str, reason: str
) -> None:
    sql(path, "UPDATE state SET value = ? WHERE key = 'content_policy'", policy)
    assert reason in shown(reader, turn_id)[1]
    assert reason in json.loads(shown(reader, turn_id, as_json=True)[1])["content_note"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", NOON - 1800),
        ("24h", NOON - DAY_S),
        (" 7D ", NOON - 7 * DAY_S),
        ("2w", NOON - 14 * DAY_S),
        ("2026-03-01", NOON - DAY_S / 2),
        ("2026-03-01T12:00", NOON),
        ("2026-03-01T12:00+02:00", NOON - 7200),
    ],
)
def test_since(text: str, expected: float) -> None:
    assert parse_since(text, NOON, UTC) == expected


@given(st.text(max_size=12) | st.from_regex(r"[0-9]{1,9}[mhdwx]", fullmatch=True))
def test_since_is_a_time_or_a_value_error(text: str) -> None:
    try:
        moment = parse_since(text, NOON)
    except ValueError:
        return
    assert math.isfinite(moment)


def test_ids_are_shortened_until_they_differ() -> None:
    assert short_id_chars([]) == 8
    assert short_id_chars(["abcdefgh-1", "abcdefgh-2"]) == 10
    assert short_id_chars(["abc", "abd"]) == 8
    assert short_id_chars(["same-same-same", "same-same-same"]) == 8
