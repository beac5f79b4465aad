"""A redacted export: nothing that the detector finds, no id, no host of the house; still a log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, replace
from random import Random
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.privacy.detect import Detector
from hal.privacy.name_lists import NameLists
from hal.sessions.columns import AnyRow
from hal.sessions.export import line_of
from hal.sessions.record import ROWS, EgressContentRow, LookupRow, TurnRow
from hal.sessions.redact import TREATMENTS, Redactor, TooMuch, house_hosts
from tests.privacy import hard_values

from .rows import (
    call,
    comment,
    content,
    egress,
    policy,
    prompt,
    score,
    shadow_content,
    turn,
)

KEY = b"k" * 32
MAIL, CARD, NAME = "jane.doe@meridian-data.net", "4539 1488 0343 6467", "Anna Weber"
IDS = ("chat-1", "m-77", "u-42", "s-9", "um-5")


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(NameLists.load())


def redacted(find: Detector, rows: Iterable[AnyRow], key: bytes = KEY) -> list[AnyRow]:
    rows = list(rows)
    redactor = Redactor(find.find, key)
    for row in rows:
        redactor.learn(row)
    return [redactor.redacted(row) for row in rows]


def text_of(rows: Iterable[AnyRow]) -> str:
    return "\n".join(map(line_of, rows))


A_TURN = turn(
    message_id="m-77",
    user_message_id="um-5",
    user_id="u-42",
    session_id="s-9",
    route="COMPLEX",
    source="classifier",
    reason=f"kept local: e-mail ({MAIL})",
    notes=("kept local", f"card {CARD}"),
    model="grok-4.3",
    provider="xai",
    process_id="3f9a:4026531836:12:99",
    features_json='{"chars": 11}',
)
LOG = [
    policy(settings={"local.hosts": ["http://nas.fritz.box:11434"], "cloud.confidence": 0.6}),
    A_TURN,
    call(host="192.168.178.20:11434"),
    call("call-2", host="api.x.ai"),
    call("call-3", host="127.0.0.1:11434"),
    egress(hashes=("ab" * 32,), masked={"EMAIL": 1}),
    EgressContentRow(
        egress_id="egress-1",
        created_at=1.0,
        body=json.dumps({"messages": [{"role": "user", "content": f"Mail {MAIL}"}], "n": 3}),
    ),
    content(question=f"My name is {NAME}, {MAIL}.", answer="Dear Frau Weber, see 10.0.0.7."),
    LookupRow(turn_id="turn-1", created_at=1.0, detail={"queries": [f"who is {NAME}"], "n": 2}),
    score(external_id="fb-1", label="not_helpful", source_version="open-webui@192.168.178.2:3000"),
    comment(explanation=f"Call me: {MAIL}"),
    shadow_content(answer=f"Dear {NAME}, I write to {MAIL}."),
]


def test_what_goes(detector: Detector) -> None:
    text = text_of(redacted(detector, LOG))
    gone = (MAIL, CARD, NAME, "Weber", *IDS, "fb-1", "192.168", "10.0.0.7", "nas.fritz", "40265")
    assert [word for word in gone if word in text] == []
    assert "ab" * 32 not in text  # who guesses the text could check it by its hash


def test_what_stays(detector: Detector) -> None:
    rows = redacted(detector, LOG)
    found = rows[1]
    assert isinstance(found, TurnRow)
    assert (found.route, found.source, found.model, found.started_at) == (
        *("COMPLEX", "classifier", "grok-4.3"),
        A_TURN.started_at,
    )
    assert found.reason.startswith("kept local: e-mail ([[EMAIL_")
    assert found.notes[0] == "kept local"
    text = text_of(rows)
    for word in ("api.x.ai", "127.0.0.1:11434", "not_helpful", ":11434", '"cloud.confidence":0.6'):
        assert word in text
    body = next(row for row in rows if isinstance(row, EgressContentRow)).body
    assert json.loads(body)["n"] == 3


def test_a_value_has_one_token_in_the_whole_file(detector: Detector) -> None:
    rows = redacted(detector, LOG)
    found = next(row for row in rows if row.table == "content")
    token = found.question.split(", ")[1].rstrip(".")
    assert token.startswith("[[EMAIL_")
    assert text_of(rows).count(token) == 5  # reason, body, question, comment and shadow


def test_ids_tell_what_belongs_together_within_one_export_alone(detector: Detector) -> None:
    rows = [turn("t1"), turn("t2"), turn("t3", chat_id="other")]
    one, two, other = (row.chat_id for row in redacted(detector, rows))
    assert one == two != other
    assert redacted(detector, rows, b"another key")[0].chat_id != one


def test_what_was_found_later_is_masked_before(detector: Detector) -> None:
    rows = [content("a", question="Weber again"), content("b", question=f"My name is {NAME}.")]
    assert "Weber" not in text_of(redacted(detector, rows))


def test_too_many_values_are_told_with_a_remedy(detector: Detector) -> None:
    redactor = Redactor(detector.find, KEY, values_max=1)
    with pytest.raises(TooMuch) as caught:
        redactor.learn(content(question=f"{MAIL} {CARD}"))
    assert "--no-content" in caught.value.sentence
    assert MAIL not in caught.value.sentence


KEPT = {
    "turn": "id task policy_id route source prompt_id provider model outcome error_code "
    "router_id cascade "
    "speculation cache finish_reason hal_version privacy_word override probabilities "
    "degradations private_kinds",
    "call": "id turn_id purpose provider model outcome error_code",
    "egress": "id turn_id call_id provider model purpose masked passed",
    "egress_content": "egress_id",
    "prompt_version": "id name version sha256",
    "content": "turn_id",
    "lookup": "turn_id cited rewritten_by freshness",
    "score": "id turn_id name source call_id",
    "score_content": "score_id",
    "policy": "id",
    "eval_case": "turn_id expected sources split",
    "shadow": "id turn_id reason provider model outcome error_code call_id router_id",
    "shadow_content": "shadow_id",
}


@pytest.mark.parametrize("kind", ROWS, ids=lambda kind: kind.table)
def test_every_column_is_treated_or_known_to_hold_no_ones_words(kind: type[AnyRow]) -> None:
    """A new column of text fails here until somebody has thought about it."""
    hints = get_type_hints(kind)
    words = {f.name for f in fields(kind) if not _is_number(hints[f.name])}
    assert words == set(TREATMENTS.get(kind, {})) | set(KEPT[kind.table].split())


def _is_number(hint: object) -> bool:
    return hint in (int, float, bool, int | None, float | None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http://192.168.1.5:3000/x", ["192.168.1.5"]),
        ("at nas.local and printer.lan.", ["nas.local", "printer.lan"]),
        ("a.b.home.arpa", ["a.b.home.arpa"]),
        ("127.0.0.1 and 8.8.8.8 and 1.2.3.4.5 and 999.1.1.1", []),
        ("localhost, x.ai, locale, internal affairs", []),
        ("version 10.0.0.1.2", []),
    ],
)
def test_hosts_of_the_house(text: str, found: list[str]) -> None:
    assert [text[span.start : span.end] for span in house_hosts(text)] == found


MAKERS = (
    hard_values.card,
    hard_values.iban,
    hard_values.ssn,
    hard_values.german_tax_id,
    hard_values.jwt,
    hard_values.bitcoin,
    *hard_values.KEYS.values(),
)
FRAMES = (
    "{0}",
    "charge {0} please",
    "```\n{0}\n```",
    '{{"key": "{0}"}}',
    "the IBAN, the card, the SSN or the key is {0}, and again: {0}.",
)


@given(st.integers(0, 10**9), st.sampled_from(MAKERS), st.sampled_from(FRAMES))
@settings(max_examples=60)
def test_nothing_that_the_detector_finds_is_left(
    detector: Detector, seed: int, make: hard_values.Maker, frame: str
) -> None:
    value = make(Random(seed))
    text = frame.format(value)
    found = {text[span.start : span.end] for span in detector.find(text)}
    rows: list[AnyRow] = [
        content(question="Hello", answer=f"As you said: {value}"),
        replace(content("t2"), question=text),
        comment(explanation=text),
        LookupRow(turn_id="t2", created_at=1.0, detail={"queries": [text]}),
        EgressContentRow(egress_id="e", created_at=1.0, body=json.dumps({"content": text})),
        turn(reason=text, notes=(text,)),
        prompt(text=text),
    ]
    left = text_of(redacted(detector, rows))
    assert [each for each in found if each in left] == []


@given(st.text(max_size=200))
@settings(max_examples=100)
def test_any_text_stays_a_line_of_an_export(detector: Detector, text: str) -> None:
    rows = redacted(
        detector,
        [content(question=text), LookupRow(turn_id="t", created_at=0.0, detail={"q": text})],
    )
    assert all(json.loads(line_of(row))["row"] for row in rows)
