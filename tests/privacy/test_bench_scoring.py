"""The scoring of bench/privacy.py: what is found, what leaks, what is wrong, what is let be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

from _privacy_scoring import Label, Tally, Verdict, interval, judge


def label(text: str) -> Label:
    """Written as "TYPE 3-8"."""
    name, place = text.split()
    start, end = place.split("-")
    return Label(int(start), int(end), name)


def judged(gold: list[str], predicted: list[str]) -> Verdict:
    return judge([label(each) for each in gold], [label(each) for each in predicted])


@pytest.mark.parametrize(
    ("gold", "predicted", "found", "leaked", "right", "wrong"),
    [
        # What one gold span of ten characters and some predictions come to.
        ("EMAIL 10-20", ["EMAIL 10-20"], 1, 0, 1, 0),
        ("EMAIL 10-20", ["EMAIL 15-20"], 1, 1, 1, 0),
        ("EMAIL 10-20", ["EMAIL 16-20"], 0, 1, 1, 0),
        ("EMAIL 10-20", ["EMAIL 11-20"], 1, 0, 1, 0),
        ("EMAIL 10-20", ["EMAIL 0-30"], 1, 0, 1, 0),
        ("EMAIL 10-20", ["EMAIL 0-12"], 0, 1, 0, 1),
        ("EMAIL 10-20", ["EMAIL 20-30"], 0, 1, 0, 1),
        ("EMAIL 10-20", [], 0, 1, 0, 0),
        ("EMAIL 10-20", ["EMAIL 10-13", "EMAIL 14-20"], 1, 0, 2, 0),
        ("EMAIL 10-20", ["EMAIL 10-17", "EMAIL 12-19"], 1, 0, 2, 0),
        # Another type hides the value all the same.
        ("EMAIL 10-20", ["PERSON 10-20"], 0, 0, 0, 1),
        ("EMAIL 10-20", ["PERSON 10-15", "EMAIL 15-20"], 1, 0, 1, 1),
        ("URL_CRED 10-20", ["SECRET 10-20"], 1, 0, 1, 0),
        ("SECRET 10-20", ["URL_CRED 0-30"], 1, 0, 1, 0),
        ("NATIONAL_ID 10-20", ["PHONE 10-20"], 0, 0, 0, 1),
    ],
)
def test_one_span(
    gold: str, predicted: list[str], found: int, leaked: int, right: int, wrong: int
) -> None:
    verdict = judged([gold], predicted)
    sizes = (len(verdict.found), len(verdict.leaked), len(verdict.right), len(verdict.wrong))
    assert sizes == (found, leaked, right, wrong)
    assert len(verdict.found) + len(verdict.missed) == 1


@pytest.mark.parametrize(
    ("unscored", "predicted", "is_wrong"),
    [
        ("_LOC", "ADDRESS", False),
        ("_POSTAL", "ADDRESS", False),
        ("_GPE", "ADDRESS", False),
        ("_ZIP_CODE", "ADDRESS", False),
        ("_DATE", "DOB", False),
        ("_TITLE", "PERSON", False),
        ("_ORG", "PERSON", True),
        ("_LOC", "PERSON", True),
        ("_DATE", "PHONE", True),
        ("_BADCARD", "CREDIT_CARD", True),
        ("_SHA", "SECRET", True),
        ("_UUID", "SECRET", True),
        ("_NUM", "PHONE", True),
        ("_CO", "PERSON", True),
        ("_NIP", "NATIONAL_ID", True),
        ("_SOMETHING_NEW", "EMAIL", True),
    ],
)
def test_what_is_labelled_and_not_scored(unscored: str, predicted: str, *, is_wrong: bool) -> None:
    verdict = judged([f"{unscored} 10-20"], [f"{predicted} 10-20"])
    assert (len(verdict.wrong), len(verdict.right), len(verdict.missed)) == (is_wrong, 0, 0)
    assert judged([f"{unscored} 10-20"], []) == Verdict((), (), (), (), ())


def test_a_town_within_an_address_that_is_not_labelled_is_let_be() -> None:
    assert judged(["_LOC 20-26"], ["ADDRESS 0-26"]).wrong == ()
    assert len(judged(["_LOC 20-26"], ["ADDRESS 0-22"]).wrong) == 1


def test_sums_over_types() -> None:
    tally = Tally()
    tally.add(judged(["EMAIL 0-9", "PERSON 10-19"], ["EMAIL 0-9", "PHONE 30-40", "PHONE 50-60"]))
    score = tally.score()
    assert (score.gold, score.recall, score.leak) == (2, 0.5, 0.5)
    assert score.precision == pytest.approx(1 / 3)
    assert score.f2 == pytest.approx(5 * (1 / 3) * 0.5 / (4 / 3 + 0.5))
    assert tally.score(["EMAIL"]).f2 == 1.0
    assert tally.score(["PHONE"]).recall is None
    assert tally.score(["PHONE"]).precision == 0.0
    assert tally.score(["IBAN"]).f2 is None


def test_the_interval() -> None:
    """For 9 of 10."""
    low, high = interval(9, 10)
    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)
    assert interval(0, 0) == (0.0, 1.0)
