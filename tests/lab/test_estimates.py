"""Shares and their intervals, and percentiles of times in steps."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.lab.report.estimates import ENOUGH, Share, Spread, step_ms
from hal.sessions.summary import STEP

TIMES = st.lists(st.floats(0, 900_000), min_size=1, max_size=200)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        pytest.param(81, 263, 0.2553, 0.3662, id="in the middle"),
        pytest.param(15, 148, 0.0624, 0.1605, id="few"),
        pytest.param(0, 20, 0.0, 0.1611, id="none"),
        pytest.param(1, 29, 0.0061, 0.1718, id="one"),
        pytest.param(29, 29, 0.8830, 1.0, id="all"),
    ],
)
def test_the_interval_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    assert Share(hits, n).interval == pytest.approx((low, high), abs=5e-5)


def test_nothing_counted_is_no_share() -> None:
    share = Share(0, 0)
    assert (share.value, share.interval, share.is_enough) == (None, None, False)


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_holds_the_share(hits: int, more: int) -> None:
    share = Share(hits, hits + more)
    low, high = share.interval or (2.0, -1.0)
    assert 0 <= low <= (share.value or 0.0) <= high <= 1
    assert share.is_enough == (hits + more >= ENOUGH)


@given(TIMES, st.sampled_from([0.5, 0.95]))
def test_a_percentile_is_off_by_half_a_percent_at_most(times: list[float], share: float) -> None:
    spread = Spread.of(Counter(map(step_ms, times)))
    exact = sorted(times)[max(0, -int(-share * len(times) // 1) - 1)]
    found = spread.p50_ms if share == 0.5 else spread.p95_ms
    assert found is not None
    assert abs(found - exact) <= max(0.5, 0.0051 * exact) + 1e-6
    assert spread.n == len(times)


@given(st.floats(-100, 900_000))
def test_sql_counts_in_the_same_steps(ms: float) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        sql = STEP.format("ms")
        row = connection.execute(f"SELECT {sql} FROM (SELECT ? AS ms)", (ms,)).fetchone()  # noqa: S608
    assert row == (step_ms(ms),)


def test_no_times_are_no_percentiles() -> None:
    assert Spread.of({}) == Spread(0, None, None)
