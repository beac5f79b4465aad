"""What a turn teaches: every convention as a row, and which of them goes first."""

from __future__ import annotations

from collections import Counter
from math import isnan, nan
from typing import Any

import pytest

from hal.lab.router.judge_notes import judge_notes
from hal.lab.router.judging import JudgeCalibration
from hal.lab.router.labels import (
    CASE,
    CLASSIFIER,
    JUDGED_PAIR,
    RATED_PAIR,
    RATING,
    Facts,
    Label,
    label_of,
)
from hal.lab.router.logged import Log, LoggedTurn
from hal.sessions.record import CaseRow, ScoreRow
from tests.sessions import rows

LOCAL = Facts("MODERATE", "classifier", is_local=True, is_cloud=False, p_search=0.1)
CLOUD = Facts("COMPLEX", "classifier", is_local=False, is_cloud=True, p_search=0.1)
SEARCHED = Facts("ENRICH", "classifier", is_local=True, is_cloud=False, p_search=0.9)
OTHER = Facts("SIMPLE", "classifier", is_local=False, is_cloud=False)
ASKED_LOCAL = Facts("MODERATE", "override", is_local=True, is_cloud=False)
ASKED_CLOUD = Facts("COMPLEX", "override", is_local=False, is_cloud=True)
TRUSTED = JudgeCalibration(Counter({("cloud", "cloud"): 30, ("cloud", "tie"): 7}))


def thumb(value: float | None, **changes: Any) -> ScoreRow:
    return rows.score(name="user_thumb", value=value, **changes)


def pair(label: str, source: str = "human", **changes: Any) -> ScoreRow:
    value = {"cloud": -1.0, "unsure": 0.0}.get(label, 1.0)
    named = {"id": f"pair-{source}", "name": "judge_pair", "source": source}
    return rows.score(**{**named, "label": label, "value": value, **changes})


def case(expected: str, weight: float = 0.8, *sources: str) -> CaseRow:
    return rows.case(expected=expected, weight=weight, sources=sources or ("override",))


def said(facts: Facts, *scores: ScoreRow, case: CaseRow | None = None, judges: Any = None) -> Label:
    return label_of(facts, scores, case, judges or {})


@pytest.mark.parametrize(
    ("facts", "scores", "known", "local_ok", "cloud_ok", "origin"),
    [
        (LOCAL, [pair("local")], None, 1.0, 0.0, RATED_PAIR),
        (LOCAL, [pair("cloud")], None, 0.0, 1.0, RATED_PAIR),
        (CLOUD, [pair("tie")], None, 1.0, 1.0, RATED_PAIR),
        (LOCAL, [pair("cloud", "judge")], None, 0.0, 1.0, JUDGED_PAIR),
        (LOCAL, [pair("cloud", "judge"), pair("tie")], None, 1.0, 1.0, RATED_PAIR),
        (LOCAL, [pair("tie"), thumb(-1.0)], None, 1.0, 1.0, RATED_PAIR),
        (LOCAL, [thumb(1.0)], None, 1.0, nan, RATING),
        (LOCAL, [thumb(-1.0)], None, 0.0, nan, RATING),
        (LOCAL, [rows.score(name="user_rating", value=0.5)], None, 0.75, nan, RATING),
        (CLOUD, [thumb(1.0)], None, nan, 1.0, RATING),
        (LOCAL, [pair("unsure", "judge"), thumb(1.0)], None, 1.0, nan, RATING),
        (LOCAL, [pair("nonsense"), thumb(1.0)], None, 1.0, nan, RATING),
        (LOCAL, [thumb(1.0)], case("COMPLEX"), 1.0, nan, RATING),
        (LOCAL, [], case("COMPLEX", 0.9), 0.1, nan, CASE),
        (ASKED_CLOUD, [], case("COMPLEX", 1.0), 0.0, nan, CASE),
        (LOCAL, [], case("SIMPLE", 0.9), 0.9, nan, CASE),
    ],
    ids=[
        *("pair: local", "pair: cloud", "pair: tie", "judged pair", "people before the judge"),
        *("a pair before a rating", "thumb up", "thumb down", "rating", "thumb on the cloud"),
        *("an unsure judge says nothing", "an unknown label says nothing"),
        *("a rating before a case", "case: too weak", "/cloud", "case: good enough"),
    ],
)
def test_outcomes(
    facts: Facts,
    scores: list[ScoreRow],
    known: CaseRow | None,
    local_ok: float,
    cloud_ok: float,
    origin: str,
) -> None:
    label = said(facts, *scores, case=known)
    assert (label.local_ok, label.cloud_ok) == pytest.approx((local_ok, cloud_ok), nan_ok=True)
    assert label.origins[0] == origin
    assert label.is_pair == (origin in {RATED_PAIR, JUDGED_PAIR})


@pytest.mark.parametrize(
    ("facts", "scores", "known"),
    [
        (OTHER, [thumb(1.0)], None),
        (SEARCHED, [thumb(1.0)], None),
        (SEARCHED, [], case("COMPLEX", 0.9)),
        (LOCAL, [thumb(1.0), thumb(None, id="later", created_at=rows.NOON + 1)], None),
        (ASKED_LOCAL, [], case("MODERATE", 1.0)),
        (LOCAL, [], case("COMPLEX", 0.5)),
        (LOCAL, [], case("MODERATE", 0.8, "judge_pair")),
        (CLOUD, [], case("SIMPLE", 0.8)),
        (LOCAL, [rows.score(name="regenerate", value=-0.5)], None),
    ],
    ids=[
        *("another model answered", "rating after a search", "case after a search"),
        *("withdrawn", "/local is a wish", "a case like a coin", "a pair is no case"),
        *("the local model did not answer", "a sign without a route"),
    ],
)
def test_nothing_is_known_of_the_answers(
    facts: Facts, scores: list[ScoreRow], known: CaseRow | None
) -> None:
    assert not said(facts, *scores, case=known).has_outcome


@pytest.mark.parametrize(
    ("facts", "scores", "known", "wanted", "origin"),
    [
        (LOCAL, [], None, 0.1, CLASSIFIER),
        (LOCAL, [thumb(1.0)], None, 0.1, CLASSIFIER),
        (LOCAL, [pair("cloud")], None, 0.1, CLASSIFIER),
        (LOCAL, [thumb(-1.0)], None, nan, ""),
        (LOCAL, [], case("ENRICH", 0.8), 0.8, CASE),
        (SEARCHED, [], case("MODERATE", 0.9), 0.1, CASE),
        (ASKED_LOCAL, [], case("MODERATE", 1.0), nan, ""),
        (OTHER, [], None, nan, ""),
    ],
    ids=[
        *("the classifier's word", "praised", "a pair is no complaint", "contested"),
        *("a search was wanted", "none was wanted", "/local says nothing about it", "not asked"),
    ],
)
def test_the_need_for_a_search(
    facts: Facts, scores: list[ScoreRow], known: CaseRow | None, wanted: float, origin: str
) -> None:
    label = said(facts, *scores, case=known)
    assert label.needs_search == pytest.approx(wanted, nan_ok=True)
    assert (origin in label.origins) == bool(origin)


def test_a_judge_that_people_have_checked_says_what_they_would_say() -> None:
    label = said(LOCAL, pair("cloud", "judge", source_version="j"), judges={"j": TRUSTED})
    assert label.local_ok == pytest.approx(9 / 40)  # a tie 7 times, and one more of each kind
    assert (label.cloud_ok, label.weight) == (pytest.approx(39 / 40), 1.0)


def test_a_judge_that_nobody_has_checked_counts_half() -> None:
    assert said(LOCAL, pair("cloud", "judge", source_version="j")).weight == 0.5


def test_what_was_wanted_is_kept_for_the_confusion_matrix() -> None:
    assert said(LOCAL, case=case("ENRICH")).expected == "ENRICH"
    assert said(LOCAL, case=case("ENRICH", 0.45)).expected == ""
    of_pair = said(LOCAL, case=case("COMPLEX", 1.0, "judge_pair"))
    assert (of_pair.expected, of_pair.needs_search) == ("COMPLEX", 0.1)


def test_nothing_is_nothing() -> None:
    label = said(OTHER)
    assert not label.is_known
    assert isnan(label.needs_search)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, "0 of its pairs were rated by people as well; 20 more"),
        ({("cloud", "cloud"): 30}, "agree in 100%"),
        ({("cloud", "tie"): 20, ("tie", "tie"): 10}, "too little to rely on"),
    ],
    ids=["unchecked", "trusted", "not trusted"],
)
def test_what_is_to_be_known_of_a_judge(counts: dict[tuple[str, str], int], words: str) -> None:
    judges = {"j": JudgeCalibration(Counter(counts))}
    judged = LoggedTurn("t", "c", 0.0, 0.0, "Why?", said(LOCAL, pair("cloud", "judge")))
    (note,) = judge_notes(Log((judged,), judges=judges))
    assert note.startswith("j: ")
    assert words in note
    assert judge_notes(Log((), judges=judges)) == []
