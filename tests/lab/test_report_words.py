"""Figures as words: nothing nearly all becomes all, and no sample without its size."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hal.lab.report import words
from hal.lab.report.estimates import Share, Spread


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (None, "-"),
        (0.0, "0 %"),
        (0.0001, "<0.1 %"),
        (0.021, "2.1 %"),
        (0.0996, "10 %"),
        (0.9149, "91 %"),
        (0.996, ">99 %"),
        (0.99999, ">99 %"),
        (1.0, "100 %"),
    ],
)
def test_percent(share: float | None, said: str) -> None:
    assert words.percent(share) == said


@given(st.floats(0, 1))
@example(0.995)
def test_only_all_is_all_and_only_nothing_is_nothing(share: float) -> None:
    assert (words.percent(share) == "100 %") == (share == 1)
    assert (words.percent(share) == "0 %") == (share == 0)


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (None, "-"),
        (0.5, "0 ms"),
        (94.5, "94 ms"),
        (1525, "1.5 s"),
        (38_450, "38.5 s"),
        (754_321, "754 s"),
    ],
)
def test_duration(ms: float | None, said: str) -> None:
    assert words.duration(ms) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e9, "2.5 GB"), (1e16, "10000.0 TB")],
)
def test_size(count: float, said: str) -> None:
    assert words.size(count) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0"), (9_999, "9,999"), (10_000, "10 k"), (7_040_233, "7.0 M")]
)
def test_amount(count: float, said: str) -> None:
    assert words.amount(count) == said


def test_a_small_sample_is_too_few() -> None:
    assert words.estimate(Share(19, 19)) == "too few"
    assert words.estimate(Share(15, 20)) == "75 % (53–89 %)"


def test_times_need_a_measurement() -> None:
    assert words.spread(Spread()) == "-"
    assert words.spread(Spread(3, 94.5, 1525.0)) == "94 ms / 1.5 s"


def test_money_that_is_a_lower_bound_says_so() -> None:
    assert words.money(0.0) == "$0"
    assert words.money(0.0084) == "$0.0084"
    assert words.money(1.84, unknown=1) == "at least $1.84"
